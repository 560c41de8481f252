//! Journals of certplan 0.1 are carried over: every record as it was, every fact in its place.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use certplan::journal::{self, Gap, HistoryFilter, Holder, Location, Snapshot};
use certplan::model::{LiveState, Phase, Record, RunId};
use tempfile::TempDir;

use crate::postgres::server::Database;

const FACTS: u64 = 37;

/// A journal of certplan 0.1, and what goes away with it.
enum Old {
    File(TempDir),
    Postgres(Database),
}

impl Old {
    fn both() -> [Self; 2] {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/journal-0.1");
        let folder = TempDir::new().expect("a folder");
        for (from, to) in [
            ("state.sqlite", "state.db"),
            ("state.sqlite.head", "state.db.head"),
        ] {
            let bytes = std::fs::read(fixtures.join(from)).expect("a fixture");
            private(&folder.path().join(to), &bytes);
        }
        let database = Database::new();
        let dump = std::fs::read_to_string(fixtures.join("postgres.sql")).expect("a fixture");
        database.sql(&dump);
        [Self::File(folder), Self::Postgres(database)]
    }

    fn location(&self) -> Location {
        match self {
            Self::File(folder) => Location::file(folder.path().join("state.db")),
            Self::Postgres(database) => database.url().parse().expect("a location"),
        }
    }
}

/// git keeps no mode, and a journal that others may read is refused.
fn private(path: &Path, bytes: &[u8]) {
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(bytes))
        .expect("a file");
}

fn record<'a>(snapshot: &'a Snapshot, address: &str) -> &'a Record {
    let address = address.parse().expect("an address");
    snapshot
        .records
        .get(&address)
        .unwrap_or_else(|| panic!("no record of {address}"))
}

/// Where the order of a name stands, and its id.
fn live(snapshot: &Snapshot, name: &str) -> (LiveState, String) {
    let record = record(snapshot, &format!("orders.{name}"));
    let live = record.live.as_ref().expect("an order");
    (live.state.clone(), live.order_id.to_string())
}

/// Where the only call of a revocation stands, as it is written.
fn revoked(snapshot: &Snapshot, name: &str, word: &str) -> bool {
    let record = record(snapshot, &format!("revocations.{name}"));
    assert!(record.open.is_none(), "{record:?}");
    let text = serde_json::to_string(record).expect("JSON");
    let words = ["\"requested\"", "\"revoked\"", "\"declined\""];
    let found: Vec<&str> = words
        .into_iter()
        .filter(|word| text.contains(word))
        .collect();
    found == [format!("\"{word}\"")]
}

#[track_caller]
fn check(snapshot: &Snapshot) {
    assert_eq!(snapshot.mark.serial, FACTS);
    assert_eq!(snapshot.records.len(), 10);
    for (name, state, id) in [
        ("issued", LiveState::Issued, "70000006"),
        ("changed", LiveState::Reissuing, "70000005"),
        ("waiting", LiveState::Requested, "70000007"),
        ("adopted", LiveState::Requested, "70000008"),
    ] {
        assert_eq!(live(snapshot, name), (state, id.to_owned()), "{name}");
    }
    let changed = record(snapshot, "orders.changed");
    assert_eq!(changed.attempts, 3);
    let refused = record(snapshot, "orders.refused");
    assert!(
        refused.live.is_none() && refused.failure.is_some(),
        "{refused:?}"
    );
    let lost = record(snapshot, "orders.lost");
    let open = lost.open.as_ref().expect("a doubt");
    assert!(
        matches!(open.phase, Phase::InDoubt { looks: 3, .. }),
        "{open:?}"
    );
    for (name, word) in [
        ("gone", "revoked"),
        ("declined", "declined"),
        ("asked", "requested"),
        ("again", "requested"),
    ] {
        assert!(revoked(snapshot, name, word), "{name}: {snapshot:?}");
    }
    let bound = snapshot
        .bindings
        .accounts
        .values()
        .next()
        .expect("a binding");
    assert_eq!(bound.account_id.as_deref(), Some("654321"));
}

#[tokio::test]
async fn a_journal_of_0_1_is_read_taken_up_and_written_to() {
    for old in Old::both() {
        let location = old.location();
        let before = journal::read(&location).await.expect("read");
        check(&before);
        let holder = Holder {
            command: "apply".to_owned(),
            run: RunId::from("run-1"),
        };
        let held = journal::open(&location, holder, Duration::ZERO).await;
        let held = held.expect("held");
        assert_eq!(held.gap(), Some(Gap::NoNote));
        assert_eq!(held.records(), before.records);
        assert_eq!(held.mark(), before.mark);
        // A doubt of 0.1 is settled like one of today.
        let lines = journal::history(&location, &HistoryFilter::default()).await;
        let lines = lines.expect("read");
        assert_eq!(lines.len() as u64, FACTS);
        let mut fact = lines
            .last()
            .expect("a fact")
            .entry
            .item()
            .expect("an item")
            .clone();
        fact.body = certplan::model::FactBody::DecidedNotPlaced {
            evidence: certplan::model::Untrusted::new("a person knows"),
        };
        held.append(vec![fact]).await.expect("written");
        held.close().await.expect("closed");
        let after = journal::read(&location).await.expect("read");
        assert_eq!(after.mark.serial, FACTS + 1);
        assert!(record(&after, "orders.lost").open.is_none());
        let verified = journal::verify(&location).await.expect("whole");
        assert_eq!(verified.expect("one").head, after.mark.head);
    }
}
