//! The sandbox's own endpoints under `/sandbox`: decide, change things behind the client's back, break things,
//! look at the ledger. No key is asked for; they exist on loopback only.

mod editing;
mod moving;
mod options;
mod seeding;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::answer::{Answer, Effect};
use super::call::{Call, Provider};
use super::certcentral::order::{Order, RequestStatus};
use super::certcentral::refusal::Refusal;
use super::certcentral::{carrying_out, decisions};
use super::faults::Rule;
use super::inner::Inner;
use super::world::World;

pub(super) fn handle(inner: &mut Inner, call: &Call) -> Answer {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let outcome = match (call.method.as_str(), segments.as_slice()) {
        ("GET", ["ledger"]) => ledger(inner, call),
        ("GET", ["state"]) => Ok(Answer::json(200, &state(inner))),
        ("GET", ["faults"]) => Ok(Answer::json(200, &json!(inner.script.rules()))),
        ("POST", ["faults"]) => read(call).map(|script| replace_faults(inner, script)),
        ("DELETE", ["faults"]) => Ok(replace_faults(inner, FaultScript::Rules(Vec::new()))),
        ("POST", ["seed"]) => read(call).and_then(|asked| seeding::seed(&mut inner.world, asked)),
        ("POST", ["approve"]) => {
            read(call).and_then(|asked| decide(&mut inner.world, &asked, Verdict::Approve))
        }
        ("POST", ["reject"]) => {
            read(call).and_then(|asked| decide(&mut inner.world, &asked, Verdict::Reject))
        }
        ("POST", ["revoke"]) => read(call).and_then(|asked| revoke(&mut inner.world, &asked)),
        ("POST", ["cancel"]) => read(call).and_then(|asked| cancel(&mut inner.world, &asked)),
        ("POST", ["validate"]) => read(call).and_then(|asked| validate(&mut inner.world, &asked)),
        ("POST", ["edit"]) => read(call).and_then(|asked| editing::edit(&mut inner.world, asked)),
        ("GET", ["clock"]) => Ok(Answer::json(200, &moving::shown(&inner.world))),
        ("POST", ["clock"]) => {
            read(call).and_then(|asked| moving::move_clock(&mut inner.world, &asked))
        }
        ("GET", ["assumptions"]) => Ok(Answer::json(200, &json!(super::ASSUMPTIONS))),
        ("POST", ["options"]) => {
            read(call).and_then(|asked| options::change(&mut inner.world, asked))
        }
        _ => return Answer::json(404, &json!({"error": "the sandbox has no such endpoint"})),
    };
    outcome.unwrap_or_else(|message| Answer::refused(&message))
}

fn read<T: DeserializeOwned>(call: &Call) -> Result<T, String> {
    serde_json::from_slice(&call.body)
        .map_err(|error| format!("the body is not what this endpoint takes: {error}"))
}

fn done(members: &Value, effect: Effect) -> Answer {
    Answer::json(200, members).with_effect(effect)
}

/// `GET /sandbox/ledger[?after=SEQ]`.
fn ledger(inner: &Inner, call: &Call) -> Result<Answer, String> {
    let after = call.parameter("after").map_or(Ok(0), str::parse::<u64>);
    let after = after.map_err(|_| "after is not a number".to_owned())?;
    let entries = &inner.ledger.entries;
    let entries = &entries[entries.partition_point(|entry| entry.seq <= after)..];
    Ok(Answer::text(
        200,
        "application/json",
        serde_json::to_vec(entries).map_err(|error| error.to_string())?,
    ))
}

fn state(inner: &Inner) -> Value {
    let world = &inner.world;
    let mut orders: BTreeMap<&str, u64> = BTreeMap::new();
    for order in world.certcentral.orders.values() {
        *orders.entry(order.status.name()).or_default() += 1;
    }
    let mut ncloud: BTreeMap<&str, u64> = BTreeMap::new();
    let now = world.clock.now();
    for order in world.ncloud.orders.values() {
        for certificate in &order.certificates {
            let (code, _) = certificate.status(order.subscription_years, now);
            *ncloud.entry(code).or_default() += 1;
        }
    }
    let pending = |status: &&RequestStatus| **status == RequestStatus::Pending;
    let requests = world.certcentral.requests.values();
    let counters = &inner.counters;
    let peaks: BTreeMap<&str, usize> = counters
        .peaks
        .iter()
        .map(|(name, peak)| (*name, peak.highest))
        .collect();
    json!({
        "orders": orders,
        "certificates": world.certcentral.order_of.len(),
        "requests_pending": requests.map(|request| &request.status).filter(pending).count(),
        "ncloud_orders": world.ncloud.orders.len(),
        "ncloud_certificates": ncloud,
        "requests_seen": counters.requests,
        "rate_limited": counters.rate_limited,
        "max_requests_in_5s": counters.peak.highest,
        "max_requests_in_5s_by_provider": peaks,
        "ledger_entries": inner.ledger.entries.len(),
        "approval": world.settings.approval,
        "habits": world.settings.habits,
        "index_lag_ms": u64::try_from(world.settings.index_lag.as_millis()).unwrap_or(u64::MAX),
        "seed": world.seed,
        "clock": moving::shown(world),
    })
}

/// A list of rules, or an object that names the seed of their draws too.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum FaultScript {
    Rules(Vec<Rule>),
    Seeded { rules: Vec<Rule>, seed: u64 },
}

fn replace_faults(inner: &mut Inner, script: FaultScript) -> Answer {
    let (rules, seed) = match script {
        FaultScript::Rules(rules) => (rules, inner.world.seed),
        FaultScript::Seeded { rules, seed } => (rules, seed),
    };
    let count = rules.len();
    inner.script.replace(rules, seed);
    done(
        &json!({"rules": count, "seed": seed}),
        Effect {
            name: "faults_replaced",
            ..Effect::NONE
        },
    )
}

/// `{"request_id": N}`, `{"order_id": N}` (every pending request of it) or `{"all": true}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Requests {
    request_id: Option<u64>,
    order_id: Option<u64>,
    #[serde(default)]
    all: bool,
    comment: Option<String>,
}

#[derive(Clone, Copy, Debug)]
enum Verdict {
    Approve,
    Reject,
}

/// Decides requests. With `"all": true` every person does their part: recipients pick up what waits for them.
fn decide(world: &mut World, asked: &Requests, verdict: Verdict) -> Result<Answer, String> {
    let picked_up = asked.all && matches!(verdict, Verdict::Approve);
    let answer = decide_requests(world, asked, verdict)?;
    if picked_up {
        carrying_out::pick_up_all(world).map_err(|refusal| refusal.text())?;
    }
    Ok(answer)
}

fn decide_requests(
    world: &mut World,
    asked: &Requests,
    verdict: Verdict,
) -> Result<Answer, String> {
    let pending = world
        .certcentral
        .requests
        .values()
        .filter(|request| request.status == RequestStatus::Pending);
    let ids: Vec<u64> = match (asked.request_id, asked.order_id, asked.all) {
        (Some(id), None, false) => vec![id],
        (None, Some(order), false) => pending
            .filter(|one| one.order_id == order)
            .map(|one| one.id)
            .collect(),
        (None, None, true) => pending.map(|one| one.id).collect(),
        _ => return Err("say one of request_id, order_id and \"all\": true".into()),
    };
    let mut decide_one = |id: u64| {
        let comment = asked.comment.clone();
        match verdict {
            Verdict::Approve => decisions::approve(world, id, comment),
            Verdict::Reject => decisions::reject(world, id, comment),
        }
    };
    if let [id] = ids.as_slice() {
        let effect = decide_one(*id).map_err(|refusal| refusal.text())?;
        return Ok(done(&json!({"request_ids": ids}), effect));
    }
    let (mut decided, mut failed, mut effects) = (Vec::new(), Vec::new(), Vec::new());
    for id in ids {
        match decide_one(id) {
            Ok(effect) => {
                decided.push(id);
                effects.push(effect);
            }
            Err(refusal) => failed.push(json!({"request_id": id, "error": refusal.text()})),
        }
    }
    let effect = Effect {
        name: if decided.is_empty() {
            "none"
        } else {
            "requests_decided"
        },
        ..Effect::NONE
    };
    let mut answer = done(&json!({"request_ids": decided, "failed": failed}), effect);
    answer.more_effects = effects;
    Ok(answer)
}

/// A revocation or cancellation that did not come through the API. Ids may be strings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Outside {
    #[serde(default)]
    provider: Option<Provider>,
    order_id: Option<Value>,
    certificate_id: Option<Value>,
}

fn text(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

fn revoke(world: &mut World, asked: &Outside) -> Result<Answer, String> {
    let refused = |refusal: Refusal| refusal.text();
    if asked.provider == Some(Provider::Ncloud) {
        return revoke_ncloud(world, asked);
    }
    let (effect, certificates) = match (&asked.order_id, &asked.certificate_id) {
        (Some(order), None) => {
            let id = world
                .certcentral
                .find_order(&text(order))
                .map_err(refused)?;
            (
                Effect::on_order("order_revoked", id),
                carrying_out::revoke_order(world, id).map_err(refused)?,
            )
        }
        (None, Some(certificate)) => {
            let (order, id) = world
                .certcentral
                .find_certificate(&text(certificate))
                .map_err(refused)?;
            let revoked = carrying_out::revoke_certificate(world, order, id).map_err(refused)?;
            (Effect::on_order("certificate_revoked", order), revoked)
        }
        _ => return Err("say order_id or certificate_id".into()),
    };
    let members = json!({"certificate_ids": certificates});
    Ok(done(
        &members,
        Effect {
            certificate_ids: certificates,
            ..effect
        },
    ))
}

/// An ncloud order, or one certificate of it; in force at once.
fn revoke_ncloud(world: &mut World, asked: &Outside) -> Result<Answer, String> {
    let Some(order_id) = asked.order_id.as_ref().map(text) else {
        return Err("say order_id".into());
    };
    let number = asked.certificate_id.as_ref().map(text);
    let now = world.clock.now();
    let order = world
        .ncloud
        .change(&order_id)
        .ok_or("there is no such order")?;
    let mut revoked = Vec::new();
    for certificate in &mut order.certificates {
        if number
            .as_ref()
            .is_none_or(|number| *number == certificate.number.to_string())
        {
            certificate.revoke("unspecified", now, Duration::ZERO);
            revoked.push(certificate.number);
        }
    }
    let effect = Effect {
        certificate_ids: revoked.clone(),
        ..Effect::on_order("order_revoked", order_id)
    };
    Ok(done(&json!({"certificate_ids": revoked}), effect))
}

/// `{"order_id": N}` or `{"all": true}`: whoever has to show control of domains and mailboxes has done it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Validated {
    order_id: Option<u64>,
    #[serde(default)]
    all: bool,
}

fn validate(world: &mut World, asked: &Validated) -> Result<Answer, String> {
    let open = |order: &&Order| order.open_validation.is_some();
    let ids: Vec<u64> = match (asked.order_id, asked.all) {
        (Some(id), false) => vec![id],
        (None, true) => {
            let orders = world.certcentral.orders.values().filter(open);
            orders.map(|order| order.id).collect()
        }
        _ => return Err("say one of order_id and \"all\": true".into()),
    };
    let mut effects = Vec::new();
    for id in &ids {
        effects
            .push(carrying_out::complete_validation(world, *id).map_err(|refusal| refusal.text())?);
    }
    let mut answer = done(
        &json!({"order_ids": ids}),
        effects.pop().unwrap_or(Effect::NONE),
    );
    answer.more_effects = effects;
    Ok(answer)
}

fn cancel(world: &mut World, asked: &Outside) -> Result<Answer, String> {
    let Some(order) = &asked.order_id else {
        return Err("say order_id".into());
    };
    let id = world
        .certcentral
        .find_order(&text(order))
        .map_err(|refusal| refusal.text())?;
    let order = world
        .certcentral
        .change(id)
        .map_err(|refusal| refusal.text())?;
    order.status = super::certcentral::order::OrderStatus::Canceled;
    Ok(done(
        &json!({"order_id": id}),
        Effect::on_order("order_canceled", id),
    ))
}
