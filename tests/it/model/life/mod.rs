//! The life of one name, model-checked: an order that is bought, reissued, revoked, lost and found again, and
//! a revocation that people write, change and raise beside it.
//!
//! What a run does follows from the real [`certplan::plan::Plan::build`] and the real
//! [`certplan::model::Standing`]; every fact goes through `Record::next`. The CA, the people in its console,
//! the people who edit the manifest and the end of a run are moves of the model, in every order up to a
//! bound. Each promise that must hold has a variant, with one rule taken away, that the search must find
//! broken.
//!
//! What this model takes for granted is what the model of the protocol shows: one run at a time, an intent on
//! the disk before each call, a look-up that is told the truth once the quiet period is over.

mod ca;
mod manifest;
mod outside;
mod runs;
mod state;
mod steps;

use std::cell::RefCell;
use std::time::Instant;

use super::books::Books;
use super::search::{Found, Milestone, Model, search};
use ca::{CaOrder, Maker, Orders};
use manifest::{Aim, Leak, Manifest};
use outside::Event;
use runs::Plans;
use state::State;
use steps::Outcome;

/// What must hold on every way.
mod promises {
    pub(super) const LEGAL: &str = "Record::next takes every fact";
    pub(super) const ONE_ORDER: &str = "one order for each generation of the entry";
    pub(super) const NO_TWIN: &str = "nothing is bought beside a twin";
    pub(super) const MEANT: &str = "no order dies by a revocation that was shown for another one";
    pub(super) const ASKED_ONCE: &str = "no revocation is asked for twice";
    pub(super) const GATE: &str = "no revocation goes out before its replacement is in force";
    pub(super) const IN_FORCE: &str =
        "issued means that a certificate is in force, and what the entry asks for";
    pub(super) const NOT_SILENT: &str = "what is called revoked, or asked for, is";
}

use promises::{GATE, IN_FORCE, LEGAL, MEANT, NO_TWIN, NOT_SILENT, ONE_ORDER};

/// The two items of the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    Shop = 0,
    Leak = 1,
}

/// The rules that a variant does without.
#[derive(Clone, Copy, Default)]
struct Rules {
    /// A revocation by name is for the order that the name stands for, whichever that is.
    follows_the_name: bool,
    /// What was asked for is known by the entry's name alone.
    parts_by_name: bool,
    /// No step waits for another one.
    opens_every_gate: bool,
    /// An order that the CA calls issued is in force.
    gates_by_status: bool,
    /// A reissue that was asked for is as good as issued.
    forgets_reissues: bool,
    /// What was in force when the call was made is what the entry asks for.
    forgets_the_entry: bool,
    /// Orders of others are not compared.
    sees_no_twins: bool,
    /// Nothing is looked for under its tag.
    looks_nothing_up: bool,
    /// What was noted under an earlier name is about nothing.
    forgets_names: bool,
}

/// What may happen, and where it begins.
#[derive(Clone)]
struct Story {
    orders: Orders,
    manifest: Manifest,
    /// What `leak` says once it is written.
    leak: Leak,
    events: Vec<Event>,
    /// How many events there are on one way, and how many calls that go wrong.
    bounds: (u8, u8),
}

/// A story that is searched.
struct Life {
    story: Story,
    rules: Rules,
    books: RefCell<Books>,
    plans: RefCell<Plans>,
}

/// One step of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    /// A run plans, and writes down what it saw.
    Plan,
    CarryOut(Item, Outcome),
    Poll,
    /// The run ends, or is killed between two steps.
    End,
    Outside(Event),
}

impl Life {
    fn new(story: Story, rules: Rules) -> Self {
        Self {
            story,
            rules,
            books: RefCell::new(Books::new()),
            plans: RefCell::default(),
        }
    }
}

impl Model for Life {
    type State = State;
    type Move = Move;

    fn start(&self) -> State {
        let (events, trouble) = self.story.bounds;
        let Story {
            orders, manifest, ..
        } = self.story.clone();
        State::new(orders, manifest, events, trouble)
    }

    fn moves(&self, state: &State) -> Vec<(Move, State)> {
        let mut moves = Vec::new();
        if !state.wrong.is_empty() {
            return moves;
        }
        for &event in &self.story.events {
            let next = event.after(state, &self.story.leak);
            moves.extend(next.map(|next| (Move::Outside(event), next)));
        }
        if state.run.is_none() {
            moves.push((Move::Plan, self.begin(state)));
            return moves;
        }
        let mut ended = state.clone();
        ended.run = None;
        moves.push((Move::End, ended));
        let outcomes = if state.trouble == 0 { 1 } else { 6 };
        for item in [Item::Shop, Item::Leak] {
            for outcome in Outcome::ALL.into_iter().take(outcomes) {
                let next = self.carry_out(state, item, outcome);
                moves.extend(next.map(|next| (Move::CarryOut(item, outcome), next)));
            }
        }
        moves.extend(self.poll(state).map(|next| (Move::Poll, next)));
        moves
    }

    fn broken(&self, state: &State) -> Vec<&'static str> {
        state.wrong.clone()
    }

    fn at_rest(&self, state: &State) -> bool {
        self.rests(state)
    }

    fn sights(&self, state: &State) -> Vec<&'static str> {
        if state.run.is_some() {
            return Vec::new();
        }
        let steps = self.steps(self.plan(state));
        steps.iter().map(|step| step.reason.code()).collect()
    }
}

/// `shop`, and nothing else.
fn manifest() -> Manifest {
    Manifest {
        has_shop: true,
        renamed: false,
        generation: 1,
        key: 0,
        allow_similar: false,
        existing: None,
        leak: None,
    }
}

/// Revokes the order that `shop` stands for.
fn leak() -> Leak {
    Leak {
        target: Aim::Name,
        one_certificate: false,
        generation: 1,
        gated: false,
        skip_approval: true,
    }
}

/// `leak` is written for an order, named by its name or its id, that is replaced meanwhile.
fn targets() -> Story {
    Story {
        orders: Vec::new(),
        manifest: manifest(),
        leak: leak(),
        events: vec![
            Event::Approve,
            Event::Reject,
            Event::RevokeOrder(0),
            Event::WriteLeak,
            Event::RaiseGeneration,
            Event::RaiseLeak,
            Event::Aim(Aim::Id(0)),
            Event::Aim(Aim::Name),
            Event::LoseState,
        ],
        bounds: bounds((4, 1), (5, 1)),
    }
}

/// `leak` is asked for by hand, and changes its target and its scope.
fn parts() -> Story {
    Story {
        orders: vec![
            CaOrder::issued(Maker::Old, 0),
            CaOrder::issued(Maker::Old, 0),
        ],
        manifest: Manifest {
            has_shop: false,
            leak: Some(Leak {
                target: Aim::Id(0),
                skip_approval: false,
                ..leak()
            }),
            ..manifest()
        },
        leak: leak(),
        events: vec![
            Event::Approve,
            Event::Reject,
            Event::Reissue(0),
            Event::Aim(Aim::Id(1)),
            Event::OneCertificate,
            Event::RaiseLeak,
            Event::LoseState,
        ],
        bounds: bounds((3, 1), (4, 1)),
    }
}

/// An old order goes once `shop`, which is reissued and dies in many ways, is issued.
fn gates() -> Story {
    let gated = Leak {
        target: Aim::Id(0),
        gated: true,
        ..leak()
    };
    Story {
        orders: vec![
            CaOrder::issued(Maker::Old, 0),
            CaOrder::issued(Maker::Entry(1, false), 0),
        ],
        manifest: Manifest {
            leak: Some(gated.clone()),
            ..manifest()
        },
        leak: gated,
        events: vec![
            Event::Approve,
            Event::Reject,
            Event::AskForAnotherKey,
            Event::RevokeCertificate(1),
            Event::RunOut(1),
            Event::RevokeOrder(1),
            Event::RaiseGeneration,
        ],
        bounds: bounds((3, 1), (5, 1)),
    }
}

/// The same, without a call that goes wrong: `shop` is reissued by the entry and by people in the console.
fn reissues() -> Story {
    Story {
        events: vec![
            Event::Approve,
            Event::Reject,
            Event::AskForAnotherKey,
            Event::RevokeCertificate(1),
            Event::Reissue(1),
            Event::RaiseGeneration,
        ],
        bounds: bounds((4, 0), (5, 1)),
        ..gates()
    }
}

/// `leak` is raised while an earlier call of it is in doubt.
fn raised() -> Story {
    Story {
        orders: vec![CaOrder::issued(Maker::Entry(1, false), 0)],
        manifest: Manifest {
            leak: Some(leak()),
            ..manifest()
        },
        events: vec![
            Event::Approve,
            Event::RaiseGeneration,
            Event::RaiseLeak,
            Event::Aim(Aim::Id(0)),
        ],
        bounds: bounds((3, 1), (4, 2)),
        ..targets()
    }
}

/// The entries are renamed, whatever is open and whatever they stand for.
fn renames() -> Story {
    Story {
        events: vec![
            Event::Rename,
            Event::Approve,
            Event::Reject,
            Event::RevokeOrder(0),
            Event::WriteLeak,
            Event::RaiseGeneration,
            Event::RaiseLeak,
            Event::AskForAnotherKey,
            Event::BuyTwin,
            Event::LoseState,
        ],
        bounds: bounds((4, 1), (5, 1)),
        ..targets()
    }
}

/// What it takes to see that an earlier name is needed: fewer kinds of events, and one more of them.
fn renames_of_the_next_order() -> Story {
    Story {
        events: vec![
            Event::Rename,
            Event::Approve,
            Event::Reject,
            Event::WriteLeak,
            Event::RaiseGeneration,
        ],
        bounds: bounds((5, 0), (5, 1)),
        ..renames()
    }
}

/// How many events and how many calls that go wrong: with a plain `cargo test`, and with
/// `CERTPLAN_MODEL=full`.
fn bounds(usual: (u8, u8), full: (u8, u8)) -> (u8, u8) {
    if super::full() { full } else { usual }
}

/// Somebody buys the same, and the state is lost.
fn twins() -> Story {
    Story {
        orders: Vec::new(),
        manifest: manifest(),
        leak: leak(),
        events: vec![
            Event::BuyTwin,
            Event::Approve,
            Event::RunOut(0),
            Event::RevokeOrder(0),
            Event::AllowSimilar,
            Event::TakeOver(0),
            Event::RaiseGeneration,
            Event::LoseState,
        ],
        bounds: bounds((4, 1), (5, 1)),
    }
}

fn show(name: &str, found: &Found<Move>, begun: Instant) {
    println!("{name}: {} states in {:?}", found.states, begun.elapsed());
    for (promise, way) in &found.broken {
        println!("  {promise}\n    {way:?}");
    }
}

/// Searches every way of a story: each promise holds, nothing is stuck, and what should be seen is seen.
#[track_caller]
fn holds(name: &str, story: Story, sights: &[&str]) {
    let begun = Instant::now();
    let found = search(&Life::new(story, Rules::default()), Milestone::Exhausted);
    show(name, &found, begun);
    println!("  {:?}", found.sights);
    assert!(found.broken.is_empty(), "{name}: {:#?}", found.broken);
    for sight in sights {
        assert!(found.sights.contains(sight), "{name}: never seen: {sight}");
    }
}

/// Without a rule the search finds how a promise breaks.
#[track_caller]
fn breaks(name: &str, story: Story, rules: Rules, wanted: &'static str) {
    let begun = Instant::now();
    let found = search(&Life::new(story, rules), Milestone::Broken(&[wanted]));
    show(name, &found, begun);
    assert!(
        found.broken.contains_key(wanted),
        "{name}: {} states, and this was never broken: {wanted}",
        found.states
    );
}

#[test]
fn a_revocation_is_for_the_order_that_it_was_shown_for() {
    let sights = [
        "revokes",
        "revocation_in_force",
        "revoked_earlier_order",
        "carries_tag",
    ];
    holds("targets", targets(), &sights);
    holds("raised", raised(), &["revokes", "next_generation"]);
}

#[test]
fn a_renamed_entry_goes_on_with_what_it_had() {
    let sights = [
        "moved",
        "revoked_earlier_order",
        "revocation_in_force",
        "next_generation",
        "certificate_differs",
    ];
    holds("renames", renames(), &sights);
}

#[test]
fn what_was_asked_for_is_known_of_one_order_and_one_certificate() {
    holds("parts", parts(), &["revokes", "revocation_requested"]);
}

#[test]
fn a_gate_opens_for_a_certificate_in_force_alone() {
    holds("gates", gates(), &["certificate_differs", "ran_out"]);
    let sights = ["reissue_rejected", "certificate_revoked", "next_generation"];
    holds("reissues", reissues(), &sights);
}

#[test]
fn nothing_is_bought_beside_a_twin_or_twice() {
    holds("twins", twins(), &["twin", "existing", "carries_tag"]);
}

#[test]
fn each_rule_of_a_life_is_needed() {
    let without = Rules::default();
    breaks(
        "a revocation that follows the name",
        targets(),
        Rules {
            follows_the_name: true,
            ..without
        },
        MEANT,
    );
    breaks(
        "an earlier name that says nothing",
        renames_of_the_next_order(),
        Rules {
            forgets_names: true,
            ..without
        },
        MEANT,
    );
    breaks(
        "parts that are known by the name alone",
        parts(),
        Rules {
            parts_by_name: true,
            ..without
        },
        NOT_SILENT,
    );
    breaks(
        "a gate on the order's status",
        gates(),
        Rules {
            gates_by_status: true,
            ..without
        },
        IN_FORCE,
    );
    breaks(
        "a gate that nobody waits for",
        gates(),
        Rules {
            opens_every_gate: true,
            ..without
        },
        GATE,
    );
    // What the plan then takes for somebody else's certificate, the journal knows to be ours.
    breaks(
        "a reissue that counts as issued",
        reissues(),
        Rules {
            forgets_reissues: true,
            ..without
        },
        LEGAL,
    );
    breaks(
        "an entry that was changed meanwhile",
        gates(),
        Rules {
            forgets_the_entry: true,
            ..without
        },
        IN_FORCE,
    );
    breaks(
        "twins that nobody sees",
        twins(),
        Rules {
            sees_no_twins: true,
            ..without
        },
        NO_TWIN,
    );
    breaks(
        "a lost state that is believed",
        twins(),
        Rules {
            sees_no_twins: true,
            looks_nothing_up: true,
            ..without
        },
        ONE_ORDER,
    );
}
