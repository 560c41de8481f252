//! One entry of a manifest. Main type: [`Item`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ids::{AccountName, Address};
use super::labels::Labels;
use super::order::Order;
use super::revocation::Revocation;

/// An order or a revocation of the manifest.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its unique name.
    pub address: Address,
    /// The account it belongs to; always a key of [`Batch::accounts`](super::Batch::accounts).
    pub account: AccountName,
    /// What is wanted.
    pub wanted: Wanted,
    /// What it waits for, references implied by `renewal_of` and `order` included. Never the item
    /// itself, no target twice.
    pub after: Vec<After>,
    /// What people note of it. Never sent.
    pub labels: Labels,
    /// Where it stands, for messages.
    pub location: SourceLine,
}

/// What an item wants.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// An order in force.
    Order(Box<Order>),
    /// Certificates revoked.
    Revocation(Box<Revocation>),
}

/// Where something stands in a file that a person wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLine {
    /// The file as it was named, or `<stdin>`.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
}

/// One dependency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct After {
    /// What must come first.
    pub address: Address,
    /// How far it must have come.
    pub until: Milestone,
}

/// How far a dependency must have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Milestone {
    /// The CA has taken the request.
    Submitted,
    /// An order's certificate is issued.
    Issued,
    /// A revocation is in force.
    Revoked,
}

impl Milestone {
    /// Every milestone.
    pub const ALL: [Self; 3] = [Self::Submitted, Self::Issued, Self::Revoked];

    /// The word of the manifest.
    pub fn word(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Issued => "issued",
            Self::Revoked => "revoked",
        }
    }
}
