//! Where keys and certificates are, on the command line: [`FilesArgs`].

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// The flags of the files folder.
#[derive(Debug, Clone, Args)]
pub struct FilesArgs {
    /// Where keys and certificates are [default: .certplan/files beside the first manifest]
    #[arg(
        long,
        value_name = "DIR",
        global = true,
        env = "CERTPLAN_FILES_DIR",
        hide_env_values = true,
        value_hint = ValueHint::DirPath
    )]
    pub files_dir: Option<PathBuf>,
    /// A group that may read keys and certificates, by name or number
    #[arg(
        long,
        value_name = "GROUP",
        global = true,
        env = "CERTPLAN_FILES_GROUP",
        hide_env_values = true
    )]
    pub files_group: Option<String>,
}
