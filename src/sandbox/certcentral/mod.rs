//! DigiCert CertCentral Services API v2: keys, rate limits, routes. One file for each group of endpoints.

mod account;
pub(super) mod book;
pub(super) mod decisions;
mod downloads;
mod form;
mod listing;
pub(super) mod order;
mod ordering;
pub(super) mod products;
mod replacing;
pub(super) mod revoking;
pub(super) mod validation;
mod views;

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Call;
use super::habits::{Ids, ids_as_strings};
use super::limits::Window;
use super::world::World;

/// The user behind both keys.
pub(super) const USER_ID: u64 = 125_039;
const FIRST_NAME: &str = "John";
const LAST_NAME: &str = "Smith";
const EMAIL: &str = "john.smith@example.com";

/// A refusal in CertCentral's shape, `{"errors":[{"code","message"}]}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sandbox) struct Refusal {
    status: u16,
    errors: Vec<(String, String)>,
}

impl Refusal {
    fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            status,
            errors: vec![(code.into(), message.into())],
        }
    }

    fn bad(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }

    fn not_found(what: &str) -> Self {
        Self::new(
            404,
            format!("not_found|{what}"),
            format!("The {what} was not found."),
        )
    }

    /// The codes and messages in one line, for the admin endpoints.
    pub(in crate::sandbox) fn text(&self) -> String {
        self.errors
            .iter()
            .map(|(code, message)| format!("{code}: {message}"))
            .collect::<Vec<_>>()
            .join("; ")
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let errors: Vec<Value> = refusal
            .errors
            .iter()
            .map(|(code, message)| json!({"code": code, "message": message}))
            .collect();
        Self::json(refusal.status, &json!({"errors": errors}))
    }
}

type Outcome = Result<Answer, Refusal>;

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
        ("GET", ["order", "certificate", "status-changes"]) => listing::status_changes(world, call),
        ("GET", ["order", "alternate", value]) => listing::by_alternative_id(world, call, value),
        ("POST", ["order", "certificate", product]) => {
            ordering::place(world, product, &body(call)?)
        }
        ("GET", ["order", "certificate", id]) => views::order_info(world, id),
        ("PUT", ["order", "certificate", id, "revoke"]) => revoking::order(world, id, &body(call)?),
        ("PUT", ["certificate", id, "revoke"]) => revoking::certificate(world, id, &body(call)?),
        ("PUT", ["order", "certificate", id, "status"]) => {
            decisions::order_status(world, id, &body(call)?)
        }
        ("PUT", ["order", "certificate", id, "dcv-random-value"]) => {
            validation::dcv_random_value(world, id)
        }
        ("GET", ["order", "certificate", id, "duplicate"]) => {
            replacing::duplicates(world, call, id)
        }
        ("POST", ["order", "certificate", id, "duplicate"]) => {
            replacing::duplicate(world, id, &body(call)?)
        }
        ("GET", ["order", "certificate", id, "reissue"]) => replacing::reissues(world, id),
        ("POST", ["order", "certificate", id, "reissue"]) => {
            replacing::reissue(world, id, &body(call)?)
        }
        ("GET", ["request"]) => decisions::requests(world, call),
        ("GET", ["request", id]) => decisions::request(world, id),
        ("PUT", ["request", id, "status"]) => decisions::decide(world, id, &body(call)?),
        ("GET", ["certificate", "download", "order", id]) => {
            downloads::of_order(world, id, "pem_all")
        }
        ("GET", ["certificate", "download", "order", id, "format", form]) => {
            downloads::of_order(world, id, form)
        }
        ("GET", ["certificate", id, "download", "format", form]) => {
            downloads::certificate(world, id, form)
        }
        ("GET", ["certificate", id, "chain"]) => downloads::chain(world, id),
        ("GET" | "POST", _) => account::route(world, call, &segments),
        _ => Err(Refusal::not_found("route")),
    }
}

/// The JSON object of a request body.
fn body(call: &Call) -> Result<Value, Refusal> {
    let json = call
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("application/json"));
    let object = if call.body.is_empty() || json {
        call.object()
    } else {
        None
    };
    object.ok_or_else(|| {
        Refusal::bad(
            "bad_request_format",
            "The request needs a JSON object and its Content-Type.",
        )
    })
}
