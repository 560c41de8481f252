//! The quiet period under clocks that are set, model-checked: one order, whose answer is lost, on a host that is
//! started anew now and then.
//!
//! A call may take effect as long as the quiet period is not over, and not later. The age of a doubt is the
//! real [`certplan::model::OpenOperation::age`], and every fact goes through `Record::next`.

use std::cell::RefCell;
use std::time::Duration;

use certplan::model::{
    Address, Attempt, BootTime, Digest, FactBody, Moment, OperationKind, OrderId, Phase, Record,
    Untrusted,
};
use jiff::{SignedDuration, Timestamp};

use super::books::{Books, Number};
use super::search::{Milestone, Model, search};

/// A step of time. A wall clock is set by several of them.
const TICK: Duration = Duration::from_secs(600);
const QUIET: u8 = 2;
const SET_BY: i8 = 4;
const LAST_TICK: u8 = 4;
/// What a doubt must have been looked up before an order is sent again.
const LOOKS: u32 = 3;

const LEGAL: &str = "Record::next takes every fact";
const ONE_ORDER: &str = "at most one order";
const QUIET_KEPT: &str = "nothing is given up before the quiet period is over";
const SENT_AGAIN: &str = "sent again";
const DECIDED: &str = "given up by a person";
const FOUND: &str = "found";

/// Which clocks a variant goes without.
#[derive(Clone, Copy, Default)]
struct Rules {
    no_boot_time: bool,
    no_time_of_the_ca: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    /// How much time has passed.
    now: u8,
    /// How far ahead the wall clock is.
    ahead: i8,
    /// The number of the present boot, and when that was.
    boot: (u8, u8),
    record: Number,
    /// When the call left that is under way.
    in_flight: Option<u8>,
    /// When the last call left.
    sent_at: u8,
    orders: u8,
    /// How often the wall clock may still be set, and the host started anew.
    left: (u8, u8),
    wrong: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    Tick,
    SetClock(i8),
    Reboot,
    Send,
    Doubt,
    Arrive,
    LookUp,
    SendAgain,
    PersonGivesUp,
}

struct Clocks {
    rules: Rules,
    books: RefCell<Books>,
}

fn address() -> Address {
    "orders.ada".parse().expect("an address")
}

fn ticks(number: i64) -> SignedDuration {
    SignedDuration::try_from(TICK).expect("short") * i32::try_from(number).expect("few")
}

impl Clocks {
    fn record(&self, state: &State) -> Record {
        self.books.borrow().record(state.record).clone()
    }

    /// What the clocks show, as this variant reads them.
    fn moment(&self, state: &State) -> Moment {
        let start: Timestamp = "2026-11-21T10:00:00Z".parse().expect("a time");
        let (boot, started) = state.boot;
        let shown = Moment {
            at: start + ticks(i64::from(state.now) + i64::from(state.ahead)),
            boot: Some(BootTime {
                boot_id: boot.to_string(),
                since_boot: TICK * u32::from(state.now - started),
            })
            .filter(|_| !self.rules.no_boot_time),
            at_ca: None,
        };
        let ahead_of_us = ticks(-i64::from(state.ahead));
        shown.with_ca(Some(ahead_of_us).filter(|_| !self.rules.no_time_of_the_ca))
    }

    fn write(&self, state: &mut State, body: FactBody) {
        let at = self.moment(state).at;
        let next = self
            .books
            .borrow_mut()
            .next(&address(), state.record, (at, body));
        match next {
            Ok(next) => state.record = next,
            Err(_) => state.wrong = Some(LEGAL),
        }
    }

    fn send(&self, state: &mut State) {
        let number = self.record(state).attempts + 1;
        let attempt = Attempt {
            renews: None,
            why: Default::default(),
            public_key: None,
            kind: OperationKind::Order,
            part: None,
            number,
            generation: 1,
            order_id: None,
            replaces: None,
            tag: None,
            body: Digest::of(b"body"),
            certificate: None,
            terms: None,
            asked: None,
        };
        self.write(state, FactBody::Intended(attempt));
        state.in_flight = Some(state.now);
        state.sent_at = state.now;
    }

    /// Gives the doubt up, by this word.
    fn give_up(&self, state: &mut State, word: FactBody) {
        if state.now - state.sent_at < QUIET {
            state.wrong = Some(QUIET_KEPT);
        }
        self.write(state, word);
    }

    /// What runs and people may do about an open call.
    fn about_the_doubt(&self, state: &State, record: &Record, moves: &mut Vec<(Move, State)>) {
        let Some(open) = &record.open else {
            return;
        };
        let looks = match &open.phase {
            Phase::InDoubt { looks, .. } => *looks,
            Phase::Sending | Phase::Parked { .. } => {
                let mut next = state.clone();
                let why = Untrusted::new("model");
                self.write(&mut next, FactBody::doubted(why, self.moment(state)));
                moves.push((Move::Doubt, next));
                return;
            }
        };
        let mut next = state.clone();
        if state.orders > 0 {
            let found = FactBody::Adopted {
                renews: None,
                public_key: None,
                order_id: OrderId::from(1),
                certificate_id: None,
                generation: 1,
                tag: None,
                certificate: None,
                terms: None,
                asked: None,
                evidence: Untrusted::new("model"),
            };
            self.write(&mut next, found);
            moves.push((Move::LookUp, next));
            return;
        }
        if looks < LOOKS {
            self.write(&mut next, FactBody::LookedUp);
            moves.push((Move::LookUp, next));
        }
        if open.age(&self.moment(state)) < ticks(i64::from(QUIET)) {
            return;
        }
        let evidence = || Untrusted::new("model");
        let mut given_up = state.clone();
        let word = FactBody::DecidedNotPlaced {
            evidence: evidence(),
        };
        self.give_up(&mut given_up, word);
        moves.push((Move::PersonGivesUp, given_up));
        if looks >= LOOKS && record.attempts < 2 {
            let mut again = state.clone();
            let word = FactBody::Dead {
                evidence: evidence(),
            };
            self.give_up(&mut again, word);
            self.send(&mut again);
            moves.push((Move::SendAgain, again));
        }
    }
}

impl Model for Clocks {
    type State = State;
    type Move = Move;

    fn start(&self) -> State {
        State {
            now: 0,
            ahead: 0,
            boot: (0, 0),
            record: 0,
            in_flight: None,
            sent_at: 0,
            orders: 0,
            left: (2, 1),
            wrong: None,
        }
    }

    fn moves(&self, state: &State) -> Vec<(Move, State)> {
        let mut moves = Vec::new();
        if state.wrong.is_some() {
            return moves;
        }
        let mut add = |by: Move, change: &dyn Fn(&mut State)| {
            let mut next = state.clone();
            change(&mut next);
            moves.push((by, next));
        };
        if state.now < LAST_TICK {
            add(Move::Tick, &|next| {
                next.now += 1;
                // What has not arrived by now never will.
                next.in_flight = next.in_flight.filter(|sent| next.now - sent < QUIET);
            });
        }
        if let Some(left) = state.left.0.checked_sub(1) {
            for ahead in [-SET_BY, 0, SET_BY] {
                if ahead != state.ahead {
                    add(Move::SetClock(ahead), &|next| {
                        next.ahead = ahead;
                        next.left.0 = left;
                    });
                }
            }
        }
        if let Some(left) = state.left.1.checked_sub(1) {
            add(Move::Reboot, &|next| {
                next.boot = (state.boot.0 + 1, state.now);
                next.left.1 = left;
            });
        }
        if state.in_flight.is_some() {
            add(Move::Arrive, &|next| {
                next.in_flight = None;
                next.orders += 1;
            });
        }
        let record = self.record(state);
        if record.open.is_none() && record.live.is_none() && record.attempts == 0 {
            add(Move::Send, &|next| self.send(next));
        }
        self.about_the_doubt(state, &record, &mut moves);
        moves
    }

    fn broken(&self, state: &State) -> Vec<&'static str> {
        let twice = (state.orders > 1).then_some(ONE_ORDER);
        twice.into_iter().chain(state.wrong).collect()
    }

    fn at_rest(&self, state: &State) -> bool {
        let record = self.record(state);
        state.wrong.is_some() || record.live.is_some() || state.now == LAST_TICK
    }

    fn sights(&self, state: &State) -> Vec<&'static str> {
        let record = self.record(state);
        let given_up = record.open.is_none() && record.live.is_none() && record.attempts > 0;
        let sights = [
            (SENT_AGAIN, record.attempts > 1),
            (DECIDED, given_up),
            (FOUND, record.live.is_some()),
        ];
        let seen = sights.into_iter().filter(|(_, seen)| *seen);
        seen.map(|(name, _)| name).collect()
    }
}

#[test]
fn no_clock_that_is_set_and_no_reboot_ends_the_quiet_period_early() {
    let clocks = Clocks {
        rules: Rules::default(),
        books: RefCell::new(Books::new()),
    };
    let found = search(&clocks, Milestone::Exhausted);
    println!("{} states", found.states);
    assert!(found.broken.is_empty(), "{:#?}", found.broken);
    for sight in [SENT_AGAIN, DECIDED, FOUND] {
        assert!(found.sights.contains(sight), "never seen: {sight}");
    }
}

#[test]
fn without_a_clock_that_nobody_here_can_set_the_quiet_period_is_cut_short() {
    let no_boot_time = Rules {
        no_boot_time: true,
        no_time_of_the_ca: true,
    };
    let no_time_of_the_ca = Rules {
        no_time_of_the_ca: true,
        ..Rules::default()
    };
    for rules in [no_boot_time, no_time_of_the_ca] {
        let books = RefCell::new(Books::new());
        let found = search(&Clocks { rules, books }, Milestone::Broken(&[QUIET_KEPT]));
        println!("{} states: {:?}", found.states, found.broken);
        assert!(found.broken.contains_key(QUIET_KEPT));
    }
}
