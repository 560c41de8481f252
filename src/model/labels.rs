//! What people note of an entry for themselves: owner, tier. Nothing of it is sent to a CA. Main type:
//! [`Labels`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Labels by their keys. They change no digest but the manifest's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Labels(pub BTreeMap<String, String>);

impl Labels {
    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Who cares for the item.
    pub fn owner(&self) -> Option<&str> {
        self.0.get("owner").map(String::as_str)
    }

    /// As JSON, for a program.
    pub fn json(&self) -> String {
        let members = self.0.iter();
        let members = members.map(|(key, value)| (key.clone(), value.as_str().into()));
        serde_json::Value::Object(members.collect()).to_string()
    }
}
