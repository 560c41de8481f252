//! Writing facts about one item outside of a run: [`FactWriter`].

use jiff::Timestamp;

use crate::cli::exit::CliError;
use crate::cli::session::Session;
use crate::journal::Journal;
use crate::model::{Address, Fact, FactBody, Item, OrderId, RunId};

/// The item behind an address.
pub(super) fn item_of<'a>(session: &'a Session, address: &Address) -> Result<&'a Item, CliError> {
    session
        .batch
        .items
        .iter()
        .find(|item| item.address == *address)
        .ok_or_else(|| {
            CliError::Usage(format!(
                "the manifest has no {address}{}",
                session.near(address)
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
    pub(super) async fn write(&self, bodies: Vec<FactBody>) -> Result<(), CliError> {
        Ok(self.journal.append(self.facts(bodies)).await?)
    }

    /// The same, in one go with the release of an order by the entry that had it.
    pub(super) async fn write_after(
        &self,
        owner: Option<Address>,
        order_id: &OrderId,
        bodies: Vec<FactBody>,
    ) -> Result<(), CliError> {
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
