//! An earlier look and what the CA tells of since: taken up only where nothing can be missing.

use std::collections::BTreeSet;

use super::*;
use crate::model::Look;

/// The CA's clock at every answer.
const NOW: &str = "Date: Sun, 22 Nov 2026 03:00:00 GMT\r\nContent-Type: application/json\r\n";

fn say(body: &Value) -> Say {
    Say::Text(200, NOW, body.to_string())
}

fn row(id: u64, status: &str) -> Value {
    json!({ "id": id, "status": status, "certificate": { "id": id + 500 } })
}

fn page(rows: &[Value], total: usize) -> Say {
    say(&json!({ "orders": rows, "page": { "total": total } }))
}

/// Orders 1 to 3, issued, seen at a time of 2026-11-`at`Z.
fn look(at: &str) -> Look {
    let order = |id: u64| {
        let row: wire::Order = serde_json::from_value(row(id, "issued")).unwrap();
        observed::summary(&row).unwrap()
    };
    Look {
        read_at: format!("2026-11-{at}Z").parse().unwrap(),
        orders: (1..=3).map(|id| (OrderId::from(id), order(id))).collect(),
    }
}

/// What a server makes of it: the feed, the newest page, and the list filtered by an id.
async fn since(
    look: Look,
    reread: &[u64],
    feed: fn() -> Value,
    newest: fn(usize) -> Say,
    filtered: fn(&str) -> Say,
) -> (Option<Vec<(String, OrderStatus)>>, Vec<String>) {
    let server = Scripted::start(move |seen, _| {
        let target = seen.target.strip_prefix("/services/v2").unwrap();
        match target.split_once('?').unwrap_or((target, "")) {
            ("/user/me", _) => say(&json!({ "id": 1, "account_id": 7 })),
            (_, query) if target.contains("status-changes") => {
                assert!(query.starts_with("seconds="));
                say(&json!({ "orders": feed() }))
            }
            (_, query) if query.starts_with("sort=-date_created&offset=") => {
                let offset = query["sort=-date_created&offset=".len()..]
                    .split('&')
                    .next();
                newest(offset.unwrap().parse().unwrap())
            }
            (_, query) => {
                let id = query.strip_prefix("filters%5Bid%5D=").unwrap();
                filtered(id.split('&').next().unwrap())
            }
        }
    })
    .await;
    let account = account(&server);
    account.identity().await.unwrap();
    let reread: BTreeSet<OrderId> = reread.iter().map(|id| OrderId::from(*id)).collect();
    let orders = account.orders_since(look, &reread).await.unwrap();
    let orders = orders.map(|orders| {
        orders
            .into_values()
            .map(|order| (order.id.to_string(), order.status))
            .collect()
    });
    let asked = server.seen().into_iter().skip(1);
    (orders, asked.map(|seen| seen.target).collect())
}

fn nothing() -> Value {
    json!([])
}

fn three(offset: usize) -> Say {
    assert_eq!(offset, 0);
    page(&[row(3, "issued")], 3)
}

fn one(id: &str) -> Say {
    page(&[row(id.parse().unwrap(), "revoked")], 1)
}

#[tokio::test]
async fn the_feed_is_asked_for_the_time_since_and_fifteen_minutes() {
    let (orders, asked) = since(look("22T02:00:00"), &[], nothing, three, one).await;
    assert_eq!(orders.unwrap().len(), 3);
    let (_, seconds) = asked[0].split_once("seconds=").unwrap();
    let seconds: u64 = seconds.parse().unwrap();
    // The Date header has whole seconds, and this test takes some.
    assert!((4_498..4_560).contains(&seconds), "{seconds}");
    assert_eq!(asked.len(), 2, "{asked:?}");
}

#[tokio::test]
async fn a_look_that_is_too_old_or_from_the_future_is_not_taken_up() {
    for (at, taken) in [
        ("15T04:10:00", true),
        ("15T03:50:00", false),
        ("01T00:00:00", false),
        ("22T03:10:00", true),
        ("22T03:20:00", false),
    ] {
        let (orders, asked) = since(look(at), &[], nothing, three, one).await;
        assert_eq!(orders.is_some(), taken, "{at}");
        assert_eq!(!asked.is_empty(), taken, "{at}");
    }
}

#[tokio::test]
async fn without_the_cas_clock_no_look_is_taken_up() {
    let server = Scripted::start(|_, _| Say::Json(200, json!({ "orders": [] }))).await;
    let orders = account(&server)
        .orders_since(look("22T02:00:00"), &BTreeSet::new())
        .await;
    assert_eq!(orders.unwrap(), None);
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn what_changed_and_what_must_be_read_anew_is_read_once() {
    let feed =
        || json!([{ "order_id": 1, "status": "revoked" }, { "order_id": 3, "status": "issued" }]);
    let (orders, asked) = since(look("22T02:00:00"), &[1, 2, 3], feed, three, one).await;
    let issued = OrderStatus::Issued;
    let revoked = OrderStatus::Revoked;
    let expected = [("1", revoked.clone()), ("2", revoked), ("3", issued)];
    let expected = expected.map(|(id, status)| (id.to_owned(), status));
    assert_eq!(orders.unwrap(), expected);
    // The third was on the newest page.
    let single = asked.iter().filter(|target| target.contains("filters"));
    assert_eq!(single.count(), 2, "{asked:?}");
}

#[tokio::test]
async fn new_orders_are_found_on_as_many_pages_as_they_fill() {
    let newest = |offset: usize| match offset {
        0 => page(&[row(6, "pending"), row(5, "issued")], 6),
        2 => page(&[row(4, "issued"), row(3, "issued")], 6),
        _ => page(&[], 6),
    };
    let (orders, asked) = since(look("22T02:00:00"), &[], nothing, newest, one).await;
    assert_eq!(orders.unwrap().len(), 6);
    assert_eq!(asked.len(), 3, "{asked:?}");
}

#[tokio::test]
async fn anything_that_does_not_add_up_is_none() {
    type Newest = fn(usize) -> Say;
    let wrong: [Newest; 5] = [
        // One more than is known, and not among the newest.
        |_| page(&[row(3, "issued")], 4),
        // One is gone.
        |_| page(&[row(3, "issued")], 2),
        // No count.
        |_| say(&json!({ "orders": [row(3, "issued")] })),
        |_| page(&[], 4),
        // New ones without an end.
        |offset| page(&[row(10 + offset as u64, "issued")], 1_000_000),
    ];
    for (case, newest) in wrong.into_iter().enumerate() {
        let (orders, asked) = since(look("22T02:00:00"), &[], nothing, newest, one).await;
        assert_eq!(orders, None, "case {case}");
        assert!(asked.len() <= 12, "case {case}: {asked:?}");
    }
    type Filtered = fn(&str) -> Say;
    let wrong: [Filtered; 3] = [
        // A filter that is not heeded.
        |_| page(&[row(1, "issued"), row(2, "issued"), row(3, "issued")], 3),
        |_| page(&[row(9, "issued")], 1),
        |_| page(&[], 0),
    ];
    for (case, filtered) in wrong.into_iter().enumerate() {
        let (orders, _) = since(look("22T02:00:00"), &[1], nothing, three, filtered).await;
        assert_eq!(orders, None, "filter {case}");
    }
    // The feed names an order that the list does not have.
    let feed = || json!([{ "order_id": 99, "status": "revoked" }]);
    let (orders, _) = since(look("22T02:00:00"), &[], feed, three, one).await;
    assert_eq!(orders, None);
    // More changes than are worth it: nothing is read one by one.
    let feed = || (1..=12).map(|id| json!({ "order_id": id })).collect();
    let (orders, asked) = since(look("22T02:00:00"), &[], feed, three, one).await;
    assert_eq!(orders, None);
    assert_eq!(asked.len(), 2, "{asked:?}");
}
