//! Trying the assumptions on an account, with GETs alone.

use serde_json::Value;

use super::{Ncloud, assumptions as known};
use crate::model::{Evidence, Tried};
use crate::provider::trying::{Trying, id, rows};

/// How many orders are looked at.
const SAMPLE: usize = 100;
/// Those that the documentation of the list names.
const STATUS_CODES: [&str; 11] = ["-7", "-6", "-5", "-4", "-3", "-2", "-1", "0", "1", "2", "3"];

impl Ncloud {
    pub(super) async fn try_all(&self) -> Vec<Tried> {
        let mut trying = Trying::new(&self.transport);
        let path =
            |page: usize| format!("/certificate/getPaidCertificates?page={page}&pageSize={SAMPLE}");
        let first = trying.get(&path(1)).await.filter(|seen| seen.status == 200);
        let orders = first
            .as_ref()
            .map_or(&[][..], |seen| rows(&seen.body, "orders"));
        if first.is_some() {
            pages(&mut trying, &path(2), orders).await;
            order_info(&mut trying, orders).await;
            status_codes(&mut trying, orders);
            let shown = self.transport.clock_skew().is_some();
            let seen = Evidence::new(if shown {
                "the header was read"
            } else {
                "no answer has a Date header that can be read"
            });
            trying.holds(&known::DATE, shown, seen);
        }
        trying.done(known::ALL)
    }
}

fn order_id(row: &Value) -> Option<String> {
    let member = row.get("orderId").or(row.get("orderID"))?;
    id(member).or_else(|| member.as_str().map(str::to_owned))
}

fn certificates(orders: &[Value]) -> impl Iterator<Item = &Value> {
    orders.iter().flat_map(|order| rows(order, "certificates"))
}

async fn pages(trying: &mut Trying<'_>, second: &str, orders: &[Value]) {
    if orders.is_empty() {
        return trying.open(&known::PAGES, "the account shows no order");
    }
    let ids: Vec<String> = orders.iter().filter_map(order_id).collect();
    let Some(next) = trying.get(second).await else {
        return;
    };
    let next = rows(&next.body, "orders").iter().filter_map(order_id);
    let repeated = next.filter(|id| ids.contains(id)).count();
    let seen = Evidence::new("two pages were read")
        .count("rows of the first", orders.len())
        .count("of them on the second as well", repeated);
    let heeded = orders.len() <= SAMPLE && repeated == 0;
    trying.holds(&known::PAGES, heeded, seen);
}

async fn order_info(trying: &mut Trying<'_>, orders: &[Value]) {
    let Some(order) = orders.first().and_then(order_id) else {
        return trying.open(&known::ORDER_INFO, "the account shows no order");
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !order.chars().all(plain) {
        return trying.open(&known::ORDER_INFO, "the first order has no plain id");
    }
    let Some(info) = trying.get(&format!("/certificate/orders/{order}")).await else {
        return;
    };
    let shown = rows(&info.body, "certificates");
    let member = |row: &Value, name: &str| row.get(name).is_some_and(|value| !value.is_null());
    let full = |row: &&Value| member(row, "statusCode") && member(row, "serialNumber");
    let full = shown.iter().filter(full).count();
    let seen = Evidence::new("an order was read")
        .http(info.status)
        .count("certificates", shown.len())
        .count("with state and serial number", full);
    let complete = info.status == 200 && !shown.is_empty() && full == shown.len();
    trying.holds(&known::ORDER_INFO, complete, seen);
}

fn status_codes(trying: &mut Trying<'_>, orders: &[Value]) {
    let codes: Vec<String> = certificates(orders)
        .filter_map(|row| row.get("statusCode"))
        .map(|code| {
            code.as_str()
                .map_or_else(|| code.to_string(), str::to_owned)
        })
        .collect();
    if codes.is_empty() {
        return trying.open(&known::STATUS_CODES, "no certificate was seen");
    }
    let known_ones = codes
        .iter()
        .filter(|code| STATUS_CODES.contains(&code.as_str()));
    let known_ones = known_ones.count();
    let seen = Evidence::new("the list was read")
        .count("certificates", codes.len())
        .count("with a documented status code", known_ones);
    trying.holds(&known::STATUS_CODES, known_ones == codes.len(), seen);
}
