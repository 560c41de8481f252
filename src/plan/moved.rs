//! The step of a renamed entry: it takes the record of the earlier name, and sends nothing.

use super::Action;
use super::decided::Decided;
use super::inputs::Inputs;
use super::moves::{Refused, Why};
use crate::model::{Address, Cause, Decision, FactBody, Item, LiveLink, Reason, Wanted};

/// The decision about an entry whose record is still under an earlier name. `decided` is what would be done if
/// it were not: that is for the next plan.
pub(super) fn moved(
    mut decided: Decided,
    inputs: &Inputs<'_>,
    item: &Item,
    from: &Address,
) -> Decided {
    if let Some(waiting) = other_host(inputs, item) {
        return waiting;
    }
    let address = &item.address;
    let later = match decided.step.action {
        Action::Settle => Some(format!(
            "a call of {from} is in doubt, and moves along: the next run settles it under the name of {address}"
        )),
        Action::Order | Action::Renew | Action::Reissue | Action::Revoke | Action::Collect => {
            let word = decided.step.action.word();
            Some(format!(
                "nothing is sent for {address} in the run that moves it: the next plan shows `{word}`"
            ))
        }
        Action::Adopt | Action::Wait | Action::Keep => None,
    };
    let step = &mut decided.step;
    step.action = Action::Adopt;
    step.reason = Reason::Moved { from: from.clone() };
    step.after.clear();
    step.operation = None;
    step.requests.clear();
    step.revokes.clear();
    step.unnamed = 0;
    step.news.insert(0, FactBody::Moved { from: from.clone() });
    decided.warnings.extend(later);
    if let Some(folder) = inputs.folder
        && matches!(item.wanted, Wanted::Order(_))
        && let Some(seen) = folder.observed.names.get(address.name())
        && seen.live != LiveLink::None
    {
        let (from, to) = (from.name(), address.name());
        decided.warnings.push(format!(
            "its files move from live/{from} to live/{to} below {}: point the services that read them to the new path",
            folder.path
        ));
    }
    decided
}

/// Its files move with the name, so the host that has them makes the move.
fn other_host(inputs: &Inputs<'_>, item: &Item) -> Option<Decided> {
    let folder = inputs.folder?.elsewhere?.clone();
    let Wanted::Order(order) = &item.wanted else {
        return None;
    };
    if order.certificate.key.is_none() && order.files.is_none() {
        return None;
    }
    let waits = Cause::OtherHost {
        folder: folder.clone(),
    };
    Some(Decided::waiting(item, Reason::OtherHost { folder }, waits))
}

/// The decision about an entry that cannot take the record of its earlier name.
pub(super) fn refused(item: &Item, refused: &Refused) -> Decided {
    let (address, from) = (&item.address, &refused.from);
    let (reason, decision, warning) = match &refused.why {
        Why::Taken(order) => {
            let stands = match order {
                Some(order) => format!("{address} stands for order {order} already"),
                None => format!("{address} has a record of its own already"),
            };
            let remedy = match address {
                Address::Order(_) => format!("`certplan forget {address}` parts them"),
                Address::Revocation(_) => "give the entry another name".to_owned(),
            };
            (
                Reason::MoveTaken {
                    from: from.clone(),
                    order: order.clone(),
                },
                Decision::MoveTaken {
                    address: address.clone(),
                },
                format!(
                    "{stands}, so {from} does not move to it: {remedy}, or take the line out of `moved`"
                ),
            )
        }
        Why::Differs(order, differences) => {
            let texts: Vec<String> = differences.iter().map(ToString::to_string).collect();
            let what = match order {
                Some(order) => format!("order {order} of {from} is not what {address} asks for"),
                None => format!("{from} does not move to {address}"),
            };
            (
                Reason::MoveDiffers {
                    from: from.clone(),
                    order: order.clone(),
                    differences: differences.clone(),
                },
                Decision::MoveDiffers { from: from.clone() },
                format!(
                    "{what}: {}; correct the entry, or take the line out of `moved`",
                    texts.join("; ")
                ),
            )
        }
        Why::Invisible(order) => (
            Reason::OrderUnknown {
                order: order.clone(),
            },
            Decision::UnknownOrder {
                order: order.clone(),
            },
            format!(
                "the account {} does not show order {order} of {from} to this key, so it does not move to {address}: check `account` of the entry and the key's permissions",
                item.account
            ),
        ),
    };
    Decided::for_a_person(item, reason, decision).warn(warning)
}
