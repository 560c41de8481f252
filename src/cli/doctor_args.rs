//! The arguments of `certplan doctor`: [`DoctorArgs`].

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::value_parsers::duration;

/// `doctor`
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Tries instead what is assumed about the CAs: reads alone, at most 20 for each account
    #[arg(long)]
    pub assumptions: bool,
    /// How the assumptions look; names, addresses and whole ids are in neither
    #[arg(long, value_enum, default_value_t = DoctorFormat::Text, requires = "assumptions")]
    pub format: DoctorFormat,
    /// Takes the present files folder in the place of the one that the state knows, after its path was typed
    #[arg(long, conflicts_with = "assumptions")]
    pub adopt_files_dir: bool,
    /// Does not ask for the folder's path to be typed
    #[arg(long, requires = "adopt_files_dir")]
    pub yes: bool,
    /// How long to wait for another run to release the state
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration, requires = "adopt_files_dir")]
    pub lock_timeout: Duration,
}

/// How the assumptions look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DoctorFormat {
    /// For people.
    Text,
    /// For a bug report.
    Json,
}
