//! The rows of a budget and what is decided by them. Main types: [`Store`], one connection to the file,
//! and [`Round`], one transaction in which slots are given and taken back.
//!
//! `flights` are the slots in flight, each with the end of its lease. `calls` are the ended ones, numbered
//! without gaps in the order of their ends: so "fewer than N in the last L" is one look at one row, the
//! N-th newest. Rows carry times alone; each asker brings its own windows.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::clock::{Clock, Reading, micros};
use crate::model::RateLimit;

#[cfg(test)]
mod tests;

/// How many ended calls are kept. Where a limit is higher than this, only so many count in its window.
const KEPT: i64 = 100_000;
/// How soon to ask again while every slot of a window is in flight elsewhere.
const POLL: Duration = Duration::from_millis(20);
/// No lease and no pause that a run writes ends later than this from now: the longest pause is 15 minutes. A
/// time that does comes from a damaged row or from another program. It is not believed.
const FAR_AHEAD: i64 = 16 * 60 * 1_000_000;
/// Wall clocks are corrected all the time. A smaller correction is not worth a write.
const OFFSET_CHANGE: i64 = 100_000;

pub(super) const APPLICATION_ID: i64 = 0x6370_6264;

/// The whole schema. A certplan with another one uses files of another name.
pub(super) const SCHEMA: &str = "
    CREATE TABLE state (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        boot TEXT NOT NULL,
        wall_offset INTEGER NOT NULL,
        paused_until INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE flights (id INTEGER PRIMARY KEY AUTOINCREMENT, lease_until INTEGER NOT NULL) STRICT;
    CREATE TABLE calls (number INTEGER PRIMARY KEY, ended INTEGER NOT NULL) STRICT;
    INSERT INTO state VALUES (1, '', 0, 0);
";

/// A slot in flight, by its row.
pub(super) type FlightId = i64;

/// What a budget answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    Flight(FlightId),
    Wait(Duration),
}

/// One connection to a budget.
pub(super) struct Store {
    connection: Connection,
    clock: Arc<dyn Clock>,
}

impl Store {
    /// Wraps a connection whose schema was already created or checked.
    pub(super) fn new(connection: Connection, clock: Arc<dyn Clock>) -> Self {
        Self { connection, clock }
    }

    /// Begins a transaction. No other process is in one until it ends. Without [`Round::commit`], nothing of
    /// it happened.
    pub(super) fn round(&mut self) -> rusqlite::Result<Round<'_>> {
        let path = self.connection.path().unwrap_or_default().to_owned();
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        // The clock is read inside the transaction, so ends are in the order of their numbers.
        let round = Round::begin(transaction, &self.clock.now())?;
        if let Some(what) = round.disbelieved {
            tracing::warn!(
                "the rate budget `{path}` held {what} that ends later than any run of certplan writes; it is not believed"
            );
        }
        Ok(round)
    }
}

/// One transaction.
pub(super) struct Round<'a> {
    transaction: Transaction<'a>,
    now: i64,
    paused_until: i64,
    /// The last ended call.
    number: i64,
    ended: i64,
    in_flight: i64,
    /// What stood there that no run can have written. It is gone with this transaction, so it is told once.
    pub(super) disbelieved: Option<&'static str>,
}

impl<'a> Round<'a> {
    fn begin(transaction: Transaction<'a>, reading: &Reading) -> rusqlite::Result<Self> {
        let (boot, offset, paused_until) = transaction
            .prepare_cached("SELECT boot, wall_offset, paused_until FROM state")?
            .query_row([], |row| {
                Ok((
                    row.get::<_, String>(0)?,
                    row.get::<_, i64>(1)?,
                    row.get::<_, i64>(2)?,
                ))
            })?;
        let mut round = Self {
            transaction,
            now: reading.up,
            paused_until,
            number: 0,
            ended: i64::MIN,
            in_flight: 0,
            disbelieved: None,
        };
        if boot != reading.boot {
            round.carry_over(&boot, offset, reading)?;
        } else if reading.offset().abs_diff(offset) > OFFSET_CHANGE.unsigned_abs() {
            round.execute(
                "UPDATE state SET wall_offset = ?1",
                params![reading.offset()],
            )?;
        }
        if round.paused_until.saturating_sub(round.now) >= FAR_AHEAD {
            round.disbelieved = Some("a pause");
            round.paused_until = 0;
            round.execute("UPDATE state SET paused_until = 0", [])?;
        }
        round.read_newest()?;
        if round.ended > round.now {
            // The clock that all processes share never goes back. A call that ended later than now counts as
            // ended just now.
            let now = round.now;
            round.execute("UPDATE calls SET ended = ?1 WHERE ended > ?1", params![now])?;
            round.ended = now;
        }
        round.end_lapsed()?;
        Ok(round)
    }

    /// After a reboot, times since boot begin anew. Only the wall clock says how long ago the old times were.
    /// Whatever it says, none of them was later than the boot.
    fn carry_over(&mut self, boot: &str, offset: i64, reading: &Reading) -> rusqlite::Result<()> {
        let boot_unknown = boot.is_empty() || reading.boot.is_empty();
        // The stored offset may be this much behind. A call that looks younger counts for longer.
        let shift = (offset.saturating_sub(reading.offset())).saturating_add(OFFSET_CHANGE);
        let latest = if boot_unknown { self.now } else { 0 };
        // Beyond these, sums in SQL would not be whole numbers any more.
        let shift = shift.clamp(-(1 << 60), 1 << 60);
        for statement in [
            "UPDATE calls SET ended = min(ended + ?1, ?2)",
            "UPDATE flights SET lease_until = min(lease_until + ?1, ?2)",
        ] {
            self.execute(statement, params![shift, latest])?;
        }
        self.paused_until = self.paused_until.saturating_add(shift);
        self.execute(
            "UPDATE state SET boot = ?1, wall_offset = ?2, paused_until = ?3",
            params![reading.boot, reading.offset(), self.paused_until],
        )
    }

    fn read_newest(&mut self) -> rusqlite::Result<()> {
        let newest = self
            .transaction
            .prepare_cached("SELECT number, ended FROM calls ORDER BY number DESC LIMIT 1")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if let Some((number, ended)) = newest {
            (self.number, self.ended) = (number, ended);
        }
        Ok(())
    }

    /// Slots whose lease is over, because their process died or was stopped, become ended calls.
    fn end_lapsed(&mut self) -> rusqlite::Result<()> {
        let lapsed: Vec<(FlightId, i64)> = self
            .transaction
            .prepare_cached(
                "SELECT id, lease_until FROM flights WHERE lease_until <= ?1 OR lease_until > ?2
                 ORDER BY lease_until",
            )?
            .query_map(
                params![self.now, self.now.saturating_add(FAR_AHEAD)],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?
            .collect::<rusqlite::Result<_>>()?;
        for (id, lease_until) in lapsed {
            if lease_until > self.now {
                self.disbelieved = Some("a lease");
            }
            self.execute("DELETE FROM flights WHERE id = ?1", params![id])?;
            // Later than the last one, so that the numbers stay in order; never later than now.
            self.append(lease_until.min(self.now).max(self.ended))?;
        }
        self.in_flight = self
            .transaction
            .prepare_cached("SELECT count(*) FROM flights")?
            .query_row([], |row| row.get(0))?;
        Ok(())
    }

    /// Gives a slot for `lease`, or says how long to wait.
    pub(super) fn take(
        &mut self,
        windows: &[RateLimit],
        lease: Duration,
    ) -> rusqlite::Result<Given> {
        let mut until = self.now.max(self.paused_until);
        for window in windows {
            let room = i64::from(window.requests) - self.in_flight;
            let free_at = if room <= 0 {
                self.now.saturating_add(micros(POLL))
            } else {
                self.leaves(self.number - room + 1, window.per)?
            };
            until = until.max(free_at);
        }
        if until > self.now {
            let wait = until - self.now;
            return Ok(Given::Wait(Duration::from_micros(wait.unsigned_abs())));
        }
        let lease_until = self.now.saturating_add(micros(lease));
        self.execute(
            "INSERT INTO flights (lease_until) VALUES (?1)",
            params![lease_until],
        )?;
        self.in_flight += 1;
        Ok(Given::Flight(self.transaction.last_insert_rowid()))
    }

    /// When the call with this number leaves a window of this length; the past where there is none.
    fn leaves(&self, number: i64, length: Duration) -> rusqlite::Result<i64> {
        if number < 1 {
            return Ok(i64::MIN);
        }
        let ended: Option<i64> = self
            .transaction
            .prepare_cached("SELECT ended FROM calls WHERE number = ?1")?
            .query_row(params![number], |row| row.get(0))
            .optional()?;
        // A call that is yet to end is a damaged row.
        let ended = ended.filter(|ended| *ended <= self.now);
        Ok(ended.map_or(i64::MIN, |ended| ended.saturating_add(micros(length))))
    }

    /// The slot's call has ended.
    pub(super) fn end(&mut self, flight: Option<FlightId>) -> rusqlite::Result<()> {
        self.give_back(flight)?;
        // Counted even where the flight is gone, because its lease was over or the file is a new one.
        self.append(self.now)
    }

    /// The slot goes back unspent.
    pub(super) fn give_back(&mut self, flight: Option<FlightId>) -> rusqlite::Result<()> {
        let Some(flight) = flight else {
            return Ok(());
        };
        let gone = self
            .transaction
            .prepare_cached("DELETE FROM flights WHERE id = ?1")?
            .execute(params![flight])?;
        self.in_flight -= i64::from(gone > 0);
        Ok(())
    }

    /// Nobody is given a slot for this long.
    pub(super) fn pause(&mut self, wait: Duration) -> rusqlite::Result<()> {
        let until = self.now.saturating_add(micros(wait));
        if until > self.paused_until {
            self.paused_until = until;
            self.execute("UPDATE state SET paused_until = ?1", params![until])?;
        }
        Ok(())
    }

    fn append(&mut self, ended: i64) -> rusqlite::Result<()> {
        self.number += 1;
        self.ended = ended;
        self.execute(
            "INSERT INTO calls (number, ended) VALUES (?1, ?2)",
            params![self.number, ended],
        )?;
        self.execute(
            "DELETE FROM calls WHERE number = ?1",
            params![self.number - KEPT],
        )
    }

    fn execute(&self, statement: &str, values: impl rusqlite::Params) -> rusqlite::Result<()> {
        self.transaction
            .prepare_cached(statement)?
            .execute(values)
            .map(|_| ())
    }

    pub(super) fn commit(self) -> rusqlite::Result<()> {
        self.transaction.commit()
    }
}
