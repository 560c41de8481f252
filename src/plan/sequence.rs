//! The order of a plan's steps: dependencies first, otherwise as the manifest has them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};

use crate::model::{Address, Item};

/// Positions of the items in an order in which every dependency comes before what needs it. Items
/// that a cycle holds are left out: a [`crate::model::Batch`] has none.
pub(super) fn sequence(items: &[Item]) -> Vec<usize> {
    if items.iter().all(|item| item.after.is_empty()) {
        return (0..items.len()).collect();
    }
    let positions: HashMap<&Address, usize> = items
        .iter()
        .enumerate()
        .map(|(position, item)| (&item.address, position))
        .collect();
    let mut missing = vec![0_usize; items.len()];
    let mut dependents: Vec<Vec<usize>> = vec![Vec::new(); items.len()];
    for (position, item) in items.iter().enumerate() {
        for after in &item.after {
            if let Some(&needed) = positions.get(&after.address) {
                missing[position] += 1;
                dependents[needed].push(position);
            }
        }
    }
    let mut ready: BinaryHeap<Reverse<usize>> = (0..items.len())
        .filter(|&position| missing[position] == 0)
        .map(Reverse)
        .collect();
    let mut sequence = Vec::with_capacity(items.len());
    while let Some(Reverse(position)) = ready.pop() {
        sequence.push(position);
        for &dependent in &dependents[position] {
            missing[dependent] -= 1;
            if missing[dependent] == 0 {
                ready.push(Reverse(dependent));
            }
        }
    }
    sequence
}

/// The named items and everything they depend on, directly or not.
pub fn with_dependencies<'a>(items: &'a [Item], targets: &'a [Address]) -> BTreeSet<&'a Address> {
    let by_address: BTreeMap<&Address, &Item> =
        items.iter().map(|item| (&item.address, item)).collect();
    let mut wanted = BTreeSet::new();
    let mut open: Vec<&Address> = targets.iter().collect();
    while let Some(address) = open.pop() {
        if wanted.insert(address)
            && let Some(item) = by_address.get(address)
        {
            open.extend(item.after.iter().map(|after| &after.address));
        }
    }
    wanted
}
