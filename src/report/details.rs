//! What is told of a step, of an outcome and of the cost: the same in text and in Markdown.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::Value;

use super::amounts::{count, counted, duration, money};
use super::phrase::Phrase;
use super::words;
use super::{files, renewal_details};
use crate::apply::{ActionReport, Outcome, PartReport};
use crate::model::{AccountName, Cause, CertificateKind, CertificatePin, Change, Labels, Standing};
use crate::plan::{Action, Plan, Step, Warning};

/// One labelled line.
pub(super) struct Detail {
    /// What it is, a word or two.
    pub(super) label: &'static str,
    /// What is said.
    pub(super) phrase: Phrase,
}

fn detail(label: &'static str, phrase: Phrase) -> Detail {
    Detail { label, phrase }
}

/// Strings in a request body that are longer than this are folded, in characters.
const BODY_STRING: usize = 60;

/// Everything of a step except its certificates, which are a list of their own.
///
/// `body_width`: how many characters of a request body are shown.
pub(super) fn of_step(step: &Step, body_width: usize) -> Vec<Detail> {
    let mut details = Vec::new();
    details.push(detail("why", Phrase::of_datum(words::reason(&step.reason))));
    if let Some(ids) = ids(
        step.order_id.as_ref().map(ToString::to_string),
        step.certificate_id.as_ref().map(ToString::to_string),
        step.request_id.as_ref().map(ToString::to_string),
    ) {
        details.push(detail("at the CA", ids));
    }
    for change in &step.changes {
        let value = |phrase: Phrase, value: &Option<String>, absent: &'static str| match value {
            Some(text) => phrase.datum(text),
            None => phrase.own(absent),
        };
        let phrase = Phrase::new().datum(&change.member).own(": ");
        let phrase = value(phrase, &change.old, "(not set)").own(" -> ");
        details.push(detail("change", value(phrase, &change.new, "(removed)")));
    }
    if let Some(route) = renewal_details::route(step) {
        details.push(detail("route", route));
    }
    if let Some(files) = &step.files {
        let said = files::of_step(step, files).into_iter();
        details.extend(said.map(|(label, phrase)| detail(label, phrase)));
    }
    if let Some(unsent) = &step.unsent_reason {
        details.push(detail("reason", Phrase::of_datum(unsent)));
    }
    for request in &step.requests {
        let call = format_args!("{} {}", request.method, request.path);
        details.push(detail("request", Phrase::of_datum(call)));
        if !request.body.is_empty() {
            let body = body(&Value::Object(request.body.map()), body_width);
            details.push(detail("body", Phrase::of_datum(body)));
        }
    }
    if !step.after.is_empty() {
        let phrase = step
            .after
            .iter()
            .enumerate()
            .fold(Phrase::new(), |phrase, (index, after)| {
                let phrase = if index > 0 { phrase.own(", ") } else { phrase };
                phrase
                    .datum(&after.address)
                    .own(format!(" is {}", after.until.word()))
            });
        details.push(detail("after", phrase));
    }
    if let Some(what) = waits(step) {
        let what = of_owner(Phrase::of_datum(words::cause(what)), &step.labels);
        details.push(detail("waits for", what));
    }
    if matches!(
        step.standing,
        Standing::Parked
            | Standing::InForce {
                change: Some(Change::Parked),
                ..
            }
    ) {
        let command = format_args!("certplan resolve {}", step.address);
        details.push(detail("to settle it", Phrase::of_datum(command)));
    }
    if let Some(price) = &step.price {
        details.push(detail(
            "price",
            Phrase::of(money(*price)).own(", as last paid"),
        ));
    }
    details
}

/// What an item waits for, and who cares for it.
pub(super) fn of_owner(what: Phrase, labels: &Labels) -> Phrase {
    match labels.owner() {
        Some(owner) => what.own(" (owner ").datum(owner).own(")"),
        None => what,
    }
}

/// What a step waits for, where it waits for something that its reason does not say.
fn waits(step: &Step) -> Option<&Cause> {
    match step.standing.waits()? {
        // A doubt is told by the reason; what to type for it follows.
        Cause::Doubt => None,
        cause => Some(cause),
    }
}

/// The ids that are known; nothing when none is.
pub(super) fn ids(
    order: Option<String>,
    certificate: Option<String>,
    request: Option<String>,
) -> Option<Phrase> {
    let known = [
        ("order ", order),
        ("certificate ", certificate),
        ("request ", request),
    ];
    let phrase = known
        .into_iter()
        .filter_map(|(word, id)| id.map(|id| (word, id)))
        .fold(Phrase::new(), |phrase, (word, id)| {
            let phrase = if phrase.is_empty() {
                phrase
            } else {
                phrase.own(", ")
            };
            phrase.own(word).datum(id)
        });
    (!phrase.is_empty()).then_some(phrase)
}

/// The body on one line: long strings (a CSR) folded, the whole cut to a width.
fn body(body: &Value, width: usize) -> String {
    let text = folded(body).to_string();
    if text.chars().count() <= width {
        return text;
    }
    text.chars()
        .take(width.saturating_sub(1))
        .chain(['…'])
        .collect()
}

fn folded(value: &Value) -> Value {
    match value {
        Value::String(text) => {
            let length = text.chars().count();
            if length <= BODY_STRING && !text.contains('\n') {
                return value.clone();
            }
            if text.starts_with("-----BEGIN ") {
                return Value::String(format!("(PEM, {} characters)", count(length)));
            }
            let start: String = text
                .lines()
                .next()
                .unwrap_or_default()
                .chars()
                .take(BODY_STRING)
                .collect();
            Value::String(format!("{start}… ({} characters)", count(length)))
        }
        Value::Array(items) => items.iter().map(folded).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| (name.clone(), folded(member)))
            .collect(),
        other => other.clone(),
    }
}

/// What a certificate is within its order.
pub(super) fn kind(pin: &CertificatePin) -> &'static str {
    match pin.kind {
        CertificateKind::Original => "original",
        CertificateKind::Duplicate => "duplicate",
        CertificateKind::Reissue => "reissue",
        CertificateKind::Unlisted => "unlisted",
    }
}

/// The first names of a certificate and how many more it has: for pages with a size limit.
pub(super) fn some_names(names: &[String]) -> Phrase {
    const SHOWN: usize = 10;
    let phrase = Phrase::new().list(names.iter().take(SHOWN));
    match names.len().saturating_sub(SHOWN) {
        0 => phrase,
        more => phrase.own(format!(" and {} more names", count(more))),
    }
}

/// A warning of a plan or a run.
pub(super) fn of_warning(warning: &Warning) -> Phrase {
    let phrase = match &warning.address {
        Some(address) => Phrase::new().datum(address).own(": "),
        None => Phrase::new(),
    };
    phrase.datum(&warning.message)
}

/// What became of one step: what went wrong, what it waits for, ids, and the command to type.
pub(super) fn of_action(action: &ActionReport) -> Vec<Detail> {
    let mut details = Vec::new();
    if let Some(error) = &action.error {
        details.push(detail("error", Phrase::of_datum(error)));
    }
    if let Some(what) = action.waits() {
        let what = of_owner(Phrase::of_datum(words::cause(what)), &action.labels);
        details.push(detail("waits for", what));
    }
    if let Some(ids) = ids(
        action.order_id.as_ref().map(ToString::to_string),
        action.certificate_id.as_ref().map(ToString::to_string),
        action.request_id.as_ref().map(ToString::to_string),
    ) {
        details.push(detail("at the CA", ids));
    }
    if let Some(collected) = &action.collected {
        details.push(detail("files", Phrase::of_datum(&collected.directory)));
    }
    details.extend(of_waiting_parts(action));
    for pin in &action.revoked {
        let mut phrase = Phrase::of("certificate ").datum(&pin.certificate_id);
        if let Some(serial) = &pin.serial_number {
            phrase = phrase.own(", serial ").datum(serial);
        }
        if !pin.names.is_empty() {
            phrase = phrase.own(", ").list(&pin.names);
        }
        let label = match action.outcome {
            Outcome::Done => "revoked",
            _ => "revokes",
        };
        details.push(detail(label, phrase));
    }
    match action.outcome {
        Outcome::Unknown => {
            let command = |rest: &str| format!("certplan resolve {} {rest}", action.address);
            let id = match (&action.action, &action.order_id) {
                (Action::Order | Action::Renew, Some(id)) => id.to_string(),
                (Action::Order | Action::Renew, None) => "ORDER_ID".to_owned(),
                _ => "REQUEST_ID".to_owned(),
            };
            details.push(detail(
                "if found",
                Phrase::of_datum(command(&format!("--found {id}"))),
            ));
            details.push(detail("if not", Phrase::of_datum(command("--not-placed"))));
        }
        Outcome::Failed => details.push(detail(
            "try again",
            Phrase::of_datum(format_args!("certplan apply --target {}", action.address)),
        )),
        Outcome::Done | Outcome::Waiting | Outcome::Skipped | Outcome::Kept => {}
    }
    details
}

/// The certificates of one revocation that wait, or that an administrator refused: the first ones with their
/// requests, of the others their number.
fn of_waiting_parts(action: &ActionReport) -> Vec<Detail> {
    const SHOWN: usize = 5;
    let parts: Vec<&PartReport> = action
        .parts
        .iter()
        .filter(|_| action.outcome == Outcome::Waiting)
        .filter(|part| part.outcome != Outcome::Done)
        .collect();
    let mut details: Vec<Detail> = parts
        .iter()
        .take(SHOWN)
        .map(|one| {
            let mut phrase = Phrase::of_datum(&one.part);
            if let Some(request) = &one.request_id {
                phrase = phrase.own(", request ").datum(request);
            }
            if let Some(error) = &one.error {
                phrase = phrase.own(": ").datum(error);
            }
            detail("open", phrase)
        })
        .collect();
    let more = parts.len().saturating_sub(SHOWN);
    if more > 0 {
        let words = format!("and {} more", count(more));
        details.push(detail("open", Phrase::of(words)));
    }
    details
}

/// How many requests go, or went, to which account.
pub(super) fn requests(requests: &BTreeMap<AccountName, u32>) -> Phrase {
    if requests.is_empty() {
        return Phrase::of("none");
    }
    requests
        .iter()
        .enumerate()
        .fold(Phrase::new(), |phrase, (index, (account, number))| {
            let phrase = if index > 0 { phrase.own(", ") } else { phrase };
            phrase
                .own(format!("{} to ", count(*number as usize)))
                .datum(account)
        })
}

/// What the plan takes: requests, time, money, funds.
pub(super) fn of_cost(plan: &Plan) -> Vec<Detail> {
    let cost = &plan.cost;
    let mut details = vec![
        detail("API requests", requests(&cost.requests)),
        detail(
            "Time",
            Phrase::of(duration(cost.seconds)).own(" under the rate limits"),
        ),
        detail("Money", price(plan)),
    ];
    details.extend(files::keys(plan).map(|phrase| detail("Keys", phrase)));
    for (account, funds) in &cost.funds {
        let phrase = Phrase::of(money(*funds))
            .own(" ")
            .then(currency(plan))
            .own("to spend in ")
            .datum(account);
        details.push(detail("Funds", phrase));
    }
    details
}

fn currency(plan: &Plan) -> Phrase {
    match &plan.cost.currency {
        Some(currency) => Phrase::of_datum(currency).own(" "),
        None => Phrase::new(),
    }
}

/// `2 × 175.00 = 350.00 USD`, as far as the CA tells.
fn price(plan: &Plan) -> Phrase {
    let bought: Vec<&Step> = plan
        .steps
        .iter()
        .filter(|step| matches!(step.action, Action::Order | Action::Renew))
        .collect();
    if bought.is_empty() {
        return Phrase::of("nothing is bought");
    }
    let Some(sum) = plan.cost.money else {
        return Phrase::of("not told by the CA");
    };
    let mut prices: BTreeMap<Decimal, usize> = BTreeMap::new();
    for price in bought.iter().filter_map(|step| step.price) {
        *prices.entry(price).or_default() += 1;
    }
    let added = prices
        .iter()
        .try_fold(Decimal::ZERO, |sum, (price, number)| {
            price
                .checked_mul(Decimal::from(*number))
                .and_then(|part| sum.checked_add(part))
        });
    let mut phrase = Phrase::new();
    // The products are shown only where they explain the sum.
    if added == Some(sum) && prices.len() <= 4 {
        let parts: Vec<String> = prices
            .iter()
            .map(|(price, number)| format!("{} × {}", count(*number), money(*price)))
            .collect();
        phrase = phrase.own(format!("{} = ", parts.join(" + ")));
    }
    phrase = phrase.own(money(sum));
    if let Some(currency) = &plan.cost.currency {
        phrase = phrase.own(" ").datum(currency);
    }
    if plan.cost.unpriced > 0 {
        phrase = phrase.own(format!(
            ", and {} whose price the CA does not tell",
            counted(plan.cost.unpriced as usize, "order", "orders")
        ));
    }
    phrase
}
