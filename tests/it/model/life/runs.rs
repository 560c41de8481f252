//! What a run does, as apply does it: it plans with the real [`Plan::build`], writes down what the plan saw,
//! and carries the steps out one by one. The CA and people may act between any two of these.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use certplan::model::{
    Address, Attempt, Change, Digest, FactBody, Milestone, Observed, Record, Records, Standing,
};
use certplan::plan::{
    Action, Allowance, Inputs, Knowledge, Moves, Plan, PlannedState, Step, questions,
};
use jiff::Timestamp;
use jiff::civil::{Date, date};

use super::ca::{self, CaOrder, Maker, Orders};
use super::manifest::{ENDPOINT, Manifest, account, leak, leaked, place_of, shop, store, tag};
use super::state::{Reached, Run, State};
use super::{Item, Life, promises};
use crate::model::books::Number;

/// The day of the model.
pub(super) const TODAY: Date = date(1970, 1, 1);

/// What a plan depends on here.
type Key = (Orders, Manifest, Number, Number, [bool; 2], bool);

/// The plans that came up so far.
#[derive(Default)]
pub(super) struct Plans {
    steps: Vec<Rc<[Step]>>,
    of_digest: HashMap<Digest, usize>,
    of_key: HashMap<Key, usize>,
}

impl Life {
    /// The steps of a plan.
    pub(super) fn steps(&self, plan: usize) -> Rc<[Step]> {
        Rc::clone(&self.plans.borrow().steps[plan])
    }

    /// The record of an item.
    pub(super) fn record(&self, state: &State, item: Item) -> Record {
        let number = match item {
            Item::Shop => state.shop,
            Item::Leak => state.leak,
        };
        self.books.borrow().record(number).clone()
    }

    /// Writes facts, each after the other.
    pub(super) fn write(&self, state: &mut State, item: Item, facts: Vec<FactBody>) {
        let renamed = state.manifest.renamed;
        for fact in facts {
            let (address, number) = match item {
                Item::Shop => (state.manifest.shop(), &mut state.shop),
                Item::Leak => (state.manifest.leak(), &mut state.leak),
            };
            let moved = &mut state.moved[item as usize];
            if let FactBody::Moved { from } = &fact {
                let was = std::mem::replace(moved, true);
                *number = self.books.borrow_mut().moved((from, &address), *number);
                state.must(renamed && !was, promises::LEGAL);
                continue;
            }
            // Under the later name nothing is known before the record has moved.
            if *number == 0 {
                *moved = renamed;
            }
            if *moved != renamed {
                state.must(false, promises::LEGAL);
                return;
            }
            let next =
                self.books
                    .borrow_mut()
                    .next(&address, *number, (Timestamp::UNIX_EPOCH, fact));
            match next {
                Ok(next) => *number = next,
                Err(illegal) => {
                    let why = illegal.why;
                    state.must(false, promises::LEGAL);
                    state.must(false, why);
                }
            }
        }
    }

    /// The plan that a run would make now, by its number.
    pub(super) fn plan(&self, state: &State) -> usize {
        let key = (
            state.orders.clone(),
            state.manifest.clone(),
            state.shop,
            state.leak,
            state.moved,
            state.forgot,
        );
        if let Some(known) = self.plans.borrow().of_key.get(&key) {
            return *known;
        }
        let steps = self.build(state);
        let digest = Digest::of_json(&steps);
        let mut plans = self.plans.borrow_mut();
        let Plans {
            steps: all,
            of_digest,
            of_key,
        } = &mut *plans;
        let number = *of_digest.entry(digest).or_insert_with(|| {
            all.push(steps.into());
            all.len() - 1
        });
        of_key.insert(key, number);
        number
    }

    fn build(&self, state: &State) -> Vec<Step> {
        let at = match state.manifest.leak.as_ref().map(|leak| leak.target) {
            Some(super::manifest::Aim::Id(at)) => usize::from(at),
            _ => 0,
        };
        let certificate = ca::certificate_id(at, 0)
            .as_str()
            .parse()
            .expect("a number");
        let mut batch = state.manifest.batch(certificate);
        if self.rules.forgets_names {
            // Nor does the manifest say it any more: the line is taken out once it has done its work.
            let [shop_moved, leak_moved] = state.moved;
            batch.moved.retain(|line| match line.to == store() {
                true => !shop_moved,
                false => !leak_moved,
            });
        }
        let endpoints = BTreeMap::from([(account(), ENDPOINT.to_owned())]);
        let mut records = self.records(state);
        let mut moves = Moves::begin(&batch, &mut records);
        let tag = |_: &certplan::model::Item, name: &Address, attempt: &Attempt| {
            let generation = u8::try_from(attempt.generation).expect("few");
            Some(tag(generation, *name == store()))
        };
        let mut observed = ca::lists(&state.orders);
        // The rounds of the real reading.
        for _ in 0..6 {
            let shown = self.shown(&observed);
            moves.check(&batch, &shown, &tag, &mut records);
            let asked =
                questions(&self.inputs(state, (&batch, &records, &moves, &endpoints), &shown));
            let Some(asked) = asked.get(&account()) else {
                break;
            };
            let known = observed.accounts.get_mut(&account()).expect("the account");
            ca::answer(&state.orders, asked, known);
        }
        let shown = self.shown(&observed);
        moves.check(&batch, &shown, &tag, &mut records);
        Plan::build(&self.inputs(state, (&batch, &records, &moves, &endpoints), &shown)).steps
    }

    fn inputs<'a>(
        &self,
        state: &State,
        (batch, records, moves, endpoints): (
            &'a certplan::model::Batch,
            &'a Records,
            &'a Moves,
            &'a BTreeMap<certplan::model::AccountName, String>,
        ),
        observed: &'a Observed,
    ) -> Inputs<'a> {
        Inputs {
            pace: Default::default(),
            folder: None,
            rekey: &[],
            batch,
            records,
            moves,
            knowledge: if state.forgot {
                Knowledge::Lacks
            } else {
                Knowledge::Whole
            },
            state: PlannedState {
                lineage: String::new(),
                serial: 0,
            },
            observed,
            offline: false,
            endpoints,
            now: Timestamp::UNIX_EPOCH,
            targets: &[],
            policy: batch.policy.clone(),
            allowance: Allowance::default(),
            preview: &|_, _| Vec::new(),
        }
    }

    /// The records, as the rules of this variant show them to a plan.
    fn records(&self, state: &State) -> Records {
        let mut records = Records::new();
        let [shop_moved, leak_moved] = state.moved;
        let shop = if shop_moved { store() } else { shop() };
        let leak = if leak_moved { leaked() } else { leak() };
        for (item, address) in [(Item::Shop, shop), (Item::Leak, leak)] {
            let mut record = self.record(state, item);
            if self.rules.forgets_names {
                record.former_names.clear();
            }
            if record == Record::default() {
                continue;
            }
            if self.rules.forgets_reissues
                && let Some(live) = &mut record.live
                && live.change.take().is_some()
            {
                live.state = certplan::model::LiveState::Issued;
            }
            if self.rules.parts_by_name {
                let mut all = certplan::model::RequestedParts::default();
                for one in record.revocations.values() {
                    all.parts.extend(one.parts.clone());
                    all.generation = all.generation.max(one.generation);
                }
                for at in 0..u8::try_from(state.orders.len()).expect("few orders") {
                    let id = super::manifest::order_id(at);
                    record.revocations.insert(id, all.clone());
                }
            }
            records.insert(address, record);
        }
        records
    }

    /// What the CA shows, as the rules of this variant read it.
    fn shown(&self, observed: &Observed) -> Observed {
        let mut observed = observed.clone();
        for account in observed.accounts.values_mut() {
            let read = account.details.values_mut().flatten();
            for order in account.orders.values_mut().chain(read) {
                if self.rules.gates_by_status {
                    order.certificate_revoked = false;
                    order.valid_till = None;
                }
                if self.rules.sees_no_twins {
                    order.common_name = None;
                    order.names.clear();
                }
                if self.rules.looks_nothing_up {
                    order.tag = None;
                }
            }
            if self.rules.looks_nothing_up {
                account
                    .tags
                    .values_mut()
                    .for_each(|hits| hits.orders.clear());
            }
        }
        observed
    }

    /// The order that `shop` stands for by the journal.
    pub(super) fn bound<'s>(&self, state: &'s State) -> Option<(usize, &'s CaOrder)> {
        let live = self.record(state, Item::Shop).live?;
        let at = place_of(&live.order_id);
        Some((at, &state.orders[at]))
    }

    /// True when `shop` has a certificate in force, and it is what the entry asks for.
    pub(super) fn is_good(&self, state: &State) -> bool {
        self.bound(state).is_some_and(|(_, order)| {
            let asked = order.primary().map(|one| one.key) == Some(state.manifest.key);
            order.in_force() && !order.reissue_waits() && asked
        })
    }

    /// Plans, and writes down what the plan saw. A plan with nothing to do is carried out by that.
    pub(super) fn begin(&self, state: &State) -> State {
        let mut next = state.clone();
        let number = self.plan(state);
        let steps = self.steps(number);
        next.forgot = false;
        self.pin(&mut next);
        for step in steps.iter() {
            let mut news = step.news.clone();
            if self.rules.follows_the_name {
                news.retain(|fact| !matches!(fact, FactBody::Targeted { .. }));
            }
            self.write(&mut next, Item::of(step), news);
        }
        let good = self.is_good(&next);
        for step in steps.iter() {
            match Item::of(step) {
                Item::Shop => {
                    let issued = step.reached() == Some(Milestone::Issued);
                    next.must(!issued || good, promises::IN_FORCE);
                }
                Item::Leak => self.promise_of_leak(&mut next, step),
            }
        }
        let twin = next.orders.iter();
        let twin_was_there = twin
            .enumerate()
            .any(|(at, order)| self.is_twin(&next, at, order));
        // An adoption is written down by now.
        let calls = |step: &Step| step.action.is_change() && step.action != Action::Adopt;
        if steps.iter().any(calls) {
            let reached = steps.iter().find(|step| Item::of(step) == Item::Shop);
            next.run = Some(Run {
                plan: number,
                done: [false; 2],
                reached: reached.map_or(Reached::Nothing, |step| Reached::of(step.reached())),
                was_good: good,
                twin_was_there,
            });
        }
        next
    }

    /// Somebody else's order for the same names, in force or waiting, that no entry takes over.
    fn is_twin(&self, state: &State, at: usize, order: &CaOrder) -> bool {
        let bound = self.bound(state).is_some_and(|(bound, _)| bound == at);
        let place = u8::try_from(at).expect("few orders");
        order.maker == Maker::Twin
            && order.lives()
            && !bound
            && state.manifest.existing != Some(place)
    }

    /// The first plan that shows `leak` beside an order of its name shows it for that order.
    fn pin(&self, state: &mut State) {
        let by_name = state
            .manifest
            .leak
            .as_ref()
            .is_some_and(|leak| leak.target == super::manifest::Aim::Name);
        if !by_name || !state.unpinned {
            return;
        }
        if let Some((at, _)) = self.bound(state) {
            state.meant.push(u8::try_from(at).expect("few orders"));
            state.unpinned = false;
        }
    }

    /// What a plan says of `leak` is true.
    fn promise_of_leak(&self, state: &mut State, step: &Step) {
        let Some(id) = &step.order_id else {
            return;
        };
        let one = state
            .manifest
            .leak
            .as_ref()
            .is_some_and(|leak| leak.one_certificate);
        let Some(order) = state.orders.get(place_of(id)) else {
            return;
        };
        let ends = |number: usize| {
            let end = order.certificates.get(number).map(|one| one.end.is_some());
            end.unwrap_or(true)
        };
        let over = if one {
            ends(0)
        } else {
            (0..order.certificates.len()).all(ends) && order.stage != super::ca::Stage::Waiting
        };
        let asked = order.open(|about| {
            matches!(
                about,
                super::ca::About::Revocation | super::ca::About::RevocationOf(_)
            )
        });
        let decision = step.standing.waits().and_then(|cause| cause.decision());
        match (&step.standing, decision) {
            (Standing::Revoked, _) => state.must(over, promises::NOT_SILENT),
            (Standing::RevocationRequested { .. }, None) => {
                state.must(over || asked, promises::NOT_SILENT);
            }
            _ => {}
        }
    }

    /// Whether anything is left to do, short of what happens outside.
    pub(super) fn rests(&self, state: &State) -> bool {
        if !state.wrong.is_empty() {
            return true;
        }
        if state.run.is_some() {
            return false;
        }
        let steps = self.steps(self.plan(state));
        let shop_rests = steps
            .iter()
            .filter(|step| Item::of(step) == Item::Shop)
            .all(|step| !step.action.is_change() || self.is_parked(state, Item::Shop));
        let issued = steps
            .iter()
            .any(|step| Item::of(step) == Item::Shop && step.reached() == Some(Milestone::Issued));
        let leak_rests = steps
            .iter()
            .filter(|step| Item::of(step) == Item::Leak)
            .all(|step| {
                let waits = step
                    .after
                    .iter()
                    .any(|after| after.until == Milestone::Issued);
                let closed = waits && !issued;
                !step.action.is_change() || closed
            });
        let noted = {
            let mut noted = self.begin(state);
            noted.run = None;
            let noted = (noted.shop, noted.leak, noted.moved, noted.wrong.is_empty());
            noted == (state.shop, state.leak, state.moved, true)
        };
        shop_rests && leak_rests && noted
    }

    pub(super) fn is_parked(&self, state: &State, item: Item) -> bool {
        let open = self.record(state, item).open;
        open.is_some_and(|open| matches!(open.phase, certplan::model::Phase::Parked { .. }))
    }
}

impl Reached {
    pub(super) fn of(milestone: Option<Milestone>) -> Self {
        match milestone {
            None => Self::Nothing,
            Some(Milestone::Submitted) => Self::Submitted,
            Some(Milestone::Issued | Milestone::Revoked) => Self::Issued,
        }
    }
}

impl Item {
    pub(super) fn of(step: &Step) -> Self {
        if [shop(), store()].contains(&step.address) {
            Self::Shop
        } else {
            Self::Leak
        }
    }
}

/// True for a standing that a later look may bring further.
pub(super) fn is_watched(step: &Step) -> bool {
    let reissue = matches!(
        step.standing,
        Standing::InForce {
            change: Some(Change::UnderWay { .. }),
            ..
        }
    );
    let waits = matches!(step.standing, Standing::Requested { .. });
    step.action == Action::Wait && (reissue || waits)
}
