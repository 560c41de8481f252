//! The budget of a key in an SQLite file of this machine. Main type: [`SqliteLedger`].

use super::file::{BudgetFile, Failure, Identity};
use super::store::{self, Store};
use super::thread::{Flight, Given, Ledger, Message};
use crate::provider::{BudgetError, Spent};

/// The file while it is open. One that was damaged, removed or replaced is opened anew.
pub(super) struct SqliteLedger {
    file: BudgetFile,
    /// `None` after a failure.
    opened: Option<(Store, Identity)>,
    /// How many files were opened before this one.
    number: u64,
}

impl SqliteLedger {
    /// Opens the file.
    pub(super) fn open(file: BudgetFile) -> Result<Self, BudgetError> {
        let mut ledger = Self {
            file,
            opened: None,
            number: 0,
        };
        ledger.reopen()?;
        Ok(ledger)
    }

    fn reopen(&mut self) -> Result<(), BudgetError> {
        // Closed first: the new connection must not find this process's locks on the old file.
        self.opened = None;
        self.number += 1;
        self.opened = Some(self.file.open().map_err(|failure| self.explain(failure))?);
        Ok(())
    }

    fn explain(&self, failure: Failure) -> BudgetError {
        let (Failure::Damaged(why) | Failure::Unusable(why)) = failure;
        BudgetError(format!("`{}`: {why}", self.file.path().display()))
    }
}

impl Ledger for SqliteLedger {
    fn carry_out(&mut self, messages: &[Message]) -> Result<Vec<Given>, BudgetError> {
        // Other processes do not draw from a file that was removed or replaced.
        if let Some((_, identity)) = &self.opened
            && self.file.identity() != Some(*identity)
        {
            self.reopen()?;
        }
        for _ in 0..2 {
            let Some((store, _)) = &mut self.opened else {
                break;
            };
            match carry_out(store, self.number, messages) {
                Ok(given) => return Ok(given),
                Err(Failure::Damaged(_)) => self.reopen()?,
                Err(failure) => return Err(self.explain(failure)),
            }
        }
        let why = "it is damaged again and again".to_owned();
        Err(self.explain(Failure::Unusable(why)))
    }
}

/// One transaction for all messages.
fn carry_out(store: &mut Store, file: u64, messages: &[Message]) -> Result<Vec<Given>, Failure> {
    let mut round = store.round()?;
    let mut given = Vec::with_capacity(messages.len());
    for message in messages {
        given.push(match message {
            Message::Take { windows, lease, .. } => match round.take(windows, *lease)? {
                store::Given::Flight(id) => Given::Flight(Flight { file, id }),
                store::Given::Wait(wait) => Given::Wait(wait),
            },
            Message::Finish { flight, spent } => {
                let id = (flight.file == file).then_some(flight.id);
                match spent {
                    Spent::Ended => round.end(id)?,
                    Spent::Never => round.give_back(id)?,
                }
                Given::Done
            }
            Message::Pause(wait) => {
                round.pause(*wait)?;
                Given::Done
            }
            Message::Close => Given::Done,
        });
    }
    round.commit()?;
    Ok(given)
}
