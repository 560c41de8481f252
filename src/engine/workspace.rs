//! What every use case starts from: [`Workspace`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use super::budgets::Budgets;
use super::error::EngineError;
use super::files_place::FilesPlace;
use super::journal_view::JournalView;
use super::notice::Tell;
use crate::apply::RunAccount;
use crate::journal::{Binding, JournalError, Location};
use crate::manifest::{self, Input};
use crate::model::{
    Account, AccountName, Address, Batch, DoubtRule, Item, Observed, Policy, RunId, Secret,
    SecretSource, Tag, TagParts,
};
use crate::plan::{Allowance, Folder, Inputs, Pace, Plan, Warning, with_dependencies};
use crate::provider::{
    Act, Deadlines, Endpoint, Keys, ProviderError, Route, Settings, authorities, preview,
};

/// What is wanted, read from its files.
pub struct Manifest {
    /// Accounts and items.
    pub batch: Batch,
    /// The limits that hold.
    pub policy: Policy,
    /// What is allowed in it but looks like a mistake: told with the plan, unless it was told before.
    pub warnings: Vec<manifest::Warning>,
}

impl Manifest {
    /// Reads the manifest, and the policy from outside that it may only tighten.
    ///
    /// Errors: [`EngineError::Manifest`], with every problem.
    pub fn read(inputs: &[Input], policy: Option<&Path>) -> Result<Self, EngineError> {
        let loaded = manifest::load(inputs, &authorities()).map_err(EngineError::Manifest)?;
        let own = loaded.batch.policy.clone();
        let policy = match policy {
            Some(path) => {
                let outer = manifest::load_policy(path).map_err(EngineError::Manifest)?;
                manifest::tighten(outer, own)
            }
            None => own,
        };
        #[cfg(feature = "planted-bugs")]
        let policy = crate::planted::policy(policy);
        Ok(Self {
            batch: loaded.batch,
            policy,
            warnings: loaded.warnings,
        })
    }

    /// Says what looks like a mistake in it.
    pub fn warn_of_entries(&self, tell: &dyn Tell) {
        for warning in manifest::told(&self.warnings) {
            tell.warning(warning);
        }
    }

    /// Says what of the policy has no effect with a journal in this place.
    pub fn warn_of_place(&self, location: &Location, tell: &dyn Tell) {
        if location.server().is_some() && self.policy.doubt.then == DoubtRule::Resend {
            tell.warning(
                "`policy.doubt.then: resend` has no effect with a state in PostgreSQL: an order in doubt is left to a person",
            );
        }
    }
}

/// What surrounds a manifest: it says nothing of these itself.
pub struct Surroundings {
    /// Where each account's calls go.
    pub endpoints: BTreeMap<AccountName, Endpoint>,
    /// Where the journal is.
    pub location: Location,
    /// The journal in a file beside the manifest, where another one is used.
    pub default_state: Option<Location>,
    /// What runs under the same keys draw from.
    pub budgets: Budgets,
    /// The way to the CAs.
    pub route: Route,
    /// Where keys and certificates are.
    pub files: FilesPlace,
    /// PEM certificates to trust beside the system's.
    pub extra_root: Option<Vec<u8>>,
    /// Reads the keys of an account, when it is opened.
    pub keys: fn(&Account) -> Result<Keys, EngineError>,
    /// Reads a passphrase from where the manifest says; an error is for people.
    pub secret: fn(&SecretSource) -> Result<Secret, String>,
    /// Opens an account with its keys.
    pub open: Open,
}

/// How an account is opened: [`crate::provider::open`], or what a front end puts in its place.
pub type Open = Box<dyn Fn(Settings, Keys) -> Result<Arc<dyn Act>, ProviderError> + Send + Sync>;

/// A manifest with what surrounds it.
pub struct Workspace {
    /// Accounts and items.
    pub batch: Batch,
    /// The limits that hold: the manifest's, or those from outside with the manifest's.
    pub policy: Policy,
    /// What looks like a mistake in the manifest: each plan says it.
    pub warnings: Vec<manifest::Warning>,
    /// Where each account's calls go.
    pub endpoints: BTreeMap<AccountName, Endpoint>,
    /// Where the journal is.
    pub location: Location,
    /// The journal in a file beside the manifest, where another one is used.
    pub default_state: Option<Location>,
    /// What runs under the same keys draw from.
    pub budgets: Budgets,
    /// The way to the CAs.
    pub route: Route,
    /// Where keys and certificates are.
    pub files: FilesPlace,
    extra_root: Option<Vec<u8>>,
    keys: fn(&Account) -> Result<Keys, EngineError>,
    pub(super) secret: fn(&SecretSource) -> Result<Secret, String>,
    open: Open,
}

/// What a plan is made for.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// These addresses and what they depend on; none named is everything.
    pub targets: Vec<Address>,
    /// What this run may do whatever the policy says.
    pub allowance: Allowance,
    /// Orders that get a new key where theirs is not here.
    pub rekey: Vec<Address>,
    /// How much of what is due is done.
    pub pace: Pace,
    /// Whether a program runs after each collection.
    pub has_program: bool,
}

/// The accounts of a workspace, opened.
pub type Accounts = BTreeMap<AccountName, Arc<dyn Act>>;

impl Workspace {
    /// Puts a manifest into its surroundings.
    pub fn new(manifest: Manifest, surroundings: Surroundings) -> Self {
        let Manifest {
            batch,
            policy,
            warnings,
        } = manifest;
        let Surroundings {
            endpoints,
            location,
            default_state,
            budgets,
            route,
            files,
            extra_root,
            keys,
            secret,
            open,
        } = surroundings;
        Self {
            batch,
            policy,
            warnings,
            endpoints,
            location,
            default_state,
            budgets,
            route,
            files,
            extra_root,
            keys,
            secret,
            open,
        }
    }

    /// The accounts of the selected items and of what they depend on; of all items when nothing is selected.
    pub(super) fn used_accounts(&self, targets: &[Address]) -> BTreeSet<AccountName> {
        let selected = with_dependencies(&self.batch.items, targets);
        self.batch
            .items
            .iter()
            .filter(|item| targets.is_empty() || selected.contains(&item.address))
            .map(|item| item.account.clone())
            .collect()
    }

    /// Reads the keys of these accounts and opens them. Nothing is sent yet.
    pub fn open(&self, names: &BTreeSet<AccountName>) -> Result<Accounts, EngineError> {
        let mut accounts = Accounts::new();
        for name in names {
            let (Some(account), Some(endpoint)) =
                (self.batch.accounts.get(name), self.endpoints.get(name))
            else {
                continue;
            };
            let keys = (self.keys)(account)?;
            let settings = Settings {
                account: name.clone(),
                endpoint: endpoint.clone(),
                key_sources: account.provider.credentials.clone(),
                rate_limits: account.rate_limits.clone(),
                budget: self.budgets.open(&keys.fingerprint(endpoint)),
                max_in_flight: account.max_in_flight,
                route: self.route.clone(),
                extra_root: self.extra_root.clone(),
                deadlines: Deadlines::default(),
            };
            let opened =
                (self.open)(settings, keys).map_err(|error| EngineError::provider(name, error))?;
            #[cfg(feature = "planted-bugs")]
            let opened = crate::planted::act(opened);
            accounts.insert(name.clone(), opened);
        }
        Ok(accounts)
    }

    /// The accounts as a run takes them.
    pub(super) fn run_accounts(&self, accounts: &Accounts) -> BTreeMap<AccountName, RunAccount> {
        accounts
            .iter()
            .filter_map(|(name, act)| {
                let account = self.batch.accounts.get(name)?;
                Some((
                    name.clone(),
                    RunAccount {
                        act: Arc::clone(act),
                        provider: account.provider.clone(),
                        max_in_flight: account.max_in_flight,
                    },
                ))
            })
            .collect()
    }

    /// The base URLs as plans name them.
    pub(super) fn endpoint_texts(&self) -> BTreeMap<AccountName, String> {
        self.endpoints
            .iter()
            .map(|(name, endpoint)| (name.clone(), endpoint.to_string()))
            .collect()
    }

    /// Refuses a journal that was written for other accounts.
    pub(super) fn check_bindings(
        &self,
        bindings: &BTreeMap<AccountName, Binding>,
        observed: &Observed,
    ) -> Result<(), EngineError> {
        for (name, then) in bindings {
            if !self.batch.accounts.contains_key(name) {
                continue;
            }
            let Some(now) = self.binding(name, observed) else {
                continue;
            };
            if !then.is_same(&now) {
                let words = |binding: &Binding| match &binding.account_id {
                    Some(id) => {
                        format!(
                            "{} at {} (account {id})",
                            binding.provider, binding.endpoint
                        )
                    }
                    None => format!("{} at {}", binding.provider, binding.endpoint),
                };
                return Err(EngineError::Journal(JournalError::Foreign {
                    account: name.clone(),
                    then: words(then),
                    now: words(&now),
                }));
            }
        }
        Ok(())
    }

    /// The tag of one generation of an item.
    pub(super) fn tag(&self, item: &Item, generation: u32) -> Option<Tag> {
        self.tag_of(&item.account, &item.address, generation)
    }

    /// The same for a name that may be in no manifest.
    pub(super) fn tag_of(
        &self,
        account: &AccountName,
        address: &Address,
        generation: u32,
    ) -> Option<Tag> {
        let endpoint = self.endpoints.get(account)?.to_string();
        Some(Tag::derive(TagParts {
            provider: self.batch.accounts.get(account)?.provider.name(),
            endpoint: &endpoint,
            account,
            address,
            generation,
            renews: None,
        }))
    }

    /// What an account is bound to.
    pub(super) fn binding(&self, name: &AccountName, observed: &Observed) -> Option<Binding> {
        let account = observed.accounts.get(name);
        let identity = account.and_then(|account| account.identity.as_ref());
        Some(Binding {
            provider: self.batch.accounts.get(name)?.provider.name().to_owned(),
            endpoint: self.endpoints.get(name)?.to_string(),
            account_id: identity.map(|identity| identity.account_id.clone()),
        })
    }

    /// Makes the plan from what was read.
    pub(super) fn plan(
        &self,
        known: &JournalView,
        observed: &Observed,
        scope: &Scope,
        offline: bool,
    ) -> Plan {
        let endpoints = self.endpoint_texts();
        let mut plan = Plan::build(&self.inputs(known, observed, scope, offline, &endpoints));
        plan.warnings.extend(self.warnings_of_entries(scope));
        plan
    }

    /// What looks like a mistake in the entries that a plan speaks of.
    fn warnings_of_entries(&self, scope: &Scope) -> Vec<Warning> {
        let selected = with_dependencies(&self.batch.items, &scope.targets);
        let is_planned = |address: &Address| scope.targets.is_empty() || selected.contains(address);
        manifest::told_in_a_plan(&self.warnings, is_planned)
            .into_iter()
            .map(|(address, message)| Warning {
                address: address.cloned(),
                message,
            })
            .collect()
    }

    /// Everything that a plan depends on.
    pub(super) fn inputs<'a>(
        &'a self,
        known: &'a JournalView,
        observed: &'a Observed,
        scope: &'a Scope,
        offline: bool,
        endpoints: &'a BTreeMap<AccountName, String>,
    ) -> Inputs<'a> {
        Inputs {
            batch: &self.batch,
            records: &known.records,
            moves: &known.moves,
            knowledge: known.knowledge,
            state: known.state.clone(),
            observed,
            offline,
            endpoints,
            now: known.now,
            targets: &scope.targets,
            rekey: &scope.rekey,
            pace: scope.pace,
            folder: observed.folder.as_ref().map(|observed| Folder {
                observed,
                path: &self.files.shown,
                has_program: scope.has_program,
                elsewhere: known
                    .bindings
                    .files
                    .as_ref()
                    .filter(|bound| observed.folder.as_ref() != Some(bound)),
            }),
            policy: self.policy.clone(),
            allowance: scope.allowance,
            preview: &preview,
        }
    }
}

/// A new run's id.
pub(super) fn new_run() -> RunId {
    RunId::from(Uuid::now_v7().to_string())
}
