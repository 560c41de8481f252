//! The breaker: when an account's CA loses answers or fails again and again, nothing new is sent to it.
//! A sick API must not turn 200 orders into 200 doubts. Each account has its own.

use std::collections::{BTreeMap, BTreeSet};

use super::ended::{Ended, StepEnd};
use crate::model::AccountName;

/// Unsettled doubts of one run after which nothing new is sent. What earlier runs left open does not
/// count: it must not hold up work that has nothing to do with it.
const DOUBT_LIMIT: usize = 3;
/// Errors of the CA in a row after which nothing new is sent.
const SERVER_ERROR_LIMIT: u32 = 5;

#[derive(Default)]
struct Trouble {
    unsettled: BTreeSet<usize>,
    server_errors: u32,
}

/// The trouble that each account had in this run.
#[derive(Default)]
pub(super) struct Breaker {
    accounts: BTreeMap<AccountName, Trouble>,
}

impl Breaker {
    /// Records a step's outcome. Returns the reason if the account must stop now.
    pub(super) fn note(
        &mut self,
        account: &AccountName,
        position: usize,
        end: &StepEnd,
    ) -> Option<String> {
        let trouble = self.accounts.entry(account.clone()).or_default();
        match end.ended {
            Ended::InDoubt { lost: true, .. } => {
                trouble.unsettled.insert(position);
            }
            Ended::InDoubt { lost: false, .. } => {}
            Ended::Kept
            | Ended::Done
            | Ended::Waiting
            | Ended::Failed { .. }
            | Ended::Skipped { .. } => {
                trouble.unsettled.remove(&position);
            }
        }
        if end.server_error {
            trouble.server_errors += 1;
        } else if matches!(end.ended, Ended::Done | Ended::Waiting) {
            trouble.server_errors = 0;
        }
        let (doubts, errors) = (trouble.unsettled.len(), trouble.server_errors);
        (doubts >= DOUBT_LIMIT || errors >= SERVER_ERROR_LIMIT).then(|| {
            format!(
                "account `{account}` was stopped: {doubts} outcomes are unknown and the CA failed {errors} times in a row"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Cause, Standing};
    use crate::plan::tests::testing::order_step;

    fn lost(name: &str) -> StepEnd {
        StepEnd::in_doubt(&order_step(name), "not found").lost("no answer")
    }

    fn taken(name: &str) -> StepEnd {
        let waits = Cause::Pending { request: None };
        StepEnd::standing(&order_step(name), Standing::Requested { waits })
    }

    fn accounts() -> (AccountName, AccountName) {
        ("one".parse().unwrap(), "two".parse().unwrap())
    }

    #[test]
    fn three_unsettled_doubts_of_one_account_open_it_and_no_other() {
        let (one, two) = accounts();
        let mut breaker = Breaker::default();
        assert_eq!(breaker.note(&one, 0, &lost("a")), None);
        assert_eq!(breaker.note(&two, 1, &lost("b")), None);
        assert_eq!(breaker.note(&one, 2, &lost("c")), None);
        assert_eq!(breaker.note(&two, 3, &lost("d")), None);
        assert!(breaker.note(&one, 4, &lost("e")).is_some());
        assert_eq!(breaker.note(&two, 5, &taken("f")), None);
    }

    #[test]
    fn a_settled_doubt_and_an_old_one_do_not_count() {
        let (one, _) = accounts();
        let mut breaker = Breaker::default();
        for (position, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
            assert_eq!(breaker.note(&one, position, &lost(name)), None, "{name}");
            assert_eq!(breaker.note(&one, position, &taken(name)), None, "{name}");
        }
        for position in 10..20 {
            let old = StepEnd::in_doubt(&order_step("old"), "from an earlier run");
            assert_eq!(breaker.note(&one, position, &old), None);
        }
    }

    #[test]
    fn five_errors_of_the_ca_in_a_row_open_it() {
        let (one, _) = accounts();
        let mut breaker = Breaker::default();
        let failed = taken("a").after_server_error(true);
        for _ in 0..4 {
            assert_eq!(breaker.note(&one, 0, &failed), None);
        }
        assert_eq!(breaker.note(&one, 0, &taken("a")), None);
        for _ in 0..4 {
            assert_eq!(breaker.note(&one, 0, &failed), None);
        }
        assert!(breaker.note(&one, 0, &failed).is_some());
    }
}
