//! Breadth-first search over every state of a model, with the shortest way to each broken invariant.
//!
//! Own code instead of a model checker's crate: it also asks whether every state can still come to
//! rest, which needs the whole graph, and it is short.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Debug;
use std::hash::Hash;

/// What is searched.
pub(super) trait Model {
    type State: Clone + Eq + Hash;
    type Move: Clone + Debug;

    fn start(&self) -> Self::State;
    /// Every move that is possible, with the state after it.
    fn moves(&self, state: &Self::State) -> Vec<(Self::Move, Self::State)>;
    /// Names of the invariants that the state breaks.
    fn broken(&self, state: &Self::State) -> Vec<&'static str>;
    /// True when nothing is left to do: done, refused, or a person is asked.
    fn at_rest(&self, state: &Self::State) -> bool;
    /// Names of what is seen in the state: a search that never sees it has proved little.
    fn sights(&self, state: &Self::State) -> Vec<&'static str>;
}

/// What a search found.
#[derive(Debug)]
pub(super) struct Found<M> {
    pub(super) states: usize,
    /// The shortest way to each broken invariant.
    pub(super) broken: BTreeMap<&'static str, Vec<M>>,
    pub(super) sights: HashSet<&'static str>,
}

/// When a search ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Milestone<'a> {
    /// When every reachable state was seen.
    Exhausted,
    /// As soon as all of these were found broken.
    Broken(&'a [&'static str]),
}

/// The name under which a state is reported that can never come to rest.
pub(super) const STUCK: &str = "nothing stuck";

struct Seen<M> {
    from: usize,
    by: Option<M>,
}

/// Searches every state, breadth first.
pub(super) fn search<M: Model>(model: &M, until: Milestone<'_>) -> Found<M::Move> {
    let mut numbers: HashMap<M::State, usize> = HashMap::from([(model.start(), 0)]);
    let mut states = vec![model.start()];
    let mut seen = vec![Seen { from: 0, by: None }];
    let mut before: Vec<Vec<usize>> = vec![Vec::new()];
    let mut resting = Vec::new();
    let mut found = Found {
        states: 0,
        broken: BTreeMap::new(),
        sights: HashSet::new(),
    };
    let mut at = 0;
    while at < states.len() {
        let state = states[at].clone();
        for name in model.broken(&state) {
            let way = || way(&seen, at);
            found.broken.entry(name).or_insert_with(way);
        }
        if let Milestone::Broken(wanted) = until
            && wanted.iter().all(|name| found.broken.contains_key(name))
        {
            found.states = states.len();
            return found;
        }
        found.sights.extend(model.sights(&state));
        if model.at_rest(&state) {
            resting.push(at);
        }
        for (by, next) in model.moves(&state) {
            let to = *numbers.entry(next).or_insert_with_key(|next| {
                states.push(next.clone());
                seen.push(Seen {
                    from: at,
                    by: Some(by),
                });
                before.push(Vec::new());
                states.len() - 1
            });
            before[to].push(at);
        }
        at += 1;
    }
    found.states = states.len();
    if let Some(stuck) = first_stuck(&before, resting) {
        found.broken.insert(STUCK, way(&seen, stuck));
    }
    found
}

/// The first state from which no state at rest can be reached.
fn first_stuck(before: &[Vec<usize>], resting: Vec<usize>) -> Option<usize> {
    let mut can_rest = vec![false; before.len()];
    let mut open = resting;
    while let Some(at) = open.pop() {
        if !std::mem::replace(&mut can_rest[at], true) {
            open.extend(&before[at]);
        }
    }
    can_rest.iter().position(|can| !can)
}

fn way<M: Clone>(seen: &[Seen<M>], to: usize) -> Vec<M> {
    let mut way = Vec::new();
    let mut at = to;
    while let Some(by) = &seen[at].by {
        way.push(by.clone());
        at = seen[at].from;
    }
    way.reverse();
    way
}
