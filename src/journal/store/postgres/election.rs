//! Who holds the journal: the first run that comes, and nobody else while it lives.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::{Client, Row, Transaction};

use super::lease::{Lease, TERM, TRUSTED, now};
use super::server::{Server, explain};
use crate::journal::JournalError;
use crate::journal::store::sqlite::lock::{Holder, host};
use crate::journal::store::tell_wait;
use crate::model::Untrusted;

/// How often a journal that another run holds is asked for again.
const POLL: Duration = Duration::from_millis(200);

/// What a run that asks for the journal finds.
enum Found {
    /// Nobody holds it: this run does now.
    Free(Arc<Lease>),
    /// Another run holds it. `silent`: its lease seems to be over, and it is being watched.
    Held { error: JournalError, silent: bool },
}

/// Runs whose lease seems to be over by the server's clock: how often they had renewed it when that was
/// first seen, and when that was by our own clock, which nobody can set.
type Watched = BTreeMap<i64, (i64, u64)>;

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
    let mut watched = Watched::new();
    let mut told = false;
    loop {
        match elect(server, client, holder, key, &mut watched).await? {
            Found::Free(lease) => return Ok(lease),
            // Whether it is dead is known after a while, however long this run would wait for a live one.
            Found::Held { silent: true, .. } => tokio::time::sleep(POLL).await,
            Found::Held { error, .. } if begun.elapsed() < lock_timeout => {
                if !std::mem::replace(&mut told, true) {
                    tell_wait(&error, lock_timeout);
                }
                tokio::time::sleep(POLL.min(lock_timeout.saturating_sub(begun.elapsed()))).await;
            }
            Found::Held { error, .. } => return Err(error),
        }
    }
}

async fn elect(
    server: &Server,
    client: &mut Client,
    holder: &Holder,
    key: i64,
    watched: &mut Watched,
) -> Result<Found, JournalError> {
    let fail = |error| explain(server, &error);
    let transaction = client.transaction().await.map_err(fail)?;
    let head = transaction
        .execute("SELECT 1 FROM head FOR UPDATE", &[])
        .await
        .map_err(fail)?;
    if head != 1 {
        return Err(server.corrupt("its head is missing"));
    }
    let alive = transaction
        .query(
            "SELECT command, host, pid, since::text, id, beats, expires <= clock_timestamp(),
                    pg_try_advisory_xact_lock(lock_key)
             FROM runners WHERE ended IS NULL ORDER BY id",
            &[],
        )
        .await
        .map_err(fail)?;
    for row in &alive {
        if let Some(silent) = is_alive(row, watched) {
            let error = held(server, row);
            return Ok(Found::Held { error, silent });
        }
        // Not if it has renewed its lease since it was looked at.
        let (id, beats): (i64, i64) = (row.get(4), row.get(5));
        let ended = transaction
            .execute(
                "UPDATE runners SET ended = clock_timestamp()
                 WHERE id = $1 AND beats = $2 AND ended IS NULL",
                &[&id, &beats],
            )
            .await
            .map_err(fail)?;
        if ended == 0 {
            let error = held(server, row);
            return Ok(Found::Held {
                error,
                silent: true,
            });
        }
    }
    let lease = insert(server, &transaction, holder, key).await?;
    transaction.commit().await.map_err(fail)?;
    Ok(Found::Free(lease))
}

/// `None` for a run that is dead: its session is gone, or it has not renewed its lease for as long as it
/// would trust it itself. `Some(true)` for one that says nothing and is watched.
fn is_alive(row: &Row, watched: &mut Watched) -> Option<bool> {
    let (id, beats): (i64, i64) = (row.get(4), row.get(5));
    let (seems_over, session_is_gone): (bool, bool) = (row.get(6), row.get(7));
    if session_is_gone {
        return None;
    }
    if !seems_over {
        watched.remove(&id);
        return Some(false);
    }
    let since = match watched.get(&id) {
        Some((seen, since)) if *seen == beats => *since,
        _ => {
            watched.insert(id, (beats, now()));
            return Some(true);
        }
    };
    let silent = Duration::from_millis(now().saturating_sub(since));
    if silent > TRUSTED { None } else { Some(true) }
}

async fn insert(
    server: &Server,
    transaction: &Transaction<'_>,
    holder: &Holder,
    key: i64,
) -> Result<Arc<Lease>, JournalError> {
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
        .map_err(|error| explain(server, &error))?;
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
