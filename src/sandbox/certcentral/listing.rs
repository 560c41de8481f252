//! Lists of orders: by filter and by the caller's own id. What is younger than the index lag is left out.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::filters::{Filters, sort};
use super::order::{Order, OrderStatus};
use super::refusal::{Outcome, Refusal};
use super::views;
use crate::sandbox::answer::Answer;
use crate::sandbox::call::Call;
use crate::sandbox::habits::{self, UnknownAlternativeId, WaitingByTag, WaitingOrders};
use crate::sandbox::world::World;

/// A part of a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    offset: usize,
    limit: usize,
}

impl Page {
    pub(super) fn of<'a, T>(&self, rows: &'a [T]) -> &'a [T] {
        let rows = rows.get(self.offset..).unwrap_or_default();
        rows.get(..self.limit).unwrap_or(rows)
    }

    pub(super) fn members(&self, total: usize) -> Value {
        json!({"total": total, "limit": self.limit, "offset": self.offset})
    }
}

/// `offset` (0) and `limit` (1000, which is the maximum).
pub(super) fn page(call: &Call) -> Result<Page, Refusal> {
    let number = |name: &str, default: usize, most: usize| match call.parameter(name) {
        None | Some("") => Ok(default),
        Some(text) => text
            .parse()
            .ok()
            .filter(|number| *number <= most)
            .ok_or_else(|| {
                Refusal::bad(
                    format!("invalid_value:{name}"),
                    format!("{name} is not valid."),
                )
            }),
    };
    Ok(Page {
        offset: number("offset", 0, usize::MAX)?,
        limit: number("limit", 1000, 1000)?,
    })
}

/// Says which orders the indexes know by now.
pub(super) fn visible(world: &World) -> impl Fn(&Order) -> bool + Copy {
    let lag = SignedDuration::try_from(world.settings.index_lag).unwrap_or(SignedDuration::MAX);
    let until = world.clock.now().checked_sub(lag).unwrap_or(Timestamp::MIN);
    move |order: &Order| order.created <= until
}

/// Says which orders a list shows: what waits for an administrator may be left out.
pub(super) fn listed(world: &World) -> impl Fn(&Order) -> bool + Copy {
    let visible = visible(world);
    let hides = world.settings.habits.waiting_orders == WaitingOrders::Unlisted;
    move |order: &Order| visible(order) && !(hides && order.status == OrderStatus::NeedsApproval)
}

/// `GET /order/certificate`.
pub(super) fn orders(world: &World, call: &Call) -> Outcome {
    let page = page(call)?;
    let filters = Filters::of(call)?;
    let listed = listed(world);
    let takes = |order: &&Order| listed(order) && (call.unfiltered || filters.take(order));
    let mut found: Vec<&Order> = world.certcentral.orders.values().filter(takes).collect();
    sort(&mut found, call.parameter("sort"))?;
    let rows: Vec<Value> = page
        .of(&found)
        .iter()
        .map(|order| row(world, order))
        .collect();
    let list = json!({"orders": rows, "page": page.members(found.len())});
    Ok(Answer::json(
        200,
        &habits::empty(&world.settings.habits, list),
    ))
}

/// A row of the list.
fn row(world: &World, order: &Order) -> Value {
    let mut row = views::summary(world, order);
    if order.status == OrderStatus::NeedsApproval
        && world.settings.habits.waiting_orders == WaitingOrders::Nameless
        && let Some(certificate) = row["certificate"].as_object_mut()
    {
        certificate.remove("common_name");
        certificate.remove("dns_names");
    }
    row
}

pub(super) fn brief(order: &Order) -> Value {
    let mut row = json!({"order_id": order.id, "status": order.status.name()});
    if let Some(certificate) = order.certificate_id() {
        row["certificate_id"] = json!(certificate);
    }
    row
}

/// `GET /order/alternate/{alternative_order_id}`.
///
/// Assumption: a value that nobody used is an empty list, not a 404.
pub(super) fn by_alternative_id(world: &World, call: &Call, value: &str) -> Outcome {
    let page = page(call)?;
    let visible = visible(world);
    let hides = world.settings.habits.waiting_by_tag == WaitingByTag::NotFound;
    let shown =
        |order: &&Order| visible(order) && !(hides && order.status == OrderStatus::NeedsApproval);
    let book = &world.certcentral;
    let ids = book.by_alternative_id.get(value);
    let tagged = ids
        .into_iter()
        .flatten()
        .filter_map(|id| book.orders.get(id));
    let found: Vec<&Order> = if call.unfiltered {
        book.orders.values().filter(shown).collect()
    } else {
        tagged.filter(shown).collect()
    };
    if found.is_empty()
        && world.settings.habits.unknown_alternative_id == UnknownAlternativeId::NotFound
    {
        return Err(Refusal::not_found("order"));
    }
    let rows: Vec<Value> = page.of(&found).iter().map(|order| brief(order)).collect();
    let list = json!({"orders": rows, "page": page.members(found.len())});
    Ok(Answer::json(
        200,
        &habits::empty(&world.settings.habits, list),
    ))
}
