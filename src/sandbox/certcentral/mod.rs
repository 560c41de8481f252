//! DigiCert CertCentral Services API v2: keys, rate limits, routes. One file for each group of endpoints.

mod account;
mod archive;
pub(super) mod automatism;
pub(super) mod book;
pub(super) mod carrying_out;
pub(super) mod decisions;
mod domains;
mod downloads;
mod feed;
mod filters;
mod form;
pub(super) mod lifetimes;
mod listing;
pub(super) mod order;
mod ordering;
mod organizations;
pub(super) mod products;
pub(super) mod refusal;
mod renewing;
mod replacing;
mod requests;
mod revoking;
pub(super) mod user;
mod validation;
mod views;

use std::collections::BTreeMap;
use std::time::Instant;

use super::answer::Answer;
use super::call::Call;
use super::habits::{Ids, ids_as_strings};
use super::limits::Window;
use super::world::World;
use refusal::{Outcome, Refusal};

/// Which key a call carries.
pub(super) fn key_name(world: &World, call: &Call) -> &'static str {
    match call.header("x-dc-devkey") {
        Some(key) if key == world.certcentral_key => "certcentral_key",
        Some(key) if key == world.certcentral_view_key => "certcentral_view_key",
        Some(_) => "unknown",
        None => "none",
    }
}

pub(super) fn handle(
    world: &mut World,
    windows: &mut BTreeMap<&'static str, Window>,
    call: &Call,
) -> Answer {
    let key = key_name(world, call);
    if !matches!(key, "certcentral_key" | "certcentral_view_key") {
        let message = "The API key is not valid.";
        return Refusal::new(403, "access_denied|access_denied_invalid_key", message).into();
    }
    if !windows
        .entry(key)
        .or_default()
        .admit(&world.settings.limits, Instant::now())
    {
        return Refusal::new(
            429,
            "request_limit_exceeded",
            "Too many requests with this API key.",
        )
        .into();
    }
    if key == "certcentral_view_key" && call.method != "GET" {
        let message = "The API key does not permit this action.";
        return Refusal::new(403, "access_denied|missing_permission", message).into();
    }
    let mut answer = route(world, call).unwrap_or_else(Answer::from);
    if world.settings.habits.certcentral_ids == Ids::Strings
        && let Ok(body) = serde_json::from_slice(&answer.body)
    {
        answer.body = ids_as_strings(body).to_string().into_bytes();
    }
    answer
}

fn route(world: &mut World, call: &Call) -> Outcome {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    match (call.method.as_str(), segments.as_slice()) {
        ("GET", ["order", "certificate"]) => listing::orders(world, call),
        ("GET", ["order", "certificate", "status-changes"]) => feed::status_changes(world, call),
        ("GET", ["order", "alternate", value]) => listing::by_alternative_id(world, call, value),
        ("POST", ["order", "certificate", product]) => {
            let answer = ordering::place(world, product, &form::object(call)?)?;
            Ok(downloads::with_chain(answer, call.chain))
        }
        ("GET", ["order", "certificate", id]) => views::order_info(world, id),
        ("PUT", ["order", "certificate", id, "revoke"]) => {
            revoking::order(world, id, &form::object(call)?)
        }
        ("PUT", ["certificate", id, "revoke"]) => {
            revoking::certificate(world, id, &form::object(call)?)
        }
        ("PUT", ["order", "certificate", id, "status"]) => {
            decisions::order_status(world, id, &form::object(call)?)
        }
        ("PUT", ["order", "certificate", id, "dcv-random-value"]) => {
            validation::dcv_random_value(world, id)
        }
        ("GET", ["order", "certificate", id, "duplicate"]) => {
            replacing::duplicates(world, call, id)
        }
        ("POST", ["order", "certificate", id, "duplicate"]) => {
            replacing::duplicate(world, id, &form::object(call)?)
        }
        ("GET", ["order", "certificate", id, "reissue"]) => replacing::reissues(world, id),
        ("POST", ["order", "certificate", id, "reissue"]) => {
            replacing::reissue(world, id, &form::object(call)?)
        }
        ("GET", ["request"]) => requests::requests(world, call),
        ("GET", ["request", id]) => requests::request(world, id),
        ("PUT", ["request", id, "status"]) => decisions::decide(world, id, &form::object(call)?),
        ("GET", ["certificate", "download", "order", id]) => {
            downloads::of_order(world, id, "default", call.chain)
        }
        ("GET", ["certificate", "download", "order", id, "format", form]) => {
            downloads::of_order(world, id, form, call.chain)
        }
        ("GET", ["certificate", id, "download", "format", form]) => {
            downloads::certificate(world, id, form, call.chain)
        }
        ("GET", ["certificate", id, "download", "platform"]) => {
            downloads::platform(world, id, None, call.chain)
        }
        ("GET", ["certificate", id, "download", "platform", platform]) => {
            downloads::platform(world, id, Some(platform), call.chain)
        }
        ("GET", ["certificate", id, "chain"]) => downloads::chain(world, id, call.chain),
        ("GET" | "POST", _) => account::route(world, call, &segments),
        _ => Err(Refusal::not_found("route")),
    }
}
