//! Everything that a sandbox knows, behind one lock: [`Inner`].

use std::collections::BTreeMap;

use super::faults::Script;
use super::ledger::Ledger;
use super::limits::{Peak, Window};
use super::storage::Folder;
use super::world::World;

/// What was asked so far, for `GET /sandbox/state`.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// By provider, then by method.
    pub(super) requests: BTreeMap<&'static str, BTreeMap<String, u64>>,
    pub(super) rate_limited: u64,
    pub(super) peak: Peak,
    pub(super) peaks: BTreeMap<&'static str, Peak>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) world: World,
    pub(super) ledger: Ledger,
    pub(super) script: Script,
    pub(super) counters: Counters,
    /// By name of the key.
    pub(super) windows: BTreeMap<&'static str, Window>,
    pub(super) folder: Option<Folder>,
}
