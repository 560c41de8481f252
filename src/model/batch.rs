//! What is wanted: the manifest after defaults, names and references are settled.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::authority::{Authority, RateLimit, Region};
use super::digest::Digest;
use super::ids::{AccountName, Address, KeyId};
use super::item::Item;
use super::secret_source::SecretSource;

/// Everything that one manifest (one or more files) asks for.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The accounts by name.
    pub accounts: BTreeMap<AccountName, Account>,
    /// The guard rails.
    pub policy: Policy,
    /// Orders, then revocations, each in the order of the files. Addresses are unique, every
    /// reference is known and the dependencies have no cycle.
    pub items: Vec<Item>,
    /// Entries that had another name.
    pub moved: Vec<Move>,
    /// A digest of where the keys of each account come from, as it was written.
    pub keys: BTreeMap<AccountName, Digest>,
}

/// An entry that had another name: both are orders, or both revocations. No entry is named `from`, and one is
/// named `to`; each name comes up once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Move {
    /// The name that it had.
    pub from: Address,
    /// The name that it has.
    pub to: Address,
}

/// One customer account at a CA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name in the manifest.
    pub name: AccountName,
    /// Which CA, and where its keys come from.
    pub provider: Provider,
    /// Rolling windows that all hold at once.
    pub rate_limits: Vec<RateLimit>,
    /// How many calls may be under way at once; at least 1.
    pub max_in_flight: usize,
}

/// The CA that an account is at, and what it takes to reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// What the CA offers.
    pub authority: &'static dyn Authority,
    /// Which of its platforms.
    pub region: &'static Region,
    /// Where each secret is read from, in the order of [`Authority::credentials`].
    pub credentials: Vec<SecretSource>,
    /// The key's id, where the CA can look a key up.
    pub key_id: Option<KeyId>,
}

impl Provider {
    /// The CA's word in the manifest.
    pub fn name(&self) -> &'static str {
        self.authority.name()
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(formatter, "the environment variable {name}"),
            Self::File(path) => write!(formatter, "the file {}", path.display()),
        }
    }
}

/// Guard rails; a plan that breaks one is refused.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// New orders in one apply.
    pub max_orders: Option<u32>,
    /// Certificates that one apply may revoke.
    pub max_revocations: Option<u32>,
    /// Reissues in one apply.
    pub max_reissues: Option<u32>,
    /// Of the certificates known in the account, 0 to 100.
    pub max_revocation_percent: Option<u8>,
    /// What becomes of an order whose answer never came.
    pub doubt: Doubt,
}

/// When a look-up finds nothing after an answer that never came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doubt {
    /// How long "not found" proves nothing.
    pub quiet_period: Duration,
    /// What then.
    pub then: DoubtRule,
}

impl Default for Doubt {
    fn default() -> Self {
        Self {
            quiet_period: Duration::from_secs(15 * 60),
            then: DoubtRule::Ask,
        }
    }
}

/// What follows the quiet period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoubtRule {
    /// A person settles it with `certplan resolve`.
    Ask,
    /// After three look-ups that found nothing, order again.
    Resend,
}
