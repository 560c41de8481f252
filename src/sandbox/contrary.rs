//! Answers that are contrary to what a client assumes: each can be asked for by its word, so that a client is
//! seen to notice. Main type: [`Contrary`].
//!
//! Only GETs are touched: what happens at the CA stays true.

use std::str::FromStr;

use jiff::civil::Date;
use serde::de::{IntoDeserializer, value};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::answer::Answer;
use super::call::{Call, Provider};

/// What is not as assumed, by the word that `doctor --assumptions` has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contrary {
    /// `GET /user/me` shows no account.
    AccountId,
    /// The key may only look.
    KeyRights,
    /// CertCentral's answers have no usable `Date`.
    DateHeader,
    /// `page.total` is 0.
    PageTotal,
    /// `offset` is not looked at.
    PageOffset,
    /// `sort` is not looked at.
    SortOrder,
    /// A list without rows is 404.
    EmptyLists,
    /// An order that does not exist is 403.
    UnknownOrder,
    /// A look-up by tag finds everything.
    TagUnused,
    /// Order info shows no tag.
    TagInOrderInfo,
    /// A look-up by tag finds nothing.
    TagLookUp,
    /// `GET /request` shows nothing.
    WaitingInRequests,
    /// The filters of `GET /request` are not looked at.
    RequestFilters,
    /// An order that waits for an administrator is `pending`.
    WaitingStatus,
    /// The list leaves orders out that wait.
    WaitingInList,
    /// The look-up by tag leaves orders out that wait.
    TagShowsWaiting,
    /// The feed shows nothing.
    FeedComplete,
    /// `show_archived` is not looked at.
    ArchivedDuplicates,
    /// Every reissue has one and the same id.
    ReissueNewId,
    /// Filters of the list are not looked at.
    CertificateFilter,
    /// `valid_till` has a time of day.
    ValidTillDay,
    /// An order that ran out is `expired`.
    ExpiredIssued,
    /// ncloud's answers have no usable `Date`.
    NcloudDate,
    /// `page` and `pageSize` are not looked at.
    NcloudPages,
    /// Order info has no serial numbers.
    NcloudOrderInfo,
    /// Certificates have a status code that no document names.
    NcloudStatusCodes,
}

impl FromStr for Contrary {
    type Err = value::Error;

    fn from_str(word: &str) -> Result<Self, value::Error> {
        Self::deserialize(word.into_deserializer())
    }
}

/// What kind of read a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Read {
    User,
    Key,
    List,
    Feed,
    Tag,
    Order,
    Duplicates,
    Reissues,
    Requests,
    NcloudList,
    NcloudOrder,
    Other,
}

fn read(call: &Call) -> Read {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    match (call.provider, segments.as_slice()) {
        (Provider::Certcentral, ["user", "me"]) => Read::User,
        (Provider::Certcentral, ["key", _]) => Read::Key,
        (Provider::Certcentral, ["order", "certificate"]) => Read::List,
        (Provider::Certcentral, ["order", "certificate", "status-changes"]) => Read::Feed,
        (Provider::Certcentral, ["order", "alternate", _]) => Read::Tag,
        (Provider::Certcentral, ["order", "certificate", _]) => Read::Order,
        (Provider::Certcentral, ["order", "certificate", _, "duplicate"]) => Read::Duplicates,
        (Provider::Certcentral, ["order", "certificate", _, "reissue"]) => Read::Reissues,
        (Provider::Certcentral, ["request"]) => Read::Requests,
        (Provider::Ncloud, ["certificate", "getPaidCertificates"]) => Read::NcloudList,
        (Provider::Ncloud, ["certificate", "orders", _]) => Read::NcloudOrder,
        _ => Read::Other,
    }
}

/// The call with what is not looked at taken away.
pub(super) fn question(all: &[Contrary], call: &mut Call) {
    if call.method != "GET" {
        return;
    }
    for one in all {
        match (one, read(call)) {
            (Contrary::PageOffset, Read::List) => call.forget(|name| name == "offset"),
            (Contrary::SortOrder, Read::List) => call.forget(|name| name == "sort"),
            (Contrary::TagUnused, Read::Tag) => call.unfiltered = true,
            (Contrary::RequestFilters, Read::Requests)
            | (Contrary::CertificateFilter, Read::List) => {
                call.forget(|name| name.starts_with("filters["));
            }
            (Contrary::ArchivedDuplicates, Read::Duplicates) => {
                call.forget(|name| name == "show_archived");
            }
            (Contrary::NcloudPages, Read::NcloudList) => {
                call.forget(|name| name == "page" || name == "pageSize");
            }
            _ => {}
        }
    }
}

/// The answer as it is contrary to what is assumed.
pub(super) fn answer(all: &[Contrary], call: &Call, mut answer: Answer, today: Date) -> Answer {
    if all.is_empty() || call.method != "GET" {
        return answer;
    }
    let read = read(call);
    let mut body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    for one in all {
        match (one, call.provider) {
            (Contrary::DateHeader, Provider::Certcentral)
            | (Contrary::NcloudDate, Provider::Ncloud) => {
                answer.headers.push(("date", "none".to_owned()));
            }
            _ => {}
        }
        match (one, read, answer.status) {
            (Contrary::UnknownOrder, Read::Order, 404) => {
                return refused(403, "access_denied|missing_permission");
            }
            (Contrary::EmptyLists, Read::List | Read::Feed | Read::Requests, 200)
                if rows(&mut body, "").is_none_or(|rows| rows.is_empty()) =>
            {
                return refused(404, "not_found|order");
            }
            (_, _, 200) => bend(*one, read, &mut body, today),
            _ => {}
        }
    }
    if body.is_object() {
        answer.body = body.to_string().into_bytes();
    }
    answer
}

fn refused(status: u16, code: &str) -> Answer {
    let error = json!({"code": code, "message": "The sandbox was told to answer this."});
    Answer::json(status, &json!({"errors": [error]}))
}

/// The list of this name, or the first one.
fn rows<'v>(body: &'v mut Value, name: &str) -> Option<&'v mut Vec<Value>> {
    let members = body.as_object_mut()?;
    let mut lists = members.iter_mut();
    let list =
        lists.find(|(member, value)| value.is_array() && (name.is_empty() || *member == name));
    list?.1.as_array_mut()
}

fn bend(one: Contrary, read: Read, body: &mut Value, today: Date) {
    let waits = |row: &Value| row["status"] == "needs_approval";
    match (one, read) {
        (Contrary::AccountId, Read::User) => drop_member(body, "account_id"),
        (Contrary::KeyRights, Read::Key) => body["restricted_to_role_id"] = json!(102),
        (Contrary::PageTotal, Read::List) => body["page"]["total"] = json!(0),
        (Contrary::TagInOrderInfo, Read::Order) => drop_member(body, "alternative_order_id"),
        (Contrary::TagLookUp, Read::Tag) | (Contrary::FeedComplete, Read::Feed) => {
            body["orders"] = json!([]);
        }
        (Contrary::WaitingInRequests, Read::Requests) => {
            *body = json!({"requests": [], "page": {"total": 0}});
        }
        (Contrary::WaitingStatus, Read::Order) if waits(body) => {
            body["status"] = json!("pending");
        }
        (Contrary::WaitingInList, Read::List) | (Contrary::TagShowsWaiting, Read::Tag) => {
            let mut gone = 0;
            if let Some(rows) = rows(body, "orders") {
                let before = rows.len();
                rows.retain(|row| !waits(row));
                gone = before - rows.len();
            }
            let total = body["page"]["total"].as_u64().unwrap_or_default();
            body["page"]["total"] = json!(total.saturating_sub(gone as u64));
        }
        (Contrary::ReissueNewId, Read::Reissues) => {
            let first = body["certificates"][0]["id"].clone();
            let mut again = Vec::new();
            if let Some(rows) = rows(body, "certificates") {
                rows.iter_mut().for_each(|row| row["id"] = first.clone());
                again.extend(rows.first().cloned());
                rows.extend(again);
            }
        }
        (Contrary::ValidTillDay, Read::List) => {
            each_end(body, |_, till| format!("{till}T00:00:00+00:00"))
        }
        (Contrary::ExpiredIssued, Read::List) => {
            let today = today.to_string();
            each_end(body, |status, till| {
                if till < today {
                    *status = json!("expired");
                }
                till
            });
        }
        (Contrary::NcloudOrderInfo, Read::NcloudOrder) => {
            each_certificate(body, |one| drop_member(one, "serialNumber"));
        }
        (Contrary::NcloudStatusCodes, Read::NcloudList) => {
            for order in rows(body, "orders").into_iter().flatten() {
                each_certificate(order, |one| one["statusCode"] = json!("99"));
            }
        }
        _ => {}
    }
}

fn drop_member(value: &mut Value, name: &str) {
    if let Some(members) = value.as_object_mut() {
        members.remove(name);
    }
}

/// The status and the end of each row that has one.
fn each_end(body: &mut Value, change: impl Fn(&mut Value, String) -> String) {
    for row in rows(body, "orders").into_iter().flatten() {
        let till = row["certificate"]["valid_till"].as_str().map(str::to_owned);
        if let Some(till) = till {
            let till = change(&mut row["status"], till);
            row["certificate"]["valid_till"] = json!(till);
        }
    }
}

fn each_certificate(order: &mut Value, change: impl Fn(&mut Value)) {
    let certificates = rows(order, "certificates");
    certificates.into_iter().flatten().for_each(change);
}
