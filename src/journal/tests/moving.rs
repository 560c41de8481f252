//! A journal that was taken over: what it says of itself, and that nothing follows the end.

use super::*;
use crate::journal::chain::StoredFact;
use crate::model::{JournalFact, JournalFactBody};

fn location(bench: &Bench) -> Location {
    Location::file(bench.location())
}

async fn moved() -> (Bench, Bench) {
    let (from, to) = (Bench::with(story()).await, Bench::new());
    let taken = take_over(&location(&from), &location(&to), &holder("migrate")).await;
    assert_eq!(taken.unwrap().facts, 9);
    (from, to)
}

fn last_words(bench: &Bench) -> Vec<&'static str> {
    let lines = history(&bench.path, &HistoryFilter::default()).unwrap();
    lines[9..].iter().map(|line| line.entry.word()).collect()
}

#[tokio::test]
async fn the_old_one_is_closed_and_the_new_one_goes_on() {
    let (from, to) = moved().await;
    assert_eq!(last_words(&from), ["moved"]);
    assert_eq!(last_words(&to), ["moved", "taken_over"]);
    for error in [from.read().unwrap_err(), from.try_hold().await.unwrap_err()] {
        let JournalError::Moved { to: named, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(named, to.path.display().to_string());
    }
    let journal = to.hold().await;
    assert_eq!(journal.records(), replayed(&story()));
    journal.append(vec![issued("b")]).await.unwrap();
    drop(journal);
    for bench in [&from, &to] {
        verify(&bench.path).unwrap();
    }
    // Once more is no harm, somewhere else is refused, and it may come back into a third place.
    let again = take_over(&location(&from), &location(&to), &holder("migrate")).await;
    assert_eq!(again.unwrap().facts, 9);
    let third = Bench::new();
    let elsewhere = take_over(&location(&from), &location(&third), &holder("migrate")).await;
    assert!(matches!(elsewhere, Err(JournalError::Moved { .. })));
    let back = take_over(&location(&to), &location(&third), &holder("migrate")).await;
    assert_eq!(back.unwrap().facts, 12);
    assert_eq!(
        last_words(&third),
        ["moved", "taken_over", "seen", "moved", "taken_over"]
    );
}

#[tokio::test]
async fn a_half_filled_journal_is_used_by_nobody() {
    let (_, to) = moved().await;
    let raw = to.raw();
    raw.execute_batch("INSERT INTO meta VALUES ('filling', '/old/state.db')")
        .unwrap();
    raw.close().unwrap();
    for error in [to.read().unwrap_err(), to.try_hold().await.unwrap_err()] {
        let said = error.to_string();
        assert!(
            said.contains("`certplan migrate --from /old/state.db --state "),
            "{said}"
        );
    }
}

#[tokio::test]
async fn what_follows_the_end_or_comes_from_nowhere_is_found() {
    let journal_fact = |body| {
        Entry::Journal(JournalFact {
            at: "2026-11-21T10:00:00Z".parse().unwrap(),
            run: RunId::from("run-1"),
            body,
        })
    };
    let to = || "elsewhere".to_owned();
    let cases = [
        (moved().await.0, Entry::Item(Box::new(issued("a")))),
        (
            moved().await.0,
            journal_fact(JournalFactBody::Moved { to: to() }),
        ),
        (
            Bench::with(story()).await,
            journal_fact(JournalFactBody::TakenOver { from: to() }),
        ),
    ];
    for (bench, entry) in cases {
        let found = verify(&bench.path).unwrap().unwrap();
        let (row, hash) = StoredFact::link(&entry, found.facts + 1, &found.head).unwrap();
        let raw = bench.raw();
        raw.execute(
            "INSERT INTO facts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            rusqlite::params![
                row.seq,
                row.at,
                row.run,
                row.address,
                row.account,
                row.word,
                row.body,
                row.previous,
                row.hash
            ],
        )
        .unwrap();
        raw.execute_batch(&format!(
            "UPDATE meta SET value = '{}' WHERE key = 'serial';
             UPDATE meta SET value = '{hash}' WHERE key = 'tip';",
            row.seq
        ))
        .unwrap();
        raw.close().unwrap();
        match verify(&bench.path).unwrap_err() {
            VerifyError::Broken { seq, .. } => assert_eq!(seq, found.facts + 1),
            other @ VerifyError::Journal(_) => panic!("{other}"),
        }
    }
}
