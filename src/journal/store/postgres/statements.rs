//! What the writer says to the database, statement by statement.

use std::sync::Mutex;

use tokio_postgres::GenericClient;

use super::fault::Fault;
use super::load::stored;
use super::server::Server;
use crate::journal::chain::{COLUMNS, Replay, StoredFact};
use crate::journal::durable::{Draft, Durable, enter};
use crate::model::Digest;

/// Whoever has the head's row is the one that writes.
pub(super) async fn lock_head(server: &Server, client: &impl GenericClient) -> Result<(), Fault> {
    let rows = client
        .execute("SELECT 1 FROM head FOR UPDATE", &[])
        .await
        .map_err(|error| Fault::of(server, error))?;
    if rows == 1 {
        Ok(())
    } else {
        Err(server.corrupt("its head is missing").into())
    }
}

/// True while the run is not taken for dead.
pub(super) async fn is_alive(
    server: &Server,
    client: &impl GenericClient,
    runner: i64,
) -> Result<bool, Fault> {
    client
        .query_opt(
            "SELECT 1 FROM runners WHERE id = $1 AND ended IS NULL AND expires > clock_timestamp()",
            &[&runner],
        )
        .await
        .map(|row| row.is_some())
        .map_err(|error| Fault::of(server, error))
}

/// What was written after the fact with this number.
pub(super) async fn facts_after(
    server: &Server,
    client: &impl GenericClient,
    serial: u64,
) -> Result<Vec<StoredFact>, Fault> {
    let fail = |error| Fault::of(server, error);
    let serial = i64::try_from(serial).unwrap_or(i64::MAX);
    client
        .query(
            &format!("SELECT {COLUMNS} FROM facts WHERE seq > $1 ORDER BY seq"),
            &[&serial],
        )
        .await
        .map_err(fail)?
        .iter()
        .map(|row| stored(row).map_err(fail))
        .collect()
}

/// Replays committed facts of other runs.
pub(super) fn take(
    server: &Server,
    durable: &Mutex<Durable>,
    tip: &mut Digest,
    rows: &[StoredFact],
) -> Result<(), Fault> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut durable = enter(durable);
    let mut replay = Replay {
        records: std::mem::take(&mut durable.records),
        serial: durable.mark.serial,
        tip: *tip,
    };
    let broken = rows.iter().find_map(|row| replay.take(row).err());
    durable.mark.serial = replay.serial;
    durable.mark.head = replay.head();
    durable.records = replay.records;
    *tip = replay.tip;
    match broken {
        None => Ok(()),
        Some(broken) => Err(server.corrupt(broken).into()),
    }
}

/// Writes the facts, and how far the chain has come.
pub(super) async fn insert(
    server: &Server,
    client: &impl GenericClient,
    draft: &Draft,
    runner: i64,
) -> Result<(), Fault> {
    fn column<'a, T>(draft: &'a Draft, member: impl Fn(&'a StoredFact) -> T) -> Vec<T> {
        draft.rows.iter().map(member).collect()
    }
    let fail = |error| Fault::of(server, error);
    client
        .execute(
            "INSERT INTO facts
             SELECT u.*, $10::bigint FROM unnest(
                $1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[],
                $6::text[], $7::text[], $8::bytea[], $9::bytea[]) AS u",
            &[
                &column(draft, |row| row.seq),
                &column(draft, |row| row.at.as_str()),
                &column(draft, |row| row.run.as_str()),
                &column(draft, |row| row.address.as_str()),
                &column(draft, |row| row.account.as_str()),
                &column(draft, |row| row.word.as_str()),
                &column(draft, |row| row.body.as_str()),
                &column(draft, |row| row.previous.as_slice()),
                &column(draft, |row| row.hash.as_slice()),
                &runner,
            ],
        )
        .await
        .map_err(fail)?;
    let serial = i64::try_from(draft.serial).unwrap_or(i64::MAX);
    client
        .execute(
            "UPDATE head SET serial = $1, tip = $2",
            &[&serial, &draft.tip.bytes().as_slice()],
        )
        .await
        .map_err(fail)?;
    Ok(())
}
