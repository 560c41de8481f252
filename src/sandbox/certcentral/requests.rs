//! Requests as they are read: the list, and one.

use serde_json::{Value, json};

use super::order::Request;
use super::refusal::{Outcome, Refusal};
use super::{listing, views};
use crate::sandbox::answer::Answer;
use crate::sandbox::call::Call;
use crate::sandbox::habits::{self, RequestOrders};
use crate::sandbox::world::World;

/// `GET /request`.
pub(super) fn requests(world: &World, call: &Call) -> Outcome {
    let page = listing::page(call)?;
    let (mut kind, mut status) = (None, None);
    for (name, value) in call.parameters() {
        match name {
            "filters[type]" => kind = Some(value),
            "filters[status]" => status = Some(value),
            _ if name.starts_with("filters[") => {
                return Err(Refusal::bad(
                    "invalid_value:filters",
                    format!("{name} is no filter of this list."),
                ));
            }
            _ => {}
        }
    }
    let named = world.settings.habits.request_orders == RequestOrders::Named;
    let found: Vec<&Request> = world
        .certcentral
        .requests
        .values()
        .rev()
        .filter(|request| {
            call.unfiltered
                || kind.is_none_or(|kind| json!(request.kind) == json!(kind))
                    && status.is_none_or(|status| json!(request.status) == json!(status))
        })
        .collect();
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
