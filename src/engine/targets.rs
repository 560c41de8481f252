//! Addresses that a person typed, held against the manifest.

use super::error::EngineError;
use super::workspace::Workspace;
use crate::model::Address;

impl Workspace {
    /// A target that the manifest does not have is a typing error.
    pub(super) fn check_targets(&self, targets: &[Address]) -> Result<(), EngineError> {
        for target in targets {
            if !self.batch.items.iter().any(|item| item.address == *target) {
                return Err(EngineError::Usage(format!(
                    "the manifest has no {target}{}",
                    self.near(target)
                )));
            }
        }
        Ok(())
    }

    /// The nearest address, as a hint.
    pub(super) fn near(&self, address: &Address) -> String {
        let wanted = address.to_string();
        self.batch
            .items
            .iter()
            .map(|item| item.address.to_string())
            .map(|known| (strsim::damerau_levenshtein(&wanted, &known), known))
            .min()
            .filter(|(distance, _)| *distance <= 3)
            .map_or_else(String::new, |(_, known)| format!("; did you mean {known}?"))
    }
}
