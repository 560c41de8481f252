//! Renamed entries, as the use cases see them: the journal under the names that entries have now.

use super::journal_view::JournalView;
use super::workspace::Workspace;
use crate::model::{Address, Attempt, Item, ItemName, Observed, Tag, TagParts};
use crate::plan::Moves;

impl Workspace {
    /// Gives renamed entries the records of their earlier names, and says which lines of `moved` have no effect.
    pub(super) fn move_records(&self, known: &mut JournalView) {
        known.moves = Moves::begin(&self.batch, &mut known.records);
        for line in known.moves.without_effect(&known.records) {
            tracing::info!("{line}");
        }
    }

    /// Takes back the moves of orders that are not what their entries ask for, as far as was read.
    pub(super) fn check_moves(&self, known: &mut JournalView, observed: &Observed) {
        let endpoints = self.endpoint_texts();
        let tag = |item: &Item, name: &Address, attempt: &Attempt| {
            let account = self.batch.accounts.get(&item.account)?;
            Some(Tag::derive(TagParts {
                provider: account.provider.name(),
                endpoint: endpoints.get(&item.account)?,
                account: &item.account,
                address: name,
                generation: attempt.generation,
                renews: attempt.renews.as_ref(),
            }))
        };
        let JournalView { moves, records, .. } = known;
        moves.check(&self.batch, observed, &tag, records);
    }
}

/// The orders whose files may still be under an earlier name, with the new name.
pub(super) fn moved_orders(moves: &Moves) -> impl Iterator<Item = (&ItemName, &ItemName)> {
    moves.pending().filter_map(|(from, to)| match (from, to) {
        (Address::Order(from), Address::Order(to)) => Some((from, to)),
        (Address::Order(_) | Address::Revocation(_), _) => None,
    })
}
