//! The arguments of `certplan doctor`: [`DoctorArgs`].

use clap::{Args, ValueEnum};

/// `doctor`
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Tries instead what is assumed about the CAs: reads alone, at most 20 for each account
    #[arg(long)]
    pub assumptions: bool,
    /// How the assumptions look; names, addresses and whole ids are in neither
    #[arg(long, value_enum, default_value_t = DoctorFormat::Text, requires = "assumptions")]
    pub format: DoctorFormat,
}

/// How the assumptions look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DoctorFormat {
    /// For people.
    Text,
    /// For a bug report.
    Json,
}
