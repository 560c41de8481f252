//! The store in PostgreSQL: several hosts share it, and one run at a time holds it by a lease. Main type:
//! [`PostgresStore`].

mod election;
mod environment;
mod fault;
mod lease;
mod migrations;
mod parameters;
mod password_file;
mod schema;
mod server;
mod service_file;
mod tables;
mod target;
#[cfg(test)]
mod tests;
mod tls;
mod url;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use tokio::task::JoinHandle;
use tokio_postgres::Client;

pub use environment::PgEnvironment;
pub use server::Server;

use self::fault::{FENCED_OFF, fault, fenced};
use self::lease::{Lease, keep};
use self::schema::check_server;
use self::server::explain;
use self::tables::Tables;
use super::sqlite::lock::Holder;
use super::{Batch, FactReader, FactStore, Fault, Reading, Writing};
use crate::journal::store::Whereabouts;
use crate::journal::{Hold, JournalError};
use crate::model::RunId;

/// The pause before a lost connection is made anew.
const AGAIN: Duration = Duration::from_millis(250);

/// A journal in PostgreSQL that this run holds.
pub(in crate::journal) struct PostgresStore {
    tables: Tables,
    lease: Arc<Lease>,
    /// Renews the lease.
    heart: JoinHandle<()>,
}

/// Takes the journal: makes its tables where the role may, and waits up to `lock_timeout` for a run that
/// holds it.
pub(in crate::journal) async fn hold(
    server: &Server,
    holder: &Holder,
    lock_timeout: Duration,
) -> Result<PostgresStore, JournalError> {
    let mut client = server.connect().await?;
    let beating = server.connect().await?;
    // First: everything else relies on a session that stays the same.
    schema::check_sessions(server, &beating, &mut client).await?;
    schema::check_server(server, &client).await?;
    schema::migrate(server, &mut client).await?;
    let lease = election::enter_run(server, &mut client, &beating, holder, lock_timeout).await?;
    let heart = keep(server.clone(), beating, Arc::clone(&lease));
    let tables = Tables {
        server: server.clone(),
        client,
    };
    Ok(PostgresStore {
        tables,
        lease,
        heart,
    })
}

/// Runs `work` on a connection of its own; `None` when there is no journal.
pub(in crate::journal) async fn read<T>(
    server: &Server,
    mut work: impl AsyncFnMut(&mut dyn FactReader) -> Result<T, JournalError>,
) -> Result<Option<T>, JournalError> {
    let client = through_no_pooler(server).await?;
    if schema::version(server, &client).await?.is_none() {
        return Ok(None);
    }
    let server = server.clone();
    work(&mut Tables { server, client }).await.map(Some)
}

/// A connection whose session stays the same, for reads as well: what is set for it holds for all of it.
async fn through_no_pooler(server: &Server) -> Result<Client, JournalError> {
    let mut client = server.connect().await?;
    let other = server.connect().await?;
    schema::check_sessions(server, &other, &mut client).await?;
    Ok(client)
}

/// Where the server's database is, whether it has a journal or not.
pub(in crate::journal) async fn whereabouts(server: &Server) -> Result<Whereabouts, JournalError> {
    let client = server.connect().await?;
    let found = tables::whereabouts(&client).await;
    found.map_err(|error| explain(server, &error))
}

/// Makes or updates the tables; the schema's version.
pub(in crate::journal) async fn migrate(server: &Server) -> Result<i32, JournalError> {
    let mut client = through_no_pooler(server).await?;
    schema::check_server(server, &client).await?;
    schema::migrate(server, &mut client).await?;
    Ok(migrations::NEWEST)
}

impl PostgresStore {
    /// Gives the lease back.
    async fn leave(&mut self) -> Result<(), JournalError> {
        loop {
            let left = self
                .tables
                .client
                .execute(
                    "UPDATE runners SET ended = clock_timestamp() WHERE id = $1 AND ended IS NULL",
                    &[&self.lease.id],
                )
                .await;
            match left.map_err(|error| fault(&self.tables.server, &error)) {
                Ok(_) => return Ok(()),
                Err(Fault::Final(error)) => return Err(error),
                Err(Fault::Lost(lost)) => self.connect_again(lost).await?,
            }
        }
    }

    /// A new connection in place of a lost one, as long as the lease lasts.
    async fn connect_again(&mut self, lost: String) -> Result<(), JournalError> {
        let server = &self.tables.server;
        let mut last = lost;
        while self.lease.holds() {
            tokio::time::sleep(AGAIN).await;
            let made = async {
                let client = server.connect().await?;
                check_server(server, &client).await?;
                Ok::<Client, JournalError>(client)
            };
            match made.await {
                Ok(client) => {
                    self.tables.client = client;
                    return Ok(());
                }
                Err(error) => last = error.to_string(),
            }
        }
        Err(JournalError::Write(format!(
            "{FENCED_OFF}; the last word was: {last}"
        )))
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.heart.abort();
    }
}

impl FactStore for PostgresStore {
    fn reader(&mut self) -> &mut dyn FactReader {
        &mut self.tables
    }

    /// The run's row is its note.
    fn enter<'a>(&'a mut self, _: &'a RunId) -> Reading<'a, ()> {
        ready(Ok(())).boxed()
    }

    fn begin(&mut self) -> Writing<'_, ()> {
        async move {
            let begun = self.tables.begin(self.lease.id).await;
            begun.inspect_err(|fault| match fault {
                Fault::Lost(_) => {}
                Fault::Final(_) => self.lease.lose(),
            })
        }
        .boxed()
    }

    fn insert<'a>(&'a mut self, batch: &'a Batch) -> Writing<'a, ()> {
        async move {
            let written = self.tables.write(batch, self.lease.id).await;
            written.map_err(|error| fault(&self.tables.server, &error))
        }
        .boxed()
    }

    fn commit(&mut self) -> Writing<'_, ()> {
        async move {
            let committed = self.tables.client.batch_execute("COMMIT").await;
            committed.map_err(|error| fault(&self.tables.server, &error))
        }
        .boxed()
    }

    fn roll_back(&mut self) -> BoxFuture<'_, ()> {
        async move {
            // The server does it when the connection ends.
            let _ = self.tables.client.batch_execute("ROLLBACK").await;
        }
        .boxed()
    }

    fn reconnect(&mut self, lost: String) -> Reading<'_, ()> {
        self.connect_again(lost).boxed()
    }

    fn check_hold(&self) -> Result<(), JournalError> {
        if self.lease.holds() {
            Ok(())
        } else {
            Err(fenced())
        }
    }

    fn hold(&self) -> Hold {
        Hold::Lease
    }

    fn is_blocking(&self) -> bool {
        false
    }

    fn tidy(&mut self) -> Writing<'_, ()> {
        ready(Ok(())).boxed()
    }

    /// Backups of the database are its owner's business.
    fn backup(&mut self) -> Reading<'_, Option<PathBuf>> {
        ready(Ok(None)).boxed()
    }

    fn close(mut self: Box<Self>, _: bool) -> Reading<'static, ()> {
        async move { self.leave().await }.boxed()
    }
}
