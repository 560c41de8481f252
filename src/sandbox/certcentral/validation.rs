//! Open validations: what is approved and not issued, because a domain or a mailbox is not validated yet.
//!
//! Without anything said, domains and mailboxes were validated before, and what is approved is issued at
//! once. A DV order with a token is the exception: DV products never reuse a validation.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::order::{OpenValidation, Order};
use super::products::{self, Kind, Product};
use super::refusal::{Outcome, Refusal};
use crate::sandbox::answer::Answer;
use crate::sandbox::ca;
use crate::sandbox::world::{Validation, World};

/// How long a random value is good.
///
/// Assumption: 30 days.
const TOKEN_DAYS: i64 = 30;

/// The methods that put a random value somewhere.
const TOKEN_METHODS: [&str; 3] = ["dns-txt-token", "dns-cname-token", "http-token"];

/// How the domains of an order are validated, where it says so.
fn method(order: &Order) -> Option<&str> {
    order.echoed.get("dcv_method").and_then(Value::as_str)
}

/// Opens a validation for what was just approved, if one is needed; says whether it is open.
pub(super) fn open(world: &mut World, order_id: u64) -> Result<bool, Refusal> {
    let today = world.clock.today();
    let names = newest_names(world.certcentral.order(order_id)?);
    world.certcentral.domains.meet(&names, today);
    let order = world.certcentral.order(order_id)?;
    let product = products::find(&order.product);
    let with_token = method(order).is_some_and(|method| TOKEN_METHODS.contains(&method));
    let never_reused = with_token && product.is_some_and(|product| product.kind == Kind::DomainTls);
    let needed = match world.settings.validation {
        Validation::Open => true,
        Validation::Reused => never_reused,
        Validation::Expiring => never_reused || expired(world, &names),
    };
    if !needed {
        return Ok(false);
    }
    let tls = product.is_some_and(Product::is_tls);
    let token = (tls && with_token).then(|| random_value(world.seed, order_id));
    let expires = world
        .clock
        .now()
        .checked_add(SignedDuration::from_hours(24 * TOKEN_DAYS))
        .unwrap_or(Timestamp::MAX);
    world.certcentral.change(order_id)?.open_validation = Some(OpenValidation { token, expires });
    Ok(true)
}

/// Whether an account whose validations run out needs a new one for these names.
pub(super) fn expired(world: &World, names: &[String]) -> bool {
    let today = world.clock.today();
    world.settings.validation == Validation::Expiring
        && world.certcentral.domains.expired(names, today)
}

/// The validation of an order is done: control of its names was shown today.
pub(super) fn completed(world: &mut World, order_id: u64) -> Result<(), Refusal> {
    let today = world.clock.today();
    let names = newest_names(world.certcentral.order(order_id)?);
    world.certcentral.domains.validate(&names, today);
    Ok(())
}

/// The domains of the certificate that was asked for last.
fn newest_names(order: &Order) -> Vec<String> {
    let newest = order.certificates.last();
    newest.map(|one| one.dns_names.clone()).unwrap_or_default()
}

/// Ten lower-case hex digits that depend on the seed and the order alone.
fn random_value(seed: u64, order_id: u64) -> String {
    let mut digest = ca::sha256_hex(format!("{seed}/dcv/{order_id}").as_bytes());
    digest.truncate(10);
    digest
}

/// The members of an answer that say what is to be done for an open validation, as in the answer to an order.
pub(super) fn members(order: &Order) -> Vec<(&'static str, Value)> {
    let Some(open) = &order.open_validation else {
        return Vec::new();
    };
    let certificate = order.certificates.last().or_else(|| order.current());
    let names = certificate.map(|one| one.dns_names.as_slice());
    // Domain ids have no object of their own here; they differ within an order.
    let domains: Vec<Value> = (1..)
        .zip(names.unwrap_or_default())
        .map(|(at, name): (u64, &String)| {
            let mut domain = json!({"id": order.id * 100 + at, "name": name});
            if let Some(token) = &open.token {
                domain["dcv_token"] = json!({
                    "token": token,
                    "status": "pending",
                    "expiration_date": crate::sandbox::clock::date_of(open.expires).to_string(),
                });
            }
            domain
        })
        .collect();
    let mut members = Vec::new();
    if let Some(token) = &open.token {
        members.push(("dcv_random_value", json!(token)));
    }
    if !domains.is_empty() {
        members.push(("domains", json!(domains)));
    }
    members
}

/// `PUT /order/certificate/{id}/dcv-random-value`: the value that is there already.
pub(super) fn dcv_random_value(world: &World, id: &str) -> Outcome {
    let id = world.certcentral.find_order(id)?;
    let open = world.certcentral.order(id)?.open_validation.as_ref();
    let token = open.and_then(|open| Some((open.token.as_ref()?, open.expires)));
    let (token, expires) = token.ok_or_else(|| {
        // Assumption: no code is documented for an order that waits for no token.
        Refusal::bad(
            "dcv_not_pending",
            "The order has no open validation with a token.",
        )
    })?;
    let answer = json!({
        "dcv_random_value": token,
        "expiration_date": expires.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    });
    Ok(Answer::json(200, &answer))
}
