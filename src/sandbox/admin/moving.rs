//! `POST /sandbox/clock`: the clock of both CAs is moved, and what they do by themselves until then is done.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::done;
use crate::sandbox::answer::{Answer, Effect};
use crate::sandbox::certcentral::automatism;
use crate::sandbox::clock::{date_of, iso8601, start_of};
use crate::sandbox::world::World;

/// `{"advance": "170d"}`, or `{"to": "2027-03-15"}`, a day or a time.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Move {
    advance: Option<String>,
    to: Option<String>,
}

/// What time it is.
pub(super) fn shown(world: &World) -> Value {
    json!({"now": iso8601(world.clock.now()), "ahead_seconds": world.clock.ahead().as_secs()})
}

pub(super) fn move_clock(world: &mut World, asked: &Move) -> Result<Answer, String> {
    let (from, target) = (world.clock.now(), target(world.clock.now(), asked)?);
    let book = &world.certcentral;
    if target < from && !(book.orders.is_empty() && world.ncloud.orders.is_empty()) {
        return Err("the clock goes back only while there is no order".into());
    }
    let (mut tried, mut effects) = (BTreeSet::new(), Vec::new());
    loop {
        let due = automatism::next(world, date_of(target), &tried);
        let Some(first) = due.first() else { break };
        // What should have been done before is done now.
        let then = start_of(first.day).max(world.clock.now());
        world.clock.set(then.min(target));
        for one in due {
            // A refusal, of what the account cannot pay for instance: it is tried again at the next move.
            effects.extend(automatism::act(world, one));
            tried.insert(one);
        }
        world.certcentral.note_statuses();
    }
    world.clock.set(target);
    world.clock_moved = true;
    let mut answer = shown(world);
    answer["acted"] = effects.iter().map(acted).collect();
    let mut answer = done(
        &answer,
        Effect {
            name: "clock_moved",
            ..Effect::NONE
        },
    );
    answer.more_effects = effects;
    Ok(answer)
}

fn acted(effect: &Effect) -> Value {
    json!({
        "effect": effect.name,
        "order_id": effect.order_id.as_ref().and_then(|id| id.parse::<u64>().ok()),
        "certificate_ids": effect.certificate_ids,
    })
}

fn target(now: Timestamp, asked: &Move) -> Result<Timestamp, String> {
    let named = match (&asked.advance, &asked.to) {
        (Some(by), None) => {
            let span = by.parse::<Span>().ok();
            let moved = span.and_then(|span| now.to_zoned(TimeZone::UTC).checked_add(span).ok());
            moved.map(|time| time.timestamp())
        }
        (None, Some(to)) => {
            let day = || to.parse::<Date>().ok().map(start_of);
            to.parse::<Timestamp>().ok().or_else(day)
        }
        _ => return Err("say one of advance and to".into()),
    };
    let wrong = "advance is a time such as \"170d\" or \"12h\", and to a day or a time such as \
                 \"2027-03-15\" or \"2027-03-15T12:00:00Z\"";
    let (first, last) = (jiff::civil::date(2000, 1, 1), jiff::civil::date(2200, 1, 1));
    named
        .filter(|time| (start_of(first)..start_of(last)).contains(time))
        .ok_or_else(|| format!("{wrong}, between 2000 and 2200"))
}
