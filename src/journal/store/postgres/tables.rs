//! The tables of a journal in PostgreSQL: what is read from them and written to them, row by row. Main type:
//! [`Tables`].

use futures::FutureExt;
use futures::future::ready;
use tokio_postgres::{Client, Error, Row, SimpleQueryMessage};

use super::fault::{fault, fenced};
use super::server::Server;
use super::server::explain;
use crate::journal::JournalError;
use crate::journal::binding::StoredBinding;
use crate::journal::chain::{COLUMNS, StoredFact};
use crate::journal::records::Seal;
use crate::journal::store::Whereabouts;
use crate::journal::store::{Batch, FactReader, Fault, FoundFact, Frame, Reading};
use crate::model::Digest;

/// A connection to the tables.
pub(super) struct Tables {
    pub(super) server: Server,
    pub(super) client: Client,
}

impl Tables {
    async fn read_frame(&self) -> Result<Frame, JournalError> {
        let fail = |error| explain(&self.server, &error);
        // A schema that was not updated yet lacks the last columns.
        let row = self
            .client
            .query_opt(
                "SELECT lineage, serial, tip, to_jsonb(head) ->> 'records_version',
                        to_jsonb(head) ->> 'records_seal', to_jsonb(head) ->> 'filling'
                 FROM head",
                &[],
            )
            .await
            .map_err(fail)?
            .ok_or_else(|| self.server.corrupt("its head is missing"))?;
        let serial: i64 = row.try_get(1).map_err(fail)?;
        let tip: Vec<u8> = row.try_get(2).map_err(fail)?;
        let version: Option<String> = row.try_get(3).map_err(fail)?;
        let digest: Option<String> = row.try_get(4).map_err(fail)?;
        Ok(Frame {
            lineage: row.try_get(0).map_err(fail)?,
            serial: u64::try_from(serial).unwrap_or_default(),
            tip: Digest::from_bytes(&tip).ok_or_else(|| {
                self.server
                    .corrupt("the last hash is not the one that was noted")
            })?,
            seal: version
                .zip(digest.and_then(|digest| digest.parse().ok()))
                .map(|(version, digest)| Seal { version, digest }),
            filling: row.try_get(5).map_err(fail)?,
        })
    }

    async fn read_facts(&self, serial: u64, most: usize) -> Result<Vec<FoundFact>, Error> {
        // From the first: a row with a number that none can have is not passed over.
        let after = match i64::try_from(serial) {
            Ok(0) | Err(_) => i64::MIN,
            Ok(serial) => serial,
        };
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = self
            .client
            .query(
                &format!("SELECT {COLUMNS} FROM facts WHERE seq > $1 ORDER BY seq LIMIT $2"),
                &[&after, &most],
            )
            .await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            found.push(fact(row).map_err(|error| error.to_string()));
            if found.last().is_some_and(Result::is_err) {
                break;
            }
        }
        Ok(found)
    }

    async fn read_bindings(&self) -> Result<Vec<StoredBinding>, Error> {
        self.client
            .query(
                "SELECT account, provider, endpoint, account_id, seal FROM bindings",
                &[],
            )
            .await?
            .iter()
            .map(|row| {
                Ok(StoredBinding {
                    account: row.try_get(0)?,
                    provider: row.try_get(1)?,
                    endpoint: row.try_get(2)?,
                    account_id: row.try_get(3)?,
                    seal: row.try_get(4)?,
                })
            })
            .collect()
    }

    /// Begins a transaction in which nobody else can write. [`fenced`] when another run has declared this
    /// one dead.
    pub(super) async fn begin(&self, runner: i64) -> Result<(), Fault> {
        let said = self
            .client
            .simple_query(&format!(
                "BEGIN; SELECT 1 FROM head FOR UPDATE;
                 SELECT 1 FROM runners WHERE id = {runner} AND ended IS NULL"
            ))
            .await
            .map_err(|error| fault(&self.server, &error))?;
        let rows: Vec<u64> = said
            .iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::CommandComplete(rows) => Some(*rows),
                _ => None,
            })
            .collect();
        match rows.as_slice() {
            [_, 1, 1] => Ok(()),
            [_, 1, _] => Err(fenced().into()),
            _ => Err(self.server.corrupt("its head is missing").into()),
        }
    }

    /// Writes a batch into the transaction that is open.
    pub(super) async fn write(&self, batch: &Batch, runner: i64) -> Result<(), Error> {
        // One after the other, without waiting for the answer to each.
        let facts = self.write_facts(&batch.facts, runner);
        let records = self.write_records(batch);
        let bindings = self.write_bindings(&batch.bindings);
        let frame = self.write_frame(&batch.frame);
        futures::try_join!(facts, records, bindings, frame).map(|_| ())
    }

    async fn write_facts(&self, facts: &[StoredFact], runner: i64) -> Result<(), Error> {
        fn column<'a, T>(facts: &'a [StoredFact], of: impl Fn(&'a StoredFact) -> T) -> Vec<T> {
            facts.iter().map(of).collect()
        }
        if facts.is_empty() {
            return Ok(());
        }
        self.client
            .execute(
                "INSERT INTO facts
                 SELECT u.*, $10::bigint FROM unnest(
                    $1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[],
                    $6::text[], $7::text[], $8::bytea[], $9::bytea[]) AS u",
                &[
                    &column(facts, |fact| fact.seq),
                    &column(facts, |fact| fact.at.as_str()),
                    &column(facts, |fact| fact.run.as_str()),
                    &column(facts, |fact| fact.address.as_str()),
                    &column(facts, |fact| fact.account.as_str()),
                    &column(facts, |fact| fact.word.as_str()),
                    &column(facts, |fact| fact.body.as_str()),
                    &column(facts, |fact| fact.previous.as_slice()),
                    &column(facts, |fact| fact.hash.as_slice()),
                    &runner,
                ],
            )
            .await
            .map(drop)
    }

    async fn write_records(&self, batch: &Batch) -> Result<(), Error> {
        if !batch.gone.is_empty() {
            self.client
                .execute(
                    "DELETE FROM records WHERE address = ANY ($1::text[])",
                    &[&batch.gone],
                )
                .await?;
        }
        if !batch.records.is_empty() {
            let (addresses, texts): (Vec<&str>, Vec<&str>) = batch
                .records
                .iter()
                .map(|(address, text)| (address.as_str(), text.as_str()))
                .unzip();
            self.client
                .execute(
                    "INSERT INTO records SELECT * FROM unnest($1::text[], $2::text[])
                     ON CONFLICT (address) DO UPDATE SET record = excluded.record",
                    &[&addresses, &texts],
                )
                .await?;
        }
        Ok(())
    }

    async fn write_bindings(&self, bindings: &[StoredBinding]) -> Result<(), Error> {
        for binding in bindings {
            self.client
                .execute(
                    "INSERT INTO bindings VALUES ($1, $2, $3, $4, $5)
                     ON CONFLICT (account) DO UPDATE
                        SET provider = excluded.provider, endpoint = excluded.endpoint,
                            account_id = excluded.account_id, seal = excluded.seal",
                    &[
                        &binding.account,
                        &binding.provider,
                        &binding.endpoint,
                        &binding.account_id,
                        &binding.seal,
                    ],
                )
                .await?;
        }
        Ok(())
    }

    async fn write_frame(&self, frame: &Frame) -> Result<(), Error> {
        let serial = i64::try_from(frame.serial).unwrap_or(i64::MAX);
        let seal = frame.seal.as_ref();
        self.client
            .execute(
                "UPDATE head SET lineage = $1, serial = $2, tip = $3, records_version = $4,
                        records_seal = $5, filling = $6",
                &[
                    &frame.lineage,
                    &serial,
                    &frame.tip.bytes().as_slice(),
                    &seal.map(|seal| seal.version.as_str()),
                    &seal.map(|seal| seal.digest.to_string()),
                    &frame.filling,
                ],
            )
            .await
            .map(drop)
    }

    fn explained<T>(&self, read: Result<T, Error>) -> Result<T, JournalError> {
        read.map_err(|error| explain(&self.server, &error))
    }
}

impl FactReader for Tables {
    fn moment(&mut self) -> Reading<'_, ()> {
        async move {
            let begun = self
                .client
                .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                .await;
            self.explained(begun)
        }
        .boxed()
    }

    fn whereabouts(&mut self) -> Reading<'_, Whereabouts> {
        async move { self.explained(whereabouts(&self.client).await) }.boxed()
    }

    fn frame(&mut self) -> Reading<'_, Frame> {
        self.read_frame().boxed()
    }

    fn facts_after(&mut self, serial: u64, most: usize) -> Reading<'_, Vec<FoundFact>> {
        async move { self.explained(self.read_facts(serial, most).await) }.boxed()
    }

    fn count(&mut self) -> Reading<'_, u64> {
        async move {
            let row = self.client.query_one("SELECT count(*) FROM facts", &[]);
            let count: i64 = self.explained(row.await)?.get(0);
            Ok(u64::try_from(count).unwrap_or_default())
        }
        .boxed()
    }

    fn records_after<'a>(
        &'a mut self,
        address: &'a str,
        most: usize,
    ) -> Reading<'a, Vec<(String, String)>> {
        async move {
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            let rows = self
                .client
                .query(
                    "SELECT address, record FROM records
                     WHERE address > $1 ORDER BY address LIMIT $2",
                    &[&address, &most],
                )
                .await;
            let rows = self.explained(rows)?;
            Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
        }
        .boxed()
    }

    fn bindings(&mut self) -> Reading<'_, Vec<StoredBinding>> {
        async move { self.explained(self.read_bindings().await) }.boxed()
    }

    fn check_pages(&mut self, _: bool) -> Reading<'_, ()> {
        ready(Ok(())).boxed()
    }

    fn corrupt(&self, why: String) -> JournalError {
        self.server.corrupt(why)
    }
}

/// Which database it is. What a server does not tell counts as the same everywhere.
pub(super) async fn whereabouts(client: &Client) -> Result<Whereabouts, Error> {
    let row = client.query_one("SELECT current_database()", &[]).await?;
    let database: String = row.get(0);
    let told = async |sql: &str| -> Result<String, Error> {
        match client.query_one(sql, &[]).await {
            Ok(row) => row.try_get(0),
            Err(error) if error.as_db_error().is_some() => Ok(String::new()),
            Err(error) => Err(error),
        }
    };
    let system = told("SELECT system_identifier::text FROM pg_control_system()").await?;
    let timeline = told("SELECT left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)").await?;
    Ok(Whereabouts {
        database: Some(format!("{system}/{database}")),
        incarnation: format!("{system}/{timeline}/{database}"),
    })
}

fn fact(row: &Row) -> Result<StoredFact, Error> {
    Ok(StoredFact {
        seq: row.try_get(0)?,
        at: row.try_get(1)?,
        run: row.try_get(2)?,
        address: row.try_get(3)?,
        account: row.try_get(4)?,
        word: row.try_get(5)?,
        body: row.try_get(6)?,
        previous: row.try_get(7)?,
        hash: row.try_get(8)?,
    })
}
