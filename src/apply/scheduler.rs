//! Who may run now. One loop owns the run's state; steps run beside it and report to it.

mod ending;
mod launching;
mod polling;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use super::breaker::Breaker;
use super::context::{AccountStop, Context, Run, RunAccount, Scope};
use super::ended::{Ended, StepEnd};
use super::event::{ActionReport, Event, RunReport};
use super::moving::move_files;
use super::report_builder::ReportBuilder;
use crate::model::{AccountName, After, Fact, FactBody, Milestone};
use crate::plan::{Action, Plan, Step};

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
    let report = ReportBuilder::new(run.run_id.clone(), plan);
    let context = Arc::new(Context::new(run));
    let mut scheduler = Scheduler::new(&context, plan, report, observer);
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
    report: ReportBuilder,
    observer: &'o mut (dyn FnMut(&Event) + Send),
    state: Vec<State>,
    told: Vec<Option<ActionReport>>,
    reached: Vec<Option<Milestone>>,
    missing: Vec<usize>,
    dependents: Vec<Vec<(usize, Milestone)>>,
    ready: BTreeMap<&'c AccountName, VecDeque<usize>>,
    active: BTreeMap<&'c AccountName, usize>,
    watched: BTreeMap<&'c AccountName, BTreeSet<usize>>,
    /// True when a step was taken since the last poll: the CA may show more of it at once.
    poll_due: bool,
    /// Steps whose certificate is issued and not in the files folder yet, with how they ended so far.
    to_collect: VecDeque<(usize, StepEnd)>,
    /// Doubts that a later look at the CA could settle.
    doubts: Vec<usize>,
    breaker: Breaker,
    started: Timestamp,
    begun: Instant,
}

impl<'c, 'o> Scheduler<'c, 'o> {
    fn new(
        context: &'c Arc<Context>,
        plan: &'c Plan,
        report: ReportBuilder,
        observer: &'o mut (dyn FnMut(&Event) + Send),
    ) -> Self {
        let count = plan.steps.len();
        let mut missing = vec![0; count];
        let mut dependents: Vec<Vec<(usize, Milestone)>> = vec![Vec::new(); count];
        let reached: Vec<Option<Milestone>> = plan.steps.iter().map(Step::reached).collect();
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
            report,
            observer,
            state: vec![State::Blocked; count],
            told: vec![None; count],
            reached,
            missing,
            dependents,
            ready: BTreeMap::new(),
            active: BTreeMap::new(),
            watched: BTreeMap::new(),
            poll_due: false,
            to_collect: VecDeque::new(),
            doubts: Vec::new(),
            breaker: Breaker::default(),
            started: context.now(),
            begun: Instant::now(),
        }
    }

    fn emit(&mut self, event: Event) {
        (self.observer)(&event);
        self.report.add(&event);
    }

    fn account(&self, name: &AccountName) -> Option<&'c RunAccount> {
        self.context.run.accounts.get(name)
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
        let not_moved = move_files(self.context).await;
        let mut facts: Vec<Fact> = Vec::new();
        for (position, step) in self.plan.steps.iter().enumerate() {
            // Without its files an entry is not renamed, and what else the plan saw of it waits as well.
            if not_moved.contains_key(&position) {
                continue;
            }
            for body in &step.news {
                if let FactBody::Adopted { order_id, .. } = body {
                    self.context.owners.bind(order_id, &step.address);
                }
            }
            facts.extend(step.news.iter().map(|body| Fact {
                at: self.started,
                run: self.context.run.run_id.clone(),
                address: step.address.clone(),
                account: step.account.clone(),
                body: body.clone(),
            }));
        }
        let mut noted = true;
        while !facts.is_empty() {
            let rest = facts.split_off(facts.len().min(NEWS_BATCH));
            if self.context.append(facts).await.is_err() {
                noted = false;
                break;
            }
            facts = rest;
        }
        if noted {
            for news in &self.plan.news {
                let mut news = news.clone();
                news.at = Some(self.started);
                self.emit(Event::News(Box::new(news)));
            }
        }
        for (position, step) in self.plan.steps.iter().enumerate() {
            match step.action {
                Action::Keep => self.tell(position, StepEnd::kept(step)),
                Action::Wait => {
                    let mut end = StepEnd::standing(step, step.standing.clone());
                    end.ended = Ended::Waiting;
                    self.tell(position, end);
                }
                Action::Adopt => {
                    let end = match (self.context.closed(step), not_moved.get(&position)) {
                        (Some(why), _) => StepEnd::failed(step, why),
                        (None, Some(why)) => {
                            StepEnd::failed(step, format!("its files cannot be moved: {why}"))
                        }
                        (None, None) => StepEnd::adopted(step),
                    };
                    self.tell(position, end);
                }
                // An earlier call is settled whatever comes first.
                Action::Settle => self.queue(position),
                // The order is in force: nothing comes before its files.
                Action::Collect => self.queue(position),
                Action::Order | Action::Renew | Action::Reissue | Action::Revoke => {
                    if self.missing[position] == 0 {
                        self.queue(position);
                    }
                }
            }
        }
        // Only what this run sends makes a poll worth a request.
        self.poll_due = false;
    }

    fn queue(&mut self, position: usize) {
        self.state[position] = State::Ready;
        self.ready
            .entry(&self.plan.steps[position].account)
            .or_default()
            .push_back(position);
    }

    /// Stops new calls of an account, and says so once.
    fn stop_account(&mut self, account: &AccountName, stop: AccountStop) {
        let why = stop.why.clone();
        if self.context.stop_account(account, stop) {
            self.emit(Event::Paused {
                account: account.clone(),
                why,
            });
        }
    }

    /// Takes a step's end: tells it, frees what depends on it, and minds the breaker.
    fn tell(&mut self, position: usize, end: StepEnd) {
        let step = &self.plan.steps[position];
        if let Ended::Failed {
            stop: Some(stop), ..
        } = &end.ended
        {
            self.stop_account(&step.account, stop.clone());
        }
        let was_doubt = self.doubts.contains(&position);
        self.doubts.retain(|&doubt| doubt != position);
        if let Ended::InDoubt {
            for_a_person: false,
            ..
        } = end.ended
        {
            self.doubts.push(position);
        }
        if let Some(why) = self.breaker.note(&step.account, position, &end) {
            let scope = Scope::Everything;
            self.stop_account(&step.account, AccountStop { why, scope });
        }
        let watched = self.watched.entry(&step.account).or_default();
        if end.is_watched() {
            watched.insert(position);
            self.poll_due = true;
        } else {
            watched.remove(&position);
        }
        self.state[position] = State::Told;
        self.free_dependents(position, end.reached());
        if self.is_to_be_collected(step, &end) {
            self.to_collect.push_back((position, end));
            return;
        }
        // A step that waits on as before is no news.
        let report = end.report(step);
        if self.told[position].as_ref() != Some(&report) {
            self.told[position] = Some(report.clone());
            let event = Event::StepFinished(Box::new(report));
            if was_doubt && self.doubts.contains(&position) {
                // The same doubt with less of its quiet period left: for the report alone.
                self.report.add(&event);
            } else {
                self.emit(event);
            }
        }
    }

    /// Frees what waits for an item to have come so far.
    fn free_dependents(&mut self, position: usize, reached: Option<Milestone>) {
        if reached <= self.reached[position] {
            return;
        }
        self.reached[position] = reached;
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

    /// Runs steps until nothing can run, then looks at the CA, until nothing can change any more.
    async fn work(&mut self) {
        let mut running: JoinSet<(usize, StepEnd)> = JoinSet::new();
        let deadline = Instant::now() + self.context.run.wait;
        let mut pause = FIRST_POLL;
        let mut grace: Option<Instant> = None;
        loop {
            self.launch(&mut running);
            if running.is_empty() {
                if self.context.stopped() || self.context.state_failed() {
                    if grace.is_none() && self.may_go_on(deadline) {
                        self.tell_stop();
                    }
                    break;
                }
                if self.poll_due {
                    self.poll_due = false;
                    self.poll_all().await;
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
                    pause: pause.min(left),
                    seconds_left: left.as_secs(),
                    quiet_left: self.quiet_left(),
                });
                tokio::select! {
                    () = tokio::time::sleep(pause.min(left)) => {}
                    () = self.context.until_stopped() => continue,
                }
                pause = (pause * 2).min(LAST_POLL);
                self.poll_all().await;
                self.settle_doubts().await;
                continue;
            }
            let stopping = grace.is_some();
            tokio::select! {
                // A signal first: the step that it cut short may be the last one.
                biased;
                () = self.context.until_stopped(), if !stopping => {
                    grace = Some(Instant::now() + GRACE);
                    self.tell_stop();
                }
                Some(ended) = running.join_next() => {
                    let (position, end) = result_of(ended);
                    let account = &self.plan.steps[position].account;
                    if let Some(active) = self.active.get_mut(account) {
                        *active -= 1;
                    }
                    self.tell(position, end);
                    pause = FIRST_POLL;
                }
                () = sleep_until(grace), if stopping => break,
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
