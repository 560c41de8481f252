//! What a throttle asks of a budget, and what it does without one that works.

use std::collections::VecDeque;

use futures::future::BoxFuture;

use crate::provider::throttle::drawing::BEFORE_CALL;
use crate::provider::throttle::*;
use crate::provider::{BudgetError, Drawn};

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
                Some(Ok(wait)) => Ok(Drawn::Wait(wait.into())),
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
async fn each_slot_is_drawn_under_the_windows_as_they_are_padded_and_its_end_is_told() {
    let budget = Scripted::answering(Vec::new());
    let throttle = throttle(&budget);
    call(&throttle).await;
    drop(throttle.acquire().await);
    let windows = vec![RateLimit {
        requests: 3,
        per: Duration::from_secs(101),
    }];
    let asked = || Seen::Asked(windows.clone(), MINUTE + BEFORE_CALL);
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
    assert_eq!(throttle.0.state().held, 0);
}

#[tokio::test(start_paused = true)]
async fn a_budget_that_breaks_is_not_asked_again_and_the_own_windows_know_all_calls() {
    let budget = Scripted::answering(Vec::new());
    let throttle = throttle(&budget);
    call(&throttle).await;
    let broken = Err(BudgetError("gone".to_owned()));
    budget.answers.lock().unwrap().push_back(broken);
    for _ in 0..2 {
        assert_eq!(call(&throttle).await.as_secs(), 0);
    }
    assert_eq!(budget.asked(), 2);
    // Three in a hundred seconds: the first of them was the budget's, a millisecond before the others.
    assert_eq!(call(&throttle).await.as_millis(), 100_999);
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

/// How many slots each draw asked for.
fn draws(budget: &Scripted) -> Vec<usize> {
    let seen = budget.seen.lock().unwrap();
    seen.split(|seen| !matches!(seen, Seen::Asked(..)))
        .map(<[Seen]>::len)
        .filter(|asked| *asked > 0)
        .collect()
}

fn wide(budget: &Arc<Scripted>, requests: u32) -> Throttle {
    let limits = [RateLimit {
        requests,
        per: Duration::from_secs(100),
    }];
    let budget = Arc::clone(budget) as Arc<dyn Budget>;
    Throttle::drawing(&limits, 100, Some(budget), MINUTE)
}

#[tokio::test(start_paused = true)]
async fn the_head_of_the_queue_draws_for_all_who_wait_and_for_nobody_else() {
    let budget = Scripted::answering(Vec::new());
    let throttle = wide(&budget, 100);
    let calls = (0..40).map(|_| call(&throttle));
    futures::future::join_all(calls).await;
    assert_eq!(draws(&budget), [1, 39]);
    call(&throttle).await;
    assert_eq!(budget.asked(), 41);
    drop(throttle.reserve(3).await);
    assert_eq!(budget.asked(), 45);
}

#[tokio::test(start_paused = true)]
async fn no_more_is_drawn_than_the_own_windows_have_room_for() {
    let budget = Scripted::answering(Vec::new());
    let throttle = wide(&budget, 10);
    let calls = (0..40).map(|_| call(&throttle));
    futures::future::join_all(calls).await;
    assert_eq!(budget.asked(), 40);
    assert!(draws(&budget).iter().all(|asked| *asked <= 10));
}

#[tokio::test(start_paused = true)]
async fn what_was_drawn_for_callers_that_gave_up_goes_back() {
    let budget = Scripted::answering(Vec::new());
    let throttle = wide(&budget, 100);
    drop(throttle.acquire().await);
    let mut head = Box::pin(throttle.acquire());
    let mut behind: Vec<_> = (0..5).map(|_| Box::pin(throttle.acquire())).collect();
    // All are in the queue before the head draws.
    assert!(futures::poll!(&mut head).is_pending());
    for one in &mut behind {
        assert!(futures::poll!(one).is_pending());
    }
    let slot = head.await;
    assert_eq!(budget.asked(), 1 + 6);
    drop(behind);
    let given_back = || {
        let seen = budget.seen.lock().unwrap();
        let never = Seen::Finished(Spent::Never);
        seen.iter().filter(|seen| **seen == never).count()
    };
    assert_eq!(given_back(), 1 + 5);
    drop(slot);
    assert_eq!(given_back(), 1 + 6);
    // Nothing is left that somebody else would get.
    drop(throttle.acquire().await);
    assert_eq!(budget.asked(), 1 + 6 + 1);
}
