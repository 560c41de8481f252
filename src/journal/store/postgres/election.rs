//! Who holds the journal: the first run that comes, and nobody else while it lives.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::{Client, Row, Transaction};

use super::explain;
use super::fault::Fault;
use super::lease::{Lease, TERM, now};
use super::server::Server;
use super::statements::lock_head;
use crate::journal::JournalError;
use crate::journal::store::sqlite::lock::{Holder, host};
use crate::model::Untrusted;

/// How often a journal that another run holds is asked for again.
const POLL: Duration = Duration::from_millis(200);

/// Gives the journal to this run as soon as nobody holds it. `beating` takes the run's own lock, so that
/// others see whether its session lives.
pub(super) async fn enter_run(
    server: &Server,
    client: &mut Client,
    beating: &Client,
    holder: &Holder,
    lock_timeout: Duration,
) -> Result<Arc<Lease>, JournalError> {
    let key = uuid::Uuid::now_v7().as_u64_pair().1.cast_signed();
    beating
        .execute("SELECT pg_advisory_lock($1)", &[&key])
        .await
        .map_err(|error| explain(server, &error))?;
    let begun = Instant::now();
    loop {
        let elected = elect(server, client, holder, key).await;
        match elected.map_err(|fault| fault.or_lost(server)) {
            Err(JournalError::Held { .. }) if begun.elapsed() < lock_timeout => {
                tokio::time::sleep(POLL.min(lock_timeout.saturating_sub(begun.elapsed()))).await;
            }
            elected => return elected,
        }
    }
}

async fn elect(
    server: &Server,
    client: &mut Client,
    holder: &Holder,
    key: i64,
) -> Result<Arc<Lease>, Fault> {
    let fail = |error| Fault::of(server, error);
    let transaction = client.transaction().await.map_err(fail)?;
    lock_head(server, &transaction).await?;
    // A run whose term is over is dead, and so is one whose session is gone.
    transaction
        .execute(
            "UPDATE runners SET ended = clock_timestamp()
             WHERE ended IS NULL
               AND (expires <= clock_timestamp() OR pg_try_advisory_xact_lock(lock_key))",
            &[],
        )
        .await
        .map_err(fail)?;
    let alive = transaction
        .query_opt(
            "SELECT command, host, pid, since::text FROM runners
             WHERE ended IS NULL ORDER BY id LIMIT 1",
            &[],
        )
        .await
        .map_err(fail)?;
    if let Some(row) = &alive {
        return Err(held(server, row).into());
    }
    let lease = insert(server, &transaction, holder, key).await?;
    transaction.commit().await.map_err(fail)?;
    Ok(lease)
}

async fn insert(
    server: &Server,
    transaction: &Transaction<'_>,
    holder: &Holder,
    key: i64,
) -> Result<Arc<Lease>, Fault> {
    let asked = now();
    let row = transaction
        .query_one(
            "INSERT INTO runners (run, command, host, pid, lock_key, expires)
             VALUES ($1, $2, $3, $4, $5, clock_timestamp() + make_interval(secs => $6))
             RETURNING id",
            &[
                &holder.run.as_str(),
                &holder.command,
                &host(),
                &i64::from(std::process::id()),
                &key,
                &TERM.as_secs_f64(),
            ],
        )
        .await
        .map_err(|error| Fault::of(server, error))?;
    Ok(Lease::new(row.get(0), key, asked))
}

fn held(server: &Server, row: &Row) -> JournalError {
    JournalError::Held {
        path: server.path(),
        holder: format!(
            "process {} on {} (`certplan {}`, since {})",
            row.get::<_, i64>(2),
            Untrusted::new(row.get::<_, String>(1)),
            Untrusted::new(row.get::<_, String>(0)),
            row.get::<_, String>(3)
        ),
    }
}
