//! The tables of a journal in a file: what is read from them and written to them, row by row. Main type:
//! [`Tables`].

use futures::FutureExt;
use futures::future::ready;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::schema::{check_pages, explain};
use super::state_file::StateFile;
use crate::journal::JournalError;
use crate::journal::binding::StoredBinding;
use crate::journal::chain::{COLUMNS, StoredFact};
use crate::journal::records::Seal;
use crate::journal::store::Whereabouts;
use crate::journal::store::{Batch, FactReader, FoundFact, Frame, Reading};
use crate::model::Digest;

/// A connection to the tables.
pub(super) struct Tables {
    pub(super) connection: Connection,
    pub(super) file: StateFile,
}

impl Tables {
    fn read_frame(&self) -> Result<Frame, JournalError> {
        let needed = |key: &str| {
            self.meta(key)?
                .ok_or_else(|| self.file.corrupt(format!("its {key} is missing")))
        };
        let serial = needed("serial")?;
        let serial = serial.parse().map_err(|_| {
            let shown = serial.escape_debug();
            self.file
                .corrupt(format!("its number of facts is `{shown}`"))
        })?;
        let tip = needed("tip")?.parse().map_err(|_| {
            self.file
                .corrupt("the last hash is not the one that was noted")
        })?;
        let digest = self.meta("records_seal")?;
        let seal = self
            .meta("records_version")?
            .zip(digest.and_then(|digest| digest.parse().ok()))
            .map(|(version, digest)| Seal { version, digest });
        Ok(Frame {
            lineage: needed("lineage")?,
            serial,
            tip,
            seal,
            filling: self.meta("filling")?,
        })
    }

    fn meta(&self, key: &str) -> Result<Option<String>, JournalError> {
        self.connection
            .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| {
                row.get(0)
            })
            .optional()
            .map_err(|error| explain(&self.file, &error))
    }

    fn read_facts(&self, serial: u64, most: usize) -> rusqlite::Result<Vec<FoundFact>> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM facts WHERE seq > ?1 ORDER BY seq LIMIT ?2"
        ))?;
        // From the first: a row with a number that none can have is not passed over.
        let after = match i64::try_from(serial) {
            Ok(0) | Err(_) => i64::MIN,
            Ok(serial) => serial,
        };
        let mut rows = statement.query(params![after, i64::try_from(most).unwrap_or(i64::MAX)])?;
        let mut found = Vec::new();
        loop {
            match rows.next().and_then(|row| row.map(fact).transpose()) {
                Ok(Some(fact)) => found.push(Ok(fact)),
                Ok(None) => return Ok(found),
                Err(error) if is_damage(&error) => {
                    found.push(Err(error.to_string()));
                    return Ok(found);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn read_records(&self, after: &str, most: usize) -> rusqlite::Result<Vec<(String, String)>> {
        self.connection
            .prepare_cached(
                "SELECT address, record FROM records WHERE address > ?1 ORDER BY address LIMIT ?2",
            )?
            .query_map(
                params![after, i64::try_from(most).unwrap_or(i64::MAX)],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?
            .collect()
    }

    fn read_bindings(&self) -> rusqlite::Result<Vec<StoredBinding>> {
        self.connection
            .prepare("SELECT account, provider, endpoint, account_id, seal FROM bindings")?
            .query_map([], |row| {
                Ok(StoredBinding {
                    account: row.get(0)?,
                    provider: row.get(1)?,
                    endpoint: row.get(2)?,
                    account_id: row.get(3)?,
                    seal: row.get(4)?,
                })
            })?
            .collect()
    }

    /// Writes a batch into the transaction that is open.
    pub(super) fn write(&self, batch: &Batch) -> rusqlite::Result<()> {
        let mut insert = self
            .connection
            .prepare_cached("INSERT INTO facts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?;
        for fact in &batch.facts {
            insert.execute(params![
                fact.seq,
                fact.at,
                fact.run,
                fact.address,
                fact.account,
                fact.word,
                fact.body,
                fact.previous,
                fact.hash
            ])?;
        }
        let mut remove = self
            .connection
            .prepare_cached("DELETE FROM records WHERE address = ?1")?;
        for address in &batch.gone {
            remove.execute([address])?;
        }
        let mut put = self.connection.prepare_cached(
            "INSERT INTO records VALUES (?1, ?2)
             ON CONFLICT (address) DO UPDATE SET record = excluded.record",
        )?;
        for (address, record) in &batch.records {
            put.execute(params![address, record])?;
        }
        let mut bind = self.connection.prepare_cached(
            "INSERT INTO bindings VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (account) DO UPDATE SET provider = excluded.provider, endpoint = excluded.endpoint,
                     account_id = excluded.account_id, seal = excluded.seal",
        )?;
        for binding in &batch.bindings {
            bind.execute(params![
                binding.account,
                binding.provider,
                binding.endpoint,
                binding.account_id,
                binding.seal
            ])?;
        }
        self.write_frame(&batch.frame)
    }

    fn write_frame(&self, frame: &Frame) -> rusqlite::Result<()> {
        let mut note = self.connection.prepare_cached(
            "INSERT INTO meta VALUES (?1, ?2)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE value IS NOT excluded.value",
        )?;
        let mut forget = self
            .connection
            .prepare_cached("DELETE FROM meta WHERE key = ?1")?;
        let seal = frame.seal.as_ref();
        for (key, value) in [
            ("lineage", Some(frame.lineage.clone())),
            ("serial", Some(frame.serial.to_string())),
            ("tip", Some(frame.tip.to_string())),
            ("records_version", seal.map(|seal| seal.version.clone())),
            (
                "records_seal",
                seal.map(|seal| Digest::to_string(&seal.digest)),
            ),
            ("filling", frame.filling.clone()),
        ] {
            match value {
                Some(value) => note.execute(params![key, value])?,
                None => forget.execute([key])?,
            };
        }
        Ok(())
    }

    fn explained<T>(&self, read: rusqlite::Result<T>) -> Result<T, JournalError> {
        read.map_err(|error| explain(&self.file, &error))
    }
}

impl FactReader for Tables {
    fn moment(&mut self) -> Reading<'_, ()> {
        ready(self.explained(self.connection.execute_batch("BEGIN"))).boxed()
    }

    fn whereabouts(&mut self) -> Reading<'_, Whereabouts> {
        ready(Ok(Whereabouts::of_a_file())).boxed()
    }

    fn frame(&mut self) -> Reading<'_, Frame> {
        ready(self.read_frame()).boxed()
    }

    fn facts_after(&mut self, serial: u64, most: usize) -> Reading<'_, Vec<FoundFact>> {
        ready(self.explained(self.read_facts(serial, most))).boxed()
    }

    fn count(&mut self) -> Reading<'_, u64> {
        let counted = self
            .connection
            .query_row("SELECT count(*) FROM facts", [], |row| row.get::<_, i64>(0));
        let counted = counted.map(|count| u64::try_from(count).unwrap_or_default());
        ready(self.explained(counted)).boxed()
    }

    fn records_after<'a>(
        &'a mut self,
        address: &'a str,
        most: usize,
    ) -> Reading<'a, Vec<(String, String)>> {
        ready(self.explained(self.read_records(address, most))).boxed()
    }

    fn bindings(&mut self) -> Reading<'_, Vec<StoredBinding>> {
        ready(self.explained(self.read_bindings())).boxed()
    }

    fn check_pages(&mut self, thorough: bool) -> Reading<'_, ()> {
        let check = if thorough {
            "integrity_check"
        } else {
            "quick_check"
        };
        ready(check_pages(&self.file, &self.connection, check)).boxed()
    }

    fn corrupt(&self, why: String) -> JournalError {
        self.file.corrupt(why)
    }
}

fn fact(row: &Row<'_>) -> rusqlite::Result<StoredFact> {
    Ok(StoredFact {
        seq: row.get(0)?,
        at: row.get(1)?,
        run: row.get(2)?,
        address: row.get(3)?,
        account: row.get(4)?,
        word: row.get(5)?,
        body: row.get(6)?,
        previous: row.get(7)?,
        hash: row.get(8)?,
    })
}

fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    matches!(
        error.sqlite_error_code(),
        None | Some(DatabaseCorrupt | NotADatabase)
    )
}
