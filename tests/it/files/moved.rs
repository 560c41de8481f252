//! A renamed order keeps its key and its files, whenever the run that moves them is killed.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use serde_json::json;

use super::{Desk, FULL, P256, WWW, named, names, private_keys, www};
use crate::rig::{Ended, action};

fn old() -> String {
    named("www-old", &["www.example.com", "example.com"], P256, FULL)
}

/// A desk whose order was bought and collected as `www-old`.
fn collected_as_old() -> Desk {
    let desk = Desk::new(P256, FULL);
    desk.rig.manifest(&format!("orders:\n{}", old()));
    desk.apply(&[], 0);
    rename(&desk);
    desk
}

/// The entry is called `www` from now on.
fn rename(desk: &Desk) {
    desk.rig.manifest(&format!(
        "moved: [{{ from: www-old, to: www }}]\norders:\n{}",
        www(P256, FULL)
    ));
    // Keys go to another folder, and are looked after here.
    desk.forget();
}

/// The bytes of every private key.
fn keys(desk: &Desk) -> BTreeSet<Vec<u8>> {
    let mut found = std::collections::BTreeMap::new();
    private_keys(&desk.files, &mut found);
    found.into_values().collect()
}

/// Everything is under the new name, and nothing else is to be done.
#[track_caller]
fn is_moved(desk: &Desk, before: &BTreeSet<Vec<u8>>) {
    assert_eq!(&keys(desk), before, "a key is gone, or there is another");
    assert_eq!(desk.names("live"), ["www"]);
    assert_eq!(desk.names("archive"), ["www"]);
    assert!(
        names(&desk.files.join("pending"))
            .iter()
            .all(|name| name == "www")
    );
    desk.opens();
    desk.is_settled();
    assert_eq!(desk.bought(), (1, 0));
}

#[test]
fn a_renamed_order_keeps_its_key_and_its_files() {
    let desk = collected_as_old();
    let before = keys(&desk);
    let downloads = desk.downloads();
    let plan = desk.planned();
    assert_eq!(
        (plan["action"].as_str(), plan["reason_code"].as_str()),
        (Some("adopt"), Some("moved"))
    );
    assert_eq!(plan["key"]["state"], "present", "{plan:#}");
    let text = desk.run(&["plan"]).expect(0).stdout;
    assert!(
        text.contains("= orders.www") && text.contains("moved from orders.www-old"),
        "{text}"
    );
    assert!(
        text.contains("live/www-old") && text.contains("live/www "),
        "{text}"
    );
    let report = desk.rig.apply(&[], 0);
    desk.forget();
    assert_eq!(action(&report, WWW)["outcome"], "done");
    is_moved(&desk, &before);
    assert_eq!(desk.downloads(), downloads, "nothing is downloaded again");
    // The line may stay, and may go.
    desk.apply(&["--detailed-exitcode"], 0);
    desk.rewrite(P256, FULL);
    is_moved(&desk, &before);
    assert_eq!(desk.run(&["history", "--verify"]).code, Some(0));
}

#[test]
fn a_run_that_is_killed_while_it_moves_is_repeated() {
    if !strace_is_here() {
        return;
    }
    let mut struck = 0;
    for call in ["renameat", "symlinkat", "unlinkat", "fsync"] {
        for when in 1..60 {
            let desk = collected_as_old();
            let before = keys(&desk);
            let traced = killed_at(&desk, call, when);
            assert_eq!(&keys(&desk), &before, "{call} {when}: a key is gone");
            let ended = desk.run(&["apply", "--yes"]);
            assert_eq!(ended.code, Some(0), "{call} {when}: {}", ended.stderr);
            is_moved(&desk, &before);
            if traced.code.is_some() {
                break;
            }
            struck += 1;
        }
    }
    println!("{struck} calls struck");
    assert!(struck >= 12, "only {struck} calls were struck");
}

fn strace_is_here() -> bool {
    let there = std::process::Command::new("strace")
        .arg("-V")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    let ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(there || !ci, "strace is missing: apt-get install strace");
    there
}

/// An apply that is killed before some thread of it makes such a call for the N-th time.
fn killed_at(desk: &Desk, call: &str, when: u32) -> Ended {
    let inject = format!("inject={call}:signal=SIGKILL:when={when}");
    let trace = format!("trace={call}");
    let before = ["-f", "-o", "/dev/null", "-e", &trace, "-e", &inject];
    let mut command = desk
        .rig
        .command_under("strace", &before, &["apply", "--yes", "--quiet"]);
    Ended::new(command.output().expect("strace runs"))
}

#[test]
fn without_the_line_a_renamed_order_is_a_twin_as_before() {
    let desk = collected_as_old();
    desk.rewrite(P256, FULL);
    let plan = desk.planned();
    assert_eq!(plan["reason_code"], "twin");
    desk.run(&["apply", "--yes"]).expect(3);
    assert_eq!(desk.names("live"), ["www-old"]);
    assert_eq!(desk.bought(), (1, 0));
}

#[test]
fn what_stands_in_the_way_of_the_files_stops_the_move() {
    let desk = collected_as_old();
    let before = keys(&desk);
    fs::create_dir(desk.files.join("live/www")).expect("a folder");
    let ended = desk.run(&["apply", "--yes"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert_eq!(keys(&desk), before);
    fs::remove_dir(desk.files.join("live/www")).expect("removed");
    desk.forget();
    desk.rig.apply(&[], 0);
    is_moved(&desk, &before);
}

#[test]
fn with_a_lost_journal_the_order_is_found_by_the_tag_of_its_earlier_name() {
    let desk = collected_as_old();
    let before = keys(&desk);
    for file in names(&desk.rig.path(".certplan")) {
        if file.starts_with("state.db") {
            fs::remove_file(desk.rig.path(".certplan").join(file)).expect("the state goes");
        }
    }
    let plan = desk.planned();
    assert_eq!(
        (plan["action"].as_str(), plan["reason_code"].as_str()),
        (Some("adopt"), Some("moved"))
    );
    for _ in 0..3 {
        let _ = desk.rig.certplan(&["apply", "--yes"]);
    }
    assert_eq!(keys(&desk), before, "keys are not made anew");
    assert_eq!(desk.bought(), (1, 0));
}

#[test]
fn a_key_whose_order_is_in_doubt_moves_along() {
    let desk = Desk::new(P256, FULL);
    desk.rig.manifest(&format!(
        "policy: {{ doubt: {{ quiet_period: 1s }} }}\norders:\n{}",
        old()
    ));
    let path = "/order/certificate/ssl_multi_domain";
    desk.rig.faults(json!([{ "match": { "method": "POST", "path_contains": path }, "fault": "delay", "ms": 20000, "late": false, "times": 1 }]));
    let mut run = desk.rig.spawn(&["apply", "--yes"]);
    desk.rig.until("the order", || desk.bought().0 == 1);
    run.kill().expect("killed");
    run.wait().expect("it ends");
    desk.rig.faults(json!([]));
    rename(&desk);
    let before = keys(&desk);
    assert_eq!(before.len(), 1);
    // The move alone; then the doubt is settled, and the certificate collected with the key that was sent.
    let ended = desk.rig.certplan(&["apply", "--yes"]).expect(3);
    assert!(ended.stderr.contains("in doubt"), "{}", ended.stderr);
    desk.apply(&[], 0);
    desk.apply(&[], 0);
    assert_eq!(keys(&desk), before);
    is_moved(&desk, &before);
    assert!(!desk.files.join("pending/www-old").exists());
    let history = desk.run(&["history", WWW]).expect(0).stdout;
    assert!(history.contains("moved: from orders.www-old"), "{history}");
    assert!(history.contains("adopted"), "{history}");
}
