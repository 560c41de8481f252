//! The lease: a run's row in the database, renewed while the run lives, and the lock of the session that
//! renews it. Whoever finds the lock free may take the run for dead and go on; so may whoever finds the term
//! over by the server's clock and then sees no renewal for as long as the run itself would trust its lease,
//! by its own clock since boot. The database takes no fact from a run that was declared dead.
//!
//! So no clock that can be set shortens a lease: a server's clock that is set forward makes others watch,
//! and they see it renewed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::task::JoinHandle;
use tokio_postgres::Client;

use super::server::{Server, explain};
use crate::journal::JournalError;

/// How long a run that says nothing keeps its lease.
pub(super) const TERM: Duration = Duration::from_secs(30);
/// How often a lease is renewed.
const BEAT: Duration = Duration::from_secs(5);
/// How long after its last renewal a run trusts its lease. Nobody declares it dead before that.
pub(super) const TRUSTED: Duration = Duration::from_secs(20);

/// One run's lease, as the run knows it.
#[derive(Debug)]
pub(super) struct Lease {
    /// The fencing token.
    pub(super) id: i64,
    /// The lock that the session holds.
    pub(super) key: i64,
    /// When it was last renewed, on the clock that also counts while the machine sleeps, in milliseconds.
    renewed: AtomicU64,
    lost: AtomicBool,
}

impl Lease {
    pub(super) fn new(id: i64, key: i64, asked: u64) -> Arc<Self> {
        Arc::new(Self {
            id,
            key,
            renewed: AtomicU64::new(asked),
            lost: AtomicBool::new(false),
        })
    }

    /// False as soon as the run can no longer be sure that nobody took it for dead.
    pub(super) fn holds(&self) -> bool {
        !self.lost.load(Ordering::Relaxed) && self.left() > Duration::ZERO
    }

    /// How much longer the run trusts its lease.
    pub(super) fn left(&self) -> Duration {
        let age = now().saturating_sub(self.renewed.load(Ordering::Relaxed));
        TRUSTED.saturating_sub(Duration::from_millis(age))
    }

    fn renewed(&self, asked: u64) {
        self.renewed.store(asked, Ordering::Relaxed);
    }

    pub(super) fn lose(&self) {
        self.lost.store(true, Ordering::Relaxed);
    }
}

/// Milliseconds since the machine started, its sleep included.
pub(super) fn now() -> u64 {
    let time = clock_gettime(ClockId::Boottime);
    let (seconds, nanoseconds) = (time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs());
    seconds
        .saturating_mul(1000)
        .saturating_add(nanoseconds / 1_000_000)
}

/// Renews the lease until it is lost or the task is stopped. `client` holds the run's lock.
pub(super) fn keep(server: Server, client: Client, lease: Arc<Lease>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut session = Some(client);
        loop {
            tokio::time::sleep(BEAT).await;
            if !lease.holds() {
                lease.lose();
                return;
            }
            let asked = now();
            let beat = async {
                let client = match session.take() {
                    Some(client) if !client.is_closed() => client,
                    _ => locked(&server, lease.key).await?,
                };
                let kept = renew(&server, &client, lease.id).await?;
                session = Some(client);
                Ok::<bool, JournalError>(kept)
            };
            match tokio::time::timeout(lease.left(), beat).await {
                Ok(Ok(true)) => lease.renewed(asked),
                Ok(Ok(false)) => {
                    lease.lose();
                    return;
                }
                // As long as the term lasts, another connection may do better.
                Ok(Err(_)) | Err(_) => session = None,
            }
        }
    })
}

/// A session that holds the run's lock.
pub(super) async fn locked(server: &Server, key: i64) -> Result<Client, JournalError> {
    let client = server.connect().await?;
    let taken: bool = client
        .query_one("SELECT pg_try_advisory_lock($1)", &[&key])
        .await
        .map_err(|error| explain(server, &error))?
        .get(0);
    if taken {
        Ok(client)
    } else {
        Err(server.unusable("the lock of this run is held by another session"))
    }
}

/// True while the lease was not taken away.
async fn renew(server: &Server, client: &Client, id: i64) -> Result<bool, JournalError> {
    let term = TERM.as_secs_f64();
    client
        .execute(
            "UPDATE runners SET beats = beats + 1, expires = clock_timestamp() + make_interval(secs => $2)
             WHERE id = $1 AND ended IS NULL",
            &[&id, &term],
        )
        .await
        .map(|rows| rows == 1)
        .map_err(|error| explain(server, &error))
}
