//! A clock that is wrong, and one that jumps. The binary's wall clock is shifted by a small library that is
//! loaded before the C library.

use std::process::Command;

use serde_json::json;

use crate::crash::truth::{header, manifest, order_calls};
use crate::rig::{Ended, Rig};

const SHIFT: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    const char *shift = getenv("CLOCK_SHIFT");
    if (result == 0 && clock == CLOCK_REALTIME && shift) now->tv_sec += atol(shift);
    return result;
}
"#;

/// Builds the library in the rig's folder. certplan itself needs a C compiler to be built.
fn with_a_clock_to_shift(rig: &mut Rig) {
    rig.write("shift.c", SHIFT);
    let library = rig.path("shift.so");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(rig.path("shift.c"))
        .arg("-ldl")
        .status()
        .expect("a C compiler");
    assert!(built.success());
    rig.set("LD_PRELOAD", library.to_str().expect("text"));
}

fn at(rig: &mut Rig, shift: &str, args: &[&str]) -> Ended {
    rig.set("CLOCK_SHIFT", shift);
    rig.certplan(args)
}

#[test]
fn row_53_a_wrong_clock_is_refused_by_the_ca_and_named_and_nothing_is_revoked() {
    let mut rig = Rig::new();
    with_a_clock_to_shift(&mut rig);
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
    with_a_clock_to_shift(&mut rig);
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
