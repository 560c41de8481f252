//! Which rate budget an account draws from. Main type: [`Budgets`].

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::budget::{BudgetFolder, PostgresBudget};
use crate::journal::{Location, Server};
use crate::model::RateLimit;
use crate::provider::{Budget, BudgetError, KeyFingerprint};

/// How long a slot counts that `doctor` could not give back.
const PROBE: Duration = Duration::from_secs(1);

/// The rate budgets of this run. The folder is made when the first one is asked for, so that a command
/// that sends nothing leaves nothing behind.
pub struct Budgets {
    folders: Vec<PathBuf>,
    /// Where the state is in a database, so is the budget: its hosts share the keys as well.
    server: Option<Server>,
    opened: OnceLock<Result<BudgetFolder, BudgetError>>,
}

impl Budgets {
    /// In the folder that the operator names, and else in the user's own: that one is the same for every
    /// manifest. Where there is no home, beside the state.
    pub fn of(named: Option<PathBuf>, home: Option<PathBuf>, location: &Location) -> Self {
        let folders = match named {
            Some(named) => vec![named],
            None => home
                .into_iter()
                .chain(location.folder().map(beside))
                .collect(),
        };
        Self {
            folders,
            server: location.server().cloned(),
            opened: OnceLock::new(),
        }
    }

    /// The budget of a key. `None`, after a warning, when there is none to be had: the limits then hold
    /// for this run alone.
    pub fn open(&self, key: &KeyFingerprint) -> Option<Arc<dyn Budget>> {
        self.budget(key)
            .inspect_err(|error| {
                tracing::warn!(
                    "the rate budget that is shared with other runs cannot be used: {error}; this run keeps to the limits by itself"
                );
            })
            .ok()
    }

    /// Where the budgets are, as `doctor` names it.
    pub fn location(&self) -> Result<String, BudgetError> {
        match &self.server {
            Some(server) => Ok(server.to_string()),
            None => Ok(self.folder()?.path().display().to_string()),
        }
    }

    /// Whether the budgets are in a database: then hosts that cannot use it overrun the limits together.
    pub fn of_all_hosts(&self) -> bool {
        self.server.is_some()
    }

    /// Shows that the budget of a key can be used: draws a slot, if there is one now, and gives it back.
    pub async fn check(
        &self,
        key: &KeyFingerprint,
        limits: &[RateLimit],
    ) -> Result<(), BudgetError> {
        self.budget(key)?.take(limits, PROBE).await.map(drop)
    }

    fn budget(&self, key: &KeyFingerprint) -> Result<Arc<dyn Budget>, BudgetError> {
        match &self.server {
            Some(server) => Ok(Arc::new(PostgresBudget::start(server, key)?)),
            None => self.folder()?.budget(key),
        }
    }

    fn folder(&self) -> Result<&BudgetFolder, BudgetError> {
        let opened = self.opened.get_or_init(|| {
            let mut last = BudgetError("no folder is known for it".to_owned());
            for folder in &self.folders {
                match BudgetFolder::open(folder) {
                    Ok(opened) => return Ok(opened),
                    Err(error) => {
                        tracing::info!("no rate budget there: {error}");
                        last = error;
                    }
                }
            }
            Err(last)
        });
        opened.as_ref().map_err(Clone::clone)
    }
}

/// A state that is named without its folder is in this one.
fn beside(folder: &Path) -> PathBuf {
    Path::new(".").join(folder)
}
