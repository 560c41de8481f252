//! A clock that is wrong, and one that jumps.

use serde_json::json;

use crate::crash::truth::{header, manifest, order_calls};
use crate::rig::{Ended, Rig};
use crate::wall_clock;

fn at(rig: &mut Rig, shift: &str, args: &[&str]) -> Ended {
    wall_clock::set(rig, shift.parse().expect("seconds"));
    rig.certplan(args)
}

#[test]
fn row_53_a_wrong_clock_is_refused_by_the_ca_and_named_and_nothing_is_revoked() {
    let mut rig = Rig::new();
    wall_clock::give(&mut rig);
    rig.seed(json!({ "ncloud_orders": 1, "ncloud_order_ids": ["77"], "certcentral": 0 }));
    rig.manifest(
        "revocations:\n  old: { account: navercloud, order_id: \"77\", scope: order, reason: superseded }\n",
    );
    for (shift, said) in [("-600", "behind the CA's"), ("600", "ahead of the CA's")] {
        for args in [&["plan"][..], &["apply", "--yes"], &["doctor"]] {
            let ended = at(&mut rig, shift, args).expect(1);
            let text = format!("{}{}", ended.stdout, ended.stderr);
            assert!(text.contains(said), "{shift}: {text}");
        }
    }
    assert_eq!(rig.changes().len(), 0);
    at(&mut rig, "0", &["apply", "--yes"]).expect(0);
    assert_eq!(rig.changes().len(), 1);
}

#[test]
fn row_110_a_clock_that_jumps_during_a_doubt_sends_nothing_unasked() {
    let mut rig = Rig::new();
    wall_clock::give(&mut rig);
    let doubt = "{ quiet_period: 1h, then: ask }";
    manifest(&rig, &header(1, doubt), &["ada"], "");
    at(&mut rig, "0", &["apply", "--yes"]).expect(0);
    manifest(&rig, &header(1, doubt), &["ada", "bob"], "");
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "cut_before", "times": 1 }]));
    at(&mut rig, "0", &["apply", "--yes"]).expect(3);
    let not_placed = ["resolve", "orders.bob", "--not-placed", "--yes"];
    // A day back or forward: within one boot the quiet period has its length all the same.
    for shift in ["-86400", "86400", "0"] {
        for _ in 0..3 {
            let ended = at(&mut rig, shift, &["apply", "--yes"]).expect(3);
            assert!(
                ended.stdout.contains("proves nothing for another 59m"),
                "{shift}: {}",
                ended.stdout
            );
        }
        at(&mut rig, shift, &not_placed).expect(5);
    }
    at(&mut rig, "0", &["apply", "--yes"]).expect(3);
    assert_eq!(order_calls(&rig), 2);
    at(&mut rig, "0", &["history", "--verify"]).expect(0);
}

/// Across a boot the time since boot does not go on, and the wall clock may have been set: the CA's clock
/// counts.
#[test]
fn row_110_a_clock_that_is_set_over_a_reboot_sends_nothing_unasked() {
    for (before, after) in [("0", "86400"), ("-86400", "0"), ("-7200", "7200")] {
        let mut rig = Rig::new();
        wall_clock::give(&mut rig);
        let doubt = "{ quiet_period: 1h, then: resend }";
        manifest(&rig, &header(1, doubt), &["ada"], "");
        at(&mut rig, before, &["apply", "--yes"]).expect(0);
        manifest(&rig, &header(1, doubt), &["ada", "bob"], "");
        rig.faults(json!([{ "match": { "method": "POST" }, "fault": "cut_before", "times": 1 }]));
        at(&mut rig, before, &["apply", "--yes"]).expect(3);
        wall_clock::reboot(&mut rig, 1);
        for _ in 0..4 {
            let ended = at(&mut rig, after, &["apply", "--yes"]).expect(3);
            assert!(
                ended.stdout.contains("proves nothing for another"),
                "{before}, {after}: {}",
                ended.stdout
            );
        }
        at(
            &mut rig,
            after,
            &["resolve", "orders.bob", "--not-placed", "--yes"],
        )
        .expect(5);
        assert_eq!(order_calls(&rig), 2, "{before}, {after}");
    }
}
