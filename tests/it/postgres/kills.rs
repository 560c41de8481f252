//! SIGKILL at random moments of two runs, one of which waits for the other, with lost answers and a
//! lagging index.

use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::json;

use super::{each_once, orders, report, rig_with};
use crate::crash::random::{Draws, number};
use crate::rig::Rig;

const COUNT: usize = 40;
/// A manifest takes this many kills at most; then the next one begins.
const KILLS_OF_ONE: u64 = 10;

#[test]
fn runs_that_follow_each_other_are_killed_at_random_and_every_order_is_placed_once() {
    let kills = number("CERTPLAN_KILLS", 60) / 3;
    let seed = number("CERTPLAN_SEED", 20_261_122);
    println!("CERTPLAN_SEED={seed} CERTPLAN_KILLS={}", kills * 3);
    let mut draws = Draws(seed);
    let mut left = kills;
    while left > 0 {
        let quota = left.min(KILLS_OF_ONE);
        one_manifest(&mut draws, quota);
        left -= quota;
    }
}

fn start(rig: &Rig) -> Child {
    rig.command(&["apply", "--yes", "-q", "--lock-timeout", "60s"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs")
}

fn one_manifest(draws: &mut Draws, quota: u64) {
    let (rig, _database) = rig_with(COUNT);
    rig.manifest(&format!(
        "policy: {{ doubt: {{ quiet_period: 2s, then: resend }} }}\n{}",
        orders(COUNT)
    ));
    rig.tell("options", json!({ "index_lag_ms": 150 }));
    let rule = |fault: &str, probability: f64| json!({ "match": { "method": "POST", "path_contains": "/order/" }, "fault": fault, "probability": probability });
    rig.faults(json!({
        "seed": draws.below(1 << 31),
        "rules": [
            rule("cut_after", 0.03), rule("error_after", 0.02), rule("truncate", 0.02),
            rule("cut_before", 0.01),
            { "match": { "method": "POST", "path_contains": "/order/" }, "fault": "delay", "ms": 60 },
        ],
    }));
    let mut runs = [start(&rig), start(&rig)];
    for _ in 0..quota {
        std::thread::sleep(Duration::from_millis(50 + draws.below(700)));
        let victim = usize::try_from(draws.below(2)).expect("one of two");
        // One that has ended is started anew all the same.
        let _ = runs[victim].kill();
        runs[victim].wait().expect("gone");
        runs[victim] = start(&rig);
    }
    for run in &mut runs {
        run.wait().expect("it ends");
    }
    rig.faults(json!([]));
    // What nobody can settle but a person: here it is certain that nothing is on its way any more.
    for _ in 0..5 {
        let ended = rig.certplan(&["apply", "--yes", "--report", "json=report.json"]);
        if ended.code == Some(0) {
            break;
        }
        assert_eq!(ended.code, Some(3), "{}", ended.stderr);
        std::thread::sleep(Duration::from_millis(2200));
        let report = report(&rig, "report.json");
        for action in report["actions"].as_array().expect("actions") {
            if action["outcome"] == "unknown" {
                let address = action["address"].as_str().expect("an address");
                // Refused where the order is there after all: the next run adopts it.
                rig.certplan(&["resolve", address, "--not-placed", "--yes"]);
            }
        }
    }
    rig.apply(&[], 0);
    each_once(&rig, COUNT);
    rig.certplan(&["history", "--verify"]).expect(0);
}
