//! What an account can spend.

use rust_decimal::Decimal;

use super::{CertCentral, wire};
use crate::provider::{ErrorKind, ProviderError, Verdict};

impl CertCentral {
    pub(super) async fn balance(&self) -> Result<Option<(Decimal, String)>, ProviderError> {
        let what = "read the balance";
        let balance: wire::Balance = match self.object(what, "/finance/balance").await {
            // A key for orders alone may not see it, and several divisions need their id.
            Err(error)
                if error.verdict == Verdict::Rejected
                    && matches!(
                        error.kind,
                        ErrorKind::Forbidden | ErrorKind::Invalid | ErrorKind::NotFound
                    ) =>
            {
                return Ok(None);
            }
            other => other?,
        };
        if balance.unlimited_negative_balance.get() == Some(true) {
            return Ok(None);
        }
        let amount = balance
            .total_available_funds
            .decimal()
            .or_else(|| balance.balance.decimal());
        let currency = balance.currency.owned().unwrap_or_default();
        Ok(amount.map(|amount| (amount, currency)))
    }
}
