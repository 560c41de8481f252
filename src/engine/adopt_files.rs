//! The folder of keys and certificates for a person: what it is to the state ([`look_at_files`]), and its taking
//! over in the place of the one that the state knows ([`adopt_files`]).

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::consent::Consent;
use super::durable::Durable;
use super::error::EngineError;
use super::files_folder::key_holders;
use super::journal_view::JournalView;
use super::workspace::{Workspace, new_run};
use crate::files::{FilesError, FilesFolder};
use crate::journal::{self, Holder};
use crate::model::{Address, FilesId, Observed, ObservedFiles, Records};

/// What the folder of keys and certificates is to the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilesStanding {
    /// There is none, and the state knows none.
    NotThere,
    /// It is there, and the state knows none.
    Unbound,
    /// It is the one that the state knows.
    Bound,
    /// Another host that shares the state has the one that it knows.
    Elsewhere,
}

/// The folder of keys and certificates as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilesLook {
    /// What it is to the state.
    pub standing: FilesStanding,
    /// The network file system that it is on.
    pub network: Option<&'static str>,
    /// Whether others than its owner and its group can look into it.
    pub is_open_for_looks: bool,
    /// Files with a private key that others can read.
    pub exposed: Vec<PathBuf>,
    /// The orders in force whose private key is not in it.
    pub keyless: Vec<Address>,
}

/// Looks at the folder; `None` where no order asks for a key or for files. Writes nothing.
///
/// Errors: a folder that cannot be used, or that is not the one that the state knows.
pub async fn look_at_files(workspace: &Workspace) -> Result<Option<FilesLook>, EngineError> {
    let names = workspace.names_with_files();
    if names.is_empty() {
        return Ok(None);
    }
    let known = JournalView::read(&workspace.location).await?;
    let path = &workspace.files.path;
    let folder = FilesFolder::open(path)?;
    let found = folder.as_ref().map(FilesFolder::id);
    let standing = match &known.bindings.files {
        Some(bound) if found == Some(bound) => FilesStanding::Bound,
        Some(_) if workspace.location.server().is_some() => FilesStanding::Elsewhere,
        Some(bound) => return Err(FilesError::another_folder(path.clone(), bound, found).into()),
        None if found.is_some() => FilesStanding::Unbound,
        None => FilesStanding::NotThere,
    };
    let Some(folder) = folder else {
        return Ok(Some(FilesLook {
            standing,
            network: workspace.network_of_folder(),
            is_open_for_looks: false,
            exposed: Vec::new(),
            keyless: Vec::new(),
        }));
    };
    let observed = folder.observe(names.iter().copied())?;
    Ok(Some(FilesLook {
        standing,
        network: workspace.network_of_folder(),
        is_open_for_looks: folder.is_open_for_looks()?,
        exposed: folder.exposed(names.into_iter())?,
        keyless: match standing {
            FilesStanding::Elsewhere => Vec::new(),
            FilesStanding::Bound | FilesStanding::Unbound | FilesStanding::NotThere => {
                keyless(workspace, &known.records, &observed)
            }
        },
    }))
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct AdoptFilesRequest {
    /// How long to wait for another run to release the state.
    pub lock_timeout: Duration,
}

/// A folder that takes the place of the one that the state knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdoptedFiles {
    /// The folder.
    pub path: PathBuf,
    /// The id that the state knew.
    pub known: Option<FilesId>,
    /// The id of this one; `None` where there is no folder yet, or one without an id.
    pub found: Option<FilesId>,
    /// The orders in force whose private key is not in it.
    pub keyless: Vec<Address>,
}

impl AdoptedFiles {
    /// Whether it is the one that the state knew.
    pub fn is_known(&self) -> bool {
        self.found.is_some() && self.known == self.found
    }
}

/// Binds the present folder to the state, and makes it where there is none. `consents` is asked where the state
/// knows another one.
///
/// Errors: a folder that cannot be used, no consent. Nothing is bound then.
pub async fn adopt_files(
    workspace: &Workspace,
    request: &AdoptFilesRequest,
    consents: &dyn Fn(&AdoptedFiles) -> Consent,
) -> Result<Durable<AdoptedFiles>, EngineError> {
    let names = workspace.names_with_files();
    if names.is_empty() {
        return Err(EngineError::Usage(
            "no order of the manifest asks for a `key` or for `files`: there is no folder to take over".to_owned(),
        ));
    }
    let holder = Holder {
        command: "doctor".to_owned(),
        run: new_run(),
    };
    let journal = journal::open(&workspace.location, holder, request.lock_timeout).await?;
    let known = JournalView::held(&*journal);
    workspace.check_bindings(&known.bindings.accounts, &Observed::default())?;
    let path = &workspace.files.path;
    let folder = FilesFolder::open(path)?;
    let observed = match &folder {
        Some(folder) => folder.observe(names.into_iter())?,
        None => ObservedFiles::default(),
    };
    let adopted = AdoptedFiles {
        path: path.clone(),
        found: folder.as_ref().map(|folder| folder.id().clone()),
        keyless: keyless(workspace, &known.records, &observed),
        known: known.bindings.files,
    };
    if !adopted.is_known() {
        // A state that knows no folder takes the first one that a run comes by, too.
        if adopted.known.is_some() {
            check_consent(path, consents(&adopted))?;
        }
        let folder = FilesFolder::make_or_open(path, workspace.files.group)?;
        journal.bind_files(folder.id()).await?;
    }
    Ok(Durable::after(adopted, &*journal).await)
}

fn check_consent(path: &Path, consent: Consent) -> Result<(), EngineError> {
    match consent {
        Consent::Given => Ok(()),
        Consent::Withheld => Err(EngineError::Failed(
            "nothing was bound: the path was not typed".to_owned(),
        )),
        Consent::NobodyToAsk => Err(EngineError::Usage(format!(
            "{} would take the place of the folder that the state knows, and standard input is no terminal: say `--yes` to bind it",
            path.display()
        ))),
    }
}

/// The orders in force whose private key certplan made and the folder does not hold.
fn keyless(workspace: &Workspace, records: &Records, observed: &ObservedFiles) -> Vec<Address> {
    let holders = key_holders(&workspace.batch);
    holders
        .filter(|address| {
            let live = records
                .get(*address)
                .and_then(|record| record.live.as_ref());
            let key = live.and_then(|live| live.key.as_ref());
            let seen = observed.names.get(address.name());
            key.is_some_and(|key| !seen.is_some_and(|seen| seen.holds_key(key)))
        })
        .cloned()
        .collect()
}
