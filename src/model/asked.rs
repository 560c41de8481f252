//! What an order was asked for, member by member: [`Asked`]. Kept so that an edit of the entry is told by the
//! name of its member.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::digest::Digest;
use super::members::Members;
use super::names::{exact_name, normal_name};
use super::observed::ObservedOrder;
use super::order::{CertificateRequest, Order};

/// A short digest of each member, by its path. Values are not kept: some are names of persons.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Asked {
    /// Members of the order.
    #[serde(default, skip_serializing_if = "Members::is_empty")]
    order: Members,
    /// Members of its certificate.
    #[serde(default, skip_serializing_if = "Members::is_empty")]
    certificate: Members,
    /// Members of its certificate that change nothing in it.
    #[serde(default, skip_serializing_if = "Members::is_empty")]
    delivery: Members,
    /// True where the members of the order are those that the CA showed: of others, nothing is known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    order_shown: bool,
    /// The same of the members of its certificate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    certificate_shown: bool,
}

/// The members in which an entry differs from what was asked for, by when they come into force.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Differing {
    /// With the next renewal of the order.
    pub order: Vec<String>,
    /// With a reissue.
    pub certificate: Vec<String>,
    /// With the next reissue, which is not worth one.
    pub delivery: Vec<String>,
}

impl Asked {
    /// What an entry asks for.
    pub fn of(wanted: &Order) -> Self {
        let mut order = Map::new();
        put(&mut order, "product", &wanted.product.as_str().into());
        // Which order it is may be known only when it is placed.
        if wanted.renewal_of.is_some() {
            put(&mut order, RENEWAL, &true.into());
        }
        put_all(&mut order, &wanted.term_members);
        put_all(&mut order, &wanted.members);
        let request = &wanted.certificate;
        let mut certificate = Map::new();
        if let Some(name) = &request.common_name {
            put(&mut certificate, "common_name", &name.as_str().into());
        }
        for (name, list) in [
            ("dns_names", &request.dns_names),
            ("emails", &request.emails),
            ("organization_units", &request.organization_units),
        ] {
            put(&mut certificate, name, &list.as_slice().into());
        }
        // A key that is not made yet cannot differ: what is asked for is its kind.
        if let Some(key) = &request.key {
            put(&mut certificate, "key", &key.generate.word().into());
        } else if let Some(csr) = &request.csr {
            put(&mut certificate, "csr", &csr.public_key.to_string().into());
        }
        put_all(&mut certificate, &request.members);
        let mut delivery = Map::new();
        put_all(&mut delivery, &request.delivery);
        Self {
            order: order.into(),
            certificate: certificate.into(),
            delivery: delivery.into(),
            order_shown: false,
            certificate_shown: false,
        }
    }

    /// What a full read shows of an order. The CA adds names by itself, so they are compared apart.
    pub fn shown(observed: &ObservedOrder) -> Self {
        let mut order = Map::new();
        let mut certificate = Map::new();
        for (name, value) in &observed.members {
            match value {
                Value::Object(members) if name == "certificate" => {
                    let compared_apart = ["dns_names", "emails", "organization_units", "csr"];
                    let members = members.iter();
                    for (name, value) in
                        members.filter(|(name, _)| !compared_apart.contains(&name.as_str()))
                    {
                        put(&mut certificate, name, value);
                    }
                }
                value => put(&mut order, name, value),
            }
        }
        Self {
            order: order.into(),
            certificate: certificate.into(),
            ..Self::unknown()
        }
    }

    /// Nothing is known.
    pub(super) fn unknown() -> Self {
        Self {
            order_shown: true,
            certificate_shown: true,
            ..Self::default()
        }
    }

    /// The same with the certificate of a later call: a reissue changes nothing else of its order.
    pub(super) fn with_certificate_of(self, later: &Self) -> Self {
        Self {
            certificate: later.certificate.clone(),
            delivery: later.delivery.clone(),
            certificate_shown: later.certificate_shown,
            ..self
        }
    }

    /// The same without anything known of the certificate: somebody exchanged it.
    pub(super) fn without_certificate(self) -> Self {
        Self {
            certificate: Members::default(),
            delivery: Members::default(),
            certificate_shown: true,
            ..self
        }
    }

    /// In which members an entry differs from this.
    pub fn differing(&self, wanted: &Order) -> Differing {
        let wanted = Self::of(wanted);
        let certificate = self.certificate.map();
        let mut delivery = self.delivery.map();
        if self.certificate_shown {
            // What the CA shows does not say which is which.
            delivery.clone_from(&certificate);
        }
        let mut order = self.order.map();
        let ours = wanted.order.map();
        // An entry that no longer says which order it renewed asks for nothing else.
        if !ours.contains_key(RENEWAL) {
            order.remove(RENEWAL);
        }
        Differing {
            order: named("", (&order, self.order_shown), &ours),
            certificate: named(
                "certificate.",
                (&certificate, self.certificate_shown),
                &wanted.certificate.map(),
            ),
            delivery: named(
                "certificate.",
                (&delivery, self.certificate_shown),
                &wanted.delivery.map(),
            ),
        }
    }
}

/// The paths at which two maps differ. Of what was only shown, what is not there is not known.
fn named(
    within: &str,
    (asked, shown): (&Map<String, Value>, bool),
    wanted: &Map<String, Value>,
) -> Vec<String> {
    let differs =
        |name: &str, value: &Value| asked.get(name).map_or(!shown, |known| known != value);
    let ours = wanted.iter().filter(|(name, value)| differs(name, value));
    let mut names: Vec<&String> = ours.map(|(name, _)| name).collect();
    if !shown {
        names.extend(asked.keys().filter(|name| !wanted.contains_key(*name)));
    }
    names.sort();
    let names = names.into_iter();
    names.map(|name| format!("{within}{name}")).collect()
}

/// The member that says that an order is a renewal.
const RENEWAL: &str = "renewal_of";

fn put_all(into: &mut Map<String, Value>, members: &Members) {
    for (name, value) in members.map() {
        put(into, &name, &value);
    }
}

/// Notes a member: each leaf of an object for itself, a list as a set.
fn put(into: &mut Map<String, Value>, path: &str, value: &Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                put(into, &format!("{path}.{name}"), value);
            }
        }
        leaf => {
            if let Some(normal) = normal(leaf) {
                let short = Digest::of_json(&normal).short();
                into.insert(path.to_owned(), short.into());
            }
        }
    }
}

/// The form in which two spellings of one value are equal; `None` for what says nothing. A CA writes some
/// numbers as text.
fn normal(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Bool(flag) => Some(flag.to_string().into()),
        Value::Number(number) => Some(number.to_string().into()),
        Value::String(text) => Some(exact_name(text).into()),
        Value::Array(list) => {
            let mut list: Vec<Value> = list.iter().filter_map(normal).collect();
            list.sort_by_cached_key(ToString::to_string);
            list.dedup();
            (!list.is_empty()).then_some(Value::Array(list))
        }
        Value::Object(members) => {
            let members = members.iter();
            let members: Map<String, Value> = members
                .filter_map(|(name, value)| Some((name.clone(), normal(value)?)))
                .collect();
            (!members.is_empty()).then_some(Value::Object(members))
        }
    }
}

impl CertificateRequest {
    /// The digest of what a reissue can change: names with the letter case of persons, e-mail addresses, units,
    /// the CSR's key, and every other member that changes the certificate.
    pub fn digest(&self) -> Digest {
        let set = |list: &[String], form: fn(&str) -> String| {
            let mut list: Vec<String> = list.iter().map(|text| form(text)).collect();
            list.sort();
            list.dedup();
            list
        };
        Digest::of_json(&(
            "2",
            self.common_name.as_deref().map(exact_name),
            set(&self.dns_names, normal_name),
            set(&self.emails, normal_name),
            set(&self.organization_units, exact_name),
            self.key_or_csr(),
            normal(&Value::Object(self.members.map())),
        ))
    }

    /// What the key is compared by: the kind of one that is made here, else the CSR's key.
    fn key_or_csr(&self) -> Value {
        match (&self.key, &self.csr) {
            (Some(key), _) => serde_json::json!(["key", key.generate.word()]),
            (None, Some(csr)) => serde_json::json!(csr.public_key),
            (None, None) => Value::Null,
        }
    }

    /// Whether this is what a digest is of, be it one that an earlier version wrote: that one covers names and
    /// key alone.
    pub fn is_of(&self, digest: Digest) -> bool {
        digest == self.digest() || digest == self.digest_of_names_and_key()
    }

    /// The digest by which a journal knows this; that of today where it does not know it.
    pub fn digest_as(&self, known: Option<Digest>) -> Digest {
        known
            .filter(|known| self.is_of(*known))
            .unwrap_or_else(|| self.digest())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn spellings_of_one_value_are_one() {
        for (one, other) in [
            (json!(5), json!("5")),
            (json!(["b", "a", "a"]), json!(["a", "b"])),
            (
                json!([{ "b": 1, "a": "x" }]),
                json!([{ "a": "x ", "b": "1" }]),
            ),
            (json!("X@Example.com"), json!("x@example.com")),
            (json!("Jose\u{301}"), json!("José")),
            (json!([]), json!(null)),
        ] {
            assert_eq!(normal(&one), normal(&other), "{one} {other}");
        }
    }

    #[test]
    fn different_values_stay_different() {
        for (one, other) in [
            (json!("Cole"), json!("cole")),
            (json!(false), json!(null)),
            (json!(0), json!(null)),
            (json!(["a"]), json!(["a", "b"])),
        ] {
            assert_ne!(normal(&one), normal(&other), "{one} {other}");
        }
    }
}
