//! The budget of a key in PostgreSQL, shared by every host that keeps its state there. Main type:
//! [`PostgresBudget`].
//!
//! What is decided is in the database's own functions (`migrations/V2__budget.sql`): one statement for
//! each draw, by the server's clock. Statements that come together are sent together.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use tokio::runtime::Runtime;
use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};

use super::clock::micros;
use super::thread::{BudgetThread, Flight, Given, Ledger, Message, no_thread};
use crate::journal::Server;
use crate::model::{RateLimit, Untrusted};
use crate::provider::{Budget, BudgetError, Drawn, KeyFingerprint, Spent};

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The budget of one key. The connection is made with the first draw. Dropping it waits, for a while,
/// until the server has everything it was told.
pub struct PostgresBudget(BudgetThread);

impl PostgresBudget {
    /// The budget of a key on this server.
    ///
    /// # Errors
    ///
    /// When no thread can be started. What is wrong with the server is said by the first draw.
    pub fn start(server: &Server, key: &KeyFingerprint) -> Result<Self, BudgetError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(no_thread)?;
        let connection = Connection {
            server: server.clone(),
            key: key.as_str().to_owned(),
            client: None,
        };
        let ledger = PostgresLedger {
            runtime,
            connection,
        };
        BudgetThread::start(ledger).map(Self)
    }
}

impl Budget for PostgresBudget {
    fn take<'a>(
        &'a self,
        windows: &'a [RateLimit],
        lease: Duration,
    ) -> BoxFuture<'a, Result<Drawn, BudgetError>> {
        self.0.take(windows, lease)
    }

    fn pause(&self, wait: Duration) {
        self.0.pause(wait);
    }
}

/// The connection, and the runtime that it needs on the budget's thread.
struct PostgresLedger {
    runtime: Runtime,
    connection: Connection,
}

impl Ledger for PostgresLedger {
    fn carry_out(&mut self, messages: &[Message]) -> Result<Vec<Given>, BudgetError> {
        // A run that never drew has nothing to tell.
        let draws = |message: &Message| matches!(message, Message::Take { .. } | Message::Pause(_));
        if self.connection.client.is_none() && !messages.iter().any(draws) {
            return Ok(Vec::new());
        }
        self.runtime.block_on(self.connection.answers(messages))
    }
}

struct Connection {
    server: Server,
    key: String,
    client: Option<Arc<Client>>,
}

impl Connection {
    async fn answers(&mut self, messages: &[Message]) -> Result<Vec<Given>, BudgetError> {
        let mut why = String::new();
        // A connection that was cut is made anew, once. What was sent on the old one may count twice, which
        // is never too little.
        for _ in 0..2 {
            let all = async {
                let client = self.connected().await?;
                let answers = join_all(
                    messages
                        .iter()
                        .map(|message| self.carry_out(&client, message)),
                );
                let answers: Result<Vec<Given>, String> = answers.await.into_iter().collect();
                Ok::<_, String>((client, answers?))
            };
            match tokio::time::timeout(PATIENCE, all).await {
                Ok(Ok((client, answers))) => {
                    self.client = Some(client);
                    return Ok(answers);
                }
                Ok(Err(error)) => why = error,
                Err(_) => why = "no answer in time".to_owned(),
            }
            let lost = self.client.take().is_some();
            if !lost {
                break;
            }
        }
        let why = self.server.without_password(&why);
        Err(BudgetError(format!("{}: {why}", self.server)))
    }

    async fn connected(&self) -> Result<Arc<Client>, String> {
        if let Some(client) = self.client.as_ref().filter(|client| !client.is_closed()) {
            return Ok(Arc::clone(client));
        }
        let client = self.server.connect().await.map_err(|e| e.to_string())?;
        let there = client
            .query_one("SELECT to_regclass('certplan.budgets') IS NOT NULL", &[])
            .await
            .map_err(|error| self.server.explained(&error))?;
        if !there.get::<_, bool>(0) {
            return Err("its tables are not made yet (`certplan migrate`)".to_owned());
        }
        self.check(&client).await?;
        Ok(Arc::new(client))
    }

    /// Tells what no run can have written, before the first draw takes it away. A trigger may do anything to
    /// a row: with one there is no budget to rely on.
    async fn check(&self, client: &Client) -> Result<(), String> {
        let trigger = client
            .query_opt(
                "SELECT tgname::text FROM pg_trigger WHERE NOT tgisinternal AND tgrelid IN (
                     'certplan.budgets'::regclass, 'certplan.budget_calls'::regclass,
                     'certplan.budget_flights'::regclass) LIMIT 1",
                &[],
            )
            .await
            .map_err(|error| self.server.explained(&error))?;
        if let Some(trigger) = trigger {
            return Err(format!(
                "its tables have the trigger `{}`, which certplan did not make",
                Untrusted::new(trigger.get::<_, String>(0))
            ));
        }
        let far = client
            .query_one(
                "SELECT EXISTS (SELECT FROM certplan.budgets b WHERE b.key = $1 AND b.paused_until >= far)
                     OR EXISTS (SELECT FROM certplan.budget_flights f WHERE f.key = $1 AND f.lease_until >= far)
                 FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + 960000000 AS far) x",
                &[&self.key],
            )
            .await
            .map_err(|error| self.server.explained(&error))?;
        if far.get(0) {
            tracing::warn!(
                "the rate budget in {} held a pause or a lease that ends later than any run of certplan writes; it is not believed",
                self.server
            );
        }
        Ok(())
    }

    async fn carry_out(&self, client: &Client, message: &Message) -> Result<Given, String> {
        // With the types named, a statement is one message to the server and one back.
        let ask = async |statement: &str, values: &[(&(dyn ToSql + Sync), Type)]| {
            let rows = client
                .query_typed(statement, values)
                .await
                .map_err(|error| self.server.explained(&error))?;
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
                    (Some(id), _) => Ok(Given::Flight(Flight { file: 0, id })),
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
                    (&flight.id, Type::INT8),
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
