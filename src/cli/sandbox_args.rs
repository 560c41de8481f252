//! The arguments of `certplan sandbox`: [`SandboxArgs`].

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueHint};

use super::value_parsers::{assumptions, duration};
use crate::provider::authorities;
use crate::sandbox::Contrary;

/// `sandbox`
#[derive(Debug, Args)]
#[command(after_help = assumptions())]
pub struct SandboxArgs {
    /// The loopback address to serve on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    pub listen: SocketAddr,
    /// Keeps state, CA and ledger in this folder
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub data: Option<PathBuf>,
    /// Approves every order and revocation at once
    #[arg(long)]
    pub auto_approve: bool,
    /// The rate limits: `documented`, `off`, or `REQUESTS/DURATION,...`
    #[arg(long, value_name = "LIMITS", default_value = "documented")]
    pub rate_limits: String,
    /// How long a new order stays out of lists and look-ups
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    pub index_lag: Duration,
    /// How long ncloud takes from REQUEST_REVOKE to REVOKE
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = duration)]
    pub ncloud_revoke_delay: Duration,
    /// Answers reads contrary to this assumption of `doctor --assumptions`; may be repeated
    #[arg(long, value_name = "ID", value_parser = contrary())]
    pub contrary: Vec<Contrary>,
    /// The seed of everything random
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// The id of an assumption that reads can try. A wrong one is told with all that there are.
fn contrary() -> impl TypedValueParser<Value = Contrary> {
    let authorities = authorities();
    let all = authorities.iter().flat_map(|one| one.assumptions());
    let tried = all.filter(|one| one.by_reads).map(|one| one.id);
    PossibleValuesParser::new(tried).try_map(|id| Contrary::from_str(&id))
}
