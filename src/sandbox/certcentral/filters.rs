//! What the list of orders is filtered and sorted by. Main type: [`Filters`].

use std::cmp::Ordering;

use serde_json::Value;

use super::order::Order;
use super::refusal::Refusal;
use crate::sandbox::call::{self, Call};
use crate::sandbox::clock;

/// Those that the documentation of the list names.
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
    "metadata_id",
    "disable_renewal_notifications",
    "origin",
    "search",
];

#[derive(Clone, Copy, Debug)]
struct Filter<'a> {
    name: &'a str,
    value: &'a str,
}

/// The filters of a call.
pub(super) struct Filters<'a>(Vec<Filter<'a>>);

impl<'a> Filters<'a> {
    pub(super) fn of(call: &'a Call) -> Result<Self, Refusal> {
        let mut filters = Vec::new();
        for (name, value) in call.parameters() {
            if let Some(rest) = name.strip_prefix("filters[") {
                // `filters[status]`, and `filters[status][0]` for one of several.
                let name = rest.split(']').next().unwrap_or_default();
                if !FILTERS.contains(&name) {
                    return Err(Refusal::bad(
                        "invalid_value:filters",
                        format!("{name} is no filter of this list."),
                    ));
                }
                filters.push(Filter { name, value });
            }
        }
        Ok(Self(filters))
    }

    /// All filters hold; of several with one name, any.
    pub(super) fn take(&self, order: &Order) -> bool {
        self.0.iter().all(|filter| {
            self.0
                .iter()
                .filter(|other| other.name == filter.name)
                .any(|other| holds(*other, order))
        })
    }
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
        "metadata_id" => {
            let fields = order.echoed.get("custom_fields").and_then(Value::as_array);
            let mut fields = fields.into_iter().flatten();
            fields.any(|field| id(field.get("metadata_id").and_then(call::id)))
        }
        "disable_renewal_notifications" => {
            let asked = order.echoed.get("disable_renewal_notifications");
            let disabled = asked.and_then(Value::as_bool).unwrap_or_default();
            disabled == matches!(value, "1" | "true")
        }
        "origin" => value == "certcentral",
        "search" => {
            text(&certificate.common_name, value)
                || certificate.emails.iter().any(|email| text(email, value))
        }
        _ => false,
    }
}

/// Equality without regard to case; `%` at either end stands for anything.
pub(super) fn text(value: &str, wanted: &str) -> bool {
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

/// Sorts by one or more keys, parted by commas; `-` turns one around.
///
/// Assumption: newest first when nothing is said, and where the keys do not decide.
pub(super) fn sort(orders: &mut [&Order], keys: Option<&str>) -> Result<(), Refusal> {
    let keys: Vec<&str> = keys
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|key| !key.is_empty())
        .collect();
    if keys
        .iter()
        .any(|key| !SORT_KEYS.contains(&key.trim_start_matches('-')))
    {
        return Err(Refusal::bad(
            "invalid_value:sort",
            "The list cannot be sorted by that.",
        ));
    }
    orders.sort_by(|one, other| {
        let by_key = |key: &&str| match key.strip_prefix('-') {
            Some(key) => compare(key, other, one),
            None => compare(key, one, other),
        };
        let order = keys.iter().map(by_key).find(|order| order.is_ne());
        order.unwrap_or_else(|| other.id.cmp(&one.id))
    });
    Ok(())
}

const SORT_KEYS: &[&str] = &[
    "id",
    "order_id",
    "date_created",
    "common_name",
    "valid_from",
    "valid_till",
    "status",
    "product_name_id",
    "organization_id",
    "container_id",
];

fn compare(key: &str, one: &Order, other: &Order) -> Ordering {
    let common_name = |order: &Order| order.current().map(|it| it.common_name.to_lowercase());
    let validity = |order: &Order| {
        let issued = order.current()?.issued.as_ref()?;
        Some((issued.valid_from, issued.valid_till))
    };
    let (from, till) = (
        |order: &Order| validity(order).map(|(from, _)| from),
        |order: &Order| validity(order).map(|(_, till)| till),
    );
    match key {
        "date_created" => one.created.cmp(&other.created).then(one.id.cmp(&other.id)),
        "common_name" => common_name(one).cmp(&common_name(other)),
        "valid_from" => from(one).cmp(&from(other)),
        "valid_till" => till(one).cmp(&till(other)),
        "status" => one.status.name().cmp(other.status.name()),
        "product_name_id" => one.product.cmp(&other.product),
        "organization_id" => one.organization_id.cmp(&other.organization_id),
        "container_id" => one.container_id.cmp(&other.container_id),
        _ => one.id.cmp(&other.id),
    }
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
