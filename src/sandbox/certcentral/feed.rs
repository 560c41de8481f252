//! The feed of orders whose status changed. What is younger than the index lag is left out.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::listing::{brief, listed};
use super::order::Order;
use super::refusal::{Outcome, Refusal};
use crate::sandbox::answer::Answer;
use crate::sandbox::call::Call;
use crate::sandbox::habits;
use crate::sandbox::world::World;

/// `GET /order/certificate/status-changes`.
pub(super) fn status_changes(world: &World, call: &Call) -> Outcome {
    const WEEK: i64 = 604_800;
    let wrong = |name: &str| {
        Refusal::bad(
            format!("invalid_value:{name}"),
            format!("{name} is not valid."),
        )
    };
    let number = |name: &str| match call.parameter(name) {
        None => Ok(None),
        Some(text) => text
            .parse::<u32>()
            .ok()
            .map(i64::from)
            .map(Some)
            .ok_or_else(|| wrong(name)),
    };
    let (minutes, seconds) = (number("minutes")?, number("seconds")?);
    let range = call.parameter("filters[status_last_updated]");
    let (from, to) = match (minutes, seconds, range) {
        (None, None, None) => {
            return Err(Refusal::bad(
                "required_param:minutes",
                "minutes or seconds is required.",
            ));
        }
        (None, None, Some(range)) => {
            let bounds = range
                .split_once("...")
                .and_then(|(from, to)| Some((moment(from, false)?, moment(to, true)?)));
            bounds.ok_or_else(|| wrong("filters[status_last_updated]"))?
        }
        (minutes, seconds, _) => {
            let span = minutes.unwrap_or(0) * 60 + seconds.unwrap_or(0);
            if span > WEEK {
                return Err(Refusal::bad(
                    "time_frame_too_long",
                    "The time frame is longer than a week.",
                ));
            }
            let now = world.clock.now();
            (
                now.checked_sub(SignedDuration::from_secs(span))
                    .unwrap_or(Timestamp::MIN),
                now,
            )
        }
    };
    let listed = listed(world);
    let changed = |order: &&Order| (from..=to).contains(&order.changed) && listed(order);
    let rows: Vec<Value> = world
        .certcentral
        .orders
        .values()
        .filter(changed)
        .map(brief)
        .collect();
    let list = json!({"orders": rows});
    Ok(Answer::json(
        200,
        &habits::feed(&world.settings.habits, list),
    ))
}

/// A bound of a range: a time with its offset, or a time or a day in Mountain Daylight Time, as documented.
fn moment(text: &str, end: bool) -> Option<Timestamp> {
    // A `+` that was not escaped comes as a blank.
    if let Ok(time) = text.replace(' ', "+").parse() {
        return Some(time);
    }
    let time = match text.replace(' ', "T").parse::<DateTime>() {
        Ok(time) if text.len() > 10 => time,
        _ => {
            let day: Date = text.parse().ok()?;
            day.to_datetime(if end { Time::MAX } else { Time::MIN })
        }
    };
    let zone = TimeZone::fixed(Offset::constant(-6));
    time.to_zoned(zone).ok().map(|time| time.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_without_an_offset_are_those_of_mountain_daylight_time() {
        let shown = |text: &str, end: bool| moment(text, end).map(|time| time.to_string());
        let at = |text: &str| Some(text.to_owned());
        assert_eq!(shown("2026-05-06", false), at("2026-05-06T06:00:00Z"));
        assert!(
            shown("2026-05-06", true).is_some_and(|time| time.starts_with("2026-05-07T05:59:59"))
        );
        assert_eq!(
            shown("2026-05-06 01:02:03", false),
            at("2026-05-06T07:02:03Z")
        );
        assert_eq!(
            shown("2026-05-06T01:02:03+00:00", false),
            at("2026-05-06T01:02:03Z")
        );
        assert_eq!(
            shown("2026-05-06T01:02:03 00:00", false),
            at("2026-05-06T01:02:03Z")
        );
        assert_eq!(shown("yesterday", false), None);
    }
}
