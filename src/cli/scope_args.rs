//! What a plan is made for, on the command line: [`ScopeArgs`].

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::engine::Scope;
use crate::model::Address;
use crate::plan::{Allowance, Pace};

/// What plan and apply share.
#[derive(Debug, Clone, Args)]
pub struct ScopeArgs {
    /// Only this address and what it depends on; may be repeated
    #[arg(long = "target", value_name = "ADDRESS")]
    pub targets: Vec<Address>,
    /// Makes a new key where the private key of this order is gone, by a reissue; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    pub rekey: Vec<Address>,
    /// Orders, renewals and reissues that this run may send at most; what ends first comes first, the rest is left for a later run
    #[arg(long, value_name = "N")]
    pub at_most: Option<u32>,
    /// Renews nothing: what is due stays as it is, and is counted
    #[arg(long)]
    pub no_renew: bool,
    /// Limits from outside: the manifest can tighten them, never loosen
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub policy: Option<PathBuf>,
    /// New orders that this run may place, whatever the policy says
    #[arg(long, value_name = "N")]
    pub allow_orders: Option<u32>,
    /// Certificates that this run may revoke, whatever the policy says
    #[arg(long, value_name = "N")]
    pub allow_revocations: Option<u32>,
    /// Exit code 2 when there is something to do, or something waits
    #[arg(long)]
    pub detailed_exitcode: bool,
}

impl ScopeArgs {
    /// What the plan is made for.
    pub(super) fn scope(&self) -> Scope {
        Scope {
            targets: self.targets.clone(),
            rekey: self.rekey.clone(),
            has_program: false,
            pace: Pace {
                at_most: self.at_most,
                no_renew: self.no_renew,
            },
            allowance: Allowance {
                orders: self.allow_orders,
                revocations: self.allow_revocations,
            },
        }
    }
}
