//! Lists of orders: by filter, by the caller's own id, by change of status. What is younger than the index
//! lag is left out of all three.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::order::{Order, OrderStatus};
use super::refusal::{Outcome, Refusal};
use super::views;
use crate::sandbox::answer::Answer;
use crate::sandbox::call::Call;
use crate::sandbox::clock;
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
fn visible(world: &World) -> impl Fn(&Order) -> bool + Copy {
    let lag = SignedDuration::try_from(world.settings.index_lag).unwrap_or(SignedDuration::MAX);
    let until = Timestamp::now().checked_sub(lag).unwrap_or(Timestamp::MIN);
    move |order: &Order| order.created <= until
}

/// Says which orders a list shows: what waits for an administrator may be left out.
fn listed(world: &World) -> impl Fn(&Order) -> bool + Copy {
    let visible = visible(world);
    let hides = world.settings.habits.waiting_orders == WaitingOrders::Unlisted;
    move |order: &Order| visible(order) && !(hides && order.status == OrderStatus::NeedsApproval)
}

/// `GET /order/certificate`.
pub(super) fn orders(world: &World, call: &Call) -> Outcome {
    let page = page(call)?;
    let mut filters = Vec::new();
    for (name, value) in call.parameters() {
        if let Some(rest) = name.strip_prefix("filters[") {
            // `filters[status]`, and `filters[status][0]` for one of several.
            filters.push(Filter {
                name: rest.split(']').next().unwrap_or_default(),
                value,
            });
        }
    }
    if let Some(filter) = filters
        .iter()
        .find(|filter| !FILTERS.contains(&filter.name))
    {
        return Err(Refusal::bad(
            "invalid_value:filters",
            format!("{} is no filter of this list.", filter.name),
        ));
    }
    let listed = listed(world);
    let takes = |order: &&Order| listed(order) && (call.unfiltered || matches(&filters, order));
    let book = &world.certcentral;
    // Assumption: newest first when nothing is said.
    let sort = call.parameter("sort").unwrap_or("-order_id");
    let mut found: Vec<&Order> = match sort {
        // Ids grow with time.
        "order_id" | "date_created" => book.orders.values().filter(takes).collect(),
        _ => book.orders.values().rev().filter(takes).collect(),
    };
    let common_name = |order: &&Order| {
        order
            .current()
            .map(|certificate| certificate.common_name.clone())
    };
    match sort {
        "order_id" | "date_created" | "-order_id" | "-date_created" => {}
        "common_name" => found.sort_by_cached_key(common_name),
        "-common_name" => found.sort_by_cached_key(|order| std::cmp::Reverse(common_name(order))),
        "valid_till" => found.sort_by_key(|order| valid_till(order)),
        "-valid_till" => found.sort_by_key(|order| std::cmp::Reverse(valid_till(order))),
        "status" => found.sort_by_key(|order| order.status.name()),
        _ => {
            return Err(Refusal::bad(
                "invalid_value:sort",
                "The list cannot be sorted by that.",
            ));
        }
    }
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
    let mut row = views::summary(order);
    if order.status == OrderStatus::NeedsApproval
        && world.settings.habits.waiting_orders == WaitingOrders::Nameless
        && let Some(certificate) = row["certificate"].as_object_mut()
    {
        certificate.remove("common_name");
        certificate.remove("dns_names");
    }
    row
}

const FILTERS: &[&str] = &[
    "id",
    "certificate_id",
    "status",
    "organization_id",
    "container_id",
    "product_name_id",
    "valid_till",
    "date_created",
    "common_name",
    "domain_name",
    "email",
    "is_renewed",
    "serial_number",
    "user_id",
    "search",
];

#[derive(Clone, Copy, Debug)]
struct Filter<'a> {
    name: &'a str,
    value: &'a str,
}

/// All filters hold; of several with one name, any.
fn matches(filters: &[Filter<'_>], order: &Order) -> bool {
    filters.iter().all(|filter| {
        filters
            .iter()
            .filter(|other| other.name == filter.name)
            .any(|other| holds(*other, order))
    })
}

fn holds(filter: Filter<'_>, order: &Order) -> bool {
    let value = filter.value;
    let Some(certificate) = order.current() else {
        return false;
    };
    let id = |id: Option<u64>| id.is_some_and(|id| value.parse() == Ok(id));
    match filter.name {
        "id" => id(Some(order.id)),
        "certificate_id" => order
            .certificates
            .iter()
            .any(|certificate| id(Some(certificate.id))),
        "status" => order.status.name() == value,
        "organization_id" => id(order.organization_id),
        "container_id" => id(order.container_id),
        "product_name_id" => order.product == value,
        "valid_till" => certificate
            .issued
            .as_ref()
            .is_some_and(|one| compares(&one.valid_till.to_string(), value)),
        "date_created" => compares(&clock::iso8601(order.created), value),
        "common_name" => text(&certificate.common_name, value),
        "domain_name" => {
            text(&certificate.common_name, value)
                || certificate.dns_names.iter().any(|name| text(name, value))
        }
        "email" => certificate.emails.iter().any(|email| text(email, value)),
        "is_renewed" => order.renewed_by.is_some() == matches!(value, "1" | "true"),
        "serial_number" => order.certificates.iter().any(|certificate| {
            certificate
                .issued
                .as_ref()
                .is_some_and(|issued| issued.serial_number.eq_ignore_ascii_case(value))
        }),
        "user_id" => id(Some(super::user::USER_ID)),
        "search" => {
            text(&certificate.common_name, value)
                || certificate.emails.iter().any(|email| text(email, value))
        }
        _ => false,
    }
}

/// Equality without regard to case; `%` at either end stands for anything.
fn text(value: &str, wanted: &str) -> bool {
    let (value, wanted) = (value.to_ascii_lowercase(), wanted.to_ascii_lowercase());
    match (wanted.strip_prefix('%'), wanted.strip_suffix('%')) {
        (Some(_), Some(_)) => value.contains(wanted.trim_matches('%')),
        (Some(end), None) => value.ends_with(end),
        (None, Some(start)) => value.starts_with(start),
        (None, None) => value == wanted,
    }
}

/// `a...b`, a comparison prefix, or the beginning of a date: ISO dates compare as text.
fn compares(date: &str, wanted: &str) -> bool {
    if let Some((from, to)) = wanted.split_once("...") {
        return date >= from && (date <= to || date.starts_with(to));
    }
    match (wanted.strip_prefix(">="), wanted.strip_prefix("<=")) {
        (Some(bound), _) => return date >= bound,
        (_, Some(bound)) => return date <= bound,
        (None, None) => {}
    }
    match (wanted.strip_prefix('>'), wanted.strip_prefix('<')) {
        (Some(bound), _) => date > bound,
        (_, Some(bound)) => date < bound,
        (None, None) => date.starts_with(wanted),
    }
}

fn valid_till(order: &Order) -> Option<jiff::civil::Date> {
    Some(order.current()?.issued.as_ref()?.valid_till)
}

fn brief(order: &Order) -> Value {
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

/// `GET /order/certificate/status-changes`.
pub(super) fn status_changes(world: &World, call: &Call) -> Outcome {
    const WEEK: i64 = 604_800;
    let wrong = |name: &str| {
        Refusal::bad(
            format!("invalid_value:{name}"),
            format!("{name} is not valid."),
        )
    };
    let number = |name: &str| match call.parameter(name) {
        None => Ok(None),
        Some(text) => text
            .parse::<i64>()
            .ok()
            .filter(|n| (0..=WEEK).contains(n))
            .map(Some)
            .ok_or_else(|| wrong(name)),
    };
    let (minutes, seconds) = (number("minutes")?, number("seconds")?);
    let range = call.parameter("filters[status_last_updated]");
    let (from, to) = match (minutes, seconds, range) {
        (None, None, None) => {
            return Err(Refusal::bad(
                "required_param:minutes",
                "minutes or seconds is required.",
            ));
        }
        (None, None, Some(range)) => {
            let time = |text: &str| text.replace(' ', "+").parse::<Timestamp>().ok();
            let bounds = range
                .split_once("...")
                .and_then(|(from, to)| Some((time(from)?, time(to)?)));
            bounds.ok_or_else(|| wrong("filters[status_last_updated]"))?
        }
        (minutes, seconds, _) => {
            let span = minutes.unwrap_or(0) * 60 + seconds.unwrap_or(0);
            if span > WEEK {
                return Err(Refusal::bad(
                    "time_frame_too_long",
                    "The time frame is longer than a week.",
                ));
            }
            let now = Timestamp::now();
            (
                now.checked_sub(SignedDuration::from_secs(span))
                    .unwrap_or(Timestamp::MIN),
                now,
            )
        }
    };
    let listed = listed(world);
    let changed = |order: &&Order| (from..=to).contains(&order.changed) && listed(order);
    let rows: Vec<Value> = world
        .certcentral
        .orders
        .values()
        .filter(changed)
        .map(brief)
        .collect();
    let list = json!({"orders": rows});
    Ok(Answer::json(
        200,
        &habits::empty(&world.settings.habits, list),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_signs_and_ranges_filter_as_documented() {
        assert!(text("Shop.Example.com", "shop.example.com"));
        assert!(!text("shop.example.com", "shop"));
        assert!(
            text("shop.example.com", "shop%")
                && text("shop.example.com", "%.com")
                && text("shop.example.com", "%exam%")
        );
        assert!(compares(
            "2026-05-06T07:08:09+00:00",
            "2026-05-01...2026-05-06"
        ));
        assert!(!compares(
            "2026-05-06T07:08:09+00:00",
            "2026-05-07...2026-05-09"
        ));
        assert!(compares("2026-05-06", ">2026-05-01") && !compares("2026-05-06", "<2026-05-01"));
        assert!(compares("2026-05-06", ">=2026-05-06") && compares("2026-05-06", "<=2026-05-06"));
    }
}
