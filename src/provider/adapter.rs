//! What a CA's folder adds to what the CA offers: [`Adapter`].

use std::sync::Arc;

use reqwest::Method;
use serde_json::Value;

use super::keys::Keys;
use super::settings::Settings;
use super::{Act, ProviderError};
use crate::model::{Authority, Operation, OrderId, Part};

/// One change at a CA, ready to send.
pub(super) struct Change {
    pub(super) method: Method,
    /// Below the endpoint.
    pub(super) path: String,
    pub(super) body: Value,
}

/// What an adapter adds to what its CA offers.
pub(super) trait Adapter: Authority {
    /// Opens an account. Sends nothing yet.
    fn open(&self, settings: Settings, keys: &Keys) -> Result<Arc<dyn Act>, ProviderError>;

    /// One call of an operation, ready to send; `None` for what the CA does not offer.
    fn change(
        &self,
        operation: &Operation,
        part: &Part,
        renewal_of: Option<&OrderId>,
    ) -> Option<Change>;
}
