//! SIGKILL at random moments of runs whose answers get lost, at their recovery too.

use std::time::Duration;

use serde_json::json;

use super::truth::{exactly_once, header, manifest, recover};
use crate::rig::Rig;

const NAMES: usize = 60;
/// A manifest takes this many kills at most; then the next one begins.
const KILLS_OF_ONE: u32 = 20;
/// Longer than an order can be on its way here, and than the index lags.
const DOUBT: &str = "{ quiet_period: 3s, then: resend }";

/// SplitMix64 (Steele, Lea and Flood 2014): a failure is repeated by its seed.
pub(crate) struct Draws(pub(crate) u64);

impl Draws {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (bits ^ (bits >> 31)) % limit
    }
}

pub(crate) fn number(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).map_or(usual, |text| {
        text.parse()
            .unwrap_or_else(|error| panic!("{variable}={text}: {error}"))
    })
}

#[test]
fn rows_03_06_killed_at_random_moments_every_order_is_placed_once() {
    let kills = u32::try_from(number("CERTPLAN_KILLS", 60)).expect("a count");
    let seed = number("CERTPLAN_SEED", 20_261_121);
    println!("CERTPLAN_SEED={seed} CERTPLAN_KILLS={kills}");
    let mut draws = Draws(seed);
    let mut left = kills;
    while left > 0 {
        let quota = left.min(KILLS_OF_ONE);
        left -= one_manifest(&mut draws, quota, seed);
    }
}

/// Applies one manifest under kills, then to its end; returns how many runs were killed.
fn one_manifest(draws: &mut Draws, quota: u32, seed: u64) -> u32 {
    let rig = Rig::new();
    rig.tell("options", json!({ "index_lag_ms": 150 }));
    let names: Vec<String> = (0..NAMES).map(|number| format!("n{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    manifest(&rig, &header(4, DOUBT), &names, "");
    let rule = |fault: &str, probability: f64| json!({ "match": { "method": "POST", "path_contains": "/order/" }, "fault": fault, "probability": probability });
    rig.faults(json!({
        "seed": draws.below(1 << 32),
        "rules": [
            rule("cut_after", 0.03), rule("error_after", 0.02), rule("truncate", 0.02),
            rule("cut_before", 0.01), rule("delay", 0.0),
        ],
    }));
    let mut killed = 0;
    let mut runs = 0;
    while killed < quota && runs < 3 * quota {
        runs += 1;
        let mut child = rig
            .command(&["apply", "--yes", "-q"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("the binary runs");
        // One in three is shot early, in the middle of recovering from the one before.
        let longest = if draws.below(3) == 0 { 250 } else { 1200 };
        std::thread::sleep(Duration::from_millis(20 + draws.below(longest)));
        if child.try_wait().expect("a child").is_none() {
            child.kill().expect("a kill");
            killed += 1;
        }
        child.wait().expect("an end");
    }
    let during = super::truth::orders_by_tag(&rig).len();
    println!("{killed} kills over {runs} runs, {during} orders placed meanwhile");
    rig.faults(json!([]));
    let what = format!("CERTPLAN_SEED={seed}");
    recover(&rig, &what);
    exactly_once(&rig, NAMES, &what);
    assert!(during > 0, "no kill came while orders were placed: {what}");
    killed.max(1)
}
