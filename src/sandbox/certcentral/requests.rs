//! Requests as they are read: the list, and one.

use serde_json::{Value, json};

use super::filters::text;
use super::order::{Order, Request, RequestType};
use super::refusal::{Outcome, Refusal};
use super::{listing, views};
use crate::sandbox::answer::Answer;
use crate::sandbox::call::Call;
use crate::sandbox::habits::{self, RequestOrders};
use crate::sandbox::world::World;

/// `GET /request`. The request of an order that is younger than the index lag is left out.
pub(super) fn requests(world: &World, call: &Call) -> Outcome {
    let page = listing::page(call)?;
    let filters: Vec<(&str, &str)> = call
        .parameters()
        .filter(|(name, _)| name.starts_with("filters["))
        .collect();
    if let Some((name, _)) = filters.iter().find(|(name, _)| !FILTERS.contains(name)) {
        return Err(Refusal::bad(
            "invalid_value:filters",
            format!("{name} is no filter of this list."),
        ));
    }
    let named = world.settings.habits.request_orders == RequestOrders::Named;
    let visible = listing::visible(world);
    let known = |request: &Request| {
        let order = world.certcentral.order(request.order_id);
        request.kind != RequestType::NewRequest || order.is_ok_and(visible)
    };
    let takes = |request: &&Request| {
        let asked_for = filters
            .iter()
            .all(|(name, value)| holds(world, request, name, value));
        known(request) && (call.unfiltered || asked_for)
    };
    let all = world.certcentral.requests.values();
    let found: Vec<&Request> = match call.parameter("sort") {
        None | Some("" | "-id" | "-date") => all.rev().filter(takes).collect(),
        Some("id" | "date") => all.filter(takes).collect(),
        Some(_) => {
            return Err(Refusal::bad(
                "invalid_value:sort",
                "The list cannot be sorted by that.",
            ));
        }
    };
    let rows: Vec<Value> = page
        .of(&found)
        .iter()
        .map(|request| {
            let mut row = views::request(world, request);
            if !named && row.get("order").is_some() {
                row["order"] = json!({"id": request.order_id});
            }
            row
        })
        .collect();
    let list = json!({"requests": rows, "page": page.members(found.len())});
    Ok(Answer::json(
        200,
        &habits::empty(&world.settings.habits, list),
    ))
}

const FILTERS: &[&str] = &[
    "filters[type]",
    "filters[status]",
    "filters[container_id]",
    "filters[metadata_id]",
    "filters[metadata_value]",
    "filters[search]",
];

fn holds(world: &World, request: &Request, name: &str, value: &str) -> bool {
    let order = world.certcentral.order(request.order_id).ok();
    let mut fields = order
        .and_then(|order| order.echoed.get("custom_fields")?.as_array())
        .into_iter()
        .flatten();
    let same = |member: Option<&Value>| {
        member.is_some_and(|member| member.as_str() == Some(value) || *member.to_string() == *value)
    };
    match name {
        "filters[type]" => json!(request.kind) == json!(value),
        "filters[status]" => request.status.word(&world.settings.habits) == value,
        "filters[container_id]" => {
            let container = order.and_then(|order| order.container_id);
            container.is_some_and(|id| value.parse() == Ok(id))
        }
        "filters[metadata_id]" => fields.any(|field| same(field.get("metadata_id"))),
        "filters[metadata_value]" => fields.any(|field| same(field.get("value"))),
        "filters[search]" => order
            .and_then(Order::current)
            .is_some_and(|certificate| text(&certificate.common_name, value)),
        _ => false,
    }
}

/// `GET /request/{id}`.
pub(super) fn request(world: &World, id: &str) -> Outcome {
    let id = world.certcentral.find_request(id)?;
    let request = world
        .certcentral
        .requests
        .get(&id)
        .ok_or_else(|| Refusal::not_found("request"))?;
    let mut view = views::request(world, request);
    if let Some(decided) = request.decided {
        view["date_processed"] = json!(crate::sandbox::clock::iso8601(decided));
        view["processor"] = views::user();
    }
    if let Some(comment) = &request.processor_comment {
        view["processor_comment"] = json!(comment);
    }
    Ok(Answer::json(200, &view))
}
