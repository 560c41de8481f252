//! A call as a plan shows it: [`RequestPreview`].

use serde::{Deserialize, Serialize};

use super::members::Members;

/// What a call will look like, for plans: never with a key or a signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestPreview {
    /// `POST` or `PUT`.
    pub method: String,
    /// Path below the base URL.
    pub path: String,
    /// The JSON body.
    pub body: Members,
}
