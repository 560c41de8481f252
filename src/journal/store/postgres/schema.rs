//! The tables, and what is asked of the server before a fact is trusted to it.

use std::time::Duration;

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

use super::migrations::{NEWEST, runner};
use super::server::{Server, explain};
use crate::journal::JournalError;
use crate::model::Digest;

/// Held while the tables are made or updated: `cpln`, and a number of its own.
const MIGRATING: i64 = 0x6370_6c6e_0000_0001;

/// How long one session may wait for its own server process.
const PATIENCE: Duration = Duration::from_secs(5);

/// PostgreSQL 13.
const LEAST_VERSION: i32 = 130_000;

/// The schema's version; `None` where no state was begun yet.
pub(super) async fn version(server: &Server, client: &Client) -> Result<Option<i32>, JournalError> {
    refuse_foreign(server, client).await?;
    let fail = |error| explain(server, &error);
    let there = client
        .query_one(
            "SELECT to_regclass('certplan.refinery_schema_history') IS NOT NULL
                AND to_regclass('certplan.head') IS NOT NULL",
            &[],
        )
        .await
        .map_err(fail)?;
    if !there.get::<_, bool>(0) {
        return Ok(None);
    }
    // A process that died while it made the tables left them without a head, and without facts.
    let begun = client
        .query_one(
            "SELECT EXISTS (SELECT FROM head) OR EXISTS (SELECT FROM facts)",
            &[],
        )
        .await
        .map_err(fail)?;
    if !begun.get::<_, bool>(0) {
        return Ok(None);
    }
    let row = client
        .query_one("SELECT max(version) FROM refinery_schema_history", &[])
        .await
        .map_err(fail)?;
    let found: Option<i32> = row.get(0);
    match found {
        Some(found) if found > NEWEST => Err(JournalError::Newer {
            path: server.path(),
            found: found.into(),
            known: NEWEST.into(),
        }),
        found => Ok(found),
    }
}

/// Makes or updates the tables. Needs a role that owns the schema, or may create it.
pub(super) async fn migrate(server: &Server, client: &mut Client) -> Result<(), JournalError> {
    if version(server, client).await? == Some(NEWEST) {
        return Ok(());
    }
    client
        .execute("SELECT pg_advisory_lock($1)", &[&MIGRATING])
        .await
        .map_err(|error| explain(server, &error))?;
    let made = make(server, client).await;
    // The lock goes with the session if this fails.
    let _ = client
        .execute("SELECT pg_advisory_unlock($1)", &[&MIGRATING])
        .await;
    made
}

async fn make(server: &Server, client: &mut Client) -> Result<(), JournalError> {
    let fail = |error| explain(server, &error);
    client
        .batch_execute("CREATE SCHEMA IF NOT EXISTS certplan")
        .await
        .map_err(|error| match error.code() {
            Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => server.unusable(
                "it has no tables yet, and the role lacks a right to make them: type `certplan migrate` once as the owner of the database, then grant this role its rights (docs/postgresql.md)",
            ),
            _ => fail(error),
        })?;
    refuse_foreign(server, client).await?;
    let not_made = |error: refinery_core::Error| {
        server.unusable(format!("its tables could not be made: {error}"))
    };
    let runner = runner().map_err(not_made)?;
    runner.run_async(client).await.map_err(not_made)?;
    let lineage = uuid::Uuid::now_v7().to_string();
    let tip = Digest::of(lineage.as_bytes());
    client
        .execute(
            "INSERT INTO head (lineage, serial, tip) VALUES ($1, 0, $2) ON CONFLICT DO NOTHING",
            &[&lineage, &tip.bytes().as_slice()],
        )
        .await
        .map_err(fail)?;
    Ok(())
}

/// Refuses a schema `certplan` that somebody else made: there is something in it, and nothing of ours.
async fn refuse_foreign(server: &Server, client: &Client) -> Result<(), JournalError> {
    let row = client
        .query_one(
            "SELECT (EXISTS (SELECT FROM pg_class WHERE relnamespace = space.oid)
                     OR EXISTS (SELECT FROM pg_proc WHERE pronamespace = space.oid)
                     OR EXISTS (SELECT FROM pg_type WHERE typnamespace = space.oid))
                AND NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = space.oid
                                AND relname = 'refinery_schema_history')
             FROM (SELECT to_regnamespace('certplan')::oid AS oid) AS space",
            &[],
        )
        .await
        .map_err(|error| explain(server, &error))?;
    if row.get(0) {
        return Err(server.unusable(
            "its schema `certplan` holds something else, and no state: use a database of its own",
        ));
    }
    Ok(())
}

/// Refuses a server that may forget what it has acknowledged, and makes sure that this session waits for
/// the disk.
pub(super) async fn check_server(server: &Server, client: &Client) -> Result<(), JournalError> {
    let row = client
        .query_one(
            "SELECT current_setting('server_version_num')::int, pg_is_in_recovery(),
                    current_setting('fsync'), current_setting('full_page_writes'),
                    current_setting('synchronous_commit')",
            &[],
        )
        .await
        .map_err(|error| explain(server, &error))?;
    if row.get::<_, i32>(0) < LEAST_VERSION {
        return Err(server.unusable("it is older than PostgreSQL 13"));
    }
    if row.get::<_, bool>(1) {
        return Err(server.unusable("it is a standby: give the primary's address"));
    }
    for (at, setting) in [(2, "fsync"), (3, "full_page_writes")] {
        if row.get::<_, &str>(at) != "on" {
            return Err(server.unusable(format!(
                "its `{setting}` is off: a fact might not survive a power cut"
            )));
        }
    }
    if matches!(row.get::<_, &str>(4), "off" | "local") {
        client
            .batch_execute("SET synchronous_commit TO on")
            .await
            .map_err(|error| explain(server, &error))?;
    }
    Ok(())
}

/// Refuses a pooler that gives a session's statements to several connections: what a session holds would
/// be anybody's. A lock that one session has must not be free for another, and a session stays with its
/// server process while another one has a transaction open.
pub(super) async fn check_sessions(
    server: &Server,
    first: &Client,
    second: &mut Client,
) -> Result<(), JournalError> {
    let mixed = || {
        server.unusable(
            "a lock of one session is not kept from another: a pooler in transaction mode or statement mode stands between; connect to the server itself, or pool by session",
        )
    };
    // PgBouncer says so itself where it pools by statement.
    let fail = |error: tokio_postgres::Error| {
        let said = error
            .as_db_error()
            .map(tokio_postgres::error::DbError::message);
        if said.is_some_and(|said| said.contains("pooling mode")) {
            mixed()
        } else {
            explain(server, &error)
        }
    };
    let key = uuid::Uuid::now_v7().as_u64_pair().1.cast_signed();
    let begun = first
        .query_one("SELECT pg_backend_pid(), pg_advisory_lock($1)", &[&key])
        .await
        .map_err(fail)?;
    let process: i32 = begun.get(0);
    let transaction = second.transaction().await.map_err(fail)?;
    let taken = transaction
        .query_one(
            "SELECT pg_backend_pid(), pg_try_advisory_xact_lock($1)",
            &[&key],
        )
        .await
        .map_err(fail)?;
    let parameters: [&(dyn ToSql + Sync); 1] = [&key];
    let ended = first.query_one(
        "SELECT pg_backend_pid(), pg_advisory_unlock($1)",
        &parameters,
    );
    // A pool that has nothing left keeps the first session waiting for the second one's transaction.
    let Ok(ended) = tokio::time::timeout(PATIENCE, ended).await else {
        return Err(mixed());
    };
    let ended = ended.map_err(fail)?;
    transaction.rollback().await.map_err(fail)?;
    let is_kept = ended.get::<_, i32>(0) == process && ended.get(1);
    if taken.get::<_, i32>(0) == process || taken.get(1) || !is_kept {
        return Err(mixed());
    }
    Ok(())
}
