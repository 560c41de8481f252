//! Trying what is assumed about orders that wait for approval.

use serde_json::Value;

use super::assumptions as known;
use super::trials_sample::{Sample, look_up, order_info, status, text};
use crate::model::{Assumption, Evidence, KnownOrders};
use crate::provider::trying::{Trying, id, rows};

/// What only an order that waits would show.
const WITH_AN_ORDER: [&Assumption; 3] = [
    &known::WAITING_STATUS,
    &known::WAITING_IN_LIST,
    &known::TAG_SHOWS_WAITING,
];

pub(super) async fn waiting(trying: &mut Trying<'_>, orders: &KnownOrders, sample: &Sample) {
    let mut requests = Vec::new();
    let mut heeded = true;
    for word in ["pending", "submitted"] {
        let path =
            format!("/request?filters%5Btype%5D=new_request&filters%5Bstatus%5D={word}&limit=1000");
        let Some(list) = trying.get(&path).await.filter(|list| list.status == 200) else {
            return;
        };
        for row in rows(&list.body, "requests") {
            heeded &= text(row, "type") == "new_request" && text(row, "status") == word;
            requests.push(row.clone());
        }
    }
    if requests.is_empty() {
        trying.open(&known::REQUEST_FILTERS, "no request is undecided");
    } else {
        let seen = Evidence::new("undecided requests were listed").count("rows", requests.len());
        trying.holds(&known::REQUEST_FILTERS, heeded, seen);
    }
    let mut listed: Vec<String> = Vec::new();
    let undecided = |row: &&Value| matches!(text(row, "status"), "pending" | "submitted");
    for row in requests.iter().filter(undecided) {
        listed.extend(row.get("order").and_then(|order| id(order.get("id")?)));
    }
    // What waits, whoever says so: the list of orders, the journal, the requests.
    let mut waits: Vec<String> = sample
        .rows
        .iter()
        .filter(|row| text(row, "status") == "needs_approval")
        .filter_map(|row| id(row.get("id")?))
        .collect();
    let ours = orders.waiting.as_ref();
    let chosen = ours.map(|(order, _)| order.to_string());
    let chosen = chosen.or_else(|| listed.first().cloned());
    let Some(chosen) = chosen.or_else(|| waits.first().cloned()) else {
        trying.open(&known::WAITING_IN_REQUESTS, "no order waits for approval");
        for one in WITH_AN_ORDER {
            trying.open(one, "no order waits for approval");
        }
        return;
    };
    let info = order_info(trying, &chosen).await;
    let asked = info.as_ref().is_some_and(|info| {
        let requests = rows(info, "requests").iter();
        let mut open = requests.filter(|one| text(one, "type") == "new_request");
        open.any(|one| undecided(&one)) || text(info, "status") == "needs_approval"
    });
    if asked && !waits.contains(&chosen) {
        waits.push(chosen.clone());
    }
    let missing = waits.iter().filter(|id| !listed.contains(id)).count();
    let seen = Evidence::new("undecided requests were compared with orders that wait")
        .count("orders in requests", listed.len())
        .count("orders that wait", waits.len())
        .count("of them without a request", missing);
    if waits.is_empty() {
        trying.open(&known::WAITING_IN_REQUESTS, "no order waits for approval");
    } else {
        trying.holds(&known::WAITING_IN_REQUESTS, missing == 0, seen);
    }
    let Some(info) = info.filter(|_| asked || listed.contains(&chosen)) else {
        for one in WITH_AN_ORDER {
            trying.open(one, "no order that waits could be read");
        }
        return;
    };
    let certificate = info.get("certificate").and_then(|one| id(one.get("id")?));
    let seen = status(Evidence::new("an order that waits was read"), &info);
    let seen = seen
        .id("order", &chosen)
        .count("certificate ids", certificate.iter().len());
    let fits = text(&info, "status") == "needs_approval" && certificate.is_none();
    trying.holds(&known::WAITING_STATUS, fits, seen);
    in_list(trying, &chosen, sample).await;
    let tag = ours.filter(|(order, _)| order.as_str() == chosen);
    let tag = tag.map(|(_, tag)| tag.to_string());
    let shown = text(&info, "alternative_order_id");
    let tag = tag.or_else(|| (!shown.is_empty()).then(|| shown.to_owned()));
    by_tag(trying, &chosen, tag).await;
}

async fn in_list(trying: &mut Trying<'_>, order: &str, sample: &Sample) {
    let is_it = |row: &Value| row.get("id").and_then(id).as_deref() == Some(order);
    let mut found = sample.rows.iter().any(is_it);
    if !found && !sample.whole {
        let path = format!("/order/certificate?filters%5Bid%5D={order}&limit=2");
        let Some(list) = trying.get(&path).await else {
            return;
        };
        found = rows(&list.body, "orders").iter().any(is_it);
    }
    let seen = Evidence::new(if found {
        "the list shows an order that waits"
    } else {
        "the list does not show an order that waits"
    });
    trying.holds(&known::WAITING_IN_LIST, found, seen.id("order", order));
}

async fn by_tag(trying: &mut Trying<'_>, order: &str, tag: Option<String>) {
    let Some(tag) = tag else {
        return trying.open(&known::TAG_SHOWS_WAITING, "no order that waits shows a tag");
    };
    if let Some((seen, hits)) = look_up(trying, &tag).await {
        let evidence = Evidence::new("the tag of an order that waits was looked up")
            .http(seen.status)
            .count("orders", hits.len());
        let found = hits.iter().any(|hit| hit == order);
        trying.holds(&known::TAG_SHOWS_WAITING, found, evidence);
    }
}
