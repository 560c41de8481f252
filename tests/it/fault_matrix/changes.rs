//! Files that change during a run, names that change between runs, approvals that take days, answers that
//! belong to somebody else, a replica that is behind.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::between::{Answered, Asked, Between};
use crate::crash::truth::{ASK, exactly_once, header, known, manifest, order_calls};
use crate::rig::{Rig, action, csr};

#[test]
fn row_99_files_that_change_during_a_run_change_nothing_about_it() {
    let rig = Rig::new();
    let names = ["ada", "bob", "cleo", "dan"];
    manifest(&rig, &header(1, ASK), &names, "");
    let kept: Vec<(String, Vec<u8>)> = ["certplan.yaml".to_owned()]
        .into_iter()
        .chain(names.iter().map(|name| format!("{name}.csr")))
        .map(|file| {
            (
                file.clone(),
                std::fs::read(rig.path(&file)).expect("a file"),
            )
        })
        .collect();
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "delay", "ms": 300 }]));
    let mut run = rig.spawn(&["apply", "--yes"]);
    rig.until("the first order", || {
        !rig.effects("order_created").is_empty()
    });
    // From here on somebody edits.
    for name in names {
        rig.write(&format!("{name}.csr"), csr(name));
    }
    manifest(&rig, &header(1, ASK), &["eve", "dan"], "");
    assert_eq!(run.wait().expect("an end").code(), Some(0));
    assert!(
        rig.effects("order_created").len() > 1,
        "the edit came too late"
    );
    rig.faults(json!([]));
    for (file, bytes) in kept {
        rig.write(&file, bytes);
    }
    exactly_once(&rig, 4, "edited during the run");
    // Without the state the keys at the CA decide what is adopted.
    std::fs::remove_dir_all(rig.path(".certplan")).expect("the state");
    assert_eq!(rig.plan(&[])["summary"]["adopt"], 4);
}

#[test]
fn row_100_a_name_that_changed_buys_nothing_beside_its_order() {
    let rig = Rig::new();
    manifest(&rig, &header(1, ASK), &["ada"], "");
    rig.apply(&[], 0);
    let id = known(&rig)["orders.ada"].clone();
    let text = std::fs::read_to_string(rig.path("certplan.yaml")).expect("the manifest");
    rig.write("certplan.yaml", text.replace("  ada:\n", "  ada-2:\n"));
    let plan = rig.plan(&[]);
    let step = action(&plan, "orders.ada-2");
    assert_eq!(step["action"], "wait");
    assert_eq!(step["waiting_code"], "decision_twin");
    let warnings = plan["warnings"].to_string();
    assert!(warnings.contains("no longer managed"), "{warnings}");
    assert!(warnings.contains("orders.ada"), "{warnings}");
    // Seen by a person, the order can be kept under its new name once the old one is given up.
    assert!(
        warnings.contains(&id),
        "the similar order is not named: {warnings}"
    );
}

#[test]
fn row_65_an_approval_that_takes_many_runs_is_one_order() {
    let rig = Rig::new();
    manifest(&rig, &header(1, ASK), &["ada"], "");
    for _ in 0..30 {
        let report = rig.apply(&[], 0);
        assert_eq!(action(&report, "orders.ada")["outcome"], "waiting");
    }
    rig.certplan(&["apply", "--yes", "--detailed-exitcode"])
        .expect(2);
    assert_eq!(order_calls(&rig), 1);
    rig.approve_all();
    rig.certplan(&["apply", "--yes", "--detailed-exitcode"])
        .expect(0);
    assert_eq!(order_calls(&rig), 1);
}

/// Two answers that change places.
#[derive(Default)]
struct Swap {
    waiting: Mutex<Vec<(usize, Vec<u8>)>>,
    both: Condvar,
}

impl Swap {
    fn the_others(&self, mine: Vec<u8>) -> Vec<u8> {
        let mut waiting = self.waiting.lock().expect("a lock");
        let place = waiting.len();
        waiting.push((place, mine.clone()));
        self.both.notify_all();
        let (waiting, _) = self
            .both
            .wait_timeout_while(waiting, Duration::from_secs(20), |waiting| {
                waiting.len() < 2
            })
            .expect("a lock");
        let other = waiting.iter().find(|(other, _)| *other != place);
        other.map_or(mine, |(_, bytes)| bytes.clone())
    }
}

#[test]
fn row_57_answers_that_changed_places_are_told_by_the_next_plan() {
    let mut rig = Rig::new();
    let swap = Swap::default();
    let between = Between::new(&mut rig, move |asked: &Asked, answered: Answered| {
        let bytes = answered.bytes();
        if asked.method == "POST" {
            swap.the_others(bytes)
        } else {
            bytes
        }
    });
    manifest(&rig, &header(2, ASK), &["ada", "bob"], "");
    rig.apply(&[], 0);
    assert_eq!(order_calls(&rig), 2);
    rig.approve_all();
    let plan = rig.plan(&[]);
    let warnings = plan["warnings"].to_string();
    for name in ["ada", "bob"] {
        assert!(
            warnings.contains(&format!("does not show {name}")),
            "{name}: {warnings}"
        );
    }
    assert_eq!(plan["summary"]["order"], 0);
    drop(between);
}

/// Lists and reads as they were before the last change, every other time.
#[test]
fn row_63_a_replica_that_is_behind_makes_nothing_be_bought_again() {
    let mut rig = Rig::new();
    let past: Mutex<Vec<(String, Answered)>> = Mutex::new(Vec::new());
    let count = Mutex::new(0_u32);
    let between = Between::new(&mut rig, move |asked: &Asked, answered: Answered| {
        if asked.method != "GET" {
            return answered.bytes();
        }
        let path = asked
            .path
            .split("&greater")
            .next()
            .unwrap_or_default()
            .to_owned();
        let mut past = past.lock().expect("a lock");
        let mut count = count.lock().expect("a lock");
        *count += 1;
        let older = past.iter().find(|(known, _)| *known == path);
        let shown = match older {
            Some((_, older)) if (*count).is_multiple_of(2) => older.clone(),
            _ => answered.clone(),
        };
        // The first answer to each question stays the replica's for ever.
        if older.is_none() {
            past.push((path, answered));
        }
        shown.bytes()
    });
    manifest(&rig, &header(1, ASK), &["ada", "bob"], "");
    for round in 0..8 {
        let ended = rig.certplan(&["apply", "--yes"]);
        assert!(matches!(ended.code, Some(0 | 1 | 3)), "{ended:?}");
        if round == 2 {
            rig.approve_all();
        }
    }
    assert_eq!(order_calls(&rig), 2);
    let facts: Value = rig
        .certplan(&["history", "--format", "json"])
        .expect(0)
        .json();
    assert!(
        facts["facts"]
            .as_array()
            .is_some_and(|facts| facts.len() < 60)
    );
    drop(between);
    exactly_once(&rig, 2, "a replica behind");
}
