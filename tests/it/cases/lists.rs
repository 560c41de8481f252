//! Cases 13 and 30: what a list counts and what an empty list looks like.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::{automatic, lose_state, manifest, orders_at_the_ca, revoke, shop, status_of, word};
use crate::between::{Answered, Asked, Between};
use crate::rig::Rig;

/// The same answer with another body.
fn with(mut answered: Answered, body: &Value) -> Vec<u8> {
    answered.body = body.to_string().into_bytes();
    answered.bytes()
}

fn is_the_list(asked: &Asked) -> bool {
    asked.method == "GET"
        && asked
            .path
            .starts_with("/services/v2/order/certificate?sort")
}

/// An account of 1,501 orders; the one of `orders.shop` stands on the second page.
fn large(rig: &Rig) {
    automatic(rig);
    rig.seed(json!({ "certcentral": 1299, "product": "client_premium_sha2" }));
    manifest(rig, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    rig.seed(json!({ "certcentral": 201, "product": "client_premium_sha2" }));
    assert_eq!(orders_at_the_ca(rig), 1501);
}

/// Every list of orders says that it has this many in all.
fn counting(rig: &mut Rig, total: Value) -> Between {
    Between::new(rig, move |asked, answered| {
        let answer = serde_json::from_slice::<Value>(&answered.body);
        match answer {
            Ok(mut body) if is_the_list(asked) => {
                match &total {
                    Value::Null => body["page"]["total"] = Value::Null,
                    total => body["page"]["total"] = total.clone(),
                }
                with(answered, &body)
            }
            _ => answered.bytes(),
        }
    })
}

#[test]
fn case_13_a_total_that_is_too_small_buys_nothing_again() {
    for total in [json!(1000), json!(0), json!(501), Value::Null] {
        let mut rig = Rig::new();
        let _between = counting(&mut rig, total.clone());
        large(&rig);
        lose_state(&rig);
        assert_eq!(word(&rig, "orders.shop"), "adopt", "{total}");
        rig.apply(&[], 0);
        assert_eq!(orders_at_the_ca(&rig), 1501, "{total}: bought again");
        // The same pages in the same way, and then each order: once is enough.
        if !total.is_null() {
            continue;
        }
        let all = rig
            .certplan(&["import", "--all", "--account", "digicert"])
            .expect(0)
            .stdout;
        // Each number of the text is read once: a search for each of so many ids takes seconds.
        let numbers = all.split(|c: char| !c.is_ascii_digit());
        let numbers: BTreeSet<u32> = numbers.filter_map(|number| number.parse().ok()).collect();
        let shown = numbers.range(70_000_001..=70_001_501);
        assert_eq!(shown.count(), 1501, "{total}");
    }
}

#[test]
fn case_13_a_total_that_is_too_large_is_an_error() {
    let mut rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[shop("shop", "")], &[]);
    let _between = counting(&mut rig, json!(3));
    let ended = rig.certplan(&["apply", "--yes"]).expect(1);
    assert!(
        ended.stderr.contains("counts more rows"),
        "{}",
        ended.stderr
    );
    assert_eq!(orders_at_the_ca(&rig), 0);
}

/// While the first page is read an order of it goes away; the row that moves onto it is in neither page.
#[test]
fn case_13_a_list_that_changed_between_its_pages_is_read_anew() {
    let mut rig = Rig::new();
    const LATER: usize = 100;
    let pages = Arc::new(AtomicUsize::new(LATER));
    let read = Arc::clone(&pages);
    let _between = Between::new(&mut rig, move |asked, answered| {
        let answer = serde_json::from_slice::<Value>(&answered.body);
        let Some(mut body) = answer.ok().filter(|_| is_the_list(asked)) else {
            return answered.bytes();
        };
        // The second page lacks its first row, and one order fewer is counted.
        if read.fetch_add(1, Ordering::SeqCst) == 1 {
            let rows = body["orders"].as_array_mut().expect("rows");
            rows.remove(0);
            let total = body["page"]["total"].as_u64().expect("a total");
            body["page"]["total"] = json!(total - 1);
        }
        with(answered, &body)
    });
    automatic(&rig);
    rig.seed(json!({ "certcentral": 1000, "product": "client_premium_sha2" }));
    manifest(&rig, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    rig.seed(json!({ "certcentral": 500, "product": "client_premium_sha2" }));
    lose_state(&rig);
    pages.store(0, Ordering::SeqCst);
    rig.apply(&[], 0);
    assert!(pages.load(Ordering::SeqCst) >= 4, "read once");
    assert_eq!(orders_at_the_ca(&rig), 1501, "bought again");
}

/// Where the answer has an empty list, and where it lists duplicates or reissues, it says nothing at all.
fn saying_nothing(rig: &mut Rig, nothing: Value) -> Between {
    Between::new(rig, move |asked, answered| {
        let path = asked.path.split('?').next().unwrap_or_default();
        let empty = serde_json::from_slice::<Value>(&answered.body).is_ok_and(|body| {
            ["orders", "requests", "certificates"]
                .iter()
                .any(|list| body[list].as_array().is_some_and(Vec::is_empty))
        });
        let parts = path.ends_with("/duplicate") || path.ends_with("/reissue");
        if asked.method == "GET" && (empty || parts) {
            with(answered, &nothing)
        } else if asked.method == "GET" && path.starts_with("/services/v2/order/certificate/7") {
            // Without counts every list of further certificates is asked for.
            let mut body: Value = serde_json::from_slice(&answered.body).expect("an order");
            for count in [
                "has_duplicates",
                "duplicates_count",
                "has_reissues",
                "reissues_count",
            ] {
                body.as_object_mut().expect("an order").remove(count);
            }
            with(answered, &body)
        } else {
            answered.bytes()
        }
    })
}

#[test]
fn case_30_a_new_account_that_says_nothing_is_an_empty_one() {
    for nothing in [
        json!({}),
        json!({ "orders": null, "requests": null, "certificates": null }),
        json!({ "page": { "total": 0, "limit": 1000, "offset": 0 } }),
    ] {
        let mut rig = Rig::new();
        automatic(&rig);
        let _between = saying_nothing(&mut rig, nothing);
        manifest(&rig, &[shop("shop", "")], &[]);
        rig.certplan(&["import", "--all", "--account", "digicert"])
            .expect(0);
        rig.certplan(&["plan"]).expect(0);
        rig.apply(&[], 0);
        assert_eq!(orders_at_the_ca(&rig), 1);
        let entry = revoke("whole", "order_id: 70000001", "order");
        manifest(&rig, &[], &[entry]);
        rig.certplan(&["plan"]).expect(0);
        rig.apply(&[], 0);
        assert_eq!(status_of(&rig, "70000001"), "revoked");
    }
}

#[test]
fn case_30_a_doubt_is_settled_where_look_ups_say_nothing() {
    for nothing in [json!({}), json!({ "orders": null, "requests": null })] {
        let mut rig = Rig::new();
        automatic(&rig);
        let section = "policy: { doubt: { quiet_period: 1s, then: ask } }\n";
        super::manifest_with(&rig, section, &[shop("shop", "")], &[]);
        rig.faults(json!([{ "match": { "method": "POST" }, "fault": "cut_before", "times": 1 }]));
        let _between = saying_nothing(&mut rig, nothing);
        rig.certplan(&["apply", "--yes"]).expect(3);
        std::thread::sleep(std::time::Duration::from_millis(1200));
        rig.certplan(&["resolve", "orders.shop", "--not-placed", "--yes"])
            .expect(0);
        rig.apply(&[], 0);
        assert_eq!(orders_at_the_ca(&rig), 1);
    }
}

#[test]
fn case_30_what_is_no_list_is_no_empty_list() {
    for broken in [
        json!([]),
        json!({ "status": "maintenance" }),
        json!({ "orders": {} }),
    ] {
        let mut rig = Rig::new();
        automatic(&rig);
        manifest(&rig, &[shop("shop", "")], &[]);
        let _between = saying_nothing(&mut rig, broken.clone());
        rig.certplan(&["apply", "--yes"]).expect(1);
        assert_eq!(orders_at_the_ca(&rig), 0, "{broken}");
    }
}
