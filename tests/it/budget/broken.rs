//! A budget that cannot be used stops nobody, one that is damaged is replaced, and what sends nothing
//! touches none.

use super::*;

#[test]
fn a_damaged_budget_is_replaced_and_said_once() {
    let rig = enforcing();
    let one = manifest(&rig, "one", LIMITS, 3);
    rig.certplan(&["plan", "-f", &one]).expect(0);
    let path = budget(&rig);
    std::fs::write(&path, "no database").expect("damage");
    let ended = rig.certplan(&["plan", "-f", &one]).expect(0);
    assert_eq!(
        ended.stderr.matches("is begun anew").count(),
        1,
        "{}",
        ended.stderr
    );
    let next = rig.certplan(&["plan", "-f", &one]).expect(0);
    assert!(!next.stderr.contains("budget"), "{}", next.stderr);
    assert_eq!(budget(&rig), path);
    assert!(rows(&rig, "calls") > 0);
}

#[test]
fn a_pause_of_an_hour_in_a_budget_is_not_believed_and_said_once() {
    let rig = enforcing();
    let one = manifest(&rig, "one", LIMITS, 3);
    rig.certplan(&["plan", "-f", &one]).expect(0);
    let hour = "UPDATE state SET paused_until = paused_until + 9000000000000000";
    rusqlite::Connection::open(budget(&rig))
        .and_then(|connection| connection.execute_batch(hour))
        .expect("a pause");
    let ended = rig.certplan(&["plan", "-f", &one]).expect(0);
    let said = ended.stderr.matches("held a pause that ends later").count();
    assert_eq!(said, 1, "{}", ended.stderr);
    let next = rig.certplan(&["plan", "-f", &one]).expect(0);
    assert!(!next.stderr.contains("budget"), "{}", next.stderr);
}

#[test]
fn a_budget_that_cannot_be_used_is_said_once_and_the_run_keeps_to_the_limits_by_itself() {
    let rig = enforcing();
    let one = manifest(&rig, "one", LIMITS, 60);
    rig.write("file", "");
    let ended = rig
        .certplan(&["apply", "--yes", "-f", &one, "--budget-dir", "file/in-it"])
        .expect(0);
    let said = ended.stderr.matches("the rate budget").count();
    assert_eq!(said, 1, "{}", ended.stderr);
    assert_eq!(rig.effects("order_created").len(), 60);
    kept(&rig);
    assert!(budgets(&rig).is_empty());
}

#[test]
fn without_a_home_the_budget_is_beside_the_state() {
    let mut rig = enforcing();
    rig.set("HOME", "/nonexistent/home");
    let one = manifest(&rig, "one", LIMITS, 3);
    let ended = rig.certplan(&["plan", "-f", &one]).expect(0);
    assert!(!ended.stderr.contains("budget"), "{}", ended.stderr);
    let beside: Vec<String> = std::fs::read_dir(rig.path("one/.certplan"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().display().to_string())
        .collect();
    assert!(
        beside.iter().all(|name| name.starts_with("budget-1-")),
        "{beside:?}"
    );
    assert!(
        beside.iter().any(|name| name.ends_with(".db")),
        "{beside:?}"
    );
    assert!(!std::path::Path::new("/nonexistent").exists());
}

#[test]
fn what_sends_nothing_touches_no_budget() {
    let rig = enforcing();
    let one = manifest(&rig, "one", LIMITS, 3);
    for args in [
        ["validate", "-f", &one].as_slice(),
        &["plan", "--offline", "-f", &one],
    ] {
        rig.certplan(args).expect(0);
    }
    assert_eq!(std::fs::read_dir(rig.home()).expect("a home").count(), 0);
    rig.certplan(&["plan", "-f", &one]).expect(0);
    assert_eq!(budgets(&rig).len(), 1);
    assert!(!rig.path("one/.certplan").exists());
}

#[test]
fn the_name_of_a_budget_shows_nothing_of_the_key() {
    let rig = enforcing();
    let one = manifest(&rig, "one", LIMITS, 3);
    rig.certplan(&["plan", "-f", &one]).expect(0);
    let path = budget(&rig);
    let key = Options::default().certcentral_key;
    let name = path.file_name().expect("a name").display().to_string();
    assert_eq!(name.len(), "budget-1-.db".len() + 26);
    for piece in key.split('-').filter(|piece| piece.len() > 3) {
        assert!(!name.contains(piece), "{name} holds {piece}");
    }
    let bytes = std::fs::read(path).expect("a budget");
    let text = String::from_utf8_lossy(&bytes);
    assert!(!text.contains(&key) && !text.contains("127.0.0.1"));
}
