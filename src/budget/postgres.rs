//! The budget of a key in PostgreSQL, shared by every host that keeps its state there. Main type:
//! [`PostgresBudget`].
//!
//! What is decided is in the database's own functions (`migrations/V2__budget.sql`): one statement for
//! each draw, by the server's clock. Statements that come together are sent together. A thread of its own
//! has the connection, so that what was told last is sent even when the run is over.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};

use super::clock::micros;
use crate::journal::Server;
use crate::model::RateLimit;
use crate::provider::{Budget, BudgetError, BudgetSlot, Drawn, KeyFingerprint, Spent};

/// A server that takes longer to answer is not waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The budget of one key. The connection is made with the first draw. Dropping it waits, for a while,
/// until the server has everything it was told.
pub struct PostgresBudget {
    inbox: mpsc::UnboundedSender<Message>,
    thread: Option<JoinHandle<()>>,
}

enum Message {
    Take {
        windows: Vec<RateLimit>,
        lease: Duration,
        reply: oneshot::Sender<Result<Drawn, BudgetError>>,
    },
    Finish {
        flight: i64,
        spent: Spent,
    },
    Pause(Duration),
    Close,
}

/// What the server says to a message.
#[derive(Debug, Clone, Copy)]
enum Given {
    Flight(i64),
    Wait(Duration),
    Done,
}

impl PostgresBudget {
    /// The budget of a key on this server.
    ///
    /// # Errors
    ///
    /// When no thread can be started. What is wrong with the server is said by the first draw.
    pub fn start(server: &Server, key: &KeyFingerprint) -> Result<Self, BudgetError> {
        let cannot = |error| BudgetError(format!("its thread cannot be started: {error}"));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(cannot)?;
        let (inbox, messages) = mpsc::unbounded_channel();
        let worker = Worker {
            server: server.clone(),
            key: key.as_str().to_owned(),
            client: None,
            broken: None,
            inbox: inbox.clone(),
        };
        let thread = std::thread::Builder::new()
            .name("rate budget".to_owned())
            .spawn(move || runtime.block_on(worker.run(messages)))
            .map_err(cannot)?;
        Ok(Self {
            inbox,
            thread: Some(thread),
        })
    }
}

impl Budget for PostgresBudget {
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

impl Drop for PostgresBudget {
    fn drop(&mut self) {
        let _ = self.inbox.send(Message::Close);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Worker {
    server: Server,
    key: String,
    client: Option<Arc<Client>>,
    /// For good: takes are answered with it.
    broken: Option<BudgetError>,
    inbox: mpsc::UnboundedSender<Message>,
}

impl Worker {
    async fn run(mut self, mut messages: mpsc::UnboundedReceiver<Message>) {
        while let Some(first) = messages.recv().await {
            let mut batch = vec![first];
            while let Ok(next) = messages.try_recv() {
                batch.push(next);
            }
            let close = batch
                .iter()
                .any(|message| matches!(message, Message::Close));
            self.serve(batch).await;
            if close {
                return;
            }
        }
    }

    async fn serve(&mut self, batch: Vec<Message>) {
        // A run that never drew has nothing to tell.
        let draws = |message: &Message| matches!(message, Message::Take { .. } | Message::Pause(_));
        let answers = if self.client.is_some() || batch.iter().any(draws) {
            self.answers(&batch).await
        } else {
            Vec::new()
        };
        let mut given = answers.into_iter();
        for message in batch {
            let given = given.next();
            let Message::Take { reply, .. } = message else {
                continue;
            };
            let answer = match (&self.broken, given) {
                (Some(error), _) => Err(error.clone()),
                (None, Some(Given::Wait(wait))) => Ok(Drawn::Wait(wait)),
                (None, Some(Given::Flight(flight))) => Ok(Drawn::Slot(self.slot(flight))),
                (None, _) => Err(BudgetError("it gave no answer".to_owned())),
            };
            // Nobody waits for it any more: dropping the answer gives the slot back.
            let _ = reply.send(answer);
        }
    }

    fn slot(&self, flight: i64) -> BudgetSlot {
        let inbox = self.inbox.clone();
        BudgetSlot::new(move |spent| {
            // Without the thread the lease ends the slot.
            let _ = inbox.send(Message::Finish { flight, spent });
        })
    }

    /// An answer for each message of the batch; none once the budget is given up.
    async fn answers(&mut self, batch: &[Message]) -> Vec<Given> {
        let mut why = String::new();
        // A connection that was cut is made anew, once. What was sent on the old one may count twice, which
        // is never too little.
        for _ in 0..2 {
            if self.broken.is_some() {
                return Vec::new();
            }
            let all = async {
                let client = self.connected().await?;
                let answers =
                    join_all(batch.iter().map(|message| self.carry_out(&client, message)));
                let answers: Result<Vec<Given>, String> = answers.await.into_iter().collect();
                Ok::<_, String>((client, answers?))
            };
            match tokio::time::timeout(PATIENCE, all).await {
                Ok(Ok((client, answers))) => {
                    self.client = Some(client);
                    return answers;
                }
                Ok(Err(error)) => why = error,
                Err(_) => why = "no answer in time".to_owned(),
            }
            let lost = self.client.take().is_some();
            if !lost {
                break;
            }
        }
        self.broken = Some(BudgetError(format!("{}: {why}", self.server)));
        Vec::new()
    }

    async fn connected(&self) -> Result<Arc<Client>, String> {
        if let Some(client) = self.client.as_ref().filter(|client| !client.is_closed()) {
            return Ok(Arc::clone(client));
        }
        let client = self.server.connect().await.map_err(|e| e.to_string())?;
        let there = client
            .query_one("SELECT to_regclass('certplan.budgets') IS NOT NULL", &[])
            .await
            .map_err(|error| error.to_string())?;
        if there.get(0) {
            Ok(Arc::new(client))
        } else {
            Err("its tables are not made yet (`certplan migrate`)".to_owned())
        }
    }

    async fn carry_out(&self, client: &Client, message: &Message) -> Result<Given, String> {
        let said = |error: tokio_postgres::Error| match error.as_db_error() {
            Some(said) => said.message().to_owned(),
            None => error.to_string(),
        };
        // With the types named, a statement is one message to the server and one back.
        let ask = async |statement: &str, values: &[(&(dyn ToSql + Sync), Type)]| {
            let rows = client.query_typed(statement, values).await.map_err(said)?;
            rows.into_iter()
                .next()
                .ok_or_else(|| "it gave no answer".to_owned())
        };
        let key = (&self.key as &(dyn ToSql + Sync), Type::TEXT);
        match message {
            Message::Take { windows, lease, .. } => {
                let requests: Vec<i64> = windows.iter().map(|one| one.requests.into()).collect();
                let lengths: Vec<i64> = windows.iter().map(|one| micros(one.per)).collect();
                let row = ask(
                    "SELECT flight, wait FROM certplan.budget_take($1, $2, $3, $4)",
                    &[
                        key,
                        (&requests, Type::INT8_ARRAY),
                        (&lengths, Type::INT8_ARRAY),
                        (&micros(*lease), Type::INT8),
                    ],
                )
                .await?;
                match (row.get::<_, Option<i64>>(0), row.get::<_, Option<i64>>(1)) {
                    (Some(flight), _) => Ok(Given::Flight(flight)),
                    (None, Some(wait)) => {
                        Ok(Given::Wait(Duration::from_micros(wait.unsigned_abs())))
                    }
                    (None, None) => Err("it gave no answer".to_owned()),
                }
            }
            Message::Finish { flight, spent } => ask(
                "SELECT certplan.budget_finish($1, $2, $3)::text",
                &[
                    key,
                    (flight, Type::INT8),
                    (&(*spent == Spent::Ended), Type::BOOL),
                ],
            )
            .await
            .map(|_| Given::Done),
            Message::Pause(wait) => ask(
                "SELECT certplan.budget_pause($1, $2)::text",
                &[key, (&micros(*wait), Type::INT8)],
            )
            .await
            .map(|_| Given::Done),
            Message::Close => Ok(Given::Done),
        }
    }
}
