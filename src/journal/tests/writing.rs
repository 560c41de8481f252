//! Writing: what is accepted is what is read back; what fails poisons.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;

#[tokio::test]
async fn what_was_appended_is_read_back() {
    let bench = Bench::new();
    assert_eq!(bench.read().unwrap(), None);
    let journal = bench.hold().await;
    let empty = journal.mark();
    assert_eq!((empty.serial, empty.head), (0, Digest::of(b"")));
    assert_eq!(bench.read().unwrap().unwrap().mark, empty);
    let facts = story();
    journal.append(facts[..4].to_vec()).await.unwrap();
    for fact in &facts[4..] {
        journal.append(vec![fact.clone()]).await.unwrap();
    }
    let (mark, records) = (journal.mark(), journal.records());
    assert_eq!(mark.serial, 9);
    assert_ne!(mark.head, empty.head);
    assert_eq!(records, replayed(&facts));
    // Beside the run that holds it.
    let beside = bench.read().unwrap().unwrap();
    assert_eq!((&beside.mark, &beside.records), (&mark, &records));
    journal.close().await.unwrap();
    assert_eq!(bench.read().unwrap().unwrap(), beside);
    assert_eq!(bench.facts(), facts);
    let again = bench.hold().await;
    assert_eq!((again.mark(), again.records()), (mark, records));
}

#[tokio::test]
async fn a_fact_that_cannot_follow_is_refused_with_its_whole_call_and_nothing_else() {
    let bench = Bench::new();
    let journal = bench.hold().await;
    let error = journal
        .append(vec![intended("a", 1), accepted("a", 1), accepted("a", 2)])
        .await
        .unwrap_err();
    assert!(matches!(error, JournalError::Illegal(_)), "{error}");
    assert_eq!(journal.mark().serial, 0);
    // The refusal is no error of the storage.
    journal.append(vec![intended("a", 1)]).await.unwrap();
    journal.append(Vec::new()).await.unwrap();
    drop(journal);
    assert_eq!(bench.facts(), vec![intended("a", 1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_appends_are_all_durable() {
    let bench = Bench::new();
    let journal = Arc::new(bench.hold().await);
    let tasks: Vec<_> = (0..64)
        .map(|number| {
            let journal = Arc::clone(&journal);
            tokio::spawn(async move {
                let name = format!("item-{number}");
                journal.append(vec![intended(&name, 1)]).await.unwrap();
                journal.append(vec![accepted(&name, number)]).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let records = journal.records();
    drop(journal);
    let found = bench.read().unwrap().unwrap();
    assert_eq!(found.mark.serial, 128);
    assert_eq!(found.records, records);
    assert_eq!(
        found
            .records
            .values()
            .filter(|record| record.live.is_some())
            .count(),
        64
    );
}

#[tokio::test]
async fn calls_of_one_group_build_on_each_other() {
    let bench = Bench::new();
    let journal = bench.hold().await;
    let results = futures::future::join_all([
        journal.append(vec![intended("a", 1)]),
        journal.append(vec![accepted("a", 1)]),
        journal.append(vec![accepted("a", 2)]),
        journal.append(vec![issued("a")]),
    ])
    .await;
    let taken: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(taken, [true, true, false, true], "{results:?}");
    assert_eq!(journal.mark().serial, 3);
}

#[tokio::test]
async fn the_first_failed_write_is_the_last_write() {
    let bench = Bench::new();
    let journal = bench.hold().await;
    journal.append(vec![intended("a", 1)]).await.unwrap();
    let before = journal.mark();
    let other = bench.raw();
    other
        .execute_batch("ALTER TABLE facts RENAME TO hidden")
        .unwrap();
    let error = journal.append(vec![accepted("a", 1)]).await.unwrap_err();
    assert!(matches!(error, JournalError::Write(_)), "{error}");
    // The disk works again, and still nothing is written.
    other
        .execute_batch("ALTER TABLE hidden RENAME TO facts")
        .unwrap();
    let account = "digicert".parse().unwrap();
    for error in [
        journal.append(vec![accepted("a", 1)]).await.unwrap_err(),
        journal.append(vec![intended("b", 1)]).await.unwrap_err(),
        journal.bind(&account, binding(None)).await.unwrap_err(),
        copy(&journal).await.unwrap_err(),
    ] {
        assert!(matches!(error, JournalError::Write(_)), "{error}");
        assert!(
            error.to_string().contains("an earlier write failed"),
            "{error}"
        );
    }
    assert_eq!(journal.mark(), before);
    drop(other);
    drop(journal);
    assert_eq!(bench.facts(), vec![intended("a", 1)]);
}

#[tokio::test]
async fn a_fact_written_by_another_hand_stops_the_run() {
    let bench = Bench::new();
    let journal = bench.hold().await;
    journal.append(vec![intended("a", 1)]).await.unwrap();
    let other = bench.raw();
    other
        .execute_batch(
            "INSERT INTO facts SELECT 2, at, run, address, account, word, body, hash, hash FROM facts",
        )
        .unwrap();
    let error = journal.append(vec![accepted("a", 1)]).await.unwrap_err();
    assert!(matches!(error, JournalError::Write(_)), "{error}");
}

#[tokio::test]
async fn the_table_itself_refuses_changes() {
    let bench = Bench::with(story()).await;
    let raw = bench.raw();
    for (sql, why) in [
        (
            "UPDATE facts SET account = 'x' WHERE seq = 1",
            "never changed",
        ),
        ("DELETE FROM facts WHERE seq = 9", "never deleted"),
        (
            "INSERT INTO facts SELECT 11, at, run, address, account, word, body, hash, hash FROM facts WHERE seq = 9",
            "number of a fact follows",
        ),
        (
            "INSERT OR REPLACE INTO facts SELECT 9, at, run, address, account, word, body, previous, hash FROM facts WHERE seq = 9",
            "number of a fact follows",
        ),
        (
            "INSERT INTO facts SELECT 10, at, run, address, account, word, body, previous, hash FROM facts WHERE seq = 9",
            "holds the hash",
        ),
    ] {
        let error = raw.execute_batch(sql).unwrap_err().to_string();
        assert!(error.contains(why), "{sql}: {error}");
    }
}

fn binding(account_id: Option<&str>) -> Binding {
    Binding {
        provider: "certcentral".to_owned(),
        endpoint: "https://ca.example/services/v2".to_owned(),
        account_id: account_id.map(str::to_owned),
    }
}

#[tokio::test]
async fn a_binding_is_kept_and_filled_in_and_defended() {
    let bench = Bench::new();
    let account: AccountName = "digicert".parse().unwrap();
    let journal = bench.hold().await;
    journal.bind(&account, binding(None)).await.unwrap();
    drop(journal);
    let journal = bench.hold().await;
    let elsewhere = Binding {
        endpoint: "https://other.example".to_owned(),
        ..binding(None)
    };
    let error = journal.bind(&account, elsewhere).await.unwrap_err();
    assert!(matches!(error, JournalError::Foreign { .. }), "{error}");
    journal.bind(&account, binding(Some("7"))).await.unwrap();
    drop(journal);
    let journal = bench.hold().await;
    let error = journal
        .bind(&account, binding(Some("8")))
        .await
        .unwrap_err();
    assert!(matches!(error, JournalError::Foreign { .. }), "{error}");
    // A refusal is no error of the storage.
    journal.append(vec![intended("a", 1)]).await.unwrap();
    assert_eq!(
        bench.read().unwrap().unwrap().bindings.accounts,
        BTreeMap::from([(account, binding(Some("7")))])
    );
}

#[tokio::test]
async fn history_shows_what_is_asked_for() {
    let bench = Bench::new();
    assert!(
        history(&bench.location(), &HistoryFilter::default())
            .unwrap()
            .is_empty()
    );
    let mut facts = story();
    for late in &mut facts[5..] {
        late.run = RunId::from("run-2");
    }
    let bench = Bench::with(facts.clone()).await;
    let show = |filter: HistoryFilter| -> Vec<u64> {
        let lines = history(&bench.location(), &filter).unwrap();
        for line in &lines {
            let fact = &facts[usize::try_from(line.seq).unwrap() - 1];
            assert_eq!(line.entry.item(), Some(fact));
        }
        lines.into_iter().map(|line| line.seq).collect()
    };
    let b = Some(Address::Order("b".parse().unwrap()));
    let all = HistoryFilter::default;
    assert_eq!(show(all()), (1..=9).collect::<Vec<_>>());
    assert_eq!(
        show(HistoryFilter {
            address: b.clone(),
            ..all()
        }),
        [3, 4, 8, 9]
    );
    let second = Some(RunId::from("run-2"));
    assert_eq!(
        show(HistoryFilter {
            run: second.clone(),
            ..all()
        }),
        [6, 7, 8, 9]
    );
    assert_eq!(
        show(HistoryFilter {
            limit: Some(2),
            ..all()
        }),
        [8, 9]
    );
    assert_eq!(
        show(HistoryFilter {
            limit: Some(0),
            ..all()
        }),
        [0_u64; 0]
    );
    let narrow = HistoryFilter {
        address: b,
        run: second,
        limit: Some(1),
    };
    assert_eq!(show(narrow), [9]);
}

#[tokio::test]
async fn the_last_line_is_the_head() {
    let bench = Bench::with(story()).await;
    let lines = history(&bench.location(), &HistoryFilter::default()).unwrap();
    let verified = verify(&bench.location()).unwrap().unwrap();
    let mark = bench.read().unwrap().unwrap().mark;
    assert_eq!(lines.last().unwrap().hash, mark.head);
    assert_eq!(
        verified,
        Verified {
            facts: 9,
            head: mark.head,
            lineage: mark.lineage
        }
    );
    assert_eq!(verify(&Bench::new().location()).unwrap(), None);
}

/// Readers need no lock of ours: whatever runs begin and end meanwhile, each answer is one moment's.
#[tokio::test]
async fn readers_see_whole_moments_while_runs_come_and_go() {
    let bench = Bench::new();
    bench.hold().await.close().await.unwrap();
    let location = bench.location();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let reader = std::thread::spawn(move || {
        let mut seen = Vec::new();
        while stopped.try_recv() != Err(std::sync::mpsc::TryRecvError::Disconnected) {
            let found = read(&location).unwrap().unwrap();
            assert_eq!(
                u64::try_from(found.records.len()).unwrap(),
                found.mark.serial
            );
            seen.push(found.mark.serial);
        }
        seen
    });
    for number in 0..40 {
        let journal = bench.hold().await;
        for half in ["a", "b"] {
            let name = format!("item-{number}-{half}");
            journal.append(vec![intended(&name, 1)]).await.unwrap();
        }
        journal.close().await.unwrap();
    }
    drop(stop);
    let seen = reader.join().unwrap();
    assert!(seen.is_sorted(), "{seen:?}");
    assert!(!seen.is_empty());
    assert_eq!(bench.read().unwrap().unwrap().mark.serial, 80);
}

#[tokio::test]
async fn the_write_ahead_log_is_moved_while_the_run_goes_on() {
    let bench = Bench::new();
    let journal = bench.hold().await;
    let size = || std::fs::metadata(&bench.path).unwrap().len();
    let empty = size();
    journal.append(vec![intended("first", 1)]).await.unwrap();
    assert_eq!(size(), empty);
    let many = (0..2_000).map(|number| intended(&format!("item-{number}"), 1));
    journal.append(many.collect()).await.unwrap();
    // The log is moved after the answer; the next answer comes after that.
    journal.append(Vec::new()).await.unwrap();
    assert!(size() > empty);
    assert_eq!(bench.read().unwrap().unwrap().records, journal.records());
}
