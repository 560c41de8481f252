//! Where keys and certificates are, from the command line: [`place`].

use std::path::{Path, PathBuf};

use nix::unistd::Group;
use rustix::process::Gid;

use super::args::Common;
use super::exit::CliError;
use super::settings::folder_of_state;
use super::variables;
use crate::engine::FilesPlace;
use crate::journal::looks_like_address;

const FOLDER_VARIABLE: &str = "CERTPLAN_FILES_DIR";
const GROUP_VARIABLE: &str = "CERTPLAN_FILES_GROUP";

/// The files folder, as the operator names it or beside the first manifest.
pub(super) fn place(common: &Common) -> Result<FilesPlace, CliError> {
    let path = match &common.folder.files_dir {
        None => folder_of_state(common).join("files"),
        Some(path) => {
            let origin = variables::origin("--files-dir", FOLDER_VARIABLE, path.as_os_str());
            if let Some(what) = path.to_str().and_then(looks_like_address) {
                return Err(CliError::Usage(format!(
                    "{origin}: it looks like {what}, and a folder of this machine is expected: write its path"
                )));
            }
            path.clone()
        }
    };
    Ok(FilesPlace {
        shown: path.display().to_string(),
        path: absolute(&path),
        group: common
            .folder
            .files_group
            .as_deref()
            .map(group)
            .transpose()?,
    })
}

/// The path from the root on; as it is where the current folder cannot be told.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

fn group(text: &str) -> Result<Gid, CliError> {
    if let Ok(number) = text.parse() {
        return Ok(Gid::from_raw(number));
    }
    let origin = variables::origin("--files-group", GROUP_VARIABLE, text.as_ref());
    match Group::from_name(text) {
        Ok(Some(group)) => Ok(Gid::from_raw(group.gid.as_raw())),
        Ok(None) => Err(CliError::Usage(format!(
            "{origin}: this machine has no such group; `getent group` lists them"
        ))),
        Err(error) => Err(CliError::Usage(format!("{origin}: {error}"))),
    }
}
