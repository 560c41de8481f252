//! Who may run now. One loop owns the run's state; steps run beside it and report to it.

mod ending;
mod launching;
mod looking;
mod sharing;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use super::breaker::Breaker;
use super::context::{Context, Finished, Halt, Lane, Reach, Run};
use super::event::{ActionReport, Event, Outcome, RunReport};
use super::fold::Fold;
use crate::model::{AccountName, After, Fact, Milestone};
use crate::plan::{Action, Plan, Warning};

use self::sharing::{HEARING, Share};

/// How long calls in flight may take to finish after the first signal.
const GRACE: Duration = Duration::from_secs(30);
/// Facts written in one go for news that the plan brought.
const NEWS_BATCH: usize = 1000;
const FIRST_POLL: Duration = Duration::from_secs(1);
const LAST_POLL: Duration = Duration::from_secs(30);

/// Carries a plan out. Every event goes to `observer`; the report is what they add up to.
pub async fn run(run: Run, observer: &mut (dyn FnMut(&Event) + Send)) -> RunReport {
    let approved = Arc::clone(&run.approved);
    let plan = approved.plan();
    let fold = Fold::new(run.run_id.clone(), plan);
    let context = Arc::new(Context::new(run));
    let mut scheduler = Scheduler::new(&context, plan, fold, observer);
    scheduler.start().await;
    scheduler.work().await;
    scheduler.finish()
}

/// Where a step stands in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Some dependency has not come far enough.
    Blocked,
    /// In its account's queue.
    Ready,
    /// Under way.
    Running,
    /// Told to the observer.
    Told,
}

struct Scheduler<'c, 'o> {
    context: &'c Arc<Context>,
    plan: &'c Plan,
    fold: Fold,
    observer: &'o mut (dyn FnMut(&Event) + Send),
    state: Vec<State>,
    told: Vec<Option<ActionReport>>,
    reached: Vec<Option<Milestone>>,
    missing: Vec<usize>,
    dependents: Vec<Vec<(usize, Milestone)>>,
    ready: BTreeMap<&'c AccountName, VecDeque<usize>>,
    active: BTreeMap<&'c AccountName, usize>,
    watched: BTreeMap<&'c AccountName, BTreeSet<usize>>,
    fresh: bool,
    /// Doubts that a later look at the CA could settle.
    doubts: Vec<usize>,
    breaker: Breaker,
    warnings: Vec<Warning>,
    started: Timestamp,
    share: Share,
}

impl<'c, 'o> Scheduler<'c, 'o> {
    fn new(
        context: &'c Arc<Context>,
        plan: &'c Plan,
        fold: Fold,
        observer: &'o mut (dyn FnMut(&Event) + Send),
    ) -> Self {
        let count = plan.steps.len();
        let mut missing = vec![0; count];
        let mut dependents: Vec<Vec<(usize, Milestone)>> = vec![Vec::new(); count];
        let reached: Vec<Option<Milestone>> = plan.steps.iter().map(|step| step.reached).collect();
        for (position, step) in plan.steps.iter().enumerate() {
            for After { address, until } in &step.after {
                let Some(needed) = context.position(address) else {
                    // A dependency outside the plan was never proved to hold.
                    missing[position] += 1;
                    continue;
                };
                if reached[needed].is_none_or(|reached| reached < *until) {
                    missing[position] += 1;
                    dependents[needed].push((position, *until));
                }
            }
        }
        Self {
            context,
            plan,
            fold,
            observer,
            state: vec![State::Blocked; count],
            told: vec![None; count],
            reached,
            missing,
            dependents,
            ready: BTreeMap::new(),
            active: BTreeMap::new(),
            watched: BTreeMap::new(),
            fresh: false,
            doubts: Vec::new(),
            breaker: Breaker::default(),
            warnings: Vec::new(),
            started: Timestamp::now(),
            share: Share::default(),
        }
    }

    fn emit(&mut self, event: Event) {
        (self.observer)(&event);
        self.fold.add(&event);
    }

    fn lane(&self, account: &AccountName) -> Option<&'c Lane> {
        self.context.run.lanes.get(account)
    }

    /// Writes down what the plan already saw, and tells what needs no call.
    async fn start(&mut self) {
        let steps = self
            .plan
            .steps
            .iter()
            .filter(|step| step.action.is_change())
            .count();
        self.emit(Event::Started {
            run: self.context.run.run_id.clone(),
            plan: self.plan.plan_id,
            at: self.started,
            steps,
        });
        let mut facts: Vec<Fact> = Vec::new();
        for step in self.plan.steps.iter().filter(|_| !self.has_joined()) {
            facts.extend(step.news.iter().map(|body| Fact {
                at: self.started,
                run: self.context.run.run_id.clone(),
                address: step.address.clone(),
                account: step.account.clone(),
                body: body.clone(),
            }));
        }
        while !facts.is_empty() {
            let rest = facts.split_off(facts.len().min(NEWS_BATCH));
            if self.context.append(facts).await.is_err() {
                break;
            }
            facts = rest;
        }
        for (position, step) in self.plan.steps.iter().enumerate() {
            match step.action {
                Action::Keep => self.tell(position, Finished::new(step, Outcome::Kept)),
                Action::Wait => {
                    let mut finished = Finished::waiting(
                        step,
                        step.waits_for
                            .clone()
                            .unwrap_or_else(|| step.reason.clone()),
                    );
                    finished.watch = step.reached.is_some();
                    self.tell(position, finished);
                }
                Action::Adopt => {
                    let finished = match (self.context.closed(step), &step.waits_for) {
                        (Some(why), _) => Finished::failed(step, why),
                        (None, None) => Finished::new(step, Outcome::Done),
                        // Bound, and not issued: it waits like any other order.
                        (None, Some(waits_for)) => {
                            let mut finished = Finished::waiting(step, waits_for.clone());
                            finished.watch = true;
                            finished
                        }
                    };
                    self.tell(position, finished);
                }
                _ if self.missing[position] == 0 => self.queue(position),
                _ => {}
            }
        }
        // Only what this run sends makes a look at the CA worth a request.
        self.fresh = false;
        self.publish().await;
    }

    fn queue(&mut self, position: usize) {
        self.state[position] = State::Ready;
        self.ready
            .entry(&self.plan.steps[position].account)
            .or_default()
            .push_back(position);
    }

    /// Stops new calls of an account, and says so once.
    fn stop_account(&mut self, account: &AccountName, halt: Halt) {
        let why = halt.why.clone();
        if self.context.halt(account, halt) {
            self.emit(Event::Paused {
                account: account.clone(),
                why,
            });
        }
    }

    /// Takes a step's outcome: tells it, frees what depends on it, and minds the breaker.
    fn tell(&mut self, position: usize, mut finished: Finished) {
        let step = &self.plan.steps[position];
        if let Some(halt) = finished.halt.take() {
            self.stop_account(&step.account, halt);
        }
        self.doubts.retain(|&doubt| doubt != position);
        if finished.in_doubt && !finished.for_a_person {
            self.doubts.push(position);
        }
        if let Some(why) = self.breaker.note(&step.account, position, &finished) {
            let reach = Reach::Everything;
            self.stop_account(&step.account, Halt { why, reach });
        }
        let watched = self.watched.entry(&step.account).or_default();
        if finished.watch {
            watched.insert(position);
            self.fresh = true;
        } else {
            watched.remove(&position);
        }
        self.state[position] = State::Told;
        if finished.reached > self.reached[position] {
            self.reached[position] = finished.reached;
            let reached = finished.reached;
            let mut freed = Vec::new();
            self.dependents[position].retain(|&(dependent, until)| {
                let holds = reached.is_some_and(|reached| reached >= until);
                if holds {
                    freed.push(dependent);
                }
                !holds
            });
            for dependent in freed {
                self.missing[dependent] -= 1;
                if self.missing[dependent] == 0 && self.state[dependent] == State::Blocked {
                    self.queue(dependent);
                }
            }
        }
        // A step that waits on as before is no news.
        if self.told[position].as_ref() != Some(&finished.report) {
            self.told[position] = Some(finished.report.clone());
            self.emit(Event::StepFinished(Box::new(finished.report)));
        }
    }

    /// Runs steps until nothing can run, then looks at the CA, until nothing can change any more.
    async fn work(&mut self) {
        let mut running: JoinSet<(usize, Finished)> = JoinSet::new();
        let deadline = Instant::now() + self.context.run.wait;
        let mut pause = FIRST_POLL;
        let mut grace: Option<Instant> = None;
        let mut hearing = self.crew().map(|_| Instant::now());
        loop {
            if hearing.is_some_and(|at| at <= Instant::now()) {
                self.hear().await;
                hearing = Some(Instant::now() + HEARING);
            }
            self.launch(&mut running).await;
            if running.is_empty() {
                if self.context.stopped() || self.context.state_failed() {
                    if grace.is_none() && self.may_go_on(deadline) {
                        self.tell_stop();
                    }
                    break;
                }
                if self.others_work() {
                    tokio::select! {
                        () = sleep_until(hearing) => {}
                        () = self.context.until_stopped() => {}
                    }
                    continue;
                }
                if self.fresh {
                    self.fresh = false;
                    self.look_at_all().await;
                    continue;
                }
                if !self.may_change() || Instant::now() >= deadline {
                    break;
                }
                let left = deadline.saturating_duration_since(Instant::now());
                let waiting =
                    self.watched.values().map(BTreeSet::len).sum::<usize>() + self.doubts.len();
                self.emit(Event::Polling {
                    waiting,
                    seconds_left: left.as_secs(),
                });
                tokio::select! {
                    () = tokio::time::sleep(pause.min(left)) => {}
                    () = self.context.until_stopped() => continue,
                }
                pause = (pause * 2).min(LAST_POLL);
                self.look_at_all().await;
                self.look_at_doubts().await;
                continue;
            }
            let stopping = grace.is_some();
            tokio::select! {
                Some(ended) = running.join_next() => {
                    let (position, finished) = result_of(ended);
                    let account = &self.plan.steps[position].account;
                    if let Some(active) = self.active.get_mut(account) {
                        *active -= 1;
                    }
                    self.tell_others(position, &finished).await;
                    self.tell(position, finished);
                    pause = FIRST_POLL;
                }
                () = self.context.until_stopped(), if !stopping => {
                    grace = Some(Instant::now() + GRACE);
                    self.tell_stop();
                }
                () = sleep_until(grace), if stopping => break,
                () = sleep_until(hearing), if hearing.is_some() => {}
            }
        }
        running.shutdown().await;
    }
}

/// What a step returned. Nobody but the end of the run cancels one, and one that panicked ends the run.
fn result_of<T>(ended: Result<T, JoinError>) -> T {
    match ended {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
