//! Two runs, two states, restored and deleted state.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::crash::truth::{
    exactly_once, header, known, manifest, order_calls, orders_by_tag, recover, revocation,
};
use crate::rig::{Rig, action};

const DOUBT: &str = "{ quiet_period: 1s, then: resend }";

fn rig(names: &[&str]) -> Rig {
    let rig = Rig::new();
    manifest(&rig, &header(2, DOUBT), names, "");
    rig
}

fn state(rig: &Rig) -> PathBuf {
    rig.path(".certplan/state.db")
}

/// The state's files, without its backups.
fn copy(from: &Path, to: &Path) {
    std::fs::copy(from, to).expect("a copy");
    std::fs::set_permissions(to, PermissionsExt::from_mode(0o600)).expect("a mode");
}

#[test]
fn rows_90_105_a_second_run_is_told_who_holds_the_state_or_waits() {
    let rig = rig(&["ada", "bob"]);
    rig.faults(json!([{ "fault": "delay", "ms": 4000, "times": 1 }]));
    let first = rig.spawn(&["apply", "--yes"]);
    rig.until("the first run holds the state", || {
        std::fs::read_to_string(rig.path(".certplan/state.db.lock"))
            .is_ok_and(|note| note.contains("apply"))
    });
    let second = rig.certplan(&["apply", "--yes"]).expect(4);
    for part in [
        format!("process {}", first.id()),
        " on ".to_owned(),
        "certplan apply".to_owned(),
    ] {
        assert!(second.stderr.contains(&part), "{part}: {}", second.stderr);
    }
    // `plan` reads beside it.
    rig.plan(&[]);
    rig.certplan(&["apply", "--yes", "--lock-timeout", "60s"])
        .expect(0);
    assert!(first.wait_with_output().expect("an end").status.success());
    exactly_once(&rig, 2, "two runs");
}

#[test]
fn row_91_runs_at_once_and_killed_holders_place_every_order_once() {
    let rig = rig(&["ada", "bob", "cleo", "dan"]);
    for _ in 0..5 {
        let mut runs: Vec<_> = (0..3)
            .map(|_| rig.spawn(&["apply", "--yes", "-q", "--lock-timeout", "60s"]))
            .collect();
        runs[0].kill().expect("a kill");
        for mut run in runs {
            run.wait().expect("an end");
        }
    }
    recover(&rig, "three at once, one killed");
    exactly_once(&rig, 4, "three at once, one killed");
}

#[test]
fn row_82_a_deleted_state_is_made_anew_from_the_tags() {
    let rig = rig(&["ada", "bob", "cleo"]);
    rig.apply(&[], 0);
    for folder in [false, true] {
        if folder {
            std::fs::remove_dir_all(rig.path(".certplan")).expect("a folder");
        } else {
            std::fs::remove_file(state(&rig)).expect("a file");
        }
        assert_eq!(rig.plan(&[])["summary"]["adopt"], 3);
        let report = rig.apply(&[], 0);
        // Bound again, and waiting for approval as before.
        assert_eq!(report["summary"]["waiting"], 3);
        exactly_once(&rig, 3, "state deleted");
    }
    assert_eq!(order_calls(&rig), 3);
}

#[test]
fn row_64_an_order_that_was_refused_is_not_bought_again_without_the_state_either() {
    let rig = rig(&["ada"]);
    rig.apply(&[], 0);
    rig.tell("reject", json!({ "all": true }));
    rig.apply(&[], 3);
    std::fs::remove_dir_all(rig.path(".certplan")).expect("a folder");
    let plan = rig.plan(&[]);
    assert_eq!(action(&plan, "orders.ada")["action"], "adopt");
    rig.apply(&[], 3);
    let plan = rig.plan(&[]);
    assert_eq!(action(&plan, "orders.ada")["action"], "wait");
    assert_eq!(order_calls(&rig), 1);
}

#[test]
fn row_81_an_older_state_that_was_put_back_buys_nothing_twice() {
    let rig = rig(&["ada"]);
    let mut copies = Vec::new();
    for names in [
        &["ada"][..],
        &["ada", "bob"],
        &["ada", "bob", "cleo"],
        &["ada", "bob", "cleo", "dan"],
    ] {
        manifest(&rig, &header(2, DOUBT), names, "");
        recover(&rig, "on the way");
        let kept = rig.path(&format!("kept-{}.db", names.len()));
        copy(&state(&rig), &kept);
        copies.push(kept);
    }
    for (older, kept) in copies.iter().enumerate().rev() {
        copy(kept, &state(&rig));
        let ended = rig.certplan(&["plan", "--format", "json"]).expect(0);
        let plan = ended.json();
        assert_eq!(plan["summary"]["adopt"], 3 - older, "{plan:#}");
        assert_eq!(plan["summary"]["order"], 0);
        let told = plan["warnings"].to_string().contains("the state is older");
        assert_eq!(told, older < 3, "{}", plan["warnings"]);
        rig.apply(&[], 0);
        exactly_once(&rig, 4, "an older state");
        assert!(
            !rig.plan(&[])["warnings"]
                .to_string()
                .contains("the state is older")
        );
    }
    // The tool's own backups as well.
    let backups: Vec<PathBuf> = std::fs::read_dir(rig.path(".certplan"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().contains(".backup-"))
        .collect();
    assert!(backups.len() >= 4, "{backups:?}");
    // Each run makes another one and lets the oldest go.
    let read = |path: PathBuf| std::fs::read(path).expect("a backup");
    let backups: Vec<Vec<u8>> = backups.into_iter().map(read).collect();
    for backup in backups {
        std::fs::write(state(&rig), backup).expect("a state");
        rig.apply(&[], 0);
        exactly_once(&rig, 4, "a backup");
    }
    assert_eq!(order_calls(&rig), 4);
}

#[test]
fn row_71_an_older_state_finds_its_orders_by_tag_even_under_other_names() {
    let rig = rig(&["ada"]);
    rig.apply(&[], 0);
    copy(&state(&rig), &rig.path("kept.db"));
    manifest(&rig, &header(2, DOUBT), &["ada", "bob"], "");
    rig.apply(&[], 0);
    let id = known(&rig)["orders.bob"].clone();
    rig.tell(
        "edit",
        json!({ "order_id": id, "common_name": "Other", "emails": ["other@example.org"] }),
    );
    copy(&rig.path("kept.db"), &state(&rig));
    let report = rig.apply(&[], 3);
    assert_eq!(
        action(&report, "orders.bob")["action"],
        "wait",
        "{report:#}"
    );
    assert_eq!(order_calls(&rig), 2);
}

/// The older state knows the first order and not its end; the second one carries the tag of the raised
/// generation.
fn renewed_and_put_back() -> (Rig, String) {
    let rig = rig(&["ada"]);
    rig.apply(&[], 0);
    copy(&state(&rig), &rig.path("kept.db"));
    rig.tell("cancel", json!({ "order_id": known(&rig)["orders.ada"] }));
    let text = std::fs::read_to_string(rig.path("certplan.yaml")).expect("the manifest");
    rig.write("certplan.yaml", format!("{text}    generation: 2\n"));
    rig.apply(&[], 0);
    let id = known(&rig)["orders.ada"].clone();
    assert_eq!(order_calls(&rig), 2);
    copy(&rig.path("kept.db"), &state(&rig));
    (rig, id)
}

#[test]
fn an_older_state_takes_up_the_order_that_followed_one_it_takes_for_live() {
    let (rig, id) = renewed_and_put_back();
    let report = rig.apply(&[], 0);
    assert_eq!(action(&report, "orders.ada")["action"], "adopt");
    assert_eq!(known(&rig)["orders.ada"], id);
    assert_eq!(order_calls(&rig), 2);
}

#[test]
fn an_older_state_lets_a_person_bind_the_order_that_followed() {
    let (rig, id) = renewed_and_put_back();
    rig.tell("edit", json!({ "order_id": id, "common_name": "Other" }));
    let report = rig.apply(&[], 3);
    assert_eq!(action(&report, "orders.ada")["action"], "wait");
    rig.certplan(&["import", "orders.ada", &id, "--yes"])
        .expect(0);
    assert_eq!(known(&rig)["orders.ada"], id);
    rig.apply(&[], 0);
    assert_eq!(order_calls(&rig), 2);
}

#[test]
fn row_80_a_state_without_its_write_ahead_log_buys_nothing_twice() {
    let rig = rig(&["zoe"]);
    rig.apply(&[], 0);
    manifest(&rig, &header(1, DOUBT), &["ada", "bob", "cleo", "zoe"], "");
    rig.faults(
        json!([{ "match": { "method": "POST" }, "fault": "delay", "ms": 60_000, "skip": 2 }]),
    );
    let mut run = rig.spawn(&["apply", "--yes", "-q"]);
    rig.until("the third call", || order_calls(&rig) == 4);
    run.kill().expect("a kill");
    run.wait().expect("an end");
    rig.faults(json!([]));
    for suffix in ["-wal", "-shm"] {
        std::fs::remove_file(rig.path(&format!(".certplan/state.db{suffix}"))).expect("a log");
    }
    let plan = rig.plan(&[]);
    assert_eq!(plan["summary"]["adopt"], 3, "{plan:#}");
    assert!(plan["warnings"].to_string().contains("the state is older"));
    recover(&rig, "without its log");
    exactly_once(&rig, 4, "without its log");
    assert_eq!(order_calls(&rig), 4);
}

#[test]
fn row_74_a_state_of_another_endpoint_is_refused() {
    let mut rig = rig(&["ada"]);
    rig.apply(&[], 0);
    let other = Rig::new();
    let command = other.command(&[]);
    let endpoint = command
        .get_envs()
        .find(|(name, _)| *name == "CERTPLAN_ENDPOINT_DIGICERT")
        .and_then(|(_, value)| value?.to_str().map(str::to_owned))
        .expect("an endpoint");
    rig.set("CERTPLAN_ENDPOINT_DIGICERT", &endpoint);
    manifest(&rig, &header(2, DOUBT), &["ada", "bob"], "");
    for command in [&["plan"][..], &["apply", "--yes"]] {
        let ended = rig.certplan(command).expect(1);
        assert!(ended.stderr.contains("was written for"), "{}", ended.stderr);
    }
    assert_eq!(other.changes().len(), 0);
    assert_eq!(order_calls(&rig), 1);
}

#[test]
fn row_79_a_damaged_or_foreign_state_is_refused_before_anything_is_sent() {
    let rig = rig(&["ada"]);
    rig.apply(&[], 0);
    manifest(&rig, &header(2, DOUBT), &["ada", "bob"], "");
    let good = std::fs::read(state(&rig)).expect("a state");
    let mut cut = good.clone();
    cut.truncate(good.len() / 2);
    let mut zeroed = good.clone();
    zeroed[4096..8192].fill(0);
    for (what, bytes) in [
        ("empty", Vec::new()),
        ("text", b"version: 1\n".repeat(100)),
        ("cut", cut),
        ("zeroed", zeroed),
    ] {
        std::fs::write(state(&rig), &bytes).expect("a file");
        let ended = rig.certplan(&["apply", "--yes"]);
        assert_eq!(ended.code, Some(1), "{what}: {}", ended.stderr);
        let now = std::fs::read(state(&rig)).expect("a file");
        assert!(now == bytes, "{what}: the file was changed");
    }
    assert_eq!(order_calls(&rig), 1);
}

#[test]
fn row_78_a_place_that_takes_no_state_is_refused_before_anything_is_sent() {
    let rig = rig(&["ada"]);
    rig.write("file", "in the way");
    for place in ["/proc/certplan/state.db", "/dev/full", "file/state.db", "."] {
        let ended = rig.certplan(&["apply", "--yes", "--state", place]);
        assert_eq!(ended.code, Some(1), "{place}: {}", ended.stderr);
    }
    assert_eq!(rig.changes().len(), 0);
    // A folder that is not there yet is made.
    rig.certplan(&["apply", "--yes", "--state", "a/b/state.db"])
        .expect(0);
    assert!(rig.path("a/b/state.db").exists());
    assert_eq!(order_calls(&rig), 1);
}

#[test]
fn row_95_a_saved_plan_is_carried_out_once() {
    let rig = rig(&["ada"]);
    rig.certplan(&["plan", "--out", "saved.plan"]).expect(0);
    rig.certplan(&["apply", "saved.plan"]).expect(0);
    rig.certplan(&["apply", "saved.plan"]).expect(5);
    exactly_once(&rig, 1, "a plan applied twice");
}

#[test]
fn row_102_nothing_in_the_manifest_means_nothing_is_done() {
    let rig = rig(&["ada", "bob"]);
    rig.apply(&[], 0);
    let before = rig.changes().len();
    manifest(&rig, &header(2, DOUBT), &[], "");
    let ended = rig.certplan(&["apply", "--yes"]).expect(0);
    assert!(
        ended.stdout.contains("no longer in the manifest"),
        "{}",
        ended.stdout
    );
    assert_eq!(rig.changes().len(), before);
}

#[test]
fn row_70_a_target_that_changed_since_the_plan_is_not_revoked() {
    let rig = Rig::new();
    let order = &rig.seed(json!({ "certcentral": 1 }))[0];
    manifest(&rig, &header(2, DOUBT), &[], &revocation("old", order));
    rig.certplan(&["plan", "--out", "saved.plan", "--allow-revocations", "5"])
        .expect(0);
    rig.tell("revoke", json!({ "order_id": order }));
    rig.certplan(&["apply", "saved.plan", "--allow-revocations", "5"])
        .expect(5);
    assert_eq!(rig.changes().len(), 0);
}

#[test]
fn row_92_two_states_on_one_account_adopt_each_others_orders() {
    let rig = rig(&["ada", "bob"]);
    rig.certplan(&["apply", "--yes", "--state", "one/state.db"])
        .expect(0);
    rig.certplan(&["apply", "--yes", "--state", "two/state.db"])
        .expect(0);
    assert_eq!(orders_by_tag(&rig).len(), 2);
    assert_eq!(order_calls(&rig), 2);
}

/// A killed run leaves its log behind. Whoever puts an older state beside it has two halves that do not
/// belong together: that is refused or read as one of them, and the way back that is documented works.
#[test]
fn row_80_an_older_state_beside_the_log_of_a_killed_run_buys_nothing_twice() {
    let rig = rig(&["ada"]);
    rig.apply(&[], 0);
    copy(&state(&rig), &rig.path("kept.db"));
    manifest(&rig, &header(1, DOUBT), &["ada", "bob", "cleo"], "");
    rig.faults(
        json!([{ "match": { "method": "POST" }, "fault": "delay", "ms": 60_000, "skip": 1 }]),
    );
    let mut run = rig.spawn(&["apply", "--yes"]);
    rig.until("the third order", || {
        rig.effects("order_created").len() == 3
    });
    run.kill().expect("a kill");
    run.wait().expect("an end");
    rig.faults(json!([]));
    let log = rig.path(".certplan/state.db-wal");
    assert!(std::fs::metadata(&log).expect("a log").len() > 0);
    copy(&rig.path("kept.db"), &state(&rig));
    let ended = rig.certplan(&["apply", "--yes"]);
    assert!(matches!(ended.code, Some(0 | 1 | 3)), "{ended:?}");
    println!("{ended:?}");
    if ended.code == Some(1) {
        for file in ["state.db-wal", "state.db-shm"] {
            let _ = std::fs::remove_file(rig.path(&format!(".certplan/{file}")));
        }
        copy(&rig.path("kept.db"), &state(&rig));
    }
    recover(&rig, "an older state beside a newer log");
    exactly_once(&rig, 3, "an older state beside a newer log");
    assert_eq!(order_calls(&rig), 3);
}
