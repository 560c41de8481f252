//! Reasons of revocations that the CA does not take for the product of the order that they name.

use std::collections::BTreeMap;

use super::compromised::Targets;
use super::context::{Context, Warning};
use crate::model::{Item, RevocationReason, Wanted};

impl Context<'_> {
    /// Warns of reasons that are not sent, where the manifest has the order: once for each reason and product, at
    /// the first entry that gives it.
    pub(super) fn warn_of_unsent_reasons(&mut self, items: &[Item]) {
        let targets = Targets::of(items);
        let mut by: BTreeMap<(RevocationReason, String), Vec<&Item>> = BTreeMap::new();
        for item in items {
            let Wanted::Revocation(revocation) = &item.wanted else {
                continue;
            };
            let account = self.accounts.get(item.account.as_str());
            let Some(account) = account.and_then(Option::as_ref) else {
                continue;
            };
            let order = targets.of_revocation(item, revocation);
            let Some(Wanted::Order(order)) = order.map(|order| &order.wanted) else {
                continue;
            };
            // No reason is an unspecified one.
            if revocation.reason == RevocationReason::Unspecified {
                continue;
            }
            let authority = account.provider.authority;
            if let Some(why) = authority.unsent_reason(Some(&order.product)) {
                by.entry((revocation.reason, why)).or_default().push(item);
            }
        }
        for ((reason, why), entries) in by {
            let Some(first) = entries.first() else {
                continue;
            };
            let more = match entries.len() - 1 {
                0 => String::new(),
                1 => " (and of 1 more entry)".to_owned(),
                more => format!(" (and of {more} more entries)"),
            };
            self.warnings.push(Warning {
                location: first.location.clone(),
                address: first.address.clone(),
                is_found_by_plans: true,
                message: format!(
                    "the reason `{reason}` of `{}`{more} is not sent, because {why}: what the CA is to know belongs into `comments`",
                    first.address
                ),
            });
        }
    }
}
