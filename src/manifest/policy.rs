//! The guard rails: reading them, and joining the manifest's own with those of `--policy FILE`.

use std::time::Duration;

use serde_json::{Map, Value};

use super::error::{Found, Part, Spot};
use super::wording::shown;
use crate::model::{Doubt, DoubtRule, Policy};

/// The longest duration that makes sense in a manifest.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// Reads a policy whose shape was checked. `path` is where it stands in the file.
pub(super) fn policy(
    value: &Map<String, Value>,
    file: usize,
    path: &[&str],
    found: &mut Vec<Found>,
) -> Policy {
    let number = |name: &str| value.get(name).and_then(Value::as_u64);
    let mut doubt = Doubt::default();
    if let Some(Value::Object(written)) = value.get("doubt") {
        if let Some(text) = written.get("quiet_period").and_then(Value::as_str) {
            let mut path = path.to_vec();
            path.extend(["doubt", "quiet_period"]);
            let spot = Spot::member(file, &path, Part::Value);
            match duration("quiet_period", text, spot) {
                Ok(quiet_period) => doubt.quiet_period = quiet_period,
                Err(problem) => found.push(*problem),
            }
        }
        if written.get("then").and_then(Value::as_str) == Some("resend") {
            doubt.then = DoubtRule::Resend;
        }
    }
    Policy {
        max_orders: number("max_orders").and_then(|limit| u32::try_from(limit).ok()),
        max_revocations: number("max_revocations").and_then(|limit| u32::try_from(limit).ok()),
        max_revocation_percent: number("max_revocation_percent")
            .and_then(|percent| u8::try_from(percent).ok()),
        doubt,
    }
}

/// Reads a duration: `5s`, `5m`, `1h 30m`.
pub(super) fn duration(name: &str, text: &str, spot: Spot) -> Result<Duration, Box<Found>> {
    let parsed = text
        .parse::<jiff::SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok());
    let problem = |message: String| {
        Box::new(
            Found::new("bad_duration", message)
                .spot(spot, "not a duration")
                .help("write for example `5s`, `15m` or `1h`"),
        )
    };
    match parsed {
        None => Err(problem(format!(
            "`{name}`: `{}` is not a duration",
            shown(text)
        ))),
        Some(Duration::ZERO) => Err(problem(format!("`{name}` is longer than zero"))),
        Some(long) if long > LONGEST => Err(problem(format!("`{name}` is at most a year"))),
        Some(duration) => Ok(duration),
    }
}

/// Joins two policies so that `inner` can tighten `outer` and never loosen it: the lower of two limits,
/// the longer quiet period, `ask` before `resend`.
pub fn tighten(outer: Policy, inner: Policy) -> Policy {
    fn lower<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
        match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }
    let both_resend =
        outer.doubt.then == DoubtRule::Resend && inner.doubt.then == DoubtRule::Resend;
    Policy {
        max_orders: lower(outer.max_orders, inner.max_orders),
        max_revocations: lower(outer.max_revocations, inner.max_revocations),
        max_revocation_percent: lower(outer.max_revocation_percent, inner.max_revocation_percent),
        doubt: Doubt {
            quiet_period: outer.doubt.quiet_period.max(inner.doubt.quiet_period),
            then: if both_resend {
                DoubtRule::Resend
            } else {
                DoubtRule::Ask
            },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_can_only_be_tightened() {
        let outer = Policy {
            max_orders: Some(10),
            max_revocations: None,
            max_revocation_percent: Some(30),
            doubt: Doubt {
                quiet_period: Duration::from_secs(60),
                then: DoubtRule::Resend,
            },
        };
        let inner = Policy {
            max_orders: Some(20),
            max_revocations: Some(5),
            max_revocation_percent: Some(10),
            doubt: Doubt {
                quiet_period: Duration::from_secs(30),
                then: DoubtRule::Ask,
            },
        };
        let joined = tighten(outer, inner);
        assert_eq!(joined.max_orders, Some(10));
        assert_eq!(joined.max_revocations, Some(5));
        assert_eq!(joined.max_revocation_percent, Some(10));
        assert_eq!(joined.doubt.quiet_period, Duration::from_secs(60));
        assert_eq!(joined.doubt.then, DoubtRule::Ask);
    }

    #[test]
    fn durations_are_longer_than_zero() {
        let spot = || Spot::Bytes {
            file: 0,
            range: 0..0,
        };
        let parse = |text: &str| duration("per", text, spot()).ok();
        assert_eq!(parse("5s"), Some(Duration::from_secs(5)));
        assert_eq!(parse("5m"), Some(Duration::from_secs(300)));
        assert_eq!(parse("1h 30m"), Some(Duration::from_secs(5400)));
        for bad in [
            "",
            "0s",
            "-5s",
            "5",
            "five minutes",
            "99999999999999999999s",
            "100000h",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
