//! What comes from outside the manifest: endpoints, keys, the state's place.

use std::collections::{BTreeMap, BTreeSet};
use std::env::VarError;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::args::Common;
use super::exit::CliError;
use super::variables;
use crate::engine::EngineError;
use crate::files::{self, FileError, SecretError};
use crate::journal::{Location, PgEnvironment, looks_like_address};
use crate::model::{
    Account, AccountName, Batch, CredentialMember, Provider, Secret, SecretSource, Untrusted,
};
use crate::provider::{Endpoint, Keys};

const ENDPOINT_VARIABLE: &str = "CERTPLAN_ENDPOINT_";
const STATE_VARIABLE: &str = "CERTPLAN_STATE";
const BUDGET_VARIABLE: &str = "CERTPLAN_BUDGET_DIR";

/// A key file larger than this is no key file.
const KEY_FILE_BYTES: u64 = 64 * 1024;
/// The roots of a whole system are a quarter of a megabyte.
const ROOT_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// Whether a command calls a CA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Calls {
    /// It does, with the keys of accounts.
    Ca,
    /// It works with what is on this machine.
    Nobody,
}

/// Where each account's calls go: the official address, or what the operator says. For a command that calls
/// a CA, a variable that belongs to no account is refused while an account's calls go to the official one.
pub(super) fn endpoints(
    common: &Common,
    batch: &Batch,
    calls: Calls,
) -> Result<BTreeMap<AccountName, Endpoint>, CliError> {
    let mut named = BTreeMap::new();
    for name in batch.accounts.keys() {
        let variable = endpoint_variable(name);
        match std::env::var(&variable) {
            Ok(url) if !url.is_empty() => {
                let endpoint = Endpoint::parse(&url)
                    .map_err(|error| CliError::Usage(format!("{variable}: {error}")))?;
                named.insert(name.clone(), endpoint);
            }
            Ok(_) | Err(VarError::NotPresent) => {}
            // What cannot be read must not send the key to the CA's own address instead.
            Err(VarError::NotUnicode(_)) => {
                return Err(CliError::Usage(format!("{variable}: it is not plain text")));
            }
        }
    }
    for text in &common.endpoints {
        // What is no account's name is not repeated: it may hold a password.
        let (name, url) = text
            .split_once('=')
            .and_then(|(name, url)| Some((name.parse::<AccountName>().ok()?, url)))
            .ok_or_else(|| CliError::Usage("--endpoint: write ACCOUNT=URL".to_owned()))?;
        if !batch.accounts.contains_key(&name) {
            return Err(CliError::Usage(format!(
                "--endpoint: the manifest has no account `{name}`; it has {}",
                account_names(batch)
            )));
        }
        let endpoint = Endpoint::parse(url)
            .map_err(|error| CliError::Usage(format!("--endpoint {name}: {error}")))?;
        named.insert(name, endpoint);
    }
    let official = batch
        .accounts
        .keys()
        .find(|name| !named.contains_key(*name));
    if let (Calls::Ca, Some(account), Some(variable)) =
        (calls, official, foreign_endpoints(batch).first())
    {
        return Err(CliError::Usage(format!(
            "{variable}: the manifest has no such account, it has {}; the calls of `{account}` would go to the CA's own address: unset the variable, or name one for that account too ({})",
            account_names(batch),
            endpoint_variable(account)
        )));
    }
    let all = batch.accounts.iter().map(|(name, account)| {
        let endpoint = named
            .remove(name)
            .unwrap_or_else(|| Endpoint::official(&account.provider));
        (name.clone(), endpoint)
    });
    Ok(all.collect())
}

/// The variables that name an endpoint for an account that the manifest does not have.
pub(super) fn foreign_endpoints(batch: &Batch) -> Vec<String> {
    let own: BTreeSet<String> = batch.accounts.keys().map(endpoint_variable).collect();
    let mut foreign: Vec<String> = std::env::vars_os()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, _)| name.to_string_lossy().into_owned())
        .filter(|name| name.starts_with(ENDPOINT_VARIABLE.trim_end_matches('_')))
        .filter(|name| !own.contains(name))
        .collect();
    foreign.sort();
    foreign
}

fn account_names(batch: &Batch) -> String {
    let names: Vec<&str> = batch.accounts.keys().map(AccountName::as_str).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

fn endpoint_variable(account: &AccountName) -> String {
    format!(
        "{ENDPOINT_VARIABLE}{}",
        account.as_str().to_ascii_uppercase().replace('-', "_")
    )
}

/// Where the state is: as the operator says, or in `.certplan` in the folder of the first manifest. How far
/// it had come is noted in the user's own folder on this host, and without one beside a state in a file.
pub(super) fn location(common: &Common) -> Result<Location, CliError> {
    match &common.state {
        Some(state) => named_state(
            variables::origin("--state", STATE_VARIABLE, OsStr::new(state)),
            state,
        ),
        None => Ok(noting(Location::file(beside_manifest(common)))),
    }
}

/// The state that is used where none is named, if one is.
pub(super) fn default_state(common: &Common) -> Option<Location> {
    let file = || noting(Location::file(beside_manifest(common)));
    common.state.as_ref().map(|_| file())
}

/// A state as the operator names it, by a flag or a variable.
pub(super) fn named_state(origin: &str, text: &str) -> Result<Location, CliError> {
    let location = Location::parse(text, &PgEnvironment::new(std::env::vars_os()))
        .map_err(|why| CliError::Usage(format!("{origin}: {why}")))?;
    if let Some(warning) = location.warning() {
        tracing::warn!("{}", Untrusted::new(warning.to_owned()));
    }
    Ok(noting(location))
}

/// The folder of the rate budgets, where the operator names one.
pub(super) fn budget_folder(common: &Common) -> Result<Option<PathBuf>, CliError> {
    let Some(folder) = &common.budget.budget_dir else {
        return Ok(None);
    };
    if let Some(what) = folder.to_str().and_then(looks_like_address) {
        return Err(CliError::Usage(format!(
            "{}: it looks like {what}, and a folder of this machine is expected: write its path, with `./` in front where it looks like something else",
            variables::origin("--budget-dir", BUDGET_VARIABLE, folder.as_os_str())
        )));
    }
    Ok(Some(folder.clone()))
}

fn noting(location: Location) -> Location {
    let beside = location.folder().map(Path::to_path_buf);
    match home().or(beside) {
        Some(folder) => location.noting_in(folder),
        None => location,
    }
}

fn beside_manifest(common: &Common) -> PathBuf {
    folder_of_state(common).join("state.db")
}

/// The folder of what certplan keeps beside the first manifest.
pub(super) fn folder_of_state(common: &Common) -> PathBuf {
    let folder = match common.files.first() {
        Some(first) if first.as_os_str() == "-" => PathBuf::new(),
        Some(first) if first.is_dir() => first.clone(),
        Some(first) => first.parent().map(Path::to_path_buf).unwrap_or_default(),
        None => PathBuf::new(),
    };
    folder.join(".certplan")
}

/// Reads an account's keys. The manifest has joined relative key files with its folder already.
pub(super) fn keys(account: &Account) -> Result<Keys, EngineError> {
    let Provider {
        authority,
        credentials,
        ..
    } = &account.provider;
    let read = |(member, source): (&CredentialMember, &SecretSource)| {
        secret(source).map_err(|why| {
            EngineError::Access(format!(
                "account `{}`: {}: {why}",
                account.name, member.name
            ))
        })
    };
    let members = authority.credentials().iter();
    let secrets: Vec<Secret> = members
        .zip(credentials)
        .map(read)
        .collect::<Result<_, _>>()?;
    Ok(Keys::new(*authority, secrets))
}

/// The key of an account: no key has blanks.
fn secret(source: &SecretSource) -> Result<Secret, String> {
    let text = given(source)?;
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!(
            "{source} holds spaces, line breaks or other characters that no key has"
        ));
    }
    Ok(Secret::new(text))
}

/// The passphrase of a PKCS#12 file. Programs do not agree on how letters outside of ASCII are meant there.
pub(super) fn passphrase(source: &SecretSource) -> Result<Secret, String> {
    let text = given(source)?;
    if !text
        .bytes()
        .all(|byte| byte == b' ' || byte.is_ascii_graphic())
    {
        return Err(format!(
            "{source} holds line breaks or letters outside of ASCII, which programs read in different ways: use ASCII letters, digits, signs and blanks"
        ));
    }
    Ok(Secret::new(text))
}

/// What stands in a variable or a file, without the end of its line.
fn given(source: &SecretSource) -> Result<String, String> {
    let text = match source {
        SecretSource::Env(name) => match std::env::var(name) {
            Ok(text) => text,
            Err(VarError::NotPresent) => {
                return Err(format!("the environment variable {name} is not set"));
            }
            Err(VarError::NotUnicode(_)) => {
                return Err(format!("the environment variable {name} is not plain text"));
            }
        },
        SecretSource::File(path) => secret_file(path)?,
    };
    let trimmed = text.strip_suffix('\n').unwrap_or(&text);
    let trimmed = trimmed.strip_suffix('\r').unwrap_or(trimmed);
    if trimmed.is_empty() {
        return Err(format!("{source} is empty"));
    }
    Ok(trimmed.to_owned())
}

/// Reads a key file, as [`files::read_secret`] says which ones can be trusted.
fn secret_file(path: &Path) -> Result<String, String> {
    let name = path.display();
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let bytes =
        files::read_secret(path, KEY_FILE_BYTES, credentials.as_deref()).map_err(|error| {
            match error {
                SecretError::File(FileError::Io(error)) => format!("cannot read {name}: {error}"),
                SecretError::File(FileError::NotRegular | FileError::TooLarge(_))
                | SecretError::Refused { .. } => format!("{name} {error}"),
            }
        })?;
    String::from_utf8(bytes).map_err(|_| format!("cannot read {name}: it is not plain text"))
}

/// The PEM of `--extra-root`.
pub(super) fn extra_root(common: &Common) -> Result<Option<Vec<u8>>, CliError> {
    common
        .extra_root
        .as_deref()
        .map(|path| {
            files::read_bounded(path, ROOT_FILE_BYTES)
                .map_err(|why| CliError::File(format!("{}: {why}", path.display())))
        })
        .transpose()
}

/// The user's own folder for what certplan keeps on this host: `$XDG_STATE_HOME/certplan` or `~/.local/state/certplan`, below a home that exists: nothing is made in
/// `/nonexistent`.
pub(super) fn home() -> Option<PathBuf> {
    let folder = |variable: &str| {
        std::env::var_os(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute() && path.is_dir())
    };
    folder("XDG_STATE_HOME")
        .or_else(|| folder("HOME").map(|home| home.join(".local/state")))
        .map(|state| state.join("certplan"))
}
