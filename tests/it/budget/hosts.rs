//! Runs on several hosts, whose state is in one PostgreSQL: one budget for all of them.

use std::path::Path;
use std::process::{Child, Stdio};

use super::*;
use crate::postgres::server::Database;

/// A run as another host has it: with another home.
fn on_host(rig: &Rig, home: &Path, args: &[&str]) -> Child {
    rig.command(args)
        .env("HOME", home)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs")
}

#[test]
fn applies_and_plans_on_two_hosts_keep_every_window_together() {
    let mut rig = enforcing();
    let database = Database::new();
    rig.set("CERTPLAN_STATE", &database.url());
    let other = tempfile::tempdir().expect("a home");
    let one = manifest(&rig, "one", LIMITS, 60);
    let apply = [
        "apply",
        "--yes",
        "--quiet",
        "--lock-timeout",
        "60s",
        "-f",
        &one,
    ];
    let here = on_host(&rig, rig.home(), &apply);
    rig.until("a first order", || !rig.effects("order_created").is_empty());
    let there = on_host(&rig, other.path(), &apply);
    for _ in 0..3 {
        let plan = on_host(&rig, other.path(), &["plan", "--quiet", "-f", &one]);
        assert_eq!(said_by(plan), (Some(0), String::new()));
    }
    assert_eq!(said_by(here), (Some(0), String::new()));
    assert_eq!(said_by(there), (Some(0), String::new()));
    assert_eq!(rig.effects("order_created").len(), 60);
    kept(&rig);
    let count = |what: &str| database.sql(&format!("SELECT count(*) FROM certplan.{what}"));
    assert_eq!(count("budget_calls").trim(), times(&rig).len().to_string());
    assert_eq!(count("budget_flights").trim(), "0");
}

#[test]
fn a_budget_in_a_database_that_cannot_be_used_is_never_called_ok() {
    let mut rig = enforcing();
    let database = Database::new();
    rig.set("CERTPLAN_STATE", &database.url());
    let one = manifest(&rig, "one", LIMITS, 3);
    let doctor = ["doctor", "-f", &one];
    let fails = |rig: &Rig, why: &str| {
        let ended = rig.certplan(&doctor).expect(1);
        let line = ended
            .stdout
            .lines()
            .find(|line| line.contains("rate budget"));
        let line = line.expect("a line");
        assert!(line.starts_with("FAIL"), "{line}");
        assert!(line.contains(why), "{line}");
    };
    // Before the tables are made: a plan warns once, and no other budget takes the place of this one.
    let ended = rig.certplan(&["plan", "-f", &one]).expect(0);
    let said = ended.stderr.matches("certplan migrate").count();
    assert_eq!(said, 1, "{}", ended.stderr);
    fails(&rig, "certplan migrate");
    rig.certplan(&["migrate"]).expect(0);
    let good = rig.certplan(&doctor).expect(0).stdout;
    assert!(good.contains("ok    rate budget: shared in"), "{good}");
    let ended = rig.certplan(&["plan", "-f", &one]).expect(0);
    assert!(!ended.stderr.contains("budget"), "{}", ended.stderr);
    // The state can be used and the budget cannot.
    database.sql("ALTER TABLE certplan.budget_flights RENAME TO gone");
    fails(&rig, "budget_flights");
    let ended = rig.certplan(&["apply", "--yes", "-f", &one]).expect(0);
    let said = ended.stderr.matches("the rate budget").count();
    assert_eq!(said, 1, "{}", ended.stderr);
    assert_eq!(rig.effects("order_created").len(), 3);
    assert!(budgets(&rig).is_empty());
}

#[test]
fn what_no_run_can_have_written_into_a_database_is_not_believed_and_said_once() {
    let mut rig = enforcing();
    let database = Database::new();
    rig.set("CERTPLAN_STATE", &database.url());
    let one = manifest(&rig, "one", LIMITS, 3);
    rig.certplan(&["migrate"]).expect(0);
    rig.certplan(&["plan", "-f", &one]).expect(0);
    for written in [
        "UPDATE certplan.budgets SET paused_until =
             (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + 2400000000",
        "INSERT INTO certplan.budget_flights (key, lease_until)
             SELECT key, 9000000000000000000 FROM certplan.budgets",
    ] {
        database.sql(written);
        let ended = rig.certplan(&["plan", "-f", &one]).expect(0);
        let said = ended.stderr.matches("is not believed").count();
        assert_eq!(said, 1, "{}", ended.stderr);
        let next = rig.certplan(&["plan", "-f", &one]).expect(0);
        assert!(!next.stderr.contains("budget"), "{}", next.stderr);
    }
    // With somebody's trigger it is no budget, and the run keeps to the limits by itself.
    database.sql(
        "CREATE FUNCTION certplan.none() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
         CREATE TRIGGER nothing BEFORE INSERT ON certplan.budget_calls
             FOR EACH ROW EXECUTE FUNCTION certplan.none()",
    );
    let ended = rig.certplan(&["plan", "-f", &one]).expect(0);
    assert_eq!(
        ended.stderr.matches("`nothing`").count(),
        1,
        "{}",
        ended.stderr
    );
}
