//! What every journal keeps, shown for both: a file, and a database in PostgreSQL.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use certplan::journal::{
    self, Binding, Gap, HistoryFilter, Hold, Holder, Journal, JournalError, Location, VerifyError,
};
use certplan::model::{
    Attempt, Digest, Fact, FactBody, FilesId, LiveState, OperationKind, RunId, Untrusted,
};
use futures::future::join_all;
use tempfile::TempDir;

use super::server::Database;

/// A place for a journal that is not there yet.
enum Place {
    File(TempDir),
    Postgres(Database),
}

impl Place {
    fn both() -> [Self; 2] {
        [
            Self::File(TempDir::new().expect("a folder")),
            Self::Postgres(Database::new()),
        ]
    }

    fn location(&self) -> Location {
        match self {
            Self::File(folder) => Location::file(folder.path().join("state/state.db")),
            Self::Postgres(database) => database.url().parse().expect("a location"),
        }
    }

    async fn hold(&self) -> Box<dyn Journal> {
        self.try_hold("apply", Duration::ZERO).await.expect("held")
    }

    async fn try_hold(
        &self,
        command: &str,
        lock_timeout: Duration,
    ) -> Result<Box<dyn Journal>, JournalError> {
        let holder = Holder {
            command: command.to_owned(),
            run: RunId::from("run-1"),
        };
        journal::open(&self.location(), holder, lock_timeout).await
    }

    /// Changes the body of a fact behind the journal's back.
    fn tamper(&self, seq: u64) {
        match self {
            Self::File(folder) => {
                let raw = rusqlite::Connection::open(folder.path().join("state/state.db"))
                    .expect("a database");
                raw.execute_batch(&format!(
                    "DROP TRIGGER facts_are_never_changed;
                     UPDATE facts SET account = 'another' WHERE seq = {seq}"
                ))
                .expect("changed");
            }
            Self::Postgres(database) => {
                database.sql(&format!(
                    "ALTER TABLE facts DISABLE TRIGGER USER;
                     UPDATE facts SET account = 'another' WHERE seq = {seq};
                     ALTER TABLE facts ENABLE TRIGGER USER"
                ));
            }
        }
    }
}

fn fact(name: &str, body: FactBody) -> Fact {
    Fact {
        at: "2026-11-21T10:00:00.123456789Z".parse().expect("a time"),
        run: RunId::from("run-1"),
        address: format!("orders.{name}").parse().expect("an address"),
        account: "digicert".parse().expect("a name"),
        body,
    }
}

fn intended(name: &str, number: u32) -> Fact {
    fact(
        name,
        FactBody::Intended(Attempt {
            renews: None,
            why: Default::default(),
            public_key: None,
            kind: OperationKind::Order,
            part: None,
            number,
            generation: 1,
            order_id: None,
            replaces: None,
            tag: None,
            body: Digest::of(name.as_bytes()),
            certificate: Some(Digest::of(b"certificate")),
            terms: None,
            asked: None,
        }),
    )
}

fn accepted(name: &str, id: u64) -> Fact {
    fact(
        name,
        FactBody::Accepted {
            order_id: id.into(),
            request_id: None,
            certificate_id: None,
            approved: false,
            validation: Vec::new(),
        },
    )
}

fn refused(name: &str) -> Fact {
    // What a CA may say: no text breaks a journal.
    let message = Untrusted::new("no \u{1b}[31m funds\0 \u{202e} '; DROP TABLE facts; --");
    fact(
        name,
        FactBody::Refused {
            code: None,
            message,
        },
    )
}

fn bound(endpoint: &str, id: Option<&str>) -> Binding {
    Binding {
        provider: "certcentral".to_owned(),
        endpoint: endpoint.to_owned(),
        account_id: id.map(str::to_owned),
    }
}

fn block<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new()
        .expect("a runtime")
        .block_on(work)
}

#[test]
fn facts_are_there_again_after_closing_and_each_is_as_it_was_written() {
    for place in Place::both() {
        block(async {
            let none = journal::read(&place.location()).await.expect("none");
            assert!(!none.exists() && none.gap == Some(Gap::NoState));
            let written = vec![
                intended("a", 1),
                accepted("a", 7),
                intended("b", 1),
                refused("b"),
            ];
            let journal = place.hold().await;
            for fact in &written {
                journal.append(vec![fact.clone()]).await.expect("written");
            }
            let (mark, records) = (journal.mark(), journal.records());
            assert_eq!((mark.serial, records.len()), (4, 2));
            journal.close().await.expect("closed");

            let read = journal::read(&place.location()).await.expect("read");
            assert_eq!((&read.mark, &read.records), (&mark, &records));
            let lines = journal::history(&place.location(), &HistoryFilter::default())
                .await
                .expect("lines");
            let facts: Vec<Fact> = lines
                .iter()
                .filter_map(|line| line.entry.item().cloned())
                .collect();
            assert_eq!(facts, written);
            assert_eq!(lines.last().map(|line| line.hash), Some(mark.head));
            let newest = HistoryFilter {
                address: Some("orders.b".parse().expect("an address")),
                limit: Some(1),
                ..HistoryFilter::default()
            };
            let lines = journal::history(&place.location(), &newest)
                .await
                .expect("lines");
            assert_eq!(lines.iter().map(|line| line.seq).collect::<Vec<_>>(), [4]);

            let journal = place.hold().await;
            assert_eq!((journal.mark(), journal.records()), (mark, records));
        });
    }
}

#[test]
fn what_cannot_follow_is_refused_with_all_that_came_with_it() {
    for place in Place::both() {
        block(async {
            let journal = place.hold().await;
            let before = journal.mark();
            let error = journal
                .append(vec![intended("a", 1), intended("a", 2)])
                .await
                .expect_err("two intents");
            assert!(matches!(error, JournalError::Illegal(_)), "{error}");
            assert_eq!((journal.mark(), journal.records().len()), (before, 0));
            journal
                .append(vec![intended("a", 1), accepted("a", 1)])
                .await
                .expect("written");
            let error = journal
                .append(vec![intended("a", 2)])
                .await
                .expect_err("live");
            assert!(error.to_string().contains("already bound"), "{error}");
            journal
                .append(vec![intended("b", 1)])
                .await
                .expect("an error of one call is its own");
            assert_eq!(journal.mark().serial, 3);
        });
    }
}

#[test]
fn many_at_once_are_all_written_and_answered_each_for_itself() {
    for place in Place::both() {
        block(async {
            let journal = place.hold().await;
            let names: Vec<String> = (0..300).map(|number| format!("n{number}")).collect();
            let calls = names.iter().enumerate().map(|(at, name)| {
                // Every tenth cannot follow.
                let first = if at % 10 == 0 { 2 } else { 1 };
                journal.append(vec![intended(name, first)])
            });
            let answers = join_all(calls).await;
            for (at, answer) in answers.iter().enumerate() {
                assert_eq!(answer.is_err(), at % 10 == 0, "{at}: {answer:?}");
            }
            assert_eq!(journal.mark().serial, 270);
            journal.close().await.expect("closed");
            let verified = journal::verify(&place.location())
                .await
                .expect("whole")
                .expect("there");
            assert_eq!(verified.facts, 270);
        });
    }
}

#[test]
fn a_second_run_is_told_who_holds_it_and_gets_it_when_that_one_ends() {
    for place in Place::both() {
        block(async {
            let journal = place
                .try_hold("resolve", Duration::ZERO)
                .await
                .expect("held");
            let Err(error) = place.try_hold("apply", Duration::from_millis(300)).await else {
                panic!("two hold it");
            };
            assert!(matches!(error, JournalError::Held { .. }), "{error}");
            let said = error.to_string();
            let process = format!("process {}", std::process::id());
            assert!(
                said.contains(&process) && said.contains("certplan resolve"),
                "{said}"
            );
            let (closed, next) = tokio::join!(
                async {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    journal.close().await
                },
                place.try_hold("apply", Duration::from_secs(30))
            );
            closed.expect("closed");
            drop(next.expect("free"));
            // Without a word, as when a run dies.
            let third = place.try_hold("import", Duration::from_secs(30)).await;
            third.expect("free again").close().await.expect("closed");
        });
    }
}

#[test]
fn the_first_use_binds_an_account_and_another_one_is_refused() {
    for place in Place::both() {
        block(async {
            let account = "digicert".parse().expect("a name");
            let journal = place.hold().await;
            let (plain, full) = (
                bound("https://a.example", None),
                bound("https://a.example", Some("7")),
            );
            for binding in [&plain, &full, &plain, &full] {
                journal
                    .bind(&account, binding.clone())
                    .await
                    .expect("the same account");
            }
            assert_eq!(journal.bindings().accounts.get(&account), Some(&full));
            for other in [
                bound("https://b.example", Some("7")),
                bound("https://a.example", Some("8")),
            ] {
                let error = journal
                    .bind(&account, other)
                    .await
                    .expect_err("another account");
                assert!(matches!(error, JournalError::Foreign { .. }), "{error}");
            }
            journal.close().await.expect("closed");
            let read = journal::read(&place.location()).await.expect("read");
            assert_eq!(read.bindings.accounts.get(&account), Some(&full));
        });
    }
}

#[test]
fn another_files_folder_takes_the_place_of_the_known_one() {
    for place in Place::both() {
        block(async {
            let (one, other) = (FilesId::new_random(), FilesId::new_random());
            for id in [&one, &one, &other, &one] {
                let journal = place.hold().await;
                journal.bind_files(id).await.expect("a place for it");
                assert_eq!(journal.bindings().files.as_ref(), Some(id));
                journal.close().await.expect("closed");
                let read = journal::read(&place.location()).await.expect("read");
                assert_eq!(read.bindings.files.as_ref(), Some(id));
            }
        });
    }
}

#[test]
fn a_changed_fact_is_named_and_nothing_is_believed() {
    for place in Place::both() {
        block(async {
            let journal = place.hold().await;
            for name in ["a", "b", "c"] {
                journal
                    .append(vec![intended(name, 1), accepted(name, 1)])
                    .await
                    .expect("written");
            }
            journal.close().await.expect("closed");
            place.tamper(4);
            match journal::verify(&place.location()).await {
                Err(VerifyError::Broken { seq, .. }) => assert_eq!(seq, 4),
                other => panic!("{other:?}"),
            }
        });
    }
}

#[test]
fn only_a_lock_of_the_system_lets_an_order_be_sent_again() {
    for place in Place::both() {
        block(async {
            let journal = place.hold().await;
            let expected = match place {
                Place::File(_) => Hold::Lock,
                Place::Postgres(_) => Hold::Lease,
            };
            assert_eq!(journal.hold(), expected);
            assert_eq!(journal.gap(), Some(Gap::NoState));
            let seen = FactBody::Seen {
                order_id: None,
                state: LiveState::Issued,
                certificate_id: None,
                serial_number: None,
                valid_till: None,
            };
            let error = journal
                .append(vec![fact("a", seen)])
                .await
                .expect_err("nothing is bound");
            assert!(matches!(error, JournalError::Illegal(_)), "{error}");
        });
    }
}

/// How many readings there are at least, and how often the journal has grown between two of them.
const READINGS: usize = 25;
const GROWN: usize = 5;

/// A command that reads the journal while a run writes to it reads it as of one moment. The run writes
/// until the reader has seen enough, so that it does not matter how fast either is.
#[test]
fn who_reads_while_facts_are_written_reads_all_of_them() {
    for place in Place::both() {
        block(async {
            let journal = place.hold().await;
            let done = AtomicBool::new(false);
            let writing = async {
                for number in 0.. {
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                    let name = format!("n{number}");
                    let facts = vec![intended(&name, 1), accepted(&name, number)];
                    journal.append(facts).await.expect("written");
                }
            };
            let reading = async {
                let (mut readings, mut grown, mut last) = (0, 0, 0);
                while readings < READINGS || grown < GROWN {
                    let snapshot = journal::read(&place.location()).await;
                    let snapshot = snapshot.expect("whole");
                    let facts = usize::try_from(snapshot.mark.serial).expect("a count");
                    assert_eq!(facts, snapshot.records.len() * 2);
                    assert!(facts >= last, "{facts} facts after {last}");
                    readings += 1;
                    grown += usize::from(facts > last);
                    last = facts;
                    tokio::task::yield_now().await;
                }
                done.store(true, Ordering::Relaxed);
            };
            tokio::join!(writing, reading);
            journal.close().await.expect("closed");
        });
    }
}
