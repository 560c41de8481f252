//! Writing facts about one item outside of a run: [`FactWriter`].

use jiff::Timestamp;

use super::error::EngineError;
use super::workspace::Workspace;
use crate::journal::Journal;
use crate::model::{Address, Fact, FactBody, Item, OrderId, RunId};

/// The item behind an address.
pub(super) fn item_of<'a>(
    workspace: &'a Workspace,
    address: &Address,
) -> Result<&'a Item, EngineError> {
    workspace
        .batch
        .items
        .iter()
        .find(|item| item.address == *address)
        .ok_or_else(|| {
            EngineError::Usage(format!(
                "the manifest has no {address}{}",
                workspace.near(address)
            ))
        })
}

/// Writes facts about one item.
pub(super) struct FactWriter<'a> {
    pub(super) journal: &'a dyn Journal,
    pub(super) run: RunId,
    pub(super) item: &'a Item,
}

impl FactWriter<'_> {
    pub(super) async fn write(&self, bodies: Vec<FactBody>) -> Result<(), EngineError> {
        Ok(self.journal.append(self.facts(bodies)).await?)
    }

    /// The same, in one go with the release of an order by the entry that had it.
    pub(super) async fn write_after(
        &self,
        owner: Option<Address>,
        order_id: &OrderId,
        bodies: Vec<FactBody>,
    ) -> Result<(), EngineError> {
        let mut facts = self.facts(bodies);
        if let Some(owner) = owner {
            let released = Fact {
                at: Timestamp::now(),
                run: self.run.clone(),
                address: owner,
                account: self.item.account.clone(),
                body: FactBody::Released {
                    order_id: order_id.clone(),
                    to: self.item.address.clone(),
                },
            };
            facts.insert(0, released);
        }
        Ok(self.journal.append(facts).await?)
    }

    fn facts(&self, bodies: Vec<FactBody>) -> Vec<Fact> {
        let at = Timestamp::now();
        bodies
            .into_iter()
            .map(|body| Fact {
                at,
                run: self.run.clone(),
                address: self.item.address.clone(),
                account: self.item.account.clone(),
                body,
            })
            .collect()
    }
}
