//! ncloud, or something before it, says the keys of a changing call back.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::everywhere::Aviary;
use crate::between::{Answered, Asked, Between};

/// The words of the request's headers that could hold a key.
fn heard(asked: &Asked) -> String {
    let values = asked
        .headers
        .iter()
        .filter(|(name, _)| name.to_ascii_lowercase().starts_with("x-ncp-"))
        .map(|(_, value)| value.as_str());
    values.collect::<Vec<_>>().join(" ")
}

/// What is said: a status and a body that has the keys wherever a text is shown.
fn echo(status: u16, words: &str) -> Answered {
    let body = json!({
        "returnCode": words, "returnMessage": words, "orderId": words,
        "error": { "errorCode": "210", "message": words, "details": words },
    });
    Answered {
        status,
        headers: vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("x-ncp-trace-id".to_owned(), words.to_owned()),
        ],
        body: body.to_string().into_bytes(),
    }
}

#[test]
fn case_12_a_revocation_at_ncloud_that_echoes_the_keys_shows_and_keeps_none() {
    static CHANGES: AtomicUsize = AtomicUsize::new(0);
    for status in [200, 400, 401, 500] {
        let mut aviary = Aviary::new();
        let between = Between::new(&mut aviary.rig, move |asked: &Asked, answered: Answered| {
            if asked.method == "GET" {
                return answered.bytes();
            }
            CHANGES.fetch_add(1, Ordering::SeqCst);
            let words = heard(asked);
            assert!(!words.is_empty());
            echo(status, &words).bytes()
        });
        let rig = &aviary.rig;
        rig.tell(
            "seed",
            json!({ "ncloud_orders": 1, "ncloud_order_ids": ["1"] }),
        );
        rig.manifest(
            "revocations:\n  shop: { account: navercloud, order_id: '1', scope: order, reason: superseded }\n",
        );
        let before = CHANGES.load(Ordering::SeqCst);
        let report = ["--report", "json=r.json", "--report", "markdown=r.md"];
        for args in [
            [&["apply", "--yes"][..], &report].concat(),
            vec!["status"],
            vec!["history"],
            vec!["plan", "--out", "plan.json"],
            vec!["resolve", "revocations.shop"],
            vec!["doctor"],
        ] {
            aviary.run(&args);
        }
        assert!(
            CHANGES.load(Ordering::SeqCst) > before,
            "no change was tried"
        );
        for key in &aviary.keys {
            key.not_kept(aviary.rig.folder());
        }
        drop(between);
    }
}
