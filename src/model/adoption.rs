//! Binding an order that exists at the CA to a name: [`Adoption`], the only maker of
//! [`FactBody::Adopted`].

use super::asked::Asked;
use super::attempt::Attempt;
use super::digest::Digest;
use super::fact::FactBody;
use super::ids::{OrderId, Tag};
use super::matching::{differences, is_as_wanted};
use super::observed::ObservedOrder;
use super::order::Order;
use super::untrusted::Untrusted;

/// An order at the CA with the name that it is to be bound to.
#[derive(Debug, Clone, Copy)]
pub struct Adoption<'a> {
    attempt: Option<&'a Attempt>,
    observed: &'a ObservedOrder,
    wanted: &'a Order,
    tag: Option<&'a Tag>,
    renews: Option<&'a OrderId>,
}

/// The key that an order shows, where it is not the one that was made for the call. Assumption `order-shows-csr`:
/// an order shows its CSR; where it does not, names and product alone tell.
pub fn other_key(
    attempt: Option<&Attempt>,
    wanted: &Order,
    observed: &ObservedOrder,
) -> Option<Digest> {
    wanted.certificate.key?;
    let made = attempt.and_then(|attempt| attempt.public_key)?;
    observed.public_key.filter(|shown| *shown != made)
}

impl<'a> Adoption<'a> {
    /// `attempt` is the call in doubt, if there is one; `tag` the tag of the wanted generation of the name.
    pub fn of(
        attempt: Option<&'a Attempt>,
        observed: &'a ObservedOrder,
        wanted: &'a Order,
        tag: Option<&'a Tag>,
    ) -> Self {
        Self {
            attempt,
            observed,
            wanted,
            tag,
            renews: attempt.and_then(|attempt| attempt.renews.as_ref()),
        }
    }

    /// The same, for an order that follows this one of the same name.
    pub fn renewing(mut self, order: &'a OrderId) -> Self {
        self.renews = Some(order);
        self
    }

    /// The attempt whose tag the order carries: the order is what that attempt asked for.
    fn placed_by(&self) -> Option<&'a Attempt> {
        self.attempt.filter(|attempt| {
            let tag = attempt.tag.as_ref().map(Tag::as_str);
            tag.is_some() && self.observed.tag.as_deref() == tag
        })
    }

    /// The tag that the order carries, if it is the name's own.
    fn own_tag(&self) -> Option<&'a Tag> {
        let carried = self.observed.tag.as_deref()?;
        let attempt = self.attempt.and_then(|attempt| attempt.tag.as_ref());
        [attempt, self.tag]
            .into_iter()
            .flatten()
            .find(|tag| tag.as_str() == carried)
    }

    /// What must agree before a run binds the order by itself: the tag, the product, the names, the key.
    /// Empty when it does.
    pub fn differences(&self) -> Vec<String> {
        let mut found = differences(self.wanted, self.observed);
        if let Some(key) = other_key(self.attempt, self.wanted, self.observed) {
            found.push(format!(
                "key {}, not the one that was made for it",
                key.short()
            ));
        }
        if self.own_tag().is_none() {
            found.push(match &self.observed.tag {
                Some(tag) => format!("tag {}, which is not this name's", Untrusted::new(tag)),
                None => "no tag".to_owned(),
            });
        }
        found
    }

    /// The fact that binds the order. What it was ordered with is only noted where that is known: by the
    /// attempt that placed it, or because the order shows all of it.
    pub fn fact(&self, evidence: &str) -> FactBody {
        let agrees = is_as_wanted(self.wanted, self.observed);
        let wanted = self.wanted.certificate.digest();
        let placed = self.placed_by();
        let certificate = match placed.and_then(|attempt| attempt.certificate) {
            // The attempt says what is wanted now and the order shows something else.
            Some(placed) if !agrees && self.wanted.certificate.is_of(placed) => None,
            Some(placed) => Some(placed),
            None => agrees.then_some(wanted),
        };
        let terms = match placed {
            Some(attempt) => attempt.terms,
            None => self.own_tag().map(|_| self.wanted.terms()),
        };
        let asked = placed.and_then(|attempt| attempt.asked.clone());
        FactBody::Adopted {
            order_id: self.observed.id.clone(),
            certificate_id: self.observed.certificate_id.clone(),
            generation: placed.map_or(self.wanted.generation, |attempt| attempt.generation),
            tag: self.own_tag().cloned(),
            certificate,
            terms,
            asked: asked.or_else(|| Some(Box::new(Asked::shown(self.observed)))),
            public_key: self.observed.public_key,
            renews: self.renews.cloned(),
            evidence: Untrusted::new(evidence),
        }
    }
}
