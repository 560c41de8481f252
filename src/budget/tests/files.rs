//! Budgets in files, several of them open at once as several processes have them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;
use crate::budget::BudgetFolder;
use crate::model::Secret;
use crate::provider::{Budget, BudgetSlot, Drawn, Endpoint, KeyFingerprint, Keys, Spent};

/// Longer than a test.
const LEASE: Duration = Duration::from_secs(900);

fn key(key: &str) -> KeyFingerprint {
    let keys = Keys::certcentral(Secret::new(key.to_owned()));
    keys.fingerprint(&Endpoint::parse("https://ca.example/").unwrap())
}

/// Another process's budget of the same key: nothing is shared but the file.
fn opened(folder: &Path) -> Arc<dyn Budget> {
    BudgetFolder::open(folder)
        .unwrap()
        .budget(&key("one"))
        .unwrap()
}

fn file(folder: &Path) -> PathBuf {
    folder.join(format!("budget-1-{}.db", key("one").as_str()))
}

fn wait_for<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

/// A slot if there is one.
fn draw(budget: &Arc<dyn Budget>, windows: &[RateLimit]) -> Option<BudgetSlot> {
    match wait_for(budget.take(windows, LEASE)).unwrap() {
        Drawn::Slot(slot) => Some(slot),
        Drawn::Wait(_) => None,
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn two_processes_share_one_limit_and_two_keys_do_not() {
    let folder = TempDir::new().unwrap();
    let (one, two) = (opened(folder.path()), opened(folder.path()));
    let windows = [limit(2, 3_600_000)];
    let first = draw(&one, &windows).unwrap();
    let second = draw(&two, &windows).unwrap();
    assert!(draw(&one, &windows).is_none());
    let other = BudgetFolder::open(folder.path()).unwrap();
    assert!(draw(&other.budget(&key("two")).unwrap(), &windows).is_some());
    // What was never sent is free again as soon as it is told, what was sent is not.
    first.finish(Spent::Never);
    second.finish(Spent::Ended);
    drop((one, two));
    let later = opened(folder.path());
    let last = draw(&later, &windows);
    assert!(last.is_some());
    assert!(draw(&later, &windows).is_none());
}

#[test]
fn what_was_told_is_written_before_the_budget_is_gone() {
    let folder = TempDir::new().unwrap();
    let windows = [limit(1_000, 3_600_000)];
    let budget = opened(folder.path());
    let slots: Vec<BudgetSlot> = (0..500).map(|_| draw(&budget, &windows).unwrap()).collect();
    for (number, slot) in slots.into_iter().enumerate() {
        if number % 2 == 0 {
            slot.finish(Spent::Ended);
        }
    }
    drop(budget);
    let connection = Connection::open(file(folder.path())).unwrap();
    let count = |table: &str| {
        let all = format!("SELECT count(*) FROM {table}");
        connection
            .query_row(&all, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    assert_eq!((count("flights"), count("calls")), (0, 250));
}

#[test]
fn a_pause_holds_the_other_process() {
    let folder = TempDir::new().unwrap();
    let (one, two) = (opened(folder.path()), opened(folder.path()));
    let windows = [limit(5, 1)];
    one.pause(Duration::from_secs(600));
    // The first process's own next draw comes after its pause.
    assert!(draw(&one, &windows).is_none());
    assert!(draw(&two, &windows).is_none());
}

#[test]
fn a_draw_that_nobody_waits_for_leaves_no_slot_behind() {
    let folder = TempDir::new().unwrap();
    let budget = opened(folder.path());
    let windows = [limit(1, 3_600_000)];
    for _ in 0..50 {
        let mut take = budget.take(&windows, LEASE);
        // Once: the question is out, the answer is not waited for.
        let _ = futures::FutureExt::now_or_never(&mut take);
        drop(take);
    }
    let held = (0..200).find_map(|_| {
        std::thread::sleep(Duration::from_millis(5));
        draw(&budget, &windows)
    });
    assert!(held.is_some());
}

#[test]
fn only_the_owner_may_read_a_budget_unless_the_folder_is_shared() {
    let outer = TempDir::new().unwrap();
    let folder = outer.path().join("state/certplan");
    let budget = opened(&folder);
    assert!(draw(&budget, &[limit(1, 1)]).is_some());
    assert_eq!(mode(&folder), 0o700);
    for entry in fs::read_dir(&folder).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
    let shared = TempDir::new().unwrap();
    allow(shared.path(), 0o770);
    let budget = opened(shared.path());
    assert!(draw(&budget, &[limit(1, 1)]).is_some());
    let files: Vec<PathBuf> = fs::read_dir(shared.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(files.len() >= 3, "{files:?}");
    for path in files {
        assert_eq!(mode(&path), 0o660, "{path:?}");
    }
}

#[test]
fn a_place_that_others_could_tamper_with_is_refused() {
    let everyone = TempDir::new().unwrap();
    allow(everyone.path(), 0o777);
    let why = BudgetFolder::open(everyone.path()).err().unwrap();
    assert!(why.to_string().contains("everyone"), "{why}");

    let refused = |prepare: &dyn Fn(&Path)| {
        let folder = TempDir::new().unwrap();
        drop(opened(folder.path()));
        prepare(&file(folder.path()));
        let budget = BudgetFolder::open(folder.path()).unwrap();
        let refused = budget.budget(&key("one")).err().unwrap().to_string();
        // Nothing was put in its place.
        assert!(!file(folder.path()).with_extension("db.broken").exists());
        refused
    };
    let open = refused(&|path| allow(path, 0o644));
    assert!(open.contains("chmod 600"), "{open}");
    let link = refused(&|path| {
        fs::rename(path, path.with_extension("other")).unwrap();
        std::os::unix::fs::symlink(path.with_extension("other"), path).unwrap();
    });
    assert!(link.contains("regular"), "{link}");
    let second = refused(&|path| fs::hard_link(path, path.with_extension("other")).unwrap());
    assert!(second.contains("hard link"), "{second}");
}

#[test]
fn a_damaged_file_is_replaced_and_kept_aside() {
    let damages: [&dyn Fn(&Path); 6] = [
        &|path| fs::write(path, "no database").unwrap(),
        &|path| {
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
        },
        &|path| {
            let mut bytes = fs::read(path).unwrap();
            for byte in &mut bytes[4096..] {
                *byte = 0x5a;
            }
            fs::write(path, bytes).unwrap();
        },
        &|path| {
            let connection = Connection::open(path).unwrap();
            connection.execute_batch("DROP TABLE calls").unwrap();
        },
        &|path| {
            let connection = Connection::open(path).unwrap();
            connection.execute_batch("DELETE FROM state").unwrap();
        },
        &|path| {
            let connection = Connection::open(path).unwrap();
            connection
                .execute_batch(
                    "CREATE TRIGGER none AFTER INSERT ON calls BEGIN DELETE FROM calls; END",
                )
                .unwrap();
        },
    ];
    for (number, damage) in damages.iter().enumerate() {
        let folder = TempDir::new().unwrap();
        let windows = [limit(1, 3_600_000)];
        draw(&opened(folder.path()), &windows)
            .unwrap()
            .finish(Spent::Ended);
        damage(&file(folder.path()));
        let (one, two) = (opened(folder.path()), opened(folder.path()));
        let slot = draw(&one, &windows);
        assert!(slot.is_some(), "{number}");
        assert!(draw(&two, &windows).is_none(), "{number}");
        assert!(file(folder.path()).with_extension("db.broken").exists());
    }
}

#[test]
fn a_file_that_is_removed_or_replaced_in_use_is_opened_anew_by_all() {
    let folder = TempDir::new().unwrap();
    let windows = [limit(2, 3_600_000)];
    let (one, two) = (opened(folder.path()), opened(folder.path()));
    let before = draw(&one, &windows).unwrap();
    assert!(draw(&two, &windows).is_some());
    fs::remove_file(file(folder.path())).unwrap();
    let first = draw(&two, &windows).unwrap();
    let second = draw(&one, &windows).unwrap();
    assert!(draw(&two, &windows).is_none());
    // The slot of the file that is gone takes none of the new one's away, and its call counts.
    second.finish(Spent::Never);
    before.finish(Spent::Ended);
    assert!(draw(&one, &windows).is_none());
    drop(first);
}

#[test]
fn a_file_that_is_damaged_in_use_is_replaced() {
    let folder = TempDir::new().unwrap();
    let windows = [limit(2, 3_600_000)];
    let (one, two) = (opened(folder.path()), opened(folder.path()));
    let held = draw(&one, &windows).unwrap();
    let other = Connection::open(file(folder.path())).unwrap();
    other.execute_batch("DROP TABLE flights").unwrap();
    drop(other);
    let first = draw(&one, &windows).unwrap();
    let second = draw(&two, &windows).unwrap();
    assert!(draw(&one, &windows).is_none());
    drop((held, first, second));
}

#[test]
fn a_budget_that_is_kept_locked_is_an_error_and_no_wait_for_ever() {
    let folder = TempDir::new().unwrap();
    let windows = [limit(1, 1)];
    let budget = opened(folder.path());
    let other = Connection::open(file(folder.path())).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let answer = wait_for(budget.take(&windows, LEASE));
    assert!(answer.unwrap_err().to_string().contains("locked"));
    drop(other);
    // Given up for good: a run does not change between two ways of counting.
    assert!(wait_for(budget.take(&windows, LEASE)).is_err());
}
