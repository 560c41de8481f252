//! What every command that knows a manifest starts from.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use uuid::Uuid;

use super::args::{Common, Scope};
use super::budget::Budgets;
use super::exit::CliError;
use super::journal_view::JournalView;
use super::output::Output;
use super::settings;
use crate::apply::RunAccount;
use crate::journal::{Binding, Location};
use crate::manifest::{self, Input};
use crate::model::{
    AccountName, Address, Batch, Digest, DoubtRule, Item, Observed, Policy, RunId, Tag, TagParts,
};
use crate::plan::{Allowance, Inputs, Plan, with_dependencies};
use crate::provider::{Act, Deadlines, Endpoint, Settings, open, preview};

/// Standard input larger than this is no manifest.
const STDIN_BYTES: u64 = 64 * 1024 * 1024;

/// A manifest with what surrounds it.
pub(super) struct Session {
    pub(super) batch: Batch,
    pub(super) endpoints: BTreeMap<AccountName, Endpoint>,
    pub(super) location: Location,
    pub(super) policy: Policy,
    pub(super) budgets: Budgets,
    extra_root: Option<Vec<u8>>,
}

/// The accounts of a session, opened.
pub(super) type Accounts = BTreeMap<AccountName, Arc<dyn Act>>;

impl Session {
    /// Reads the manifest and everything that it is read with.
    pub(super) fn load(
        common: &Common,
        policy: Option<&Path>,
        output: &Output,
    ) -> Result<Self, CliError> {
        let loaded = manifest::load(&inputs(common)?).map_err(CliError::Manifest)?;
        for warning in &loaded.warnings {
            let place = &warning.place;
            output.warning(&format!(
                "{}:{}: {}",
                place.file, place.line, warning.message
            ));
        }
        let own = loaded.batch.policy.clone();
        let policy = match policy {
            Some(path) => {
                let outer = manifest::load_policy(path).map_err(CliError::Manifest)?;
                manifest::tighten(outer, own)
            }
            None => own,
        };
        #[cfg(feature = "planted-bugs")]
        let policy = crate::planted::policy(policy);
        let location = settings::location(common)?;
        if matches!(location, Location::Postgres(_)) && policy.doubt.then == DoubtRule::Resend {
            output.warning(
                "`policy.doubt.then: resend` has no effect with a state in PostgreSQL: an order in doubt is left to a person",
            );
        }
        Ok(Self {
            endpoints: settings::endpoints(common, &loaded.batch)?,
            budgets: Budgets::of(common, &location),
            location,
            extra_root: settings::extra_root(common)?,
            policy,
            batch: loaded.batch,
        })
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
    pub(super) fn open(&self, names: &BTreeSet<AccountName>) -> Result<Accounts, CliError> {
        let mut accounts = Accounts::new();
        for name in names {
            let (Some(account), Some(endpoint)) =
                (self.batch.accounts.get(name), self.endpoints.get(name))
            else {
                continue;
            };
            let keys = settings::keys(account)?;
            let settings = Settings {
                account: name.clone(),
                endpoint: endpoint.clone(),
                rate_limits: account.rate_limits.clone(),
                budget: self.budgets.open(&keys.fingerprint(endpoint)),
                max_in_flight: account.max_in_flight,
                extra_root: self.extra_root.clone(),
                deadlines: Deadlines::default(),
            };
            let opened = open(settings, keys).map_err(|error| CliError::Provider {
                account: name.to_string(),
                error,
            })?;
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
    ) -> Result<(), CliError> {
        for (name, then) in bindings {
            if !self.batch.accounts.contains_key(name) {
                continue;
            }
            let Some(now) = self.binding(name, observed) else {
                continue;
            };
            let same_customer = match (&then.account_id, &now.account_id) {
                (Some(then), Some(now)) => then == now,
                _ => true,
            };
            if then.provider != now.provider || then.endpoint != now.endpoint || !same_customer {
                let words = |binding: &Binding| match &binding.account_id {
                    Some(id) => {
                        format!(
                            "{} at {} (account {id})",
                            binding.provider, binding.endpoint
                        )
                    }
                    None => format!("{} at {}", binding.provider, binding.endpoint),
                };
                return Err(CliError::Journal(crate::journal::JournalError::Foreign {
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
        let endpoint = self.endpoints.get(&item.account)?.to_string();
        Some(Tag::derive(TagParts {
            provider: self.batch.accounts.get(&item.account)?.provider.name(),
            endpoint: &endpoint,
            account: &item.account,
            address: &item.address,
            generation,
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
        Plan::build(&self.inputs(known, observed, scope, offline, &endpoints))
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
            knowledge: known.knowledge,
            state: known.state.clone(),
            observed,
            offline,
            endpoints,
            now: known.now,
            targets: &scope.targets,
            policy: self.policy.clone(),
            allowance: Allowance {
                orders: scope.allow_orders,
                revocations: scope.allow_revocations,
            },
            preview: &preview,
        }
    }

    /// A target that the manifest does not have is a typing error.
    pub(super) fn check_targets(&self, targets: &[Address]) -> Result<(), CliError> {
        for target in targets {
            if !self.batch.items.iter().any(|item| item.address == *target) {
                return Err(CliError::Usage(format!(
                    "the manifest has no {target}{}",
                    self.near(target)
                )));
            }
        }
        Ok(())
    }

    /// The nearest address, as a hint.
    pub(super) fn near(&self, address: &Address) -> String {
        let wanted = address.to_string();
        self.batch
            .items
            .iter()
            .map(|item| item.address.to_string())
            .map(|known| (strsim::damerau_levenshtein(&wanted, &known), known))
            .min()
            .filter(|(distance, _)| *distance <= 3)
            .map_or_else(String::new, |(_, known)| format!("; did you mean {known}?"))
    }
}

impl Scope {
    /// No target, no limit of its own.
    pub(super) fn everything() -> Self {
        Self {
            targets: Vec::new(),
            policy: None,
            allow_orders: None,
            allow_revocations: None,
            detailed_exitcode: false,
        }
    }
}

/// A new run's id.
pub(super) fn new_run() -> RunId {
    RunId::from(Uuid::now_v7().to_string())
}

/// What `-f` names; standard input is read here.
pub(super) fn inputs(common: &Common) -> Result<Vec<Input>, CliError> {
    if common.files.is_empty() {
        return Ok(vec![Input::Path(PathBuf::from("certplan.yaml"))]);
    }
    let mut inputs = Vec::new();
    for file in &common.files {
        if file.as_os_str() != "-" {
            inputs.push(Input::Path(file.clone()));
            continue;
        }
        if inputs.iter().any(|input| matches!(input, Input::Stdin(_))) {
            return Err(CliError::Usage("`-f -` stands twice".to_owned()));
        }
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .take(STDIN_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| CliError::File(format!("cannot read standard input: {error}")))?;
        inputs.push(Input::Stdin(bytes));
    }
    Ok(inputs)
}

/// The digest of a plan as a reviewer types it.
pub(super) fn expected(plan: &Plan, expect: Option<Digest>) -> Result<(), CliError> {
    match expect {
        Some(digest) if digest != plan.plan_id => Err(CliError::Refused(format!(
            "the plan is {}, not the expected {digest}: something changed since the review; nothing was sent",
            plan.plan_id
        ))),
        _ => Ok(()),
    }
}
