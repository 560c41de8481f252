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
    let apply = ["apply", "--yes", "--quiet", "-f", &one];
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
fn before_the_tables_are_made_a_plan_draws_from_the_budget_of_its_machine() {
    let mut rig = enforcing();
    let database = Database::new();
    rig.set("CERTPLAN_STATE", &database.url());
    let one = manifest(&rig, "one", LIMITS, 3);
    let ended = rig.certplan(&["plan", "-f", &one]).expect(0);
    assert_eq!(
        ended.stderr.matches("certplan migrate").count(),
        1,
        "{}",
        ended.stderr
    );
    assert!(rows(&rig, "calls") > 0);
    rig.certplan(&["migrate"]).expect(0);
    let ended = rig.certplan(&["plan", "-f", &one]).expect(0);
    assert!(!ended.stderr.contains("budget"), "{}", ended.stderr);
}
