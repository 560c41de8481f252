//! What a throttle asks of a budget, and what it does without one that works.

use std::collections::VecDeque;

use futures::future::BoxFuture;

use super::*;
use crate::provider::BudgetError;

/// Answers as it is told, or gives slots; notes what it is told.
#[derive(Default)]
struct Scripted {
    answers: Mutex<VecDeque<Result<Duration, BudgetError>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

#[derive(Debug, Clone, PartialEq)]
enum Seen {
    Asked(Vec<RateLimit>, Duration),
    Finished(Spent),
    Paused(Duration),
}

impl Budget for Scripted {
    fn take<'a>(
        &'a self,
        windows: &'a [RateLimit],
        lease: Duration,
    ) -> BoxFuture<'a, Result<Drawn, BudgetError>> {
        Box::pin(async move {
            let mut seen = self.seen.lock().unwrap();
            seen.push(Seen::Asked(windows.to_vec(), lease));
            match self.answers.lock().unwrap().pop_front() {
                Some(Ok(wait)) => Ok(Drawn::Wait(wait)),
                Some(Err(error)) => Err(error),
                None => {
                    let seen = Arc::clone(&self.seen);
                    Ok(Drawn::Slot(BudgetSlot::new(move |spent| {
                        seen.lock().unwrap().push(Seen::Finished(spent));
                    })))
                }
            }
        })
    }

    fn pause(&self, wait: Duration) {
        self.seen.lock().unwrap().push(Seen::Paused(wait));
    }
}

impl Scripted {
    fn answering(answers: Vec<Result<Duration, BudgetError>>) -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::new(answers.into()),
            seen: Arc::default(),
        })
    }

    fn asked(&self) -> usize {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .filter(|seen| matches!(seen, Seen::Asked(..)))
            .count()
    }
}

const MINUTE: Duration = Duration::from_secs(60);

fn limits() -> [RateLimit; 1] {
    [RateLimit {
        requests: 3,
        per: Duration::from_secs(100),
    }]
}

fn throttle(budget: &Arc<Scripted>) -> Throttle {
    let budget = Arc::clone(budget) as Arc<dyn Budget>;
    Throttle::drawing(&limits(), 8, Some(budget), MINUTE)
}

async fn call(throttle: &Throttle) -> Duration {
    let begun = Instant::now();
    throttle.acquire().await.sent();
    begun.elapsed()
}

#[tokio::test(start_paused = true)]
async fn each_slot_is_drawn_under_the_windows_as_they_are_kept_and_its_end_is_told() {
    let budget = Scripted::answering(Vec::new());
    let throttle = throttle(&budget);
    call(&throttle).await;
    drop(throttle.acquire().await);
    let windows = vec![RateLimit {
        requests: 3,
        per: Duration::from_secs(101),
    }];
    let asked = || Seen::Asked(windows.clone(), MINUTE + FRESH);
    assert_eq!(
        *budget.seen.lock().unwrap(),
        [
            asked(),
            Seen::Finished(Spent::Ended),
            asked(),
            Seen::Finished(Spent::Never)
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_budget_says_to_wait_is_waited() {
    let seconds = |seconds| Ok(Duration::from_secs(seconds));
    let budget = Scripted::answering(vec![seconds(7), seconds(2)]);
    let throttle = throttle(&budget);
    assert_eq!(call(&throttle).await.as_secs(), 9);
    assert_eq!(budget.asked(), 3);
    // Nothing is held while it waits.
    assert_eq!(throttle.0.state().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_budget_that_breaks_is_not_asked_again_and_the_own_windows_know_all_calls() {
    let budget = Scripted::answering(Vec::new());
    let throttle = throttle(&budget);
    call(&throttle).await;
    let broken = Err(BudgetError("gone".to_owned()));
    budget.answers.lock().unwrap().push_back(broken);
    for _ in 0..2 {
        assert_eq!(call(&throttle).await, Duration::ZERO);
    }
    assert_eq!(budget.asked(), 2);
    // Three in a hundred seconds: the first of them was the budget's.
    assert_eq!(call(&throttle).await.as_secs(), 101);
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_told_once() {
    let budget = Scripted::answering(Vec::new());
    let throttle = throttle(&budget);
    throttle.slow_down(Some(Duration::from_secs(9)));
    throttle.slow_down(Some(Duration::from_secs(4)));
    throttle.slow_down(None);
    let nine = Seen::Paused(Duration::from_secs(9));
    assert_eq!(*budget.seen.lock().unwrap(), [nine]);
}

#[tokio::test(start_paused = true)]
async fn without_limits_no_budget_is_asked() {
    let budget = Scripted::answering(Vec::new());
    let shared = Arc::clone(&budget) as Arc<dyn Budget>;
    let throttle = Throttle::drawing(&[], 8, Some(shared), MINUTE);
    call(&throttle).await;
    throttle.slow_down(None);
    assert_eq!(*budget.seen.lock().unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_slot_that_lay_too_long_is_drawn_anew() {
    let budget = Scripted::answering(Vec::new());
    let throttle = throttle(&budget);
    let fresh = throttle.fresh(throttle.acquire().await).await;
    assert_eq!(budget.asked(), 1);
    drop(fresh);
    let mut old = throttle.acquire().await;
    if let Some(drawn) = &mut old.drawn {
        // The machine slept for a minute.
        drawn.at = drawn.at.saturating_sub(MINUTE);
    }
    let mut slot = throttle.fresh(old).await;
    assert_eq!(budget.asked(), 3);
    slot.sent();
    drop(slot);
    let ends = [Spent::Never, Spent::Never, Spent::Ended].map(Seen::Finished);
    let seen = budget.seen.lock().unwrap();
    let told: Vec<&Seen> = seen
        .iter()
        .filter(|seen| matches!(seen, Seen::Finished(_)))
        .collect();
    assert_eq!(told, ends.iter().collect::<Vec<_>>());
}

fn wide(budget: &Arc<Scripted>, requests: u32) -> Throttle {
    let limits = [RateLimit {
        requests,
        per: Duration::from_secs(100),
    }];
    let budget = Arc::clone(budget) as Arc<dyn Budget>;
    Throttle::drawing(&limits, 8, Some(budget), MINUTE)
}

#[tokio::test(start_paused = true)]
async fn in_a_wide_window_slots_are_drawn_ahead_and_go_back_unspent() {
    let budget = Scripted::answering(Vec::new());
    let throttle = wide(&budget, 600);
    for _ in 0..3 {
        call(&throttle).await;
    }
    assert_eq!(budget.asked(), 1 + 3);
    drop(throttle);
    let ended = Seen::Finished(Spent::Ended);
    let never = Seen::Finished(Spent::Never);
    let seen = budget.seen.lock().unwrap();
    assert_eq!(seen.iter().filter(|one| **one == ended).count(), 3);
    assert_eq!(seen.iter().filter(|one| **one == never).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn under_the_documented_limits_none_is_drawn_ahead() {
    let budget = Scripted::answering(Vec::new());
    call(&wide(&budget, 100)).await;
    assert_eq!(budget.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_drawn_ahead_and_lay_too_long_is_not_used() {
    let budget = Scripted::answering(Vec::new());
    let throttle = wide(&budget, 200);
    call(&throttle).await;
    assert_eq!(budget.asked(), 2);
    let drawing = throttle.0.drawing.as_ref().unwrap();
    for draw in drawing.ahead().iter_mut() {
        draw.at = draw.at.saturating_sub(MINUTE);
    }
    call(&throttle).await;
    assert_eq!(budget.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_more_is_no_wait_for_the_first() {
    let budget = Scripted::answering(vec![Ok(Duration::from_secs(5))]);
    let throttle = wide(&budget, 600);
    assert_eq!(call(&throttle).await, Duration::ZERO);
    assert_eq!(budget.asked(), 4);
}
