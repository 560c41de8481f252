//! What must hold at the end of every sequence.

use certplan::model::{Ending, Fact, LiveState, OperationKind, Phase, Record, Records};
use serde_json::{Value, json};

use super::play::{Game, Played};
use crate::crash::truth::{facts, order_calls, orders_by_tag};
use crate::rig::Rig;

/// The records that the exported facts add up to, by the protocol itself.
pub(super) fn replay(rig: &Rig) -> Result<Records, String> {
    let mut records = Records::new();
    for fact in exported(rig)? {
        let record = records.entry(fact.address.clone()).or_default();
        *record = record
            .next(&fact)
            .map_err(|illegal| format!("the journal has a fact that cannot be: {illegal}"))?;
    }
    Ok(records)
}

fn exported(rig: &Rig) -> Result<Vec<Fact>, String> {
    let read = |fact: Value| {
        let fact = json!({
            "at": fact["at"], "run": fact["run_id"], "address": fact["address"],
            "account": fact["account"], "body": fact["body"],
        });
        serde_json::from_value(fact.clone()).map_err(|error| format!("{error}: {fact}"))
    };
    // What a journal says of itself is about no item.
    let about_items = |fact: &Value| !fact["address"].is_null();
    facts(rig)
        .into_iter()
        .filter(about_items)
        .map(read)
        .collect()
}

pub(super) fn nothing_is_open(rig: &Rig) -> Result<bool, String> {
    Ok(replay(rig)?.values().all(|record| record.open.is_none()))
}

pub(super) fn check(game: &Game) -> Result<Played, String> {
    let rig = &game.rig;
    let placed = orders_by_tag(rig);
    for (tag, ids) in &placed {
        // What others ordered carries no tag.
        if ids.len() != 1 && !tag.is_empty() {
            return Err(format!("{tag} was bought as {ids:?}"));
        }
    }
    at_rest(rig)?;
    let records = replay(rig)?;
    nothing_is_lost(game, &records)?;
    status_agrees(rig, &records)?;
    let facts = exported(rig)?;
    if !game.forgot {
        one_call_for_each_intent(game, &facts)?;
    }
    revoked_as_meant(game)?;
    let verified = rig.certplan(&["history", "--verify"]);
    if verified.code != Some(0) {
        return Err(format!("history --verify: {}", verified.stderr));
    }
    let doubted = |fact: &&Fact| fact.body.word() == "doubted";
    Ok(Played {
        orders: placed.values().map(Vec::len).sum(),
        doubts: facts.iter().filter(doubted).count(),
    })
}

/// One more run asks for nothing.
fn at_rest(rig: &Rig) -> Result<(), String> {
    let before = rig.changes().len();
    let ended = rig.certplan(&["apply", "--yes"]);
    let asked: Vec<Value> = rig.changes().split_off(before);
    // A rejected order is left to a person with every run.
    if !matches!(ended.code, Some(0 | 3)) || !asked.is_empty() {
        return Err(format!(
            "the last apply: exit {:?}, asked {asked:?}\n{}\n{}",
            ended.code, ended.stdout, ended.stderr
        ));
    }
    Ok(())
}

/// Every entry has its order, and every order that is not over is known under its name.
fn nothing_is_lost(game: &Game, records: &Records) -> Result<(), String> {
    for entry in &game.entries {
        let Some(id) = game.order_of(entry) else {
            return Err(format!("orders.{} was never placed", entry.name));
        };
        let address = format!("orders.{}", entry.name).parse().expect("a name");
        let live = records
            .get(&address)
            .and_then(|record: &Record| record.live.as_ref());
        let known = live.map(|live| live.order_id.to_string());
        if known.as_deref() != Some(&id) {
            return Err(format!(
                "{address} is order {id}, the journal has {known:?}"
            ));
        }
    }
    Ok(())
}

/// `status` shows what the facts add up to.
fn status_agrees(rig: &Rig, records: &Records) -> Result<(), String> {
    let shown = rig.certplan(&["status", "--offline", "--format", "json"]);
    let shown = shown.json();
    for entry in shown["entries"].as_array().expect("entries") {
        let address = entry["address"].as_str().expect("text");
        // A revocation that was done before the state was deleted is not written down again.
        let Some(record) = records.get(&address.parse().expect("a name")) else {
            continue;
        };
        // Of a revocation the journal keeps what was asked for each order; the entry is about one of them.
        if address.starts_with("revocations.") {
            continue;
        }
        let (state, order) = expected(record);
        let told = (entry["state"].as_str(), entry["order_id"].as_str());
        let order = order.or(told.1.map(str::to_owned));
        if told != (Some(state), order.as_deref()) {
            return Err(format!(
                "{address} is {state} and order {order:?} by its facts, and shown as {entry}"
            ));
        }
    }
    Ok(())
}

/// The word and the order that follow from a record.
fn expected(record: &Record) -> (&'static str, Option<String>) {
    let order = record.live.as_ref().map(|live| live.order_id.to_string());
    let state = match (&record.open, &record.live) {
        (Some(open), _) if matches!(open.phase, Phase::Parked { .. }) => "parked",
        (Some(_), _) => "in-doubt",
        (None, Some(live)) => match live.state {
            LiveState::Requested => "pending",
            LiveState::Issued => "issued",
            LiveState::Reissuing => "reissue-pending",
            // Nothing runs out here.
            LiveState::Lapsed => "certificate-revoked",
            LiveState::Ended(Ending::Rejected) => "rejected",
            LiveState::Ended(Ending::Canceled) => "canceled",
            LiveState::Ended(Ending::Revoked) => "revoked",
            LiveState::Ended(Ending::Expired) => "expired",
        },
        (None, None) => "not-ordered",
    };
    (state, order)
}

/// No call without an intent that was written down before it.
fn one_call_for_each_intent(game: &Game, facts: &[Fact]) -> Result<(), String> {
    let twins = game.entries.iter().filter(|entry| entry.twin.is_some());
    let intended = facts.iter().filter(|fact| match &fact.body {
        certplan::model::FactBody::Intended(attempt) => {
            matches!(attempt.kind, OperationKind::Order | OperationKind::Renew)
        }
        _ => false,
    });
    let (calls, intended) = (order_calls(&game.rig) - twins.count(), intended.count());
    if calls > intended {
        return Err(format!("{calls} calls for {intended} intents"));
    }
    Ok(())
}

/// The revocation by id was asked for, where its gate is open. Which orders may die is looked at after each
/// run.
fn revoked_as_meant(game: &Game) -> Result<(), String> {
    let asked = game.rig.effects("revocation_requested");
    let target = json!(game.targets[0]);
    let is_asked = asked.iter().any(|entry| entry["ids"]["order_id"] == target);
    if !is_asked && (!game.gated || game.gate_is_open()) {
        return Err(format!("{target} was never to be revoked: {asked:?}"));
    }
    Ok(())
}
