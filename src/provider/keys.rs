//! The keys of an account: [`Keys`].

use super::error::ProviderError;
use crate::model::{Authority, Secret};

/// The keys of an account, and which CA they are for.
pub struct Keys {
    authority: &'static dyn Authority,
    secrets: Vec<Secret>,
}

impl Keys {
    /// One secret for each of [`Authority::credentials`], in their order.
    pub fn new(authority: &'static dyn Authority, secrets: Vec<Secret>) -> Self {
        Self { authority, secrets }
    }

    /// The CA that they are for.
    pub(super) fn authority(&self) -> &'static dyn Authority {
        self.authority
    }

    pub(super) fn secrets(&self) -> &[Secret] {
        &self.secrets
    }

    /// The error where a secret is missing or left over.
    pub(super) fn incomplete(&self) -> ProviderError {
        ProviderError::unusable(format!(
            "{} takes {} secrets, {} were given; nothing was sent",
            self.authority.name(),
            self.authority.credentials().len(),
            self.secrets.len()
        ))
    }
}
