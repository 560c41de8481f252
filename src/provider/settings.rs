//! What it takes to open an account: where it is, and its limits.

use std::sync::Arc;
use std::time::Duration;

use super::budget::Budget;
use super::endpoint::Endpoint;
use super::route::Route;
use crate::model::{AccountName, RateLimit, SecretSource};

/// One account as it is opened.
#[derive(Clone)]
pub struct Settings {
    /// Its name in the manifest.
    pub account: AccountName,
    /// Its base URL.
    pub endpoint: Endpoint,
    /// Where each of its secrets was read from, in the order of the CA's credentials: named where the CA does
    /// not let the key in.
    pub key_sources: Vec<SecretSource>,
    /// Rolling windows that all hold at once.
    pub rate_limits: Vec<RateLimit>,
    /// What the key's other users draw from as well; without one the limits hold for this process alone.
    pub budget: Option<Arc<dyn Budget>>,
    /// How many calls may be under way at once. A [`super::Permit`] counts from when it is taken, so a
    /// caller that holds one must not wait for a read of its own.
    pub max_in_flight: usize,
    /// The way there.
    pub route: Route,
    /// PEM certificates to trust beside the system's, from the command line.
    pub extra_root: Option<Vec<u8>>,
    /// How long to wait.
    pub deadlines: Deadlines,
}

/// How long each phase of a call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// DNS, TCP and TLS together.
    pub connect: Duration,
    /// From the start to the head of the answer.
    pub head: Duration,
    /// The longest pause between two pieces of the answer's body.
    pub body: Duration,
    /// From the start to the end of the answer.
    pub whole: Duration,
    /// The delay before a read is repeated; it doubles.
    pub first_repeat: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            head: Duration::from_secs(60),
            body: Duration::from_secs(30),
            whole: Duration::from_secs(120),
            first_repeat: Duration::from_millis(500),
        }
    }
}
