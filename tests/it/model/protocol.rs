//! What the runs do, what befalls them, and what must hold: the model that is searched.
//!
//! Every fact goes through `Record::next`. A rule of the protocol is a field of [`Protocol`]; taking one
//! away makes a variant that must be found broken.

use std::cell::RefCell;

use certplan::model::OrderId;

use super::journal::{Journal, Kind, Number, Word};
use super::search::Model;
use super::state::{Answer, Call, Run, Standing, State, looks, standing};

/// When a doubt that a look-up cannot settle is settled all the same.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Settle {
    /// At the first look that finds nothing.
    AtOnce,
    /// After the quiet period (`doubt.then: resend`).
    QuietPeriod,
    /// By a person, after the quiet period (`doubt.then: ask` and `certplan resolve`).
    Person,
    /// Never.
    Never,
}

/// The rules of a variant, and how far it is searched.
#[derive(Clone)]
pub(super) struct Protocol {
    pub(super) items: [Kind; 2],
    /// The intent is recorded before the call leaves.
    pub(super) intent_first: bool,
    /// Every commit is on the disk before it is acknowledged.
    pub(super) synced_commits: bool,
    /// A lost answer is taken for a call that was not sent.
    pub(super) blind_retry: bool,
    pub(super) settle: Settle,
    /// A doubt is settled before the next intent.
    pub(super) settles_first: bool,
    /// The lock can run out while its holder lives, unlike the `flock` of the journal.
    pub(super) lease: bool,
    /// The CA refuses a second order with the same tag.
    pub(super) unique_tag: bool,
    /// A refusal of a later call says nothing about an earlier one.
    pub(super) refused_again_is_doubt: bool,
    /// The HTTP library sends a request again by itself.
    pub(super) http_stack_resends: bool,
    /// The key does not see the orders.
    pub(super) blind_key: bool,
    /// A look-up counts only when it also finds an older order.
    pub(super) positive_control: bool,
    /// The revocation waits until its replacement is in force, not merely taken.
    pub(super) waits_for_issue: bool,
    pub(super) crashes: u8,
    pub(super) attempts: u8,
}

/// One step of the model. The numbers: of the run, then of the item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    Start(usize),
    Exit(usize),
    Intend(usize, usize),
    Send(usize),
    GiveUpUnsent(usize),
    LibraryResends(usize),
    RecordAnswer(usize),
    LoseAnswer(usize),
    DoubtOpenIntent(usize, usize),
    LookUp(usize, usize),
    Settle(usize, usize),
    ReadRevocation(usize, usize),
    AdoptUnasked(usize, usize),
    SeeIssued(usize, usize),
    Kill(usize),
    PowerCut,
    LeaseRunsOut,
    Arrive(usize),
    Refuse(usize),
    Vanish(usize),
    Index(usize),
    Sync,
}

/// A variant with its journal.
pub(super) struct Variant {
    pub(super) rules: Protocol,
    journal: RefCell<Journal>,
}

impl Variant {
    pub(super) fn new(rules: Protocol) -> Self {
        let journal = RefCell::new(Journal::new(rules.items));
        Self { rules, journal }
    }

    pub(super) fn standing(&self, number: Number, item: usize) -> Standing {
        standing(self.journal.borrow().record(number), self.rules.items[item])
    }

    /// How many calls a record says were intended.
    pub(super) fn attempts(&self, number: Number) -> u8 {
        u8::try_from(self.journal.borrow().record(number).attempts).expect("few attempts")
    }

    /// The id of a record's live order.
    pub(super) fn order_id(&self, number: Number) -> Option<OrderId> {
        let journal = self.journal.borrow();
        let live = journal.record(number).live.as_ref();
        live.map(|live| live.order_id.clone())
    }

    /// Appends facts in one commit.
    fn write(&self, state: &mut State, item: usize, words: &[Word]) {
        for &word in words {
            match self.journal.borrow_mut().next(item, state.seen[item], word) {
                Ok(number) => state.seen[item] = number,
                Err(illegal) => state.illegal = Some(illegal.why),
            }
        }
        if self.rules.synced_commits {
            state.synced = state.seen;
        }
    }

    /// An order of the item that a look-up shows to this key.
    fn look(&self, state: &State, item: usize) -> Vec<u8> {
        if self.rules.blind_key {
            Vec::new()
        } else {
            state.found(item)
        }
    }

    /// True when what the item waits for has come.
    fn free(&self, state: &State, item: usize) -> bool {
        match self.rules.items[item] {
            Kind::Order => true,
            Kind::Revocation => match self.standing(state.seen[0], 0) {
                Standing::Done => true,
                Standing::Taken => !self.rules.waits_for_issue,
                _ => false,
            },
        }
    }

    /// True when no run has anything to do for an item.
    fn item_rests(&self, state: &State, item: usize) -> bool {
        let spent = state.sent[item].max(self.attempts(state.seen[item])) >= self.rules.attempts;
        let order = self.rules.items[item] == Kind::Order;
        let hidden = self.look(state, item).is_empty();
        match self.standing(state.seen[item], item) {
            Standing::Done | Standing::Refused | Standing::Parked => true,
            Standing::Wanted if order => spent && hidden,
            Standing::Wanted => {
                spent || (!self.free(state, item) && item > 0 && self.item_rests(state, 0))
            }
            Standing::InDoubt => {
                order && hidden && state.quiet(item) && !self.may_settle(state, item)
            }
            Standing::Sending | Standing::Taken => false,
        }
    }

    /// True when an order in doubt that is not found may be given up.
    fn may_settle(&self, state: &State, item: usize) -> bool {
        let looked = looks(self.journal.borrow().record(state.seen[item])) > 0;
        match self.rules.settle {
            Settle::AtOnce => looked,
            Settle::QuietPeriod => looked && state.quiet(item),
            Settle::Person => state.quiet(item),
            Settle::Never => false,
        }
    }

    fn work_of(&self, state: &State, run: usize, moves: &mut Vec<(Move, State)>) {
        let mut add = |by: Move, change: &dyn Fn(&mut State)| {
            let mut next = state.clone();
            change(&mut next);
            moves.push((by, next));
        };
        for item in 0..2 {
            let order = self.rules.items[item] == Kind::Order;
            let number = state.seen[item];
            let used = state.sent[item].max(self.attempts(number));
            let found = self.look(state, item);
            match self.standing(number, item) {
                // What was refused is asked for again by the next plan.
                Standing::Wanted | Standing::Refused => {
                    if self.free(state, item) && used < self.rules.attempts {
                        add(Move::Intend(run, item), &|next| {
                            if self.rules.intent_first {
                                self.write(next, item, &[Word::Intended]);
                            }
                            next.runs[run] = Run::Intended(item);
                        });
                    }
                    if let (true, [one]) = (order, found.as_slice()) {
                        add(Move::AdoptUnasked(run, item), &|next| {
                            self.write(next, item, &[Word::Adopted(*one)]);
                        });
                    }
                }
                Standing::Sending => add(Move::DoubtOpenIntent(run, item), &|next| {
                    self.write(next, item, &[Word::Doubted]);
                }),
                Standing::InDoubt if !order => add(Move::ReadRevocation(run, item), &|next| {
                    let word = if next.revoked {
                        Word::Revoked
                    } else {
                        Word::Dead
                    };
                    self.write(next, item, &[word]);
                }),
                Standing::InDoubt if !self.rules.settles_first && used < self.rules.attempts => {
                    add(Move::Intend(run, item), &|next| {
                        self.write(next, item, &[Word::Intended]);
                        next.runs[run] = Run::Intended(item);
                    });
                }
                Standing::InDoubt => {
                    let word = match found.as_slice() {
                        [] if looks(self.journal.borrow().record(number)) > 0 => None,
                        // Without the control's order a look that finds nothing proves nothing.
                        [] if self.rules.positive_control && self.rules.blind_key => None,
                        [] => Some(Word::LookedUp),
                        [one] => Some(Word::Adopted(*one)),
                        _ => Some(Word::Parked),
                    };
                    if let Some(word) = word {
                        add(Move::LookUp(run, item), &|next| {
                            self.write(next, item, &[word]);
                        });
                    }
                    if found.is_empty() && self.may_settle(state, item) {
                        let word = match self.rules.settle {
                            Settle::Person => Word::DecidedNotPlaced,
                            _ => Word::Dead,
                        };
                        add(Move::Settle(run, item), &|next| {
                            self.write(next, item, &[word]);
                        });
                    }
                }
                Standing::Taken if order => add(Move::SeeIssued(run, item), &|next| {
                    self.write(next, item, &[Word::SeenIssued]);
                }),
                _ => {}
            }
        }
    }

    /// What a run does that has an intent open, and what befalls its call.
    fn call_of(&self, state: &State, run: usize, moves: &mut Vec<(Move, State)>) {
        let mut add = |by: Move, change: &dyn Fn(&mut State)| {
            let mut next = state.clone();
            change(&mut next);
            moves.push((by, next));
        };
        // A run that has lost its lease can no longer write, only end.
        let record = |next: &mut State, item: usize, words: &[Word]| {
            next.hang_up(run);
            if next.lock == Some(run) {
                self.write(next, item, words);
                next.runs[run] = Run::Idle;
            } else {
                next.runs[run] = Run::Down;
            }
        };
        match state.runs[run] {
            Run::Down | Run::Idle => {}
            Run::Intended(item) => {
                add(Move::Send(run), &|next| {
                    next.early |= self.rules.items[item] == Kind::Revocation
                        && self.standing(next.synced[0], 0) != Standing::Done;
                    self.send(next, run, item);
                    next.runs[run] = Run::Waiting(item);
                });
                add(Move::GiveUpUnsent(run), &|next| {
                    let words: &[Word] = if self.rules.intent_first {
                        &[Word::Unsent]
                    } else {
                        &[]
                    };
                    record(next, item, words);
                });
            }
            Run::Waiting(item) => {
                if self.rules.http_stack_resends && state.sent[item] < self.rules.attempts {
                    add(Move::LibraryResends(run), &|next| {
                        self.send(next, run, item)
                    });
                }
                add(Move::LoseAnswer(run), &|next| {
                    record(next, item, self.lost())
                });
            }
            Run::Answered(item, answer) => {
                add(Move::LoseAnswer(run), &|next| {
                    record(next, item, self.lost())
                });
                add(Move::RecordAnswer(run), &|next| {
                    let again = self.attempts(next.seen[item]) > 1;
                    let word = match answer {
                        Answer::Ordered(number) => Word::Accepted(number),
                        Answer::Revoked => Word::Revoked,
                        Answer::Refused if self.rules.refused_again_is_doubt && again => {
                            Word::Doubted
                        }
                        Answer::Refused => Word::Refused,
                    };
                    if self.rules.intent_first {
                        record(next, item, &[word]);
                    } else {
                        record(next, item, &[Word::Intended, word]);
                    }
                });
            }
        }
    }

    /// What is recorded when no answer came.
    fn lost(&self) -> &'static [Word] {
        match (self.rules.intent_first, self.rules.blind_retry) {
            (false, _) => &[],
            (true, true) => &[Word::Unsent],
            (true, false) => &[Word::Doubted],
        }
    }

    fn send(&self, next: &mut State, run: usize, item: usize) {
        next.in_flight.push(Call {
            item,
            run: Some(run),
        });
        next.in_flight.sort_unstable();
        next.sent[item] += 1;
    }
}

impl Model for Variant {
    type State = State;
    type Move = Move;

    fn start(&self) -> State {
        State::default()
    }

    fn moves(&self, state: &State) -> Vec<(Move, State)> {
        let mut moves = Vec::new();
        let work = !(0..2).all(|item| self.item_rests(state, item));
        // Processes that are down are alike: only the first of them is started.
        let first_down = state.runs.iter().position(|run| *run == Run::Down);
        for run in 0..2 {
            match state.runs[run] {
                Run::Down if state.lock.is_none() && work && first_down == Some(run) => {
                    let mut next = state.clone();
                    next.lock = Some(run);
                    next.runs[run] = Run::Idle;
                    moves.push((Move::Start(run), next));
                }
                Run::Down => {}
                Run::Idle => {
                    let mut next = state.clone();
                    next.lock = next.lock.filter(|holder| *holder != run);
                    next.runs[run] = Run::Down;
                    moves.push((Move::Exit(run), next));
                    if state.lock == Some(run) {
                        self.work_of(state, run, &mut moves);
                    }
                }
                Run::Intended(_) | Run::Waiting(_) | Run::Answered(..) => {
                    self.call_of(state, run, &mut moves);
                }
            }
        }
        self.world(state, &mut moves);
        self.crashes(state, &mut moves);
        moves
    }

    fn broken(&self, state: &State) -> Vec<&'static str> {
        self.broken_invariants(state)
    }

    fn at_rest(&self, state: &State) -> bool {
        state.lock.is_none()
            && state.runs == [Run::Down; 2]
            && state.in_flight.is_empty()
            && state.orders.iter().all(|one| one.indexed)
            && state.synced == state.seen
            && (0..2).all(|item| self.item_rests(state, item))
    }

    fn sights(&self, state: &State) -> Vec<&'static str> {
        self.good_ends(state)
    }
}
