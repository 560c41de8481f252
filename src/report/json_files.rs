//! Keys and files of a plan's step, in JSON.

use schemars::JsonSchema;
use serde::Serialize;

use crate::plan::Step;

/// A private key that certplan makes. It never leaves the files folder.
#[derive(Serialize, JsonSchema)]
pub(super) struct KeyDocument {
    algorithm: &'static str,
    #[schemars(extend("enum" = ["to_make", "pending", "present", "missing"]))]
    state: &'static str,
    /// True where the step places an order whose recipient gets no e-mail to pick the certificate up, because of
    /// this key.
    replaces_pickup: bool,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct FileDocument {
    #[schemars(extend("enum" = ["privkey", "cert", "chain", "fullchain", "combined", "p12", "p12.pass"]))]
    kind: &'static str,
    #[schemars(extend("enum" = ["missing", "changed", "old", "ok"]))]
    state: &'static str,
}

impl KeyDocument {
    pub(super) fn of(step: &Step) -> Option<Self> {
        let key = step.files.as_ref()?.key?;
        Some(Self {
            algorithm: key.algorithm.word(),
            state: key.state.word(),
            replaces_pickup: key.replaces_pickup,
        })
    }
}

impl FileDocument {
    pub(super) fn of(step: &Step) -> Vec<Self> {
        let files = step.files.iter().flat_map(|files| &files.files);
        let files = files.map(|file| Self {
            kind: file.kind.word(),
            state: file.state.word(),
        });
        files.collect()
    }
}
