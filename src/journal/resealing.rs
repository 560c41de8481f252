//! The stored records, made those that follow from the facts.

use std::collections::BTreeSet;

use super::JournalError;
use super::load::Loaded;
use super::records::{self, Sum};
use super::store::{Batch, FactStore, Frame};
use super::transaction::write_once;
use crate::model::{Address, Record, Records};

/// So many records are read or written at a time.
const CHUNK: usize = 1_000;

/// Makes sure that the stored records are those of the last fact, as far as their seal tells; their sum.
pub(super) async fn seal(store: &mut dyn FactStore, loaded: &Loaded) -> Result<Sum, JournalError> {
    if let Some(sum) = &loaded.sum {
        return Ok(sum.clone());
    }
    let (sum, frame) = sealed(&loaded.frame, &loaded.replay.records)?;
    if frame != loaded.frame {
        make_anew(store, &frame, &loaded.replay.records).await?;
    }
    Ok(sum)
}

/// The sum of these records, and where the journal stands when they are stored.
pub(super) fn sealed(frame: &Frame, records: &Records) -> Result<(Sum, Frame), JournalError> {
    let sum = Sum::of(records).map_err(|error| JournalError::Write(error.to_string()))?;
    let seal = sum.seal(&frame.lineage, frame.serial, frame.tip);
    let frame = Frame {
        seal: Some(seal),
        ..frame.clone()
    };
    Ok((sum, frame))
}

/// Adds, changes and removes stored records until they are these.
pub(super) async fn make_anew(
    store: &mut dyn FactStore,
    frame: &Frame,
    records: &Records,
) -> Result<(), JournalError> {
    let mut gone = Vec::new();
    let mut same = BTreeSet::new();
    let mut after = String::new();
    loop {
        let rows = store.reader().records_after(&after, CHUNK).await?;
        let Some((last, _)) = rows.last() else { break };
        last.clone_into(&mut after);
        for (address, stored) in rows {
            match records::parse(&address, &stored) {
                Some((known, record)) if records.get(&known) == Some(&record) => {
                    same.insert(known);
                }
                Some((known, _)) if records.contains_key(&known) => {}
                // Nothing of ours, or nothing that can be read: written anew where it is needed.
                _ => gone.push(address),
            }
        }
    }
    let mut batches = batches(
        frame,
        records.iter().filter(|(known, _)| !same.contains(*known)),
    )?;
    batches.insert(
        0,
        Batch {
            gone,
            ..Batch::of_facts(frame.clone(), Vec::new())
        },
    );
    write_once(store, &batches).await
}

/// Batches that store these records.
pub(super) fn batches<'a>(
    frame: &Frame,
    records: impl Iterator<Item = (&'a Address, &'a Record)>,
) -> Result<Vec<Batch>, JournalError> {
    let rows = records
        .map(|(address, record)| Ok((address.to_string(), records::text(record)?)))
        .collect::<Result<Vec<_>, serde_json::Error>>()
        .map_err(|error| JournalError::Write(error.to_string()))?;
    Ok(rows
        .chunks(CHUNK)
        .map(|rows| Batch {
            records: rows.to_vec(),
            ..Batch::of_facts(frame.clone(), Vec::new())
        })
        .collect())
}
