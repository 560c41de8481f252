//! The renewals of an order that are at the CA and that the journal does not know: each carries the tag of the name
//! with the order that it follows.

use super::order_case::OrderCase;
use super::view::AccountView;
use crate::model::{Adoption, FactBody, ObservedOrder, OrderId, Tag, seen_of};

/// What is known of the renewals that follow an order.
#[derive(Default)]
pub(super) struct Followers<'a> {
    /// The renewals that were found and are what the entry asks for, the earliest first, with what each follows.
    pub(super) found: Vec<(&'a ObservedOrder, OrderId, Tag)>,
    /// The tag that has to be looked up.
    pub(super) look_up: Option<Tag>,
    /// The order that has to be read.
    pub(super) read: Option<OrderId>,
    /// Orders that carry the tag and are not to be bound: several, or one that differs.
    pub(super) unclear: Vec<(OrderId, Vec<String>)>,
}

/// Walks from an order to its renewals, as far as that was looked up. One look-up for each link: an order that the
/// CA does not show as renewed has none.
/// Assumption `renewed-at-once`: an order shows that it was renewed as soon as its renewal is placed.
pub(super) fn followers<'a>(
    case: OrderCase<'_, '_>,
    view: &AccountView<'a>,
    first: (&OrderId, bool),
) -> Followers<'a> {
    let account = view.account();
    let mut followers = Followers::default();
    let (mut id, mut is_renewed) = (first.0.clone(), first.1);
    while is_renewed {
        let tags = tags(case, &id);
        let mut carriers: Vec<(&OrderId, Tag)> = Vec::new();
        for tag in &tags {
            let found = view.carriers(tag).into_iter();
            carriers.extend(found.map(|id| (id, tag.clone())));
        }
        let (next, tag) = match carriers.as_slice() {
            [] => {
                let mut tags = tags.into_iter();
                followers.look_up = tags.find(|tag| !account.tags.contains_key(tag));
                break;
            }
            [one] => one.clone(),
            several => {
                let ids = several.iter().map(|(id, _)| ((*id).clone(), Vec::new()));
                followers.unclear = ids.collect();
                break;
            }
        };
        match account.details.get(next) {
            None => {
                followers.read = Some(next.clone());
                break;
            }
            Some(None) => break,
            Some(Some(order)) => {
                let adoption = Adoption::of(None, order, case.order, Some(&tag));
                let differences = adoption.differences();
                if !differences.is_empty() {
                    followers.unclear = vec![(next.clone(), differences)];
                    break;
                }
                // A chain that comes back to its beginning is none.
                let known = |order: &ObservedOrder| order.id == *next;
                if followers.found.iter().any(|(order, _, _)| known(order)) {
                    break;
                }
                is_renewed = order.renewed;
                followers.found.push((order, id, tag));
                id = next.clone();
            }
        }
    }
    followers
}

/// The tags of a renewal: that of the name, and those of the names that it had before.
fn tags(case: OrderCase<'_, '_>, renewed: &OrderId) -> Vec<Tag> {
    let inputs = case.inputs;
    let former = inputs.former_names(case.item);
    let names = std::iter::once(&case.item.address).chain(&former);
    let generation = case.order.generation;
    let tag = |name| inputs.tag_after((name, case.item), generation, Some(renewed));
    names.filter_map(tag).collect()
}

impl Followers<'_> {
    /// What the journal notes of those that were found.
    pub(super) fn facts(&self, case: OrderCase<'_, '_>) -> Vec<FactBody> {
        let of = |(order, follows, tag): &(&ObservedOrder, OrderId, Tag)| {
            let adoption = Adoption::of(None, order, case.order, Some(tag)).renewing(follows);
            let fact = adoption.fact("found by its tag; it renews the order before");
            [fact, seen_of(order, case.today())]
        };
        self.found.iter().flat_map(of).collect()
    }
}
