//! The thread that has the connection to a budget. Main type: [`SqliteBudget`].
//!
//! What was asked while a transaction ran is answered together in the next one.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use tokio::sync::oneshot;

use super::file::{BudgetFile, Failure, Identity};
use super::store::{FlightId, Given, Store};
use crate::model::RateLimit;
use crate::provider::{Budget, BudgetError, BudgetSlot, Drawn, Spent};

/// The ends of calls wait so long for what else is asked: nobody needs them sooner, and they are written
/// together.
const GATHERING: Duration = Duration::from_millis(1);

/// The budget of one key in an SQLite file. Dropping it waits until everything it was told is written.
pub(super) struct SqliteBudget {
    inbox: Sender<Message>,
    thread: Option<JoinHandle<()>>,
}

enum Message {
    Take {
        windows: Vec<RateLimit>,
        lease: Duration,
        reply: oneshot::Sender<Result<Drawn, BudgetError>>,
    },
    Finish {
        /// Which of the files that this process has opened one after the other: a flight's number means
        /// nothing in another one.
        file: u64,
        flight: FlightId,
        spent: Spent,
    },
    Pause(Duration),
    Close,
}

impl SqliteBudget {
    /// Opens the file and starts the thread.
    pub(super) fn start(file: BudgetFile) -> Result<Self, BudgetError> {
        let path = file.path().display().to_string();
        let opened = file.open().map_err(|failure| explain(&path, failure))?;
        let (inbox, messages) = channel();
        let worker = Worker {
            file,
            path,
            opened: Ok(opened),
            number: 0,
            inbox: inbox.clone(),
        };
        let thread = std::thread::Builder::new()
            .name("rate budget".to_owned())
            .spawn(move || worker.run(&messages))
            .map_err(|error| BudgetError(format!("its thread cannot be started: {error}")))?;
        Ok(Self {
            inbox,
            thread: Some(thread),
        })
    }
}

impl Budget for SqliteBudget {
    fn take<'a>(
        &'a self,
        windows: &'a [RateLimit],
        lease: Duration,
    ) -> BoxFuture<'a, Result<Drawn, BudgetError>> {
        Box::pin(async move {
            let gone = || BudgetError("its thread has ended".to_owned());
            let (reply, answer) = oneshot::channel();
            let take = Message::Take {
                windows: windows.to_vec(),
                lease,
                reply,
            };
            self.inbox.send(take).map_err(|_| gone())?;
            answer.await.map_err(|_| gone())?
        })
    }

    fn pause(&self, wait: Duration) {
        // Who has no budget any more pauses alone.
        let _ = self.inbox.send(Message::Pause(wait));
    }
}

impl Drop for SqliteBudget {
    fn drop(&mut self) {
        let _ = self.inbox.send(Message::Close);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Worker {
    file: BudgetFile,
    path: String,
    /// An error is for good: takes are answered with it.
    opened: Result<(Store, Identity), BudgetError>,
    number: u64,
    inbox: Sender<Message>,
}

impl Worker {
    fn run(mut self, messages: &Receiver<Message>) {
        while let Ok(first) = messages.recv() {
            let until = Instant::now() + GATHERING;
            let mut batch = vec![first];
            while matches!(batch.last(), Some(Message::Finish { .. })) {
                let left = until.saturating_duration_since(Instant::now());
                let Ok(next) = messages.recv_timeout(left) else {
                    break;
                };
                batch.push(next);
            }
            batch.extend(messages.try_iter());
            let close = batch
                .iter()
                .any(|message| matches!(message, Message::Close));
            self.serve(batch);
            if close {
                return;
            }
        }
    }

    fn serve(&mut self, batch: Vec<Message>) {
        let answers = self.answers(&batch);
        let mut given = answers.iter().flatten();
        for message in batch {
            let Message::Take { reply, .. } = message else {
                continue;
            };
            let answer = match (&self.opened, given.next()) {
                (Err(error), _) => Err(error.clone()),
                (Ok(_), Some(Given::Wait(wait))) => Ok(Drawn::Wait(*wait)),
                (Ok(_), Some(Given::Flight(flight))) => Ok(Drawn::Slot(self.slot(*flight))),
                (Ok(_), None) => Err(BudgetError("it gave no answer".to_owned())),
            };
            // Nobody waits for it any more: dropping the answer gives the slot back.
            let _ = reply.send(answer);
        }
    }

    fn slot(&self, flight: FlightId) -> BudgetSlot {
        let (inbox, file) = (self.inbox.clone(), self.number);
        BudgetSlot::new(move |spent| {
            // Without the thread the lease ends the slot.
            let _ = inbox.send(Message::Finish {
                file,
                flight,
                spent,
            });
        })
    }

    /// An answer for each take of the batch; none once the budget is given up.
    fn answers(&mut self, batch: &[Message]) -> Option<Vec<Given>> {
        // A file that was removed or replaced is another budget than the one others draw from.
        if let Ok((_, identity)) = &self.opened
            && self.file.identity() != Some(*identity)
        {
            self.reopen();
        }
        for _ in 0..2 {
            let (store, _) = self.opened.as_mut().ok()?;
            match carry_out(store, self.number, batch) {
                Ok(given) => return Some(given),
                Err(Failure::Damaged(_)) => self.reopen(),
                Err(failure) => self.opened = Err(explain(&self.path, failure)),
            }
        }
        let twice = Failure::Unusable("it is damaged again and again".to_owned());
        self.opened = Err(explain(&self.path, twice));
        None
    }

    fn reopen(&mut self) {
        // Closed first: the new one must not find this process's locks on the old.
        self.opened = Err(BudgetError(String::new()));
        self.number += 1;
        self.opened = self
            .file
            .open()
            .map_err(|failure| explain(&self.path, failure));
    }
}

/// One transaction for the whole batch.
fn carry_out(store: &mut Store, number: u64, batch: &[Message]) -> Result<Vec<Given>, Failure> {
    let mut round = store.round()?;
    let mut given = Vec::new();
    for message in batch {
        match message {
            Message::Take { windows, lease, .. } => given.push(round.take(windows, *lease)?),
            Message::Finish {
                file,
                flight,
                spent,
            } => {
                let flight = (*file == number).then_some(*flight);
                match spent {
                    Spent::Ended => round.end(flight)?,
                    Spent::Never => round.give_back(flight)?,
                }
            }
            Message::Pause(wait) => round.pause(*wait)?,
            Message::Close => {}
        }
    }
    round.commit()?;
    Ok(given)
}

fn explain(path: &str, failure: Failure) -> BudgetError {
    let (Failure::Damaged(why) | Failure::Unusable(why)) = failure;
    BudgetError(format!("`{path}`: {why}"))
}
