//! One moment of a name's life: the CA, the manifest, the journal, and a run.

use super::ca::Orders;
use super::manifest::{Aim, Manifest};
use crate::model::books::Number;

/// Everything at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct State {
    pub(super) orders: Orders,
    pub(super) manifest: Manifest,
    /// The record of `shop`.
    pub(super) shop: Number,
    /// The record of `leak`.
    pub(super) leak: Number,
    /// Whether the record of `shop` is under the later name, and that of `leak`.
    pub(super) moved: [bool; 2],
    /// The journal was lost, and no run has been since.
    pub(super) forgot: bool,
    pub(super) run: Option<Run>,
    /// How many things may still happen outside.
    pub(super) events: u8,
    /// How many calls may still go wrong.
    pub(super) trouble: u8,
    /// The orders that `leak` was shown for, by its place at the CA: nothing else may die by it.
    pub(super) meant: Vec<u8>,
    /// The next plan that finds an order under the name shows `leak` for that one.
    pub(super) unpinned: bool,
    /// Which promises were broken on the way here.
    pub(super) wrong: Vec<&'static str>,
}

/// A plan that is being carried out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Run {
    /// The plan, by its number.
    pub(super) plan: usize,
    /// Which of its steps are done.
    pub(super) done: [bool; 2],
    /// How far `shop` has come for whoever waits for it.
    pub(super) reached: Reached,
    /// Whether the certificate of `shop` was in force, as asked, when the run last looked.
    pub(super) was_good: bool,
    /// Whether somebody else's order for the same names was there when the plan was made.
    pub(super) twin_was_there: bool,
}

/// How far an order has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Reached {
    Nothing,
    Submitted,
    Issued,
}

impl State {
    pub(super) fn new(orders: Orders, manifest: Manifest, events: u8, trouble: u8) -> Self {
        Self {
            orders,
            manifest,
            shop: 0,
            leak: 0,
            moved: [false; 2],
            forgot: true,
            run: None,
            events,
            trouble,
            meant: Vec::new(),
            unpinned: true,
            wrong: Vec::new(),
        }
    }

    /// Notes a broken promise.
    pub(super) fn must(&mut self, holds: bool, promise: &'static str) {
        if !holds && !self.wrong.contains(&promise) {
            self.wrong.push(promise);
        }
    }

    /// `leak` names another target from now on, or says that it means the order of now.
    pub(super) fn means_anew(&mut self) {
        self.unpinned = true;
    }

    /// The orders that `leak` may kill.
    pub(super) fn may_kill(&self, order: u8) -> bool {
        match self.manifest.leak.as_ref().map(|leak| leak.target) {
            Some(Aim::Id(id)) => id == order,
            Some(Aim::Name) => self.meant.contains(&order),
            None => false,
        }
    }
}
