//! Whatever several processes do, the budget gives a slot exactly when a plain list of all calls says so.

use proptest::prelude::*;

use super::*;

/// What happens next. Numbers are taken modulo what there is.
#[derive(Debug, Clone)]
enum Step {
    Advance(i64),
    /// One of two askers, each with its own windows.
    Take(usize),
    End(usize),
    GiveBack(usize),
    /// Its process dies: nobody speaks of this slot again.
    Forget(usize),
    Pause(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0i64..400).prop_map(Step::Advance),
        1 => (400i64..5_000).prop_map(Step::Advance),
        12 => (0usize..2).prop_map(Step::Take),
        6 => any::<usize>().prop_map(Step::End),
        1 => any::<usize>().prop_map(Step::GiveBack),
        1 => any::<usize>().prop_map(Step::Forget),
        1 => (0u64..2_000).prop_map(Step::Pause),
    ]
}

/// A slot that was given, as a plain list has it.
#[derive(Debug, Clone, Copy)]
struct Call {
    flight: i64,
    lease_until: i64,
    /// When it ended, as far as somebody said so.
    ended: Option<i64>,
}

impl Call {
    /// From when on it counts as ended, at the earliest.
    fn end(&self) -> i64 {
        self.ended.unwrap_or(self.lease_until)
    }
}

#[derive(Default)]
struct Reference {
    calls: Vec<Call>,
    /// Indices of the slots that somebody still holds.
    held: Vec<usize>,
    paused_until: i64,
    lapsed: bool,
}

impl Reference {
    fn free_at(&self, windows: &[RateLimit], now: i64) -> bool {
        now >= self.paused_until
            && windows.iter().all(|window| {
                let length = i64::try_from(window.per.as_micros()).unwrap();
                let counting = self.calls.iter().filter(|call| call.end() + length > now);
                counting.count() < window.requests as usize
            })
    }

    /// The first moment from `now` on at which a slot is free if nothing else happens.
    fn next_free(&self, windows: &[RateLimit], now: i64) -> i64 {
        let mut moments: Vec<i64> = windows
            .iter()
            .flat_map(|window| {
                let length = i64::try_from(window.per.as_micros()).unwrap();
                self.calls.iter().map(move |call| call.end() + length)
            })
            .chain([now, self.paused_until])
            .filter(|moment| *moment >= now)
            .collect();
        moments.sort_unstable();
        let free = moments
            .into_iter()
            .find(|moment| self.free_at(windows, *moment));
        free.unwrap()
    }

    fn pick(&mut self, number: usize) -> Option<usize> {
        if self.held.is_empty() {
            return None;
        }
        let at = number % self.held.len();
        Some(self.held.swap_remove(at))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn a_slot_is_given_exactly_when_a_list_of_all_calls_says_so(
        steps in prop::collection::vec(step(), 1..250),
        requests in prop::collection::vec(1u32..9, 4),
        lengths in prop::collection::vec(1u64..3_000, 4),
    ) {
        let clock = SetClock::new();
        let mut store = store(&clock);
        let windows = |asker: usize| {
            [2 * asker, 2 * asker + 1].map(|at| limit(requests[at], lengths[at]))
        };
        let mut reference = Reference::default();
        for step in steps {
            let now = clock.now().up;
            let lapse = reference.calls.iter().any(|call| call.ended.is_none() && call.lease_until <= now);
            reference.lapsed |= lapse;
            match step {
                Step::Advance(millis) => clock.advance(millis),
                Step::Take(asker) => {
                    let windows = windows(asker);
                    let free = reference.free_at(&windows, now);
                    match take(&mut store, &windows) {
                        Given::Flight(flight) => {
                            prop_assert!(free, "a slot too many");
                            reference.held.push(reference.calls.len());
                            reference.calls.push(Call {
                                flight,
                                lease_until: now + i64::try_from(LEASE.as_micros()).unwrap(),
                                ended: None,
                            });
                        }
                        Given::Wait(wait) => {
                            // What lapsed is put after what had ended by then: that may be longer.
                            prop_assert!(!free || reference.lapsed, "a slot too few");
                            let wait = i64::try_from(wait.as_micros()).unwrap();
                            let at = reference.next_free(&windows, now);
                            prop_assert!(wait > 0);
                            prop_assert!(
                                reference.lapsed || wait <= (at - now).max(20_000),
                                "sleeps over a free slot"
                            );
                        }
                    }
                }
                Step::End(number) => if let Some(at) = reference.pick(number) {
                    let call = &mut reference.calls[at];
                    end(&mut store, Given::Flight(call.flight));
                    call.ended = Some(now);
                },
                Step::GiveBack(number) => if let Some(at) = reference.pick(number) {
                    let flight = reference.calls[at].flight;
                    let lapsed = reference.calls[at].lease_until <= now;
                    let mut round = store.round().unwrap();
                    round.give_back(Some(flight)).unwrap();
                    round.commit().unwrap();
                    // What counted as ended cannot be taken back.
                    if !lapsed {
                        reference.calls[at].ended = Some(i64::MIN / 2);
                    }
                },
                Step::Forget(number) => {
                    reference.pick(number);
                }
                Step::Pause(millis) => {
                    let mut round = store.round().unwrap();
                    round.pause(Duration::from_millis(millis)).unwrap();
                    round.commit().unwrap();
                    let until = now + i64::try_from(millis).unwrap() * 1000;
                    reference.paused_until = reference.paused_until.max(until);
                }
            }
        }
    }
}
