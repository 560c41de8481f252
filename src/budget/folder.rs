//! The folder that budgets lie in: found fit before anything is trusted to it. Main type: [`BudgetFolder`].

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{Access, access};

use super::clock::MachineClock;
use super::file::{BudgetFile, Sharing};
use super::sqlite::SqliteLedger;
use super::thread::BudgetThread;
use crate::journal::network_file_system;
use crate::provider::{Budget, BudgetError, KeyFingerprint};

/// Where the budgets of a host are.
pub struct BudgetFolder {
    path: PathBuf,
    /// Files are for the folder's group too, as the folder itself is.
    group: Sharing,
    /// One connection for each key, however many accounts have it.
    opened: Mutex<BTreeMap<KeyFingerprint, Arc<BudgetThread>>>,
}

impl BudgetFolder {
    /// Opens a folder, making it (mode 0700) and those above it if need be.
    ///
    /// # Errors
    ///
    /// A path that cannot be made or written to, is open to everyone, or is on a network file system.
    pub fn open(path: &Path) -> Result<Self, BudgetError> {
        let fail = |error: io::Error| unusable(path, &error.to_string());
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(fail)?;
        let folder = fs::canonicalize(path).map_err(fail)?;
        let mode = fs::metadata(&folder).map_err(fail)?.mode();
        if mode & 0o002 != 0 {
            return Err(unusable(
                path,
                &format!(
                    "everyone may write to it: `chmod o-w '{}'`",
                    folder.display()
                ),
            ));
        }
        access(&folder, Access::WRITE_OK | Access::EXEC_OK)
            .map_err(|error| fail(io::Error::from(error)))?;
        if let Some(name) = network_file_system(&folder) {
            return Err(unusable(
                path,
                &format!(
                    "it is on a network file system ({name}), where locks cannot be relied on"
                ),
            ));
        }
        Ok(Self {
            path: folder,
            group: if mode & 0o020 == 0 {
                Sharing::Owner
            } else {
                Sharing::Group
            },
            opened: Mutex::new(BTreeMap::new()),
        })
    }

    /// The folder, without symbolic links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The budget of a key, made where there is none.
    ///
    /// # Errors
    ///
    /// A file that is not ours alone, that cannot be opened, or that another process keeps locked.
    pub fn budget(&self, key: &KeyFingerprint) -> Result<Arc<dyn Budget>, BudgetError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(budget) = opened.get(key) {
            return Ok(Arc::clone(budget) as Arc<dyn Budget>);
        }
        // The number is the schema's: another one is another file.
        let file = BudgetFile::new(
            self.path.join(format!("budget-1-{}.db", key.as_str())),
            self.group,
            Arc::new(MachineClock),
        );
        let budget = Arc::new(BudgetThread::start(SqliteLedger::open(file)?)?);
        opened.insert(key.clone(), Arc::clone(&budget));
        Ok(budget)
    }
}

fn unusable(path: &Path, why: &str) -> BudgetError {
    BudgetError(format!("the folder `{}`: {why}", path.display()))
}
