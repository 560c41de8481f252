//! Trying the assumptions on an account, with GETs alone. The answers are looked at as they come, not through
//! what makes the adapter tolerant.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::request::segment;
use super::trials_sample::{Sample, look_up, order_info, text};
use super::{CertCentral, assumptions as known};
use crate::model::{Evidence, KnownOrders, OrderId, Tag, Tried};
use crate::provider::trying::{Seen, Trying, id, rows};

/// How many orders are looked at, at each end of the list.
const SAMPLE: usize = 100;
/// A tag that no order carries: ours have another beginning.
const UNUSED_TAG: &str = "certplan-doctor-no-such-tag";
/// The ids of orders have more digits.
const UNKNOWN_ORDER: &str = "1";
/// Six days: a day less than the feed reaches back.
const RECENT: i64 = 6 * 24 * 3600;

impl CertCentral {
    pub(super) async fn try_all(&self, orders: &KnownOrders) -> Vec<Tried> {
        let mut trying = Trying::new(&self.transport);
        access(&mut trying, orders).await;
        let sample = lists(&mut trying).await;
        tags(&mut trying, orders).await;
        super::trials_waiting::waiting(&mut trying, orders, &sample).await;
        feed(&mut trying, &sample).await;
        certificates(&mut trying, &sample).await;
        unknown_order(&mut trying).await;
        dates(&mut trying, &sample);
        match self.transport.clock_skew() {
            Some(_) => {
                let seen = Evidence::new("the header was read");
                trying.holds(&known::DATE_HEADER, true, seen);
            }
            None if sample.answered => {
                let seen = Evidence::new("no answer has a Date header that can be read");
                trying.holds(&known::DATE_HEADER, false, seen);
            }
            None => {}
        }
        trying.done(known::ALL)
    }
}

fn number(value: &Value, member: &str) -> Option<usize> {
    id(value.get(member)?)?.parse().ok()
}

fn row_id(row: &Value) -> Option<u64> {
    id(row.get("id")?)?.parse().ok()
}

/// True for the CA's own "not found".
fn says_absent(seen: &Seen) -> bool {
    let first = rows(&seen.body, "errors").first();
    seen.status == 404 && first.is_some_and(|one| text(one, "code").starts_with("not_found"))
}

async fn access(trying: &mut Trying<'_>, orders: &KnownOrders) {
    if let Some(user) = trying
        .get("/user/me")
        .await
        .filter(|user| user.status == 200)
    {
        let shown = user.body.get("account_id").and_then(id).is_some();
        let roles = rows(&user.body, "access_roles").len();
        let seen = Evidence::new("GET /user/me was read").count("access_roles", roles);
        trying.holds(&known::ACCOUNT_ID, shown, seen);
    }
    let Some(key) = &orders.key else {
        return trying.open(&known::KEY_RIGHTS, "the manifest names no `key_id`");
    };
    let path = format!("/key/{}", segment(key.as_str()));
    if let Some(key) = trying.get(&path).await {
        let role = number(&key.body, "restricted_to_role_id").unwrap_or_default();
        let active = text(&key.body, "status") == "active";
        let seen = Evidence::new("GET /key/{id} was read")
            .http(key.status)
            .word("status", text(&key.body, "status"), &["active", "revoked"])
            .count("restricted_to_role_id", role);
        let may = active && matches!(role, 0 | 100 | 101);
        trying.holds(&known::KEY_RIGHTS, key.status == 200 && may, seen);
    }
}

async fn lists(trying: &mut Trying<'_>) -> Sample {
    let mut sample = Sample::default();
    let path =
        |offset: usize| format!("/order/certificate?sort=order_id&offset={offset}&limit={SAMPLE}");
    let Some(first) = trying.get(&path(0)).await else {
        return sample;
    };
    sample.answered = true;
    sample.rows = rows(&first.body, "orders").to_vec();
    let shown = sample.rows.len();
    let total = first
        .body
        .get("page")
        .and_then(|page| number(page, "total"));
    let ids: Vec<u64> = sample.rows.iter().filter_map(row_id).collect();
    if shown < 2 {
        trying.open(
            &known::SORT_ORDER,
            "the account shows fewer than two orders",
        );
    } else {
        let sorted = ids.len() == shown && ids.is_sorted();
        let seen = Evidence::new("the first page was read").count("rows", shown);
        trying.holds(&known::SORT_ORDER, sorted, seen);
    }
    let counted = total.unwrap_or_default().max(shown);
    sample.whole = shown < SAMPLE;
    let behind = trying.get(&path(counted)).await;
    if let Some(behind) = behind {
        let more: Vec<u64> = rows(&behind.body, "orders")
            .iter()
            .filter_map(row_id)
            .collect();
        let repeated = more.iter().any(|id| ids.contains(id));
        let seen = Evidence::new("a page behind the last row was read")
            .http(behind.status)
            .count("total", total.unwrap_or_default())
            .count("rows", shown)
            .count("rows behind the last", more.len());
        if shown == 0 {
            trying.open(&known::PAGE_TOTAL, "the account shows no order");
            trying.open(&known::PAGE_OFFSET, "the account shows no order");
        } else {
            // Orders that came meanwhile are behind the last row, and are new ones.
            let again = behind
                .body
                .get("page")
                .and_then(|page| number(page, "total"));
            let grown = again > total;
            let fits = total.is_some_and(|total| total >= shown && (more.is_empty() || grown));
            let fits = fits && !(shown < SAMPLE && total > Some(shown) && !grown);
            trying.holds(&known::PAGE_OFFSET, !repeated, seen.clone());
            if repeated && total >= Some(shown) {
                trying.open(&known::PAGE_TOTAL, "the offset is not heeded");
            } else {
                trying.holds(&known::PAGE_TOTAL, fits, seen);
            }
        }
        let list = behind.body.get("orders");
        let form = match list {
            None => "the list is missing",
            Some(Value::Null) => "the list is null",
            Some(Value::Array(_)) => "the list is there",
            Some(_) => "the list is something else",
        };
        let well = list.is_none_or(|list| list.is_null() || list.is_array());
        let seen = Evidence::new(form).http(behind.status);
        if more.is_empty() {
            let empty = behind.status == 200 && behind.body.is_object() && well;
            trying.holds(&known::EMPTY_LISTS, empty, seen);
        } else {
            trying.open(&known::EMPTY_LISTS, "no list was empty");
        }
    }
    // The newest orders, where the first page ends before them.
    if counted > SAMPLE
        && let Some(last) = trying.get(&path(counted.saturating_sub(SAMPLE))).await
    {
        let newest = rows(&last.body, "orders").iter();
        let newest = newest.filter(|row| row_id(row).is_some_and(|id| !ids.contains(&id)));
        sample.rows.extend(newest.cloned());
    }
    sample
}

async fn tags(trying: &mut Trying<'_>, orders: &KnownOrders) {
    if let Some((seen, hits)) = look_up(trying, UNUSED_TAG).await {
        let evidence = Evidence::new("a tag that no order has was looked up")
            .http(seen.status)
            .count("orders", hits.len());
        let none = hits.is_empty() && (seen.status == 200 || says_absent(&seen));
        trying.holds(&known::TAG_UNUSED, none, evidence);
    }
    let Some((order, tag)) = &orders.issued else {
        let why = "the journal knows no issued order with a tag";
        trying.open(&known::TAG_IN_ORDER_INFO, why);
        return trying.open(&known::TAG_LOOK_UP, why);
    };
    tagged(trying, order, tag).await;
}

async fn tagged(trying: &mut Trying<'_>, order: &OrderId, tag: &Tag) {
    if let Some(info) = order_info(trying, order.as_str()).await {
        let shown = text(&info, "alternative_order_id");
        let evidence = Evidence::new(match shown {
            "" => "the member alternative_order_id is missing",
            _ if shown == tag.as_str() => "the member alternative_order_id is the tag",
            _ => "the member alternative_order_id is another text",
        });
        let evidence = evidence.id("order", order.as_str());
        trying.holds(&known::TAG_IN_ORDER_INFO, shown == tag.as_str(), evidence);
    }
    if let Some((seen, hits)) = look_up(trying, tag.as_str()).await {
        let evidence = Evidence::new("the tag of an issued order was looked up")
            .http(seen.status)
            .count("orders", hits.len());
        let found = hits.iter().any(|hit| hit == order.as_str());
        trying.holds(&known::TAG_LOOK_UP, found, evidence);
    }
}

async fn feed(trying: &mut Trying<'_>, sample: &Sample) {
    let path = "/order/certificate/status-changes?seconds=604800";
    let Some(feed) = trying.get(path).await.filter(|feed| feed.status == 200) else {
        return;
    };
    let changed = rows(&feed.body, "orders");
    let changed: Vec<String> = changed
        .iter()
        .filter_map(|row| id(row.get("order_id")?))
        .collect();
    let now = Timestamp::now().as_second();
    let recent = sample.rows.iter().filter(|row| {
        let placed = text(row, "date_created").parse::<Timestamp>();
        placed.is_ok_and(|placed| now - placed.as_second() < RECENT)
            && text(row, "status") != "needs_approval"
    });
    let recent: Vec<String> = recent.filter_map(|row| id(row.get("id")?)).collect();
    if recent.is_empty() {
        return trying.open(&known::FEED_COMPLETE, "no order of the last days was seen");
    }
    let missing = recent.iter().filter(|id| !changed.contains(id)).count();
    let evidence = Evidence::new("the feed was read")
        .count("rows", changed.len())
        .count("orders of the last days", recent.len())
        .count("of them missing", missing);
    trying.holds(&known::FEED_COMPLETE, missing == 0, evidence);
}

async fn certificates(trying: &mut Trying<'_>, sample: &Sample) {
    let with = |count: &str| {
        let mut orders = sample.rows.iter();
        orders.find(|row| number(row, count).is_some_and(|count| count > 0))
    };
    match with("duplicates_count").and_then(|row| Some((row, row_id(row)?))) {
        None => trying.open(
            &known::ARCHIVED_DUPLICATES,
            "no order with duplicates was seen",
        ),
        Some((row, order)) => {
            let path = format!("/order/certificate/{order}/duplicate?show_archived=true");
            if let Some(list) = trying.get(&path).await {
                let counted = number(row, "duplicates_count").unwrap_or_default();
                let shown = rows(&list.body, "certificates").len();
                let evidence = Evidence::new("the duplicates of an order were listed")
                    .count("counted", counted)
                    .count("listed", shown);
                trying.holds(&known::ARCHIVED_DUPLICATES, shown >= counted, evidence);
            }
        }
    }
    match with("reissues_count").and_then(|row| Some((row, row_id(row)?))) {
        None => trying.open(&known::REISSUE_NEW_ID, "no order with reissues was seen"),
        Some((row, order)) => {
            let path = format!("/order/certificate/{order}/reissue");
            if let Some(list) = trying.get(&path).await {
                let listed = rows(&list.body, "certificates");
                let ids: Vec<u64> = listed.iter().filter_map(row_id).collect();
                let different = ids.iter().collect::<std::collections::BTreeSet<_>>().len();
                let newest = ids.iter().max().copied();
                let current = row.get("certificate").and_then(row_id);
                let evidence = Evidence::new("the reissues of an order were listed")
                    .count("listed", ids.len())
                    .count("different ids", different);
                let fits = different == ids.len() && current >= newest;
                trying.holds(&known::REISSUE_NEW_ID, fits, evidence);
            }
        }
    }
    let issued = sample.rows.iter().rev().find_map(|row| {
        let certificate = id(row.get("certificate")?.get("id")?)?;
        (text(row, "status") == "issued").then_some((row_id(row), certificate))
    });
    let Some((order, certificate)) = issued.filter(|_| sample.rows.len() > 1) else {
        let why = "fewer than two orders, or none that is issued, were seen";
        return trying.open(&known::CERTIFICATE_FILTER, why);
    };
    let filter = format!("filters%5Bcertificate_id%5D={certificate}&limit=2");
    if let Some(list) = trying.get(&format!("/order/certificate?{filter}")).await {
        let found: Vec<_> = rows(&list.body, "orders").iter().map(row_id).collect();
        let evidence = Evidence::new("the list was filtered by a certificate")
            .http(list.status)
            .count("rows", found.len());
        trying.holds(&known::CERTIFICATE_FILTER, found == [order], evidence);
    }
}

async fn unknown_order(trying: &mut Trying<'_>) {
    let path = format!("/order/certificate/{UNKNOWN_ORDER}");
    if let Some(seen) = trying.get(&path).await {
        let evidence = Evidence::new("an order that does not exist was read").http(seen.status);
        trying.holds(&known::UNKNOWN_ORDER, says_absent(&seen), evidence);
    }
}

/// What the sample itself shows, without a request.
fn dates(trying: &mut Trying<'_>, sample: &Sample) {
    let till = |row: &Value| {
        let certificate = row.get("certificate")?;
        Some(certificate.get("valid_till")?.as_str()?.to_owned())
    };
    let all: Vec<String> = sample.rows.iter().filter_map(till).collect();
    let days = all
        .iter()
        .filter(|till| till.len() == 10 && till.parse::<Date>().is_ok());
    let days = days.count();
    if all.is_empty() {
        trying.open(
            &known::VALID_TILL_DAY,
            "no certificate with an end was seen",
        );
    } else {
        let evidence = Evidence::new("the list was read")
            .count("valid_till", all.len())
            .count("of them a day alone", days);
        trying.holds(&known::VALID_TILL_DAY, days == all.len(), evidence);
    }
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let over = |row: &&Value| {
        let day = till(row).and_then(|till| till.get(..10)?.parse::<Date>().ok());
        day.is_some_and(|day| day < today) && matches!(text(row, "status"), "issued" | "expired")
    };
    let over: Vec<&Value> = sample.rows.iter().filter(over).collect();
    if over.is_empty() {
        return trying.open(&known::EXPIRED_ISSUED, "no order that ran out was seen");
    }
    let issued = over
        .iter()
        .filter(|row| text(row, "status") == "issued")
        .count();
    let evidence = Evidence::new("the list was read")
        .count("orders that ran out", over.len())
        .count("of them issued", issued);
    trying.holds(&known::EXPIRED_ISSUED, issued == over.len(), evidence);
}
