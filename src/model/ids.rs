//! Names and identifiers. Each is its own type, so that an order id can never stand where a request
//! id belongs (the CAs reuse the same numbers in different name spaces).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::digest::Digest;

/// A name that breaks the rule `[a-z0-9][a-z0-9-]*`, 63 characters at most.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not a name: {rule}")]
pub struct BadName {
    /// What was written.
    pub name: String,
    /// The rule that it breaks.
    pub rule: &'static str,
}

const NAME_RULE: &str =
    "lower-case letters, digits and `-`, not starting with `-`, at most 63 characters";
const ADDRESS_RULE: &str = "an address is `orders.NAME` or `revocations.NAME`";

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    (1..=63).contains(&bytes.len())
        && plain(bytes[0])
        && bytes.iter().all(|&byte| plain(byte) || byte == b'-')
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text as the CA or the manifest has it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        text_type!($(#[$doc])* $name);

        impl FromStr for $name {
            type Err = BadName;

            fn from_str(text: &str) -> Result<Self, BadName> {
                if is_name(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(BadName { name: text.to_owned(), rule: NAME_RULE })
                }
            }
        }
    };
}

macro_rules! ca_id {
    ($(#[$doc:meta])* $name:ident) => {
        text_type!($(#[$doc])* $name);

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<u64> for $name {
            fn from(number: u64) -> Self {
                Self(number.to_string())
            }
        }
    };
}

name_type!(
    /// The name of an order or a revocation in the manifest.
    ItemName
);
name_type!(
    /// The name of an account in the manifest.
    AccountName
);
ca_id!(
    /// A CA's order id. CertCentral: digits. ncloud: a string of digits.
    OrderId
);
ca_id!(
    /// CertCentral's `certificate_id`; ncloud's `certificateNo`.
    CertificateId
);
ca_id!(
    /// The id of a CertCentral request that an administrator decides.
    RequestId
);
ca_id!(
    /// The id of a CertCentral API key (`GET /key/{id}`); not the key itself.
    KeyId
);
ca_id!(
    /// A certificate's serial number, lower-case hexadecimal as the CA shows it.
    SerialNumber
);
ca_id!(
    /// One run of `apply` (or of another command that writes to the journal): a UUID v7, in time order.
    RunId
);

/// How an order or a revocation is named everywhere: `orders.NAME` or `revocations.NAME`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Address {
    /// An order of the manifest.
    Order(ItemName),
    /// A revocation of the manifest.
    Revocation(ItemName),
}

impl Address {
    /// The name without the kind.
    pub fn name(&self) -> &ItemName {
        match self {
            Self::Order(name) | Self::Revocation(name) => name,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order(name) => write!(formatter, "orders.{name}"),
            Self::Revocation(name) => write!(formatter, "revocations.{name}"),
        }
    }
}

impl FromStr for Address {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        if let Some(name) = text.strip_prefix("orders.") {
            Ok(Self::Order(name.parse()?))
        } else if let Some(name) = text.strip_prefix("revocations.") {
            Ok(Self::Revocation(name.parse()?))
        } else {
            Err(BadName {
                name: text.to_owned(),
                rule: ADDRESS_RULE,
            })
        }
    }
}

impl TryFrom<String> for Address {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

/// What a tag is derived from.
#[derive(Debug, Clone, Copy)]
pub struct TagParts<'a> {
    /// The CA's wire name: `certcentral` or `ncloud`.
    pub provider: &'a str,
    /// The API's base URL with its path.
    pub endpoint: &'a str,
    /// The account's name in the manifest.
    pub account: &'a AccountName,
    /// The item that is ordered.
    pub address: &'a Address,
    /// The manifest's `generation` of the item; 1 if it says nothing.
    pub generation: u32,
    /// The order of the item that the order renews; absent for one that follows none.
    pub renews: Option<&'a OrderId>,
}

/// The mark by which an order is found again: CertCentral's `alternative_order_id`.
///
/// Derived, never random: a run that has lost its journal computes the same tag and finds its orders.
/// 29 characters of `[a-z0-9-]`. Assumption `tag-length`: CertCentral publishes no limit for the length.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tag(String);

impl Tag {
    /// How every tag begins.
    pub const PREFIX: &str = "c1-";

    /// Derives the tag of one generation of one item.
    pub fn derive(parts: TagParts<'_>) -> Self {
        let address = parts.address.to_string();
        let generation = parts.generation.to_string();
        let mut texts = vec![
            parts.provider.as_bytes(),
            parts.endpoint.as_bytes(),
            parts.account.as_str().as_bytes(),
            address.as_bytes(),
            generation.as_bytes(),
        ];
        texts.extend(parts.renews.map(|order| order.as_str().as_bytes()));
        let digest = Digest::of_parts(&texts);
        let mut text = data_encoding::BASE32_NOPAD
            .encode(digest.bytes())
            .to_ascii_lowercase();
        text.truncate(26);
        Self(format!("{}{text}", Self::PREFIX))
    }

    /// The text that goes to the CA.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rule() {
        for good in ["a", "0", "mail-locke-cole", &"x".repeat(63)] {
            assert!(good.parse::<ItemName>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "A", "a.b", "a_b", "ä", &"x".repeat(64)] {
            assert!(bad.parse::<ItemName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_reads_back_as_written() {
        for text in ["orders.a", "revocations.b-1"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        assert!("order.a".parse::<Address>().is_err());
        assert!("orders.".parse::<Address>().is_err());
    }

    #[test]
    fn a_tag_depends_on_each_part_and_on_nothing_else() {
        let account: AccountName = "digicert".parse().unwrap();
        let address: Address = "orders.a".parse().unwrap();
        let base = TagParts {
            renews: None,
            provider: "certcentral",
            endpoint: "https://ca.example/services/v2",
            account: &account,
            address: &address,
            generation: 1,
        };
        let tag = Tag::derive(base);
        assert_eq!(tag, Tag::derive(base));
        assert_eq!(tag.as_str().len(), 29);
        let other: Address = "revocations.a".parse().unwrap();
        let second: AccountName = "b".parse().unwrap();
        for changed in [
            TagParts {
                provider: "ncloud",
                ..base
            },
            TagParts {
                endpoint: "https://other.example",
                ..base
            },
            TagParts {
                account: &second,
                ..base
            },
            TagParts {
                address: &other,
                ..base
            },
            TagParts {
                generation: 2,
                ..base
            },
        ] {
            assert_ne!(tag, Tag::derive(changed));
        }
    }
}
