//! Case 43: a clock that is off is told, days are counted by the CA's, and no doubt is given up by it.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    automatic, manifest, manifest_with, orders_at_the_ca, person, planned, sent, shop, standing,
};
use crate::rig::{Rig, action};
use crate::wall_clock;

/// Seconds that this machine is ahead, and how that is told.
const OFF: [(i64, &str); 6] = [
    (-600, "clock is 10 minutes behind the CA's"),
    (600, "clock is 10 minutes ahead of the CA's"),
    (-90, "seconds behind the CA's"),
    (3_600, "clock is 1 hour ahead of the CA's"),
    (63_072_000, "clock is about 2 years ahead of the CA's"),
    (-63_072_000, "clock is about 2 years behind the CA's"),
];

fn rig() -> Rig {
    let mut rig = Rig::new();
    automatic(&rig);
    wall_clock::give(&mut rig);
    rig
}

fn warnings(document: &Value) -> Vec<&str> {
    let warnings = document["warnings"].as_array().expect("warnings").iter();
    warnings
        .filter(|warning| warning["address"].is_null())
        .filter_map(|warning| warning["message"].as_str())
        .filter(|message| message.contains("clock"))
        .collect()
}

#[test]
fn case_43_a_wrong_clock_is_told_in_every_form() {
    let mut rig = rig();
    manifest(&rig, &[person("ada", "Ada", "")], &[]);
    let right = planned(&rig)["plan_id"].clone();
    for (ahead, said) in OFF {
        wall_clock::set(&mut rig, ahead);
        let plan = planned(&rig);
        assert_eq!(plan["plan_id"], right, "{ahead}");
        assert!(
            matches!(warnings(&plan)[..], [one] if one.contains(said)),
            "{plan:#}"
        );
        for format in ["text", "markdown"] {
            let ended = rig.certplan(&["plan", "--format", format]).expect(0);
            let words = ended.stdout.replace("\n", " ");
            let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(words.contains(said), "{format} {ahead}: {}", ended.stdout);
        }
        let ended = rig.certplan(&["doctor"]).expect(1);
        assert!(ended.stdout.contains(said), "{ahead}: {}", ended.stdout);
    }
    wall_clock::set(&mut rig, 600);
    let args = [
        "apply",
        "--yes",
        "--report",
        "json=r.json",
        "--report",
        "markdown=r.md",
    ];
    let ended = rig.certplan(&args).expect(0);
    assert!(
        ended.stdout.contains("10 minutes ahead"),
        "{}",
        ended.stdout
    );
    let report: Value =
        serde_json::from_slice(&std::fs::read(rig.path("r.json")).expect("a report"))
            .expect("JSON");
    assert_eq!(warnings(&report).len(), 1, "{report:#}");
    let page = std::fs::read_to_string(rig.path("r.md")).expect("a page");
    assert!(page.contains("10 minutes ahead"), "{page}");
}

#[test]
fn case_43_clocks_that_agree_are_not_told() {
    let mut rig = rig();
    manifest(&rig, &[person("ada", "Ada", "")], &[]);
    for ahead in [0, 20, -20, 45, -45] {
        wall_clock::set(&mut rig, ahead);
        let ended = rig.certplan(&["plan"]).expect(0);
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert!(!said.contains("clock"), "{ahead}: {said}");
        let ended = rig.certplan(&["doctor"]).expect(0);
        assert!(
            ended.stdout.contains("the clocks agree"),
            "{}",
            ended.stdout
        );
    }
    // Nothing is known of the CA's clock where it was not asked.
    wall_clock::set(&mut rig, 600);
    let ended = rig.certplan(&["plan", "--offline"]).expect(0);
    assert!(!ended.stdout.contains("clock"), "{}", ended.stdout);
}

#[test]
fn case_43_days_left_and_what_is_over_are_counted_by_the_ca_s_clock() {
    let mut rig = rig();
    manifest(&rig, &[person("ada", "Ada", "")], &[]);
    rig.apply(&[], 0);
    let left = |rig: &Rig| standing(rig, "orders.ada")["days_left"].as_i64();
    let soonest = |rig: &Rig| {
        rig.certplan(&["status", "--metrics", "m.prom"]).expect(0);
        let text = std::fs::read_to_string(rig.path("m.prom")).expect("metrics");
        let line = text.lines().find(|line| {
            line.starts_with("certplan_certificates_time_left_seconds_sum")
                && line.contains("digicert")
        });
        let number = line.and_then(|line| line.rsplit(' ').next());
        number
            .and_then(|number| number.parse::<i64>().ok())
            .expect("a number")
    };
    let (days, seconds) = (left(&rig), soonest(&rig));
    // By this clock it is over, or begins in years.
    for ahead in [40 * 86_400, 800 * 86_400, -800 * 86_400] {
        wall_clock::set(&mut rig, ahead);
        let now = left(&rig);
        assert!(
            now == days || now == days.map(|days| days - 1),
            "{ahead}: {now:?}"
        );
        assert!((seconds - soonest(&rig)).abs() < 86_400, "{ahead}");
        let plan = planned(&rig);
        assert_eq!(action(&plan, "orders.ada")["action"], "keep", "{plan:#}");
        assert_eq!(standing(&rig, "orders.ada")["state"], "issued");
        rig.apply(&[], 0);
    }
    assert_eq!(sent(&rig).len(), 1);
    // Bound by a person under such a clock, it is in force as well.
    let id = standing(&rig, "orders.ada")["order_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    super::lose_state(&rig);
    wall_clock::set(&mut rig, 800 * 86_400);
    rig.certplan(&["import", "orders.ada", &id, "--yes"])
        .expect(0);
    wall_clock::set(&mut rig, 0);
    let ended = rig
        .certplan(&["status", "--offline", "--format", "json"])
        .expect(0);
    assert_eq!(
        ended.json()["entries"][0]["state"],
        "issued",
        "{}",
        ended.stdout
    );
}

/// `ada` is there; the order of `bob` was lost on its way.
fn lost(rig: &Rig, fault: &str) {
    let section = "policy: { doubt: { quiet_period: 8s, then: resend } }\n";
    let people = ["ada", "bob"].map(|name| person(name, name, ""));
    manifest_with(rig, section, &people[..1], &[]);
    rig.apply(&[], 0);
    manifest_with(rig, section, &people, &[]);
    rig.faults(
        json!([{ "match": { "path_contains": "/client_premium_sha2", "method": "POST" },
        "fault": fault, "times": 1 }]),
    );
    rig.certplan(&["apply", "--yes"]).expect(3);
}

#[test]
fn case_43_no_order_in_doubt_is_given_up_by_a_wrong_clock() {
    let mut rig = rig();
    lost(&rig, "cut_before");
    std::thread::sleep(Duration::from_secs(8));
    for ahead in [-3_600, 90, 63_072_000] {
        wall_clock::set(&mut rig, ahead);
        for _ in 0..2 {
            let ended = rig.certplan(&["apply", "--yes"]).expect(3);
            let said = "set the clock right";
            assert!(ended.stdout.contains(said), "{}", ended.stdout);
        }
        assert_eq!(super::word(&rig, "orders.bob"), "settle");
        let ended = rig
            .certplan(&["resolve", "orders.bob", "--not-placed", "--yes"])
            .expect(5);
        let said = "this machine's clock is";
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
        assert_eq!(sent(&rig).len(), 2, "{ahead}: sent again");
    }
    wall_clock::set(&mut rig, 0);
    rig.certplan(&["apply", "--yes"]).expect(0);
    assert_eq!((sent(&rig).len(), orders_at_the_ca(&rig)), (3, 2));
}

#[test]
fn case_43_what_was_placed_is_found_under_a_wrong_clock() {
    for ahead in [63_072_000, -63_072_000] {
        // By its tag, though by this clock it is older than its intent.
        let mut rig = rig();
        wall_clock::set(&mut rig, ahead);
        rig.tell("options", json!({ "index_lag_ms": 600_000 }));
        lost(&rig, "cut_after");
        rig.tell("options", json!({ "index_lag_ms": 0 }));
        rig.apply(&[], 0);
        assert_eq!(
            (sent(&rig).len(), orders_at_the_ca(&rig)),
            (2, 2),
            "{ahead}"
        );
    }
    // By a person, who names it.
    let mut rig = rig();
    rig.tell("options", json!({ "index_lag_ms": 600_000 }));
    lost(&rig, "cut_after");
    let ids = rig.effects("order_created")[1]["ids"].clone();
    let id = ids["order_id"].as_str().expect("an id");
    wall_clock::set(&mut rig, 7_200);
    let args = ["resolve", "orders.bob", "--found", id];
    rig.certplan(&args).expect(0);
}

#[test]
fn case_43_no_reissue_in_doubt_is_given_up_by_a_wrong_clock() {
    let mut rig = rig();
    let section = "policy: { doubt: { quiet_period: 1s, then: resend } }\n";
    manifest_with(&rig, section, &[shop("shop", "")], &[]);
    rig.apply(&[], 0);
    super::new_key(&rig, "shop.csr");
    rig.faults(
        json!([{ "match": { "path_contains": "/reissue", "method": "POST" },
        "fault": "cut_before", "times": 1 }]),
    );
    rig.certplan(&["apply", "--yes"]).expect(3);
    std::thread::sleep(Duration::from_millis(1_200));
    wall_clock::set(&mut rig, 7_200);
    for _ in 0..3 {
        let ended = rig.certplan(&["apply", "--yes"]).expect(3);
        assert!(
            ended.stdout.contains("set the clock right"),
            "{}",
            ended.stdout
        );
    }
    assert_eq!(super::word(&rig, "orders.shop"), "settle");
    assert_eq!(sent(&rig).len(), 2);
    wall_clock::set(&mut rig, 0);
    for _ in 0..2 {
        rig.certplan(&["apply", "--yes"]);
    }
    assert_eq!(sent(&rig).len(), 3);
}

#[test]
fn case_43_ncloud_s_four_minutes_are_told_before_a_signature_is_refused() {
    let mut rig = rig();
    rig.seed(json!({ "ncloud_orders": 1, "ncloud_order_ids": ["77"], "certcentral": 0 }));
    rig.manifest(
        "revocations:\n  old: { account: navercloud, order_id: \"77\", scope: order, reason: superseded }\n",
    );
    for (ahead, refused) in [(180, false), (270, true), (-180, false), (-270, true)] {
        wall_clock::set(&mut rig, ahead);
        let plan = rig.certplan(&["plan", "--format", "json"]).expect(0).json();
        let told = warnings(&plan);
        assert_eq!(told.len(), 1, "{plan:#}");
        assert_eq!(
            told[0].contains("refuse what is signed"),
            refused,
            "{ahead}: {told:?}"
        );
    }
    wall_clock::set(&mut rig, 600);
    let ended = rig.certplan(&["apply", "--yes"]).expect(1);
    let said = "this machine's clock is 10 minutes ahead of the CA's";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
    assert!(!ended.stderr.contains("secret key"), "{}", ended.stderr);
    assert_eq!(rig.changes().len(), 0);
}

#[test]
fn case_43_a_certificate_becomes_files_under_a_clock_that_is_a_year_off() {
    const YEAR: i64 = 366 * 86_400;
    for (ahead, said) in [(YEAR, "about 1 year ahead"), (-YEAR, "about 1 year behind")] {
        let mut rig = rig();
        wall_clock::set(&mut rig, ahead);
        let www = "orders:
  www: { product: ssl_basic, order_validity: { years: 1 }, files: { kinds: [fullchain] },
         certificate: { common_name: www.example.com, signature_hash: sha256, server_platform: { id: 2 }, key: { generate: p-256 } } }
";
        rig.manifest(www);
        let plan = planned(&rig);
        assert!(warnings(&plan)[0].contains(said), "{plan:#}");
        rig.apply(&[], 0);
        let files = rig.path(".certplan/files/live/www");
        for file in ["privkey.pem", "fullchain.pem"] {
            assert!(files.join(file).exists(), "{ahead}: {file}");
        }
        // By the CA's clock nothing is over and nothing is due.
        let plan = planned(&rig);
        assert_eq!(action(&plan, "orders.www")["action"], "keep", "{plan:#}");
        assert!(warnings(&plan)[0].contains(said), "{plan:#}");
        rig.apply(&[], 0);
        wall_clock::set(&mut rig, 0);
        rig.apply(&[], 0);
        assert_eq!(sent(&rig).len(), 1, "{ahead}");
    }
}
