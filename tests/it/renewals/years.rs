//! Three years of cron runs, some of which are killed and some of whose answers are lost: no day without a
//! certificate, and not one order too many.

use std::time::Duration;

use serde_json::json;

use super::{Calendar, entry};

const NAMES: usize = 40;
const STEP: i64 = 5;
const DAYS: i64 = 3 * 365;

#[test]
fn three_years_have_no_day_without_a_certificate_and_no_order_too_many() {
    let mut calendar = Calendar::new("{}");
    let names: Vec<String> = (0..NAMES).map(|number| format!("n{number}")).collect();
    let all: String = names
        .iter()
        .map(|name| entry(name, "renew: { spread: 20d }, "))
        .collect();
    calendar.says(&all);
    calendar.rig.apply(&[], 0);
    let mut dice = 20_261_128_u64;
    let mut roll = |sides: u64| {
        dice = dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % sides
    };
    while calendar.days < DAYS {
        calendar.pass(STEP);
        assert_eq!(
            calendar.uncovered(),
            Vec::<String>::new(),
            "day {}",
            calendar.days
        );
        if roll(4) == 0 {
            let fault = if roll(2) == 0 {
                "cut_after"
            } else {
                "cut_before"
            };
            calendar.rig.faults(json!([
                { "match": { "method": "POST", "path_contains": "/order/" }, "fault": fault, "times": 1 }
            ]));
            let mut run = calendar.rig.spawn(&["apply", "--yes"]);
            std::thread::sleep(Duration::from_millis(100 + 10 * roll(60)));
            let _ = run.kill();
            let _ = run.wait();
            calendar.rig.faults(json!([]));
        }
        // An outcome that is not known is settled after its quiet period, by one of the next runs.
        let ended = calendar.rig.certplan(&["apply", "--yes"]);
        assert!(
            matches!(ended.code, Some(0 | 3)),
            "{:?} {}{}",
            ended.code,
            ended.stdout,
            ended.stderr
        );
    }
    std::thread::sleep(Duration::from_millis(1100));
    for _ in 0..4 {
        calendar.rig.certplan(&["apply", "--yes"]);
    }
    calendar.rig.certplan(&["history", "--verify"]).expect(0);
    let orders = calendar.orders();
    assert_eq!(orders.len(), NAMES);
    for (name, orders) in &orders {
        // Each lasts for a year, and is followed from 30 to 55 days before its end.
        assert!((4..=5).contains(&orders.len()), "{name}: {}", orders.len());
        let mut renewed = orders.iter().filter(|order| order["is_renewed"] == true);
        assert_eq!(
            renewed.by_ref().count(),
            orders.len() - 1,
            "{name}: each but the last was renewed once"
        );
    }
}
