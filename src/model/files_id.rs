//! The id of a folder of keys and certificates: [`FilesId`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ids::BadName;

/// The id of a folder of keys and certificates: a UUID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FilesId(String);

impl FilesId {
    /// A new one.
    pub fn new_random() -> Self {
        Self(uuid::Uuid::now_v7().to_string())
    }

    /// The UUID in its usual form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FilesId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for FilesId {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        match uuid::Uuid::try_parse(text) {
            Ok(id) => Ok(Self(id.to_string())),
            Err(_) => Err(BadName {
                name: text.to_owned(),
                rule: "the id of a folder of keys and certificates is a UUID",
            }),
        }
    }
}

impl TryFrom<String> for FilesId {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl From<FilesId> for String {
    fn from(id: FilesId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_folder_is_a_uuid_in_one_spelling() {
        let id = FilesId::new_random();
        assert_eq!(id.as_str().parse::<FilesId>().unwrap(), id);
        assert_eq!(id.as_str().to_uppercase().parse::<FilesId>().unwrap(), id);
        assert_ne!(FilesId::new_random(), id);
        for bad in ["", "1", "../x"] {
            assert!(bad.parse::<FilesId>().is_err(), "{bad}");
        }
    }
}
