//! What `doctor` says of the folder of keys and certificates, and `doctor --adopt-files-dir`.

use super::check::{Check, Verdict};
use crate::cli::args::Common;
use crate::cli::doctor_args::DoctorArgs;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::cli::settings::Calls;
use crate::cli::workspace::{self, Warnings};
use crate::engine::{
    self, AdoptFilesRequest, AdoptedFiles, Consent, EngineError, FilesLook, FilesStanding,
    Workspace,
};
use crate::model::Address;

/// How many names a line has at most.
const MOST_NAMES: usize = 3;

/// Everything about the folder, where an order asks for one.
pub(super) async fn check(workspace: &Workspace) -> Vec<Check> {
    let shown = workspace.files.path.display();
    let folder = match engine::look_at_files(workspace).await {
        Ok(Some(folder)) => folder,
        // A state that cannot be read is told by the check of the state.
        Ok(None) | Err(EngineError::Journal(_)) => return Vec::new(),
        Err(EngineError::Files(error)) => {
            return vec![Check::new(Verdict::Bad, format!("files: {}", error.told()))];
        }
        Err(error) => return vec![Check::new(Verdict::Bad, format!("files: {error}"))],
    };
    let mut checks = vec![match folder.standing {
        FilesStanding::NotThere => Check::new(
            Verdict::Note,
            format!(
                "files: no folder yet at {shown}; the first `certplan apply` that needs it makes it"
            ),
        ),
        FilesStanding::Unbound => Check::new(
            Verdict::Note,
            format!(
                "files: {shown}; the next `certplan apply` that needs it binds the state to it"
            ),
        ),
        FilesStanding::Elsewhere => Check::new(
            Verdict::Note,
            format!(
                "files: {shown} is not the folder that the state knows: another host has that one, and orders with `key` or `files` wait for it"
            ),
        ),
        FilesStanding::Bound => Check::new(
            Verdict::Good,
            format!("files: {shown} is the folder that the state knows"),
        ),
    }];
    checks.extend(dangers(&folder, &shown.to_string()));
    if is_ci() {
        checks.push(Check::new(
            Verdict::Note,
            format!("files: `CI` is set: a runner that is thrown away takes the private keys in {shown} with it; name a folder that stays with `--files-dir`"),
        ));
    }
    checks
}

fn dangers(folder: &FilesLook, shown: &str) -> Vec<Check> {
    let mut checks = Vec::new();
    if folder.is_open_for_looks {
        checks.push(Check::new(
            Verdict::Note,
            format!("files: others can look into {shown}: `chmod o= {shown}`, and a group that may read it is named with `--files-group`"),
        ));
    }
    if let Some(first) = folder.exposed.first() {
        let first = first.display();
        let more = match folder.exposed.len() {
            0 | 1 => String::new(),
            many => format!(" and {} more", many - 1),
        };
        checks.push(Check::new(
            Verdict::Bad,
            format!("files: others can read the private key in {first}{more}: `chmod 600 {first}`; make a new key if somebody may have read it"),
        ));
    }
    if let Some(name) = folder.network {
        checks.push(Check::new(
            Verdict::Note,
            format!("files: {shown} is on a network file system ({name}): keys cross the network, and a switch may be seen late; a local disk is better"),
        ));
    }
    if let Some(first) = folder.keyless.first() {
        checks.push(Check::new(
            Verdict::Note,
            format!("files: {}: `certplan apply --rekey {first}` makes a new key by a reissue, which buys nothing", lacks(&folder.keyless)),
        ));
    }
    checks
}

/// `the private keys of orders.a, orders.b and 4 more are not in it`
fn lacks(keyless: &[Address]) -> String {
    let mut names: Vec<String> = keyless
        .iter()
        .take(MOST_NAMES)
        .map(ToString::to_string)
        .collect();
    if keyless.len() > MOST_NAMES {
        names.push(format!("{} more", keyless.len() - MOST_NAMES));
    }
    let last = names.pop().unwrap_or_default();
    if names.is_empty() {
        format!("the private key of {last} is not in it")
    } else {
        format!(
            "the private keys of {} and {last} are not in it",
            names.join(", ")
        )
    }
}

/// As the progress bar has it: many platforms set it.
fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !value.is_empty() && value != "false")
}

/// `doctor --adopt-files-dir`
pub(super) async fn adopt(
    common: &Common,
    args: &DoctorArgs,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let workspace = workspace::load_for(Calls::Nobody, common, None, Warnings::AtOnce, output)?;
    let request = AdoptFilesRequest {
        lock_timeout: args.lock_timeout,
    };
    let consents = |found: &AdoptedFiles| consent(found, args.yes, output);
    let done = engine::adopt_files(&workspace, &request, &consents).await?;
    let adopted = &done.result;
    let path = adopted.path.display();
    output.result(|out| {
        if adopted.is_known() {
            writeln!(
                out,
                "{path} is the folder that the state knows: nothing was changed."
            )
        } else {
            writeln!(
                out,
                "{path} is the folder of keys and certificates from now on."
            )
        }
    });
    if let Some(first) = adopted.keyless.first() {
        output.hint(&format!(
            "For now {}: `certplan apply --rekey {first}` makes a new key by a reissue.",
            lacks(&adopted.keyless)
        ));
    }
    done.closed?;
    Ok(Exit::Done)
}

fn consent(found: &AdoptedFiles, yes: bool, output: &Output) -> Consent {
    if yes {
        return Consent::Given;
    }
    if !output.can_ask() {
        return Consent::NobodyToAsk;
    }
    let path = found.path.display().to_string();
    let known = found
        .known
        .as_ref()
        .map_or_else(String::new, ToString::to_string);
    let this = match &found.found {
        Some(id) => format!("This one is {id}."),
        None => "This one has no id, or is not there.".to_owned(),
    };
    let lacks = match found.keyless.as_slice() {
        [] => String::new(),
        keyless => format!(" Of orders in force {}.", lacks(keyless)),
    };
    let typed = output.ask(&format!(
        "The state knows the folder with id {known}. {this}{lacks}\nAfter this no run takes the other folder. Type the path {path} to use it from now on:"
    ));
    if typed.as_deref() == Some(path.as_str()) {
        Consent::Given
    } else {
        Consent::Withheld
    }
}
