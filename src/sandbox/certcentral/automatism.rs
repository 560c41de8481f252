//! What the CA does by itself before something ends: `auto_renew` and `auto_reissue`. Main type: [`Due`].

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde_json::{Value, json};

use super::order::{CertificateStatus, Order, OrderStatus, Part};
use super::products::{self, Kind, Product};
use super::refusal::Refusal;
use super::{lifetimes, ordering, replacing};
use crate::sandbox::answer::Effect;
use crate::sandbox::clock::{date_of, days_between, plus_days};
use crate::sandbox::world::World;

/// So many days before an end the CA acts by itself.
const AUTOMATIC_DAYS: i64 = 30;

/// Something that the CA does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Renew,
    Reissue,
}

/// What the CA does by itself, and from which day on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sandbox) struct Due {
    pub(in crate::sandbox) day: Date,
    order: u64,
    what: What,
}

/// What is due until `until`, of the first day on which something is, without what was `tried` before.
pub(in crate::sandbox) fn next(world: &World, until: Date, tried: &BTreeSet<Due>) -> Vec<Due> {
    let orders = world.certcentral.orders.values();
    let mut due: Vec<Due> = orders
        .flat_map(|order| [renewal(order), reissue(world, order)])
        .flatten()
        .filter(|due| due.day <= until && !tried.contains(due))
        .collect();
    let first = due.iter().map(|one| one.day).min();
    due.retain(|one| Some(one.day) == first);
    due
}

/// Whether an order asks for this and is in a state to have it.
///
/// Assumption: nothing is renewed or reissued by itself whose certificate was revoked.
fn asks(order: &Order, member: &str) -> bool {
    let wanted = order.echoed.get(member).is_some_and(|value| {
        value.as_bool().unwrap_or_default() || value.as_i64().is_some_and(|times| times > 0)
    });
    let by_card = order.echoed.get("payment_method") == Some(&json!("card"));
    let in_force = order
        .current()
        .is_some_and(|current| current.status == CertificateStatus::Issued);
    wanted && !by_card && in_force && order.status == OrderStatus::Issued
}

/// Thirty days before `end`; what is shorter than that is not acted on in the day that it began.
fn due_day(order: &Order, end: Date) -> Date {
    let day_after = plus_days(date_of(order.created), 1);
    plus_days(end, -AUTOMATIC_DAYS).max(day_after)
}

fn renewal(order: &Order) -> Option<Due> {
    let day = due_day(order, order.valid_till);
    let open = order.renewed_by.is_none() && day <= order.valid_till;
    (open && asks(order, "auto_renew")).then_some(Due {
        day,
        order: order.id,
        what: What::Renew,
    })
}

/// Assumption: a reissue that would bring no further day is not made.
fn reissue(world: &World, order: &Order) -> Option<Due> {
    if !asks(order, "auto_reissue") {
        return None;
    }
    let end = order.current()?.issued.as_ref()?.valid_till;
    let day = due_day(order, end);
    let gain = world.settings.reissue_gain;
    let tls = products::find(&order.product).is_some_and(Product::is_tls);
    (tls && lifetimes::in_order(order, Part::Reissue, day, gain) > end).then_some(Due {
        day,
        order: order.id,
        what: What::Reissue,
    })
}

/// Does what is due, with the names and the CSR that are there.
///
/// Assumption: no administrator is asked, the new order carries no tag, and a renewal that the account cannot
/// pay does not happen.
pub(in crate::sandbox) fn act(world: &mut World, due: Due) -> Result<Effect, Refusal> {
    let order = world.certcentral.order(due.order)?;
    let (answer, name) = match due.what {
        What::Renew => {
            let (product, body) = (order.product.clone(), again(world, order));
            (ordering::place(world, &product, &body)?, "auto_renewed")
        }
        What::Reissue => {
            let body = json!({"certificate": subject(world, order), "skip_approval": true});
            let id = due.order.to_string();
            (replacing::reissue(world, &id, &body)?, "auto_reissued")
        }
    };
    Ok(Effect {
        name,
        ..answer.effect
    })
}

/// The certificate of an order as it was asked for.
fn subject(world: &World, order: &Order) -> Value {
    let Some(current) = order.current() else {
        return Value::Null;
    };
    let product = products::find(&order.product);
    let csr = match &current.csr {
        None if product.is_some_and(Product::is_tls) => Some(world.authority.seeded_csr()),
        csr => csr.as_deref(),
    };
    let mut subject = json!({
        "common_name": current.common_name,
        "dns_names": current.dns_names,
        "emails": current.emails,
        "organization_units": current.organization_units,
        "signature_hash": current.signature_hash,
        "server_platform": {"id": current.server_platform},
        "csr": csr,
    });
    if product.is_some_and(|product| product.kind == Kind::SecureEmail) {
        subject["common_name_indicator"] = json!("email_address");
    }
    subject
}

/// The order once more, as long as it was, with one automatic renewal less.
fn again(world: &World, order: &Order) -> Value {
    let mut body: Value = order
        .echoed
        .iter()
        .filter(|(name, _)| *name != "custom_expiration_date")
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect::<serde_json::Map<String, Value>>()
        .into();
    body["certificate"] = subject(world, order);
    body["renewal_of_order_id"] = json!(order.id);
    body["skip_approval"] = json!(true);
    let times = order.echoed.get("auto_renew").and_then(Value::as_i64);
    body["auto_renew"] = json!(times.unwrap_or(1) - 1);
    if let Some(id) = order.organization_id {
        body["organization"] = json!({"id": id});
    }
    if let Some(id) = order.container_id {
        body["container"] = json!({"id": id});
    }
    let years =
        body.get("validity_years").is_some() || body.pointer("/order_validity/years").is_some();
    if !years {
        let days = days_between(date_of(order.created), order.valid_till);
        body["order_validity"] = json!({"days": days});
    }
    body
}
