//! `POST /sandbox/options`: what can be changed while the sandbox runs.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::done;
use crate::sandbox::answer::{Answer, Effect};
use crate::sandbox::contrary::Contrary;
use crate::sandbox::habits::Habits;
use crate::sandbox::world::{ReissueGain, Validation, World};
use crate::sandbox::{Approval, RateLimits};

/// `rate_limits`: `"documented"`, `"off"`, or a list of `{"requests", "per_ms"}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Changes {
    approval: Option<Approval>,
    validation: Option<Validation>,
    /// Whether a reissue lives longer than what it replaces.
    reissue_gain: Option<ReissueGain>,
    /// What the account may spend in all, `"100.00"`; an order that it does not cover is refused.
    funds: Option<String>,
    index_lag_ms: Option<u64>,
    ncloud_revoke_delay_ms: Option<u64>,
    rate_limits: Option<Limits>,
    /// Replaces all habits; those not named are the default ones.
    habits: Option<Habits>,
    /// Replaces what is contrary to what clients assume, by the words of `doctor --assumptions`.
    contrary: Option<Vec<Contrary>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum NamedLimits {
    Documented,
    Off,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Limits {
    Named(NamedLimits),
    Custom(Vec<Limit>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limit {
    requests: u32,
    per_ms: u64,
}

/// `100.00` in cents.
fn cents(text: &str) -> Option<u64> {
    let (units, cents) = text.split_once('.').unwrap_or((text, "00"));
    let digits = cents.len() == 2 && cents.bytes().all(|byte| byte.is_ascii_digit());
    let units: u64 = units.parse().ok()?;
    units
        .checked_mul(100)?
        .checked_add(cents.parse().ok().filter(|_| digits)?)
}

pub(super) fn change(world: &mut World, changes: Changes) -> Result<Answer, String> {
    let settings = &mut world.settings;
    if let Some(funds) = &changes.funds {
        let cents = cents(funds).ok_or("funds is an amount such as \"100.00\"")?;
        settings.funds_cents = Some(cents);
    }
    if let Some(validation) = changes.validation {
        settings.validation = validation;
    }
    if let Some(gain) = changes.reissue_gain {
        settings.reissue_gain = gain;
    }
    if let Some(approval) = changes.approval {
        settings.approval = approval;
    }
    if let Some(ms) = changes.index_lag_ms {
        settings.index_lag = Duration::from_millis(ms);
    }
    if let Some(ms) = changes.ncloud_revoke_delay_ms {
        settings.ncloud_revoke_delay = Duration::from_millis(ms);
    }
    if let Some(habits) = changes.habits {
        settings.habits = habits;
    }
    if let Some(contrary) = changes.contrary {
        settings.contrary = contrary;
    }
    if let Some(limits) = changes.rate_limits {
        let limits = match limits {
            Limits::Named(NamedLimits::Documented) => RateLimits::Documented,
            Limits::Named(NamedLimits::Off) => RateLimits::Off,
            Limits::Custom(limits) => RateLimits::Custom(
                limits
                    .iter()
                    .map(|limit| (limit.requests, Duration::from_millis(limit.per_ms)))
                    .collect(),
            ),
        };
        settings.limits = limits.windows();
    }
    Ok(done(
        &json!({}),
        Effect {
            name: "options_changed",
            ..Effect::NONE
        },
    ))
}
