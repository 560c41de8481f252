//! Certificates that the answers to orders held: [`AnsweredChains`]. Each saves a download.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::model::OrderId;

/// The certificates with their issuers, as PEM text, that the CA put into its answers of this run.
#[derive(Default)]
pub(super) struct AnsweredChains(Mutex<BTreeMap<OrderId, String>>);

impl AnsweredChains {
    /// Keeps what an answer held.
    pub(super) fn keep(&self, order: &OrderId, chain: String) {
        let mut chains = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        chains.insert(order.clone(), chain);
    }

    /// Hands it out, once.
    pub(super) fn take(&self, order: &OrderId) -> Option<String> {
        let mut chains = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        chains.remove(order)
    }
}
