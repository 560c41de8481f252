//! Answers of a CA that are not what they should be: HTML, endless, cut, of other types, empty, a
//! redirect, a refusal. Told with account and call; no key goes elsewhere; nothing is bought twice.

use std::io::ErrorKind;
use std::net::TcpListener;

use serde_json::{Value, json};

use super::{FAILED, UNKNOWN, refused, sound};
use crate::rig::{Rig, action, client_order, csr};

/// A server that must never be asked.
struct Elsewhere(TcpListener);

impl Elsewhere {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("nonblocking");
        Self(listener)
    }

    fn url(&self) -> String {
        format!(
            "http://{}/services/v2/",
            self.0.local_addr().expect("an address")
        )
    }

    #[track_caller]
    fn saw_nothing(&self) {
        let error = self.0.accept().expect_err("a redirect was followed");
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }
}

fn rule(fault: &str, matching: Value, elsewhere: &Elsewhere) -> Value {
    let mut rule = json!({ "match": matching, "fault": fault });
    match fault {
        "redirect" => rule["location"] = json!(elsewhere.url()),
        // More than the client takes, and little enough to be quick.
        "huge" => rule["bytes"] = json!(40 << 20),
        _ => {}
    }
    rule
}

/// Changes that took effect.
fn effects(rig: &Rig) -> usize {
    let changes = rig.changes();
    changes
        .iter()
        .filter(|entry| entry["effect"] != "none")
        .count()
}

const READ_FAULTS: &[&str] = &[
    "html",
    "huge",
    "truncate",
    "wrong_types",
    "empty",
    "redirect",
    "unauthorized",
    "forbidden",
];

/// An order at the CA under its tag, and no state: whoever reads "no orders" here would buy again.
fn lost_state() -> Rig {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    rig.apply(&[], 0);
    std::fs::remove_dir_all(rig.path(".certplan")).expect("removed");
    rig
}

/// Plays something for each of these at the same time: most of it is waiting before a read is repeated.
fn each_at_once<T: Sync>(all: &[T], play: impl Fn(&T) + Sync) {
    std::thread::scope(|scope| {
        for one in all {
            scope.spawn(|| play(one));
        }
    });
}

#[test]
fn a_list_that_cannot_be_read_is_never_taken_for_an_empty_one() {
    each_at_once(READ_FAULTS, |fault| {
        let rig = lost_state();
        let elsewhere = Elsewhere::new();
        // The first page, and the look-ups after it.
        for path in ["/order/certificate", "/user/me"] {
            rig.faults(json!([rule(
                fault,
                json!({ "method": "GET", "path_contains": path }),
                &elsewhere
            )]));
            let bought = effects(&rig);
            for args in [&["plan"][..], &["apply", "--yes"]] {
                let ended = rig.certplan(args);
                let what = format!("{fault} {path} {args:?}\n{}{}", ended.stdout, ended.stderr);
                sound(&ended, &what);
                if path == "/order/certificate" || ended.code != Some(0) {
                    assert_eq!(ended.code, Some(FAILED), "{what}");
                    assert!(ended.stderr.contains("account `digicert`"), "{what}");
                }
                assert!(!ended.stdout.contains("Plan: 1 to order"), "{what}");
            }
            assert_eq!(effects(&rig), bought, "{fault} {path}");
        }
        elsewhere.saw_nothing();
        rig.faults(json!([]));
        let plan = rig.plan(&[]);
        assert_ne!(action(&plan, "orders.ada")["action"], "order");
    });
}

#[test]
fn an_ncloud_list_that_cannot_be_read_is_a_failure() {
    each_at_once(READ_FAULTS, |fault| {
        let rig = ready_ncloud();
        let elsewhere = Elsewhere::new();
        let matching = json!({ "provider": "ncloud", "method": "GET" });
        rig.faults(json!([rule(fault, matching, &elsewhere)]));
        for args in [&["plan"][..], &["apply", "--yes"]] {
            refused(&rig, args, FAILED, &["account `navercloud`"]);
        }
        elsewhere.saw_nothing();
    });
}

/// One of the five changes: how its rig is made, and which call it is.
struct Change {
    name: &'static str,
    address: &'static str,
    call: fn() -> Value,
    ready: fn() -> Rig,
}

fn ready_order() -> Rig {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    rig
}

fn ready_reissue() -> Rig {
    let rig = ready_order();
    rig.apply(&[], 0);
    rig.approve_all();
    rig.apply(&[], 0);
    rig.write("ada.csr", csr("ada"));
    let order = client_order("ada").replace(
        "[ada@example.com]",
        "[ada@example.com, lovelace@example.com]",
    );
    rig.manifest(&format!("orders:\n{order}"));
    rig
}

fn ready_revocation(scope: &str) -> Rig {
    let rig = Rig::new();
    let seeded = rig.seed(json!({ "certcentral": 1, "duplicates_per_order": 1 }));
    rig.manifest(&format!(
        "revocations:\n  gone: {{ order_id: {}, scope: {scope}, reason: superseded, comments: x }}\n",
        seeded[0]
    ));
    rig
}

fn ready_ncloud() -> Rig {
    let rig = Rig::new();
    rig.tell(
        "seed",
        json!({ "ncloud_orders": 1, "ncloud_order_ids": ["1"] }),
    );
    rig.manifest(
        "revocations:\n  gone: { account: navercloud, order_id: '1', scope: order, reason: superseded }\n",
    );
    rig
}

const CHANGES: [Change; 5] = [
    Change {
        name: "order",
        address: "orders.ada",
        call: || json!({ "method": "POST", "path_contains": "/order/certificate/" }),
        ready: ready_order,
    },
    Change {
        name: "reissue",
        address: "orders.ada",
        call: || json!({ "method": "POST", "path_contains": "/reissue" }),
        ready: ready_reissue,
    },
    Change {
        name: "revocation of an order",
        address: "revocations.gone",
        call: || json!({ "method": "PUT", "path_contains": "/order/certificate/" }),
        ready: || ready_revocation("order"),
    },
    Change {
        name: "revocation of a certificate",
        address: "revocations.gone",
        call: || json!({ "method": "PUT", "path_contains": "/certificate/" }),
        ready: || ready_revocation("duplicates"),
    },
    Change {
        name: "revocation at ncloud",
        address: "revocations.gone",
        call: || json!({ "provider": "ncloud", "method": "POST" }),
        ready: ready_ncloud,
    },
];

/// Faults of an answer to a change, and whether the effect has happened behind it.
const CHANGE_FAULTS: &[(&str, bool)] = &[
    ("html", false),
    ("huge", false),
    ("redirect", false),
    ("truncate", true),
    ("wrong_types", true),
    ("empty", true),
];

fn play(change: &Change) {
    each_at_once(CHANGE_FAULTS, |&(fault, happened)| {
        let elsewhere = Elsewhere::new();
        let what = format!("{} {fault}", change.name);
        let rig = (change.ready)();
        let before = effects(&rig);
        let mut script = rule(fault, (change.call)(), &elsewhere);
        script["times"] = json!(1);
        rig.faults(json!([script]));

        let ended = rig.certplan(&["apply", "--yes", "--report", "json=report.json"]);
        sound(&ended, &what);
        let said = format!("{what}\n{}\n{}", ended.stdout, ended.stderr);
        let report: Value =
            serde_json::from_slice(&std::fs::read(rig.path("report.json")).expect(&said))
                .expect("JSON");
        let outcome = action(&report, change.address)["outcome"].clone();
        if happened {
            // A request shows no certificate: where several are in force, a revocation is asked for again,
            // which does no harm.
            let again = usize::from(change.name.starts_with("revocation"));
            let happened = effects(&rig) - before;
            assert!((1..=1 + again).contains(&happened), "{said}");
            assert_ne!(outcome, "failed", "what happened is no failure: {said}");
        } else {
            // An order must not be sent again while it cannot be known; a revocation that is seen not
            // to have happened may be.
            assert!(effects(&rig) - before <= 1, "{said}");
            if change.name == "order" {
                assert_eq!(ended.code, Some(UNKNOWN), "{said}");
                assert_eq!(effects(&rig), before, "{said}");
            }
        }
        let code = match outcome.as_str() {
            Some("unknown") => UNKNOWN,
            Some("failed" | "skipped") => FAILED,
            _ => 0,
        };
        assert_eq!(ended.code, Some(code), "{said}");

        // Whatever it was: the next run knows it, and nothing happens twice that does harm.
        rig.faults(json!([]));
        let ended = rig.certplan(&["apply", "--yes"]);
        sound(&ended, &what);
        let most = if change.name.starts_with("revocation") {
            2
        } else {
            usize::from(happened || change.name != "order")
        };
        assert!(
            effects(&rig) - before <= most,
            "{what}\n{}\n{}",
            ended.stdout,
            ended.stderr
        );
        rig.certplan(&["history", "--verify"]).expect(0);
        elsewhere.saw_nothing();
    });
    let elsewhere = Elsewhere::new();
    for fault in ["unauthorized", "forbidden"] {
        let rig = (change.ready)();
        let before = effects(&rig);
        rig.faults(json!([rule(fault, (change.call)(), &elsewhere)]));
        let report = rig.apply(&[], FAILED);
        let failed = action(&report, change.address);
        assert_eq!(
            failed["outcome"], "failed",
            "{} {fault}: {failed}",
            change.name
        );
        assert!(failed["error"].is_string(), "{failed}");
        assert_eq!(effects(&rig), before, "{} {fault}", change.name);
        // A refusal is no doubt: once the key may, the next run does it.
        rig.faults(json!([]));
        rig.certplan(&["apply", "--yes"]).expect(0);
        assert_eq!(effects(&rig), before + 1, "{} {fault}", change.name);
    }
}

#[test]
fn an_order_survives_every_answer() {
    play(&CHANGES[0]);
}

#[test]
fn a_reissue_survives_every_answer() {
    play(&CHANGES[1]);
}

#[test]
fn a_revocation_of_an_order_survives_every_answer() {
    play(&CHANGES[2]);
}

#[test]
fn a_revocation_of_a_certificate_survives_every_answer() {
    play(&CHANGES[3]);
}

#[test]
fn a_revocation_at_ncloud_survives_every_answer() {
    play(&CHANGES[4]);
}
