//! What a host has noted of a journal in a database, and what it takes such a journal for.

use std::time::Duration;

use certplan::journal::{self, Gap, Holder, Location};
use certplan::model::{Attempt, Digest, Fact, FactBody, OperationKind, RunId};
use tempfile::TempDir;

use super::server::{Database, Server, server};

/// A host: its folder of notes.
struct Host(TempDir);

impl Host {
    fn new() -> Self {
        Self(TempDir::new().expect("a folder"))
    }

    fn location(&self, url: &str) -> Location {
        let location: Location = url.parse().expect("a URL");
        location.noting_in(self.0.path().to_owned())
    }

    async fn gap(&self, url: &str) -> Option<Gap> {
        let read = journal::read(&self.location(url)).await.expect("read");
        assert_eq!(read.may_lack_facts(), read.gap.is_some());
        read.gap
    }

    /// Writes an intent; what the journal may have lacked before.
    async fn write(&self, url: &str, name: &str) -> Option<Gap> {
        let holder = Holder {
            command: "apply".to_owned(),
            run: RunId::from("run-1"),
        };
        let journal = journal::open(&self.location(url), holder, Duration::ZERO).await;
        let journal = journal.expect("held");
        let attempt = Attempt {
            renews: None,
            why: Default::default(),
            public_key: None,
            kind: OperationKind::Order,
            part: None,
            number: 1,
            generation: 1,
            order_id: None,
            replaces: None,
            tag: None,
            body: Digest::of(name.as_bytes()),
            certificate: None,
            terms: None,
            asked: None,
        };
        let fact = Fact {
            at: "2026-11-21T10:00:00Z".parse().expect("a time"),
            run: RunId::from("run-1"),
            address: format!("orders.{name}").parse().expect("an address"),
            account: "digicert".parse().expect("a name"),
            body: FactBody::Intended(attempt),
        };
        journal.append(vec![fact]).await.expect("written");
        journal.close().await.expect("closed");
        journal.gap()
    }
}

/// Does something to a database that nobody may be in: a session that ended a moment ago still is.
fn alone(database: &str, sql: &str) {
    let gone = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{database}'"
    );
    while server().sql("postgres", &gone) != "0" {
        std::thread::sleep(Duration::from_millis(20));
    }
    server().sql("postgres", sql);
}

fn rename(from: &str, to: &str) {
    alone(from, &format!("ALTER DATABASE {from} RENAME TO {to}"));
}

#[tokio::test]
async fn the_note_goes_by_the_journal_whatever_its_url_looks_like() {
    let database = Database::new();
    let (host, other) = (Host::new(), Host::new());
    let url = database.url();
    assert_eq!(host.gap(&url).await, Some(Gap::NoState));
    assert_eq!(host.write(&url, "a").await, Some(Gap::NoState));
    database.sql(&super::refusals::grants("lesser"));
    for spelled in [
        url.clone(),
        url.replace("127.0.0.1", "localhost"),
        url.replace("postgres://postgres@", "postgresql://postgres:x@"),
        database.url_of("lesser", "sslmode=disable&application_name=x"),
    ] {
        assert_eq!(host.gap(&spelled).await, None, "{spelled}");
    }
    assert_eq!(other.gap(&url).await, Some(Gap::NoNote));
    assert_eq!(other.write(&url, "b").await, Some(Gap::NoNote));
    for host in [&host, &other] {
        assert_eq!(host.gap(&url).await, None);
    }
}

#[tokio::test]
async fn a_database_that_was_put_back_or_begun_anew_is_told() {
    let database = Database::new();
    let (host, url, name) = (Host::new(), database.url(), &database.name);
    host.write(&url, "a").await;
    let copy = format!("CREATE DATABASE {name}_old TEMPLATE {name}");
    alone(name, &copy);
    host.write(&url, "b").await;
    rename(name, &format!("{name}_new"));
    rename(&format!("{name}_old"), name);
    assert_eq!(host.gap(&url).await, Some(Gap::Older));
    // As long again, and another story.
    Host::new().write(&url, "x").await;
    assert_eq!(host.gap(&url).await, Some(Gap::Restored));
    // The right one, under another name: a database that was copied may lack what came since.
    assert_eq!(
        host.gap(&url.replace(name, &format!("{name}_new"))).await,
        Some(Gap::Restored)
    );
    rename(name, &format!("{name}_old"));
    server().sql("postgres", &format!("CREATE DATABASE {name}"));
    assert_eq!(host.gap(&url).await, Some(Gap::Lost));
    assert_eq!(host.write(&url, "c").await, Some(Gap::OtherLineage));
    assert_eq!(host.gap(&url).await, None);
}

/// The same facts in another server: what was written to the first one since the copy was made is not there.
#[tokio::test]
async fn a_journal_that_moved_to_another_server_is_told() {
    let database = Database::new();
    let host = Host::new();
    host.write(&database.url(), "a").await;
    let dump = database.dump();
    let elsewhere = Server::own().database();
    elsewhere.sql(&dump);
    assert_eq!(host.gap(&elsewhere.url()).await, Some(Gap::Restored));
    assert_eq!(host.write(&elsewhere.url(), "b").await, Some(Gap::Restored));
    assert_eq!(host.gap(&elsewhere.url()).await, None);
    assert_eq!(host.gap(&database.url()).await, Some(Gap::Older));
}
