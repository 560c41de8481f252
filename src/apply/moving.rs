//! Renamed entries at the start of a run: their files are moved before the journal has the fact, so that a run
//! that is killed in between is repeated by the next one.

use std::collections::BTreeMap;

use super::context::Context;
use crate::model::{Address, FactBody, ItemName};
use crate::plan::Step;

/// The earlier name of the entry of a step that moves it.
fn moved_from(step: &Step) -> Option<&Address> {
    step.news.iter().find_map(|fact| match fact {
        FactBody::Moved { from } => Some(from),
        _ => None,
    })
}

/// Moves the files of renamed orders. What could not be moved, by the place of its step: it is not renamed.
pub(super) async fn move_files(context: &Context) -> BTreeMap<usize, String> {
    let steps = context.run.approved.plan().steps.iter();
    let moves: Vec<(usize, &Address, &Address)> = steps
        .enumerate()
        .filter_map(|(position, step)| Some((position, moved_from(step)?, &step.address)))
        .collect();
    if moves.is_empty() {
        return BTreeMap::new();
    }
    let mut failed = BTreeMap::new();
    let names = moves.iter().map(|(_, from, to)| (*from, *to));
    context.owners.rename(&names.collect());
    let Some(folder) = context.run.folder.clone() else {
        return failed;
    };
    let orders: Vec<(usize, ItemName, ItemName)> = moves
        .into_iter()
        .filter_map(|(position, from, to)| match (from, to) {
            (Address::Order(from), Address::Order(to)) => {
                Some((position, from.clone(), to.clone()))
            }
            (Address::Order(_) | Address::Revocation(_), _) => None,
        })
        .collect();
    let positions: Vec<usize> = orders.iter().map(|(position, ..)| *position).collect();
    let done = tokio::task::spawn_blocking(move || {
        let orders = orders.into_iter();
        let move_one = |(position, from, to)| Some((position, folder.move_name(&from, &to).err()?));
        orders.filter_map(move_one).collect::<Vec<_>>()
    });
    match done.await {
        Ok(errors) => {
            let errors = errors.into_iter();
            failed.extend(errors.map(|(position, error)| (position, error.to_string())));
        }
        Err(error) => {
            let positions = positions.into_iter();
            failed.extend(positions.map(|position| (position, error.to_string())));
        }
    }
    failed
}
