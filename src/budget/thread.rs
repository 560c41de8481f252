//! The thread that keeps a budget, and the messages to it. Main types: [`BudgetThread`], which is the
//! [`Budget`] that a throttle draws from, and [`Ledger`], where the slots are written down.
//!
//! Messages that come while the ledger is busy are handed to it together.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use tokio::sync::oneshot;

use crate::model::RateLimit;
use crate::provider::{Budget, BudgetError, BudgetSlot, Drawn, Spent, Wait};

/// How long the end of a call waits for further messages. Nobody needs it sooner, and ends that come
/// together are written together.
/// The longest wait before a budget is asked again.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
const GATHERING: Duration = Duration::from_millis(1);

/// Where the slots of one key are written down.
pub(super) trait Ledger: Send {
    /// An answer for each message. An error is for good: the ledger is not asked again.
    fn carry_out(&mut self, messages: &[Message]) -> Result<Vec<Given>, BudgetError>;
}

pub(super) enum Message {
    Take {
        windows: Vec<RateLimit>,
        lease: Duration,
        reply: oneshot::Sender<Result<Drawn, BudgetError>>,
    },
    Finish {
        flight: Flight,
        spent: Spent,
    },
    Pause(Duration),
    Close,
}

/// A slot in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flight {
    /// Counts the files that this process has opened one after the other. The number of a flight means
    /// nothing in another file.
    pub(super) file: u64,
    /// Its row.
    pub(super) id: i64,
}

/// What a ledger says to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    Flight(Flight),
    Wait(Duration),
    Done,
}

/// The budget of one key. Dropping it waits until the ledger has everything it was told.
pub(super) struct BudgetThread {
    inbox: Sender<Message>,
    thread: Option<JoinHandle<()>>,
}

impl BudgetThread {
    /// Gives the ledger a thread of its own.
    pub(super) fn start(ledger: impl Ledger + 'static) -> Result<Self, BudgetError> {
        let (inbox, messages) = channel();
        let clerk = Clerk {
            ledger,
            broken: None,
            inbox: inbox.clone(),
        };
        let thread = std::thread::Builder::new()
            .name("rate budget".to_owned())
            .spawn(move || clerk.run(&messages))
            .map_err(no_thread)?;
        Ok(Self {
            inbox,
            thread: Some(thread),
        })
    }
}

pub(super) fn no_thread(error: std::io::Error) -> BudgetError {
    BudgetError(format!("its thread cannot be started: {error}"))
}

impl Budget for BudgetThread {
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
        // Without its budget this run pauses alone.
        let _ = self.inbox.send(Message::Pause(wait));
    }
}

impl Drop for BudgetThread {
    fn drop(&mut self) {
        let _ = self.inbox.send(Message::Close);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What runs on the thread.
struct Clerk<L> {
    ledger: L,
    /// Why the ledger is not asked any more.
    broken: Option<BudgetError>,
    inbox: Sender<Message>,
}

impl<L: Ledger> Clerk<L> {
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
        let mut given = Vec::new();
        if self.broken.is_none() {
            match self.ledger.carry_out(&batch) {
                Ok(answers) => given = answers,
                Err(error) => self.broken = Some(error),
            }
        }
        let mut given = given.into_iter();
        for message in batch {
            let given = given.next();
            let Message::Take { reply, .. } = message else {
                continue;
            };
            let answer = match (&self.broken, given) {
                (Some(error), _) => Err(error.clone()),
                (None, Some(Given::Wait(whole))) => Ok(Drawn::Wait(Wait {
                    again: whole.min(LONGEST_SLEEP),
                    whole,
                })),
                (None, Some(Given::Flight(flight))) => Ok(Drawn::Slot(self.slot(flight))),
                (None, Some(Given::Done) | None) => {
                    Err(BudgetError("it gave no answer".to_owned()))
                }
            };
            // The caller may have given up. Dropping the answer gives the slot back.
            let _ = reply.send(answer);
        }
    }

    fn slot(&self, flight: Flight) -> BudgetSlot {
        let inbox = self.inbox.clone();
        BudgetSlot::new(move |spent| {
            // Without the thread the lease ends the slot.
            let _ = inbox.send(Message::Finish { flight, spent });
        })
    }
}
