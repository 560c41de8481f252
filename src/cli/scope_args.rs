//! What a plan is made for, on the command line: [`ScopeArgs`].

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::engine::Scope;
use crate::model::Address;
use crate::plan::Allowance;

/// What plan and apply share.
#[derive(Debug, Clone, Args)]
pub struct ScopeArgs {
    /// Only this address and what it depends on; may be repeated
    #[arg(long = "target", value_name = "ADDRESS")]
    pub targets: Vec<Address>,
    /// Makes a new key where the private key of this order is gone, by a reissue; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    pub rekey: Vec<Address>,
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
            allowance: Allowance {
                orders: self.allow_orders,
                revocations: self.allow_revocations,
            },
        }
    }
}
