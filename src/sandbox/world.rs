//! Everything the sandbox knows of its two CAs: settings, CA key, the books of both. Main type: [`World`].

use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::Date;

use super::ca::Authority;
use super::certcentral::book as certcentral;
use super::certcentral::order::{Order, Request};
use super::clock::Clock;
use super::contrary::Contrary;
use super::habits::Habits;
use super::ncloud::book::{self as ncloud, NcloudOrder};
use super::{Approval, Options};

/// Whether what is approved is issued at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Validation {
    /// Domains and mailboxes were validated before; only a DV order with a token waits.
    #[default]
    Reused,
    /// Every order and reissue waits until `POST /sandbox/validate`.
    Open,
    /// As `reused`, but a validation of a domain is good for 199 days: what comes later waits for a new one.
    Expiring,
}

/// How much longer a reissue lives than the certificate before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ReissueGain {
    /// As long as a new certificate would, up to the end of the order.
    #[default]
    Full,
    /// No longer: it ends on the same day.
    None,
}

/// What can be changed while the sandbox runs.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) approval: Approval,
    pub(super) validation: Validation,
    pub(super) reissue_gain: ReissueGain,
    /// What the account may spend in all, in cents; `None` is more than anybody asks for.
    pub(super) funds_cents: Option<u64>,
    pub(super) index_lag: Duration,
    pub(super) limits: Vec<(u32, Duration)>,
    pub(super) ncloud_revoke_delay: Duration,
    pub(super) habits: Habits,
    /// What is contrary to what clients assume.
    pub(super) contrary: Vec<Contrary>,
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) settings: Settings,
    pub(super) seed: u64,
    pub(super) account_id: u64,
    pub(super) clock: Clock,
    /// Since what changed was last kept.
    pub(super) clock_moved: bool,
    pub(super) certcentral_key: String,
    pub(super) certcentral_view_key: String,
    pub(super) ncloud_access_key: String,
    pub(super) ncloud_secret_key: String,
    pub(super) authority: Authority,
    pub(super) certcentral: certcentral::Book,
    pub(super) ncloud: ncloud::Book,
}

/// One object of the state as it is kept: the newest line for an id wins.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kept {
    Order(Box<Order>),
    Request(Request),
    NcloudOrder(NcloudOrder),
    /// A domain, and the day on which control of it was shown.
    Domain {
        name: String,
        validated: Date,
    },
    /// How far the clock was moved.
    Clock {
        ahead_ms: i64,
    },
}

fn kept_domain(name: String, validated: Date) -> Kept {
    Kept::Domain { name, validated }
}

/// An id that no other start has, whatever the seed.
pub(super) fn new_account_id() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    1_000_000 + RandomState::new().hash_one(0) % 9_000_000
}

impl World {
    pub(super) fn new(options: &Options, authority: Authority, account_id: u64) -> Self {
        let clock = Clock::default();
        Self {
            settings: Settings {
                approval: options.approval,
                validation: Validation::default(),
                reissue_gain: ReissueGain::default(),
                funds_cents: None,
                index_lag: options.index_lag,
                limits: options.rate_limits.windows(),
                ncloud_revoke_delay: options.ncloud_revoke_delay,
                habits: Habits::default(),
                contrary: options.contrary.clone(),
            },
            seed: options.seed,
            account_id,
            certcentral_key: options.certcentral_key.clone(),
            certcentral_view_key: options.certcentral_view_key.clone(),
            ncloud_access_key: options.ncloud_access_key.clone(),
            ncloud_secret_key: options.ncloud_secret_key.clone(),
            authority,
            certcentral: certcentral::Book::new(clock.clone()),
            clock,
            clock_moved: false,
            ncloud: ncloud::Book::default(),
        }
    }

    /// Puts a kept object back.
    pub(super) fn restore(&mut self, kept: Kept) {
        match kept {
            Kept::Order(order) => self.certcentral.restore_order(*order),
            Kept::Request(request) => self.certcentral.restore_request(request),
            Kept::NcloudOrder(order) => self.ncloud.restore(order),
            Kept::Domain { name, validated } => self.certcentral.domains.restore(name, validated),
            Kept::Clock { ahead_ms } => self.clock.set_ahead(SignedDuration::from_millis(ahead_ms)),
        }
    }

    /// Every object, to be written as a whole.
    pub(super) fn everything(&self) -> impl Iterator<Item = Kept> {
        let orders = self
            .certcentral
            .orders
            .values()
            .map(|order| Kept::Order(Box::new(order.clone())));
        let requests = self
            .certcentral
            .requests
            .values()
            .map(|request| Kept::Request(request.clone()));
        let ncloud = self
            .ncloud
            .orders
            .values()
            .map(|order| Kept::NcloudOrder(order.clone()));
        let domains = self.certcentral.domains.all();
        let domains = domains.map(|(name, validated)| kept_domain(name.clone(), validated));
        orders
            .chain(requests)
            .chain(ncloud)
            .chain(domains)
            .chain([self.kept_clock()])
    }

    fn kept_clock(&self) -> Kept {
        let ahead_ms = i64::try_from(self.clock.ahead().as_millis()).unwrap_or_default();
        Kept::Clock { ahead_ms }
    }

    /// The objects that changed since the last call.
    pub(super) fn take_changes(&mut self) -> Vec<Kept> {
        self.certcentral.note_statuses();
        let orders = std::mem::take(&mut self.certcentral.changed_orders);
        let requests = std::mem::take(&mut self.certcentral.changed_requests);
        let ncloud = std::mem::take(&mut self.ncloud.changed);
        let orders = orders
            .iter()
            .filter_map(|id| self.certcentral.orders.get(id))
            .map(|order| Kept::Order(Box::new(order.clone())));
        let requests = requests
            .iter()
            .filter_map(|id| self.certcentral.requests.get(id))
            .map(|one| Kept::Request(one.clone()));
        let ncloud = ncloud
            .iter()
            .filter_map(|id| self.ncloud.orders.get(id))
            .map(|one| Kept::NcloudOrder(one.clone()));
        let moved = std::mem::take(&mut self.clock_moved).then(|| self.kept_clock());
        let domains = self.certcentral.domains.take_changed().into_iter();
        let domains = domains.map(|(name, validated)| kept_domain(name, validated));
        orders
            .chain(requests)
            .chain(ncloud)
            .chain(domains)
            .chain(moved)
            .collect()
    }

    /// Forgets which objects changed: there is no folder to keep them in.
    pub(super) fn drop_changes(&mut self) {
        self.certcentral.note_statuses();
        self.certcentral.changed_orders.clear();
        self.certcentral.changed_requests.clear();
        self.certcentral.domains.take_changed();
        self.ncloud.changed.clear();
        self.clock_moved = false;
    }
}
