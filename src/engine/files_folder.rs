//! The folder of keys and certificates, as the use cases use it: read for a plan, opened for a run.

use std::sync::Arc;

use super::error::EngineError;
use super::journal_view::JournalView;
use super::renamed::moved_orders;
use super::workspace::Workspace;
use crate::files::{FilesError, FilesFolder};
use crate::journal::network_file_system;
use crate::model::{Address, Batch, FilesId, ItemName, ObservedFiles, Order, Reason, Wanted};
use crate::plan::{Plan, Step};

/// Whether an order asks for a key or for files.
fn uses_folder(order: &Order) -> bool {
    order.certificate.key.is_some() || order.files.is_some()
}

/// The orders whose key is made here.
pub(super) fn key_holders(batch: &Batch) -> impl Iterator<Item = &Address> {
    let items = batch.items.iter();
    items.filter_map(|item| match &item.wanted {
        Wanted::Order(order) if order.certificate.key.is_some() => Some(&item.address),
        Wanted::Order(_) | Wanted::Revocation(_) => None,
    })
}

impl Workspace {
    /// The orders that ask for keys or files.
    pub(super) fn names_with_files(&self) -> Vec<&ItemName> {
        let items = self.batch.items.iter();
        items
            .filter_map(|item| match (&item.address, &item.wanted) {
                (Address::Order(name), Wanted::Order(order)) if uses_folder(order) => Some(name),
                (Address::Order(_) | Address::Revocation(_), _) => None,
            })
            .collect()
    }

    /// What the folder holds of the orders that ask for keys or files; `None` where none does. Writes nothing.
    ///
    /// Errors: a folder that cannot be used, or that is not the one that the journal knows.
    pub(super) fn read_folder(
        &self,
        known: &JournalView,
    ) -> Result<Option<ObservedFiles>, EngineError> {
        let names = self.names_with_files();
        if names.is_empty() {
            return Ok(None);
        }
        let folder = FilesFolder::open(&self.files.path)?;
        // Several hosts share a database, and one of them has the folder: the plan says so.
        let is_shared = self.location.server().is_some();
        if let Some(bound) = known.bindings.files.as_ref().filter(|_| !is_shared) {
            let found = folder.as_ref().map(FilesFolder::id);
            if found != Some(bound) {
                let path = self.files.path.clone();
                return Err(FilesError::another_folder(path, bound, found).into());
            }
        }
        match folder {
            Some(folder) => {
                // Files are found under either name: a run may have been killed while it moved them.
                let moves: Vec<(&ItemName, &ItemName)> = moved_orders(&known.moves)
                    .filter(|(_, to)| names.contains(to))
                    .collect();
                let former = moves.iter().map(|(from, _)| *from);
                let mut observed = folder.observe(names.iter().copied().chain(former))?;
                for (from, to) in moves {
                    observed.move_name(from, to);
                }
                Ok(Some(observed))
            }
            None => Ok(Some(ObservedFiles::default())),
        }
    }

    /// A new key that is asked for where no key is made is a typing error.
    pub(super) fn check_rekey(&self, rekey: &[Address]) -> Result<(), EngineError> {
        self.check_targets(rekey)?;
        let has_key = |address: &Address| {
            self.batch.items.iter().any(|item| {
                item.address == *address
                    && matches!(&item.wanted, Wanted::Order(order) if order.certificate.key.is_some())
            })
        };
        match rekey.iter().find(|address| !has_key(address)) {
            Some(address) => Err(EngineError::Usage(format!(
                "`--rekey {address}`: certplan makes no key for it; write `key: {{ generate: p-256 }}` into its `certificate`"
            ))),
            None => Ok(()),
        }
    }

    /// The network file system that the folder is on, or would be on.
    pub(super) fn network_of_folder(&self) -> Option<&'static str> {
        let mut folders = self.files.path.ancestors();
        let there = folders.find(|folder| folder.is_dir())?;
        network_file_system(there)
    }

    /// The folder for a run, made where it is not there; `None` where the plan needs none, or where another host
    /// has the one that belongs to the journal. What a killed run left half done is removed.
    pub(super) fn open_folder(
        &self,
        plan: &Plan,
        bound: Option<&FilesId>,
    ) -> Result<Option<Arc<FilesFolder>>, EngineError> {
        let is_needed = plan.steps.iter().any(|step| step.files.is_some());
        // A renamed entry that asks for no files any more may have left some.
        let is_move = |step: &Step| matches!(step.reason, Reason::Moved { .. });
        let may_move = bound.is_some() && plan.steps.iter().any(is_move);
        if !is_needed && !may_move && self.names_with_files().is_empty() {
            return Ok(None);
        }
        let found = FilesFolder::open(&self.files.path)?;
        let is_bound = bound.is_some() && found.as_ref().map(FilesFolder::id) == bound;
        if bound.is_some() && !is_bound {
            return Ok(None);
        }
        if !is_needed {
            if let Some(folder) = found.filter(|_| is_bound) {
                self.clean(&folder)?;
                return Ok(may_move.then(|| Arc::new(folder)));
            }
            return Ok(None);
        }
        let folder = FilesFolder::make_or_open(&self.files.path, self.files.group)?;
        self.clean(&folder)?;
        Ok(Some(Arc::new(folder)))
    }

    /// Removes what a killed run left half done. The journal is held.
    fn clean(&self, folder: &FilesFolder) -> Result<(), EngineError> {
        folder.sweep()?;
        for name in self.names_with_files() {
            folder.remove_collected(name)?;
        }
        Ok(())
    }
}
