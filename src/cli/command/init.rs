//! `certplan init`: a starter manifest.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use crate::cli::args::{Common, InitArgs};
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::manifest;

/// Where the schema line points: `certplan schema` prints what belongs there.
const SCHEMA: &str = "./manifest.schema.json";

pub(super) fn run(common: &Common, args: &InitArgs, output: &Output) -> Result<Exit, CliError> {
    let path = args
        .path
        .clone()
        .or_else(|| common.files.first().cloned())
        .unwrap_or_else(|| PathBuf::from("certplan.yaml"));
    let shown = path.display();
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)
        .map_err(|error| {
            CliError::File(match error.kind() {
                ErrorKind::AlreadyExists => format!(
                    "{shown} is already there and is not overwritten: `certplan init OTHER.yaml`"
                ),
                _ => format!("cannot write {shown}: {error}"),
            })
        })?;
    file.write_all(manifest::starter(SCHEMA).as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|error| CliError::File(format!("cannot write {shown}: {error}")))?;
    output.hint(&format!("Wrote {shown}. Edit it, then `certplan validate` and `certplan plan`.\nFor completion in an editor: `certplan schema > manifest.schema.json` beside it."));
    Ok(Exit::Done)
}
