//! Saved plans, parts of a plan, two runs at once, and runs that are killed.

use std::fs;

use serde_json::json;

use super::{Desk, FULL, P256, WWW, named, www};
use crate::rig::{Ended, action};

#[test]
fn a_saved_plan_makes_key_and_files_and_holds_no_key() {
    let desk = Desk::new(P256, FULL);
    desk.run(&["plan", "--out", "saved.plan"]).expect(0);
    let saved = fs::read_to_string(desk.rig.path("saved.plan")).expect("a plan");
    assert!(!saved.contains("BEGIN") && saved.contains("p-256"));
    assert!(!desk.files.exists());
    desk.run(&["apply", "saved.plan"]).expect(0);
    desk.opens();
    desk.is_settled();
    assert_eq!(desk.bought(), (1, 0));
    // A second time it is stale.
    let ended = desk.run(&["apply", "saved.plan"]);
    assert_ne!(ended.code, Some(0), "{}", ended.stdout);
    assert_eq!(desk.bought(), (1, 0));
}

#[test]
fn a_saved_collection_is_stale_when_the_files_are_others_by_then() {
    let desk = Desk::collected();
    let version = desk.version();
    fs::remove_file(version.join("cert.pem")).expect("removed");
    desk.run(&["plan", "--out", "saved.plan"]).expect(0);
    desk.run(&["apply", "saved.plan"]).expect(0);
    desk.opens();
    desk.is_settled();
    fs::remove_file(version.join("cert.pem")).expect("removed");
    desk.run(&["plan", "--out", "saved.plan"]).expect(0);
    desk.apply(&[], 0);
    let downloads = desk.downloads();
    let ended = desk.run(&["apply", "saved.plan"]);
    assert_ne!(ended.code, Some(0), "{}", ended.stdout);
    assert_eq!(desk.downloads(), downloads);
}

#[test]
fn only_what_is_named_is_collected() {
    let desk = Desk::new(P256, FULL);
    let more = named("other", &["other.example.com"], P256, FULL);
    desk.rig
        .manifest(&format!("orders:\n{}{more}", www(P256, FULL)));
    desk.apply(&["--target", WWW], 0);
    assert_eq!(desk.names("live"), ["www"]);
    assert_eq!(desk.names("pending"), ["www"]);
    assert_eq!(desk.bought(), (1, 0));
    desk.apply(&[], 0);
    assert_eq!(desk.names("live"), ["other", "www"]);
    for name in ["www", "other"] {
        fs::remove_file(desk.files.join("live").join(name).join("cert.pem")).expect("removed");
    }
    desk.apply(&["--target", "orders.other"], 0);
    desk.is_to_collect("files_missing");
    let plan = desk
        .run(&["plan", "--format", "json", "--target", "orders.other"])
        .expect(0)
        .json();
    assert_eq!(action(&plan, "orders.other")["action"], "keep");
    assert_eq!(desk.bought(), (2, 0));
}

#[test]
fn two_runs_at_once_buy_once_and_collect_once() {
    let desk = Desk::new(P256, FULL);
    let runs: Vec<_> = (0..3)
        .map(|_| desk.rig.spawn(&["apply", "--yes"]))
        .collect();
    for run in runs {
        let ended = Ended::new(run.wait_with_output().expect("it ends"));
        assert!(ended.code.is_some(), "{}", ended.stderr);
    }
    desk.look_after_keys();
    desk.run(&["apply", "--yes"]).expect(0);
    desk.opens();
    desk.is_settled();
    assert_eq!(desk.bought(), (1, 0));
    assert_eq!(desk.names("archive/www").len(), 1);
}

/// Kills a run when something holds.
fn killed(desk: &Desk, args: &[&str], what: &str, when: impl Fn() -> bool) {
    let mut run = desk.rig.spawn(args);
    desk.rig.until(what, when);
    run.kill().expect("killed");
    run.wait().expect("it ends");
    desk.look_after_keys();
}

#[test]
fn a_run_that_is_killed_before_it_orders_leaves_a_key_that_the_next_one_takes() {
    let desk = Desk::new(P256, FULL);
    let path = "/order/certificate/ssl_multi_domain";
    desk.rig.faults(json!([{ "match": { "method": "POST", "path_contains": path }, "fault": "delay", "ms": 20000, "late": false, "times": 1 }]));
    killed(&desk, &["apply", "--yes"], "the order", || {
        desk.bought().0 == 1
    });
    let key = desk.names("pending/www");
    assert_eq!(key.len(), 1);
    desk.rig.faults(json!([]));
    for _ in 0..3 {
        desk.run(&["apply", "--yes"]);
    }
    desk.opens();
    desk.is_settled();
    assert_eq!(desk.bought(), (1, 0));
    assert_eq!(desk.names("pending/www"), [""; 0]);
}

#[test]
fn a_run_that_is_killed_while_it_downloads_is_made_up_for() {
    let desk = Desk::new(P256, FULL);
    desk.rig.faults(json!([{ "match": { "path_contains": "/download/" }, "fault": "delay", "ms": 20000, "times": 1 }]));
    killed(&desk, &["apply", "--yes"], "the download", || {
        desk.downloads() == 1
    });
    assert!(!desk.files.join("live/www").exists());
    desk.is_to_collect("not_collected");
    desk.apply(&[], 0);
    desk.opens();
    desk.is_settled();
    assert_eq!(desk.bought(), (1, 0));
}

#[test]
fn what_a_killed_run_left_unfinished_is_removed_by_the_next_that_does_something() {
    let desk = Desk::collected();
    let version = desk.version();
    let draft = desk
        .files
        .join("archive/www/.new-0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000");
    fs::create_dir(&draft).expect("a folder");
    super::set_mode(&draft, 0o700);
    fs::write(draft.join("privkey.pem.part"), "half").expect("a file");
    std::os::unix::fs::symlink("../archive/www/1", desk.files.join("live/www.new"))
        .expect("a link");
    desk.is_settled();
    fs::remove_file(version.join("cert.pem")).expect("removed");
    desk.apply(&[], 0);
    assert!(!draft.exists());
    assert_eq!(desk.names("live"), ["www"]);
    desk.is_settled();
}

#[test]
fn a_run_that_is_killed_in_its_program_runs_it_again() {
    let desk = Desk::new(P256, FULL);
    let (path, ran) = (desk.rig.path("slow"), desk.rig.path("ran"));
    let write = |rest: &str| {
        fs::write(
            &path,
            format!("#!/bin/sh\necho once >> '{}'\n{rest}\n", ran.display()),
        )
        .expect("a script");
        super::set_mode(&path, 0o755);
    };
    write("echo $$ > \"$0.pid\" 2>/dev/null; exec sleep 30");
    let flag = [
        "apply",
        "--yes",
        "--on-collected",
        path.to_str().expect("text"),
    ];
    killed(&desk, &flag, "the program", || ran.exists());
    desk.opens();
    let downloads = desk.downloads();
    write("exit 0");
    desk.run(&flag).expect(0);
    assert_eq!(fs::read_to_string(&ran).expect("it ran").lines().count(), 2);
    assert_eq!((desk.downloads(), desk.bought()), (downloads, (1, 0)));
    desk.is_settled();
}

#[test]
fn a_saved_plan_can_be_applied_with_a_program() {
    let desk = Desk::collected();
    let path = desk.rig.path("program");
    let ran = desk.rig.path("ran");
    fs::write(
        &path,
        format!("#!/bin/sh\necho once >> '{}'\n", ran.display()),
    )
    .expect("a script");
    super::set_mode(&path, 0o755);
    let more = named("other", &["other.example.com"], P256, FULL);
    desk.rig
        .manifest(&format!("orders:\n{}{more}", www(P256, FULL)));
    desk.run(&["plan", "--out", "saved.plan"]).expect(0);
    let program = path.to_str().expect("text");
    desk.run(&["apply", "saved.plan", "--on-collected", program])
        .expect(0);
    assert_eq!(desk.names("live"), ["other", "www"]);
    assert!(ran.exists());
}
