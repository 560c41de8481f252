//! A pause of more than 5 seconds is told with the time that the clock shows at its end, once.

use std::fs::File;

use serde_json::{Value, json};

use super::{manifest, person};
use crate::rig::{ACCOUNTS, Rig};

/// How often `before` stands in front of a time of day.
fn times(text: &str, before: &str) -> usize {
    let found = text.split(before).skip(1);
    found.filter(|rest| is_clock(rest)).count()
}

/// `14:03:22 UTC...`
fn is_clock(text: &str) -> bool {
    let clock: Vec<char> = text.chars().take(9).collect();
    clock.len() == 9
        && clock.iter().enumerate().all(|(at, c)| match at {
            2 | 5 => *c == ':',
            8 => *c == ' ',
            _ => c.is_ascii_digit(),
        })
}

#[track_caller]
fn told_once(stderr: &str, before: &str) {
    assert_eq!(times(stderr, before), 1, "{before}: {stderr}");
}

fn one_person() -> Rig {
    let rig = Rig::new();
    manifest(&rig, &[person("ada", "Ada", "")], &[]);
    rig
}

/// Other limits for the account of the orders.
fn limited(rig: &Rig, limits: &str) {
    let accounts = ACCOUNTS.replace("[{ requests: 100000, per: 1s }]", limits);
    let orders = person("ada", "Ada", "");
    rig.write("certplan.yaml", format!("{accounts}orders:\n{orders}"));
}

#[test]
fn what_the_ca_asks_for_is_told() {
    let rig = one_person();
    rig.faults(json!([{ "match": { "provider": "certcentral" }, "fault": "rate_limit", "retry_after": 6, "skip": 1, "times": 1 }]));
    let ended = rig.certplan(&["plan"]).expect(0);
    told_once(
        &ended.stderr,
        "asks to slow down: the next call goes out at ",
    );
}

/// What a plan says on the side before it makes the call that it waits for.
fn until_told(rig: &Rig, args: &[&str], before: &str) {
    let said = File::create(rig.path("stderr")).expect("a file");
    let mut command = rig.command(args);
    let mut plan = command.stderr(said).spawn().expect("the binary runs");
    let read = || std::fs::read_to_string(rig.path("stderr")).expect("a file");
    rig.until(before, || times(&read(), before) > 0);
    plan.kill().expect("it ends");
    plan.wait().expect("it ended");
    told_once(&read(), before);
}

#[test]
fn a_window_that_is_full_is_told_by_the_run_that_filled_it_and_by_the_next() {
    let rig = one_person();
    let before = rig.reads();
    rig.certplan(&["plan"]).expect(0);
    let reads = rig.reads() - before;
    let rig = one_person();
    limited(&rig, &format!("[{{ requests: {reads}, per: 5m }}]"));
    let first = rig.certplan(&["plan"]).expect(0);
    assert_eq!(times(&first.stderr, "goes out at "), 0, "{}", first.stderr);
    let others = "other runs under the same key used its rate limits up, or were asked to pause: the next call goes out at ";
    until_told(&rig, &["plan"], others);
    let rig = one_person();
    limited(&rig, &format!("[{{ requests: {}, per: 5m }}]", reads - 1));
    let own = "account `digicert`: its rate limits are used up: the next call goes out at ";
    until_told(&rig, &["plan", "--log-format", "json"], own);
}

#[test]
fn a_short_pause_is_not_told() {
    let rig = one_person();
    rig.faults(json!([{ "match": { "provider": "certcentral" }, "fault": "rate_limit", "retry_after": 1, "times": 3 }]));
    let ended = rig.certplan(&["plan"]).expect(0);
    assert_eq!(ended.stderr, "");
}

#[test]
fn a_look_that_comes_later_is_told_with_the_end_of_the_wait() {
    let rig = one_person();
    let ended = rig.certplan(&["apply", "--yes", "--wait", "15s"]).expect(0);
    let said = "1 waits for the CA or for people: the next look is at ";
    told_once(&ended.stderr, said);
    told_once(&ended.stderr, "the wait ends at ");
}

#[test]
fn the_log_has_the_next_look() {
    let rig = one_person();
    let args = ["apply", "--yes", "--wait", "15s", "--log-format", "json"];
    let ended = rig.certplan(&args).expect(0);
    let lines = ended
        .stderr
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let looks: Vec<Value> = lines
        .filter(|line| line["fields"]["message"] == "looks again at the CA")
        .collect();
    assert_eq!(looks.len(), 1, "{}", ended.stderr);
    let next = looks[0]["fields"]["next_look"].as_str().expect("a time");
    assert!(next.ends_with('Z') && next.contains('T'), "{next}");
}

#[test]
fn a_quiet_period_is_told_with_its_end() {
    let rig = one_person();
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "cut_before" }]));
    let ended = rig.certplan(&["apply", "--yes", "--wait", "22s"]).expect(3);
    // Each look finds the same: it is told once.
    let looks = ended.stderr.matches("proves nothing for another").count();
    assert_eq!(looks, 1, "{}", ended.stderr);
    assert!(
        ended.stdout.split(", until ").skip(1).any(is_clock),
        "{}",
        ended.stdout
    );
    told_once(&ended.stderr, "the quiet period ends at ");
    let refused = rig.certplan(&["resolve", "orders.ada", "--not-placed", "--yes"]);
    assert_eq!(refused.code, Some(5), "{}", refused.stderr);
    told_once(&refused.stderr, ", after ");
}

#[test]
fn a_run_that_waits_for_another_one_says_until_when() {
    let rig = one_person();
    let mut first = rig.spawn(&["apply", "--yes", "--wait", "60s"]);
    rig.until("the first run holds the state", || {
        !rig.effects("order_created").is_empty()
    });
    let ended = rig
        .certplan(&["apply", "--yes", "--lock-timeout", "6s"])
        .expect(4);
    told_once(&ended.stderr, "this run waits for its end until ");
    first.kill().expect("it ends");
    first.wait().expect("it ended");
}
