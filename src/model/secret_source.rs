//! Where a secret comes from: [`SecretSource`]. Never the secret itself.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where a secret is read from when a command needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretSource {
    /// An environment variable.
    Env(String),
    /// A file; a relative path is relative to the manifest.
    File(PathBuf),
}
