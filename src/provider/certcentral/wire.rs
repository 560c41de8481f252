//! What CertCentral sends, member for member. Every member may be missing, unknown ones are ignored.

use std::collections::BTreeMap;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};

use crate::provider::lenient::{List, Number, Object, Text, Truth, names};

/// One page of a list; the member is named after what it lists.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub(super) struct Listing<T> {
    #[serde(default)]
    orders: Member<T>,
    #[serde(default)]
    requests: Member<T>,
    #[serde(default)]
    certificates: Member<T>,
    #[serde(default)]
    pub(super) page: Object<Page>,
    #[serde(flatten)]
    others: BTreeMap<String, IgnoredAny>,
}

/// A list in an answer.
#[derive(Debug, Default)]
pub(super) enum Member<T> {
    #[default]
    Missing,
    Null,
    Rows(Vec<T>),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Member<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Rows))
    }
}

/// What a list can hold.
pub(super) trait Row: DeserializeOwned + Send {
    /// The list of these rows, among the lists that an answer can have.
    fn list(
        orders: Member<Self>,
        requests: Member<Self>,
        certificates: Member<Self>,
    ) -> Member<Self>;
}

impl Row for Order {
    fn list(orders: Member<Self>, _: Member<Self>, _: Member<Self>) -> Member<Self> {
        orders
    }
}

impl Row for Request {
    fn list(_: Member<Self>, requests: Member<Self>, _: Member<Self>) -> Member<Self> {
        requests
    }
}

impl Row for Certificate {
    fn list(_: Member<Self>, _: Member<Self>, certificates: Member<Self>) -> Member<Self> {
        certificates
    }
}

impl<T: Row> Listing<T> {
    /// The rows; `None` where the answer is no list of these.
    ///
    /// The answer `{}` is documented for status changes in which nothing changed. Assumption `empty-lists`: a list that is
    /// left out or null is an empty list everywhere, unless the answer is about something else.
    pub(super) fn rows(self) -> Option<Vec<T>> {
        let about_a_list = self.others.is_empty() || self.page.get().is_some();
        let absent = |one: &Member<T>| matches!(one, Member::Missing);
        let lists = [&self.orders, &self.requests, &self.certificates];
        let none = lists.into_iter().all(absent);
        match T::list(self.orders, self.requests, self.certificates) {
            Member::Rows(rows) => Some(rows),
            Member::Null => Some(Vec::new()),
            Member::Missing => (none && about_a_list).then(Vec::new),
        }
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Page {
    /// How many rows all pages have.
    pub(super) total: Number,
    /// How many rows a page has at most.
    pub(super) limit: Number,
}

/// An order: a row of the list, or order info. Look-ups by tag and status changes write `order_id`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Order {
    pub(super) id: Number,
    pub(super) order_id: Number,
    pub(super) certificate_id: Number,
    pub(super) status: Text,
    pub(super) certificate: Object<Certificate>,
    pub(super) product: Object<Product>,
    pub(super) product_name_id: Text,
    pub(super) date_created: Text,
    pub(super) price: Text,
    pub(super) alternative_order_id: Text,
    pub(super) has_duplicates: Truth,
    pub(super) duplicates_count: Number,
    pub(super) has_reissues: Truth,
    pub(super) reissues_count: Number,
    pub(super) requests: List<Request>,
    pub(super) organization: Object<Numbered>,
    pub(super) container: Object<Numbered>,
    pub(super) validity_years: Number,
    pub(super) order_valid_till: Text,
    pub(super) order_validity: Object<Validity>,
    pub(super) auto_renew: Number,
    pub(super) auto_reissue: Truth,
    pub(super) additional_emails: List<Text>,
    pub(super) custom_fields: List<CustomField>,
    pub(super) disable_ct: Truth,
    pub(super) disable_issuance_email: Truth,
    pub(super) domains: List<Domain>,
    pub(super) dcv_method: Text,
    pub(super) is_renewed: Truth,
    pub(super) renewed_order_id: Number,
}

/// An object of which only the id counts: an organization, a container, a server platform.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Numbered {
    pub(super) id: Number,
}

/// A custom field of an order. Its label is the account's and not sent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct CustomField {
    pub(super) metadata_id: Number,
    pub(super) value: Text,
}

/// `order_validity`: one of the three.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Validity {
    pub(super) years: Number,
    pub(super) days: Number,
    pub(super) custom_expiration_date: Text,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Product {
    pub(super) name_id: Text,
}

/// A certificate: inside an order, or a row of its duplicates and reissues.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Certificate {
    pub(super) id: Number,
    pub(super) serial_number: Text,
    pub(super) common_name: Text,
    pub(super) dns_names: List<Text>,
    pub(super) emails: List<Text>,
    pub(super) valid_from: Text,
    pub(super) valid_till: Text,
    pub(super) status: Text,
    pub(super) csr: Text,
    pub(super) signature_hash: Text,
    pub(super) organization_units: List<Text>,
    pub(super) server_platform: Object<Numbered>,
}

impl Certificate {
    /// Its names and addresses.
    pub(super) fn names(&self) -> Vec<String> {
        names(
            self.common_name
                .get()
                .into_iter()
                .chain(self.dns_names.0.iter().filter_map(Text::get))
                .chain(self.emails.0.iter().filter_map(Text::get)),
        )
    }
}

/// A request that an administrator decides; also the answer to a revocation.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Request {
    pub(super) id: Number,
    pub(super) date: Text,
    #[serde(rename = "type")]
    pub(super) kind: Text,
    pub(super) status: Text,
    pub(super) order: Object<RequestOrder>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct RequestOrder {
    pub(super) id: Number,
    pub(super) certificate: Object<Certificate>,
    pub(super) product: Object<Product>,
}

/// The answer to an order or a reissue.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Placed {
    pub(super) id: Number,
    pub(super) requests: List<Request>,
    pub(super) certificate_id: Number,
    pub(super) dcv_random_value: Text,
    pub(super) domains: List<Domain>,
    pub(super) certificate_chain: List<ChainRow>,
}

/// A certificate of a chain.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ChainRow {
    pub(super) pem: Text,
}

/// A domain of an order whose validation is open, or was.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Domain {
    pub(super) name: Text,
    pub(super) dns_name: Text,
    pub(super) dcv_token: Object<DcvToken>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct DcvToken {
    pub(super) token: Text,
    pub(super) status: Text,
}

/// `GET /key/{id}`. The `acme_*` and product members are there for ACME keys alone.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Key {
    pub(super) id: Number,
    pub(super) user: Object<User>,
    pub(super) status: Text,
    pub(super) name: Text,
    pub(super) restricted_to_role_id: Number,
    pub(super) acme_directory_url: Text,
}

/// A user: `GET /user/me`, or inside a key. Both spellings of the names occur.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct User {
    pub(super) username: Text,
    pub(super) account_id: Text,
    pub(super) first_name: Text,
    pub(super) firstname: Text,
    pub(super) last_name: Text,
    pub(super) lastname: Text,
    pub(super) access_roles: List<Role>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Role {
    pub(super) name: Text,
}

/// `GET /finance/balance`; every amount is text.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Balance {
    pub(super) balance: Text,
    pub(super) currency: Text,
    pub(super) total_available_funds: Text,
    pub(super) unlimited_negative_balance: Truth,
}
