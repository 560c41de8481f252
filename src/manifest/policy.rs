//! The guard rails: reading them, and joining the manifest's own with those of `--policy FILE`.

use super::raw::{self, Then};
use crate::model::form::{Member, Whole};
use crate::model::{Doubt, DoubtRule, Policy};

/// The guard rails as they were written.
pub(super) fn policy(written: &raw::Policy) -> Policy {
    let mut doubt = Doubt::default();
    if let Some(said) = written.doubt.value() {
        if let Some(quiet_period) = said.quiet_period.value() {
            doubt.quiet_period = quiet_period.0;
        }
        doubt.then = match said.then.value() {
            Some(Then::Resend) => DoubtRule::Resend,
            Some(Then::Ask) | None => DoubtRule::Ask,
        };
    }
    let percent = written.max_revocation_percent.value();
    Policy {
        max_orders: limit(&written.max_orders),
        max_revocations: limit(&written.max_revocations),
        max_reissues: limit(&written.max_reissues),
        max_revocation_percent: percent.and_then(|percent| u8::try_from(percent.0).ok()),
        doubt,
    }
}

fn limit(written: &Member<Whole<0, 4_294_967_295>>) -> Option<u32> {
    let limit = written.value()?;
    u32::try_from(limit.0).ok()
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
        max_reissues: lower(outer.max_reissues, inner.max_reissues),
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
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_policy_can_only_be_tightened() {
        let outer = Policy {
            max_orders: Some(10),
            max_revocations: None,
            max_reissues: Some(3),
            max_revocation_percent: Some(30),
            doubt: Doubt {
                quiet_period: Duration::from_secs(60),
                then: DoubtRule::Resend,
            },
        };
        let inner = Policy {
            max_orders: Some(20),
            max_revocations: Some(5),
            max_reissues: Some(7),
            max_revocation_percent: Some(10),
            doubt: Doubt {
                quiet_period: Duration::from_secs(30),
                then: DoubtRule::Ask,
            },
        };
        let joined = tighten(outer, inner);
        assert_eq!(joined.max_orders, Some(10));
        assert_eq!(joined.max_revocations, Some(5));
        assert_eq!(joined.max_reissues, Some(3));
        assert_eq!(joined.max_revocation_percent, Some(10));
        assert_eq!(joined.doubt.quiet_period, Duration::from_secs(60));
        assert_eq!(joined.doubt.then, DoubtRule::Ask);
    }
}
