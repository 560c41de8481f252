//! Binding an order that exists at the CA to a name: one that the entry names, or one that was found.

use super::Action;
use super::decided::Decided;
use super::order_case::{OrderCase, bound_order, untrusted};
use crate::model::{
    Adoption, Change, Decision, FactBody, LiveState, ObservedAccount, ObservedOrder, OrderId,
    Reason, Standing, Tag, Untrusted, differences, live_state, seen,
};

/// The order that the entry names as its own.
pub(super) fn decide_existing(
    case: OrderCase<'_, '_>,
    tag: &Tag,
    account: &ObservedAccount,
    id: &OrderId,
) -> Decided {
    let (item, order) = (case.item, id.clone());
    let Some(shown) = bound_order(Some(account), id) else {
        let reason = Reason::ExistingUnknown {
            order: order.clone(),
        };
        let decision = Decision::UnknownOrder { order };
        return Decided::for_a_person(item, reason, decision).warn(format!(
            "the CA shows no order {id} to this key: check `existing_order_id` and the key's permissions"
        ));
    };
    let owner = case.inputs.records.iter().find(|(address, record)| {
        let live = record.live.as_ref();
        **address != item.address && live.is_some_and(|live| live.order_id == *id)
    });
    if let Some((address, _)) = owner {
        let reason = Reason::BoundElsewhere {
            order: order.clone(),
            address: Some(address.clone()),
        };
        let decision = Decision::ForeignTag { order };
        return Decided::for_a_person(item, reason, decision).warn(format!(
            "order {id} is bound to {address}; `certplan import {} {id}` binds it here once that entry is gone",
            item.address
        ));
    }
    if let Some(carried) = shown.tag.as_deref()
        && carried.starts_with(Tag::PREFIX)
        && carried != tag.as_str()
        && case
            .former_tags()
            .iter()
            .all(|(_, tag)| carried != tag.as_str())
    {
        let reason = Reason::ExistingForeignTag {
            order: order.clone(),
            tag: Untrusted::new(carried),
        };
        let decision = Decision::ForeignTag { order };
        return Decided::for_a_person(item, reason, decision).warn(format!(
            "order {id} carries the tag of another entry; `certplan import {} {id} --yes` takes it all the same",
            item.address
        ));
    }
    if let LiveState::Ended(ending) = live_state(shown, case.today()) {
        let generation = case.order.generation;
        let reason = Reason::ExistingEnded { order, ending };
        let decision = Decision::Ended { ending, generation };
        return Decided::for_a_person(item, reason, decision).warn(format!(
            "order {id} is {}: without `existing_order_id` another one is bought",
            ending.word()
        ));
    }
    // Another key or other members never stop the adoption: the next plan shows them.
    let mut different = differences(case.order, shown);
    different.retain(|text| !text.starts_with("key ") && !text.starts_with("no CSR"));
    if !different.is_empty() {
        let warning = format!(
            "order {id} is not what the entry asks for: {}; correct the entry, or `certplan import {} {id} --yes` takes it all the same",
            different.join("; "),
            item.address
        );
        let differences = untrusted(different);
        let reason = Reason::ExistingDiffers {
            order: order.clone(),
            differences,
        };
        let decision = Decision::Differs { order };
        return Decided::for_a_person(item, reason, decision).warn(warning);
    }
    let adoption = Adoption::of(None, shown, case.order, Some(tag));
    let fact = adoption.fact("the entry names it");
    adopt(case, shown, Reason::Existing { order }, fact)
}

pub(super) fn adopt(
    case: OrderCase<'_, '_>,
    found: &ObservedOrder,
    reason: Reason,
    fact: FactBody,
) -> Decided {
    let today = case.today();
    let mut standing = Standing::of_order(None, Some(found), false, today);
    // What it was ordered with is not known: the next plan compares it.
    if let (FactBody::Adopted { certificate, .. }, Standing::InForce { change, .. }) =
        (&fact, &mut standing)
        && certificate.is_none()
        && case.order.certificate.has_what_lists_lack()
    {
        *change = Some(Change::Due);
    }
    let over = standing.reached().is_none();
    let mut decided = Decided::new(case.item, Action::Adopt, reason, standing);
    decided.step.news = vec![fact, seen(found, today)];
    decided.step.order_id = Some(found.id.clone());
    decided
        .step
        .certificate_id
        .clone_from(&found.certificate_id);
    if over {
        let (id, next) = (&found.id, case.order.generation.saturating_add(1));
        decided = decided.warn(format!(
            "order {id} carries our tag and is over: nothing is bought in its place until the entry says `generation: {next}`"
        ));
    }
    decided
}
