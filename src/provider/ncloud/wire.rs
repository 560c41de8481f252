//! What ncloud's Certificate Manager sends. Spellings changed over the years: each is a member of its
//! own, since an answer with both must be read as well.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::provider::lenient::{List, Number, Text};

/// The envelope of every answer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Envelope {
    pub(super) return_code: Text,
    pub(super) return_message: Text,
    /// Actions count in `totalRows`, lists in `totalCount`.
    pub(super) total_rows: Number,
    pub(super) total_count: Number,
    pub(super) error: GatewayError,
}

/// The API gateway's own refusal. Its code comes as text or as a number.
#[derive(Debug, Clone, Default)]
pub(super) struct GatewayError {
    pub(super) code: Option<u64>,
    pub(super) message: Option<String>,
}

impl<'de> Deserialize<'de> for GatewayError {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct Members {
            error_code: Number,
            message: Text,
            details: Text,
        }
        // Some answers of this service have a text in its place.
        let value = serde_json::Value::deserialize(deserializer)?;
        let members: Members = if value.is_object() {
            serde_json::from_value(value).unwrap_or_default()
        } else {
            Members::default()
        };
        let parts: Vec<&str> = [&members.message, &members.details]
            .into_iter()
            .filter_map(Text::get)
            .collect();
        Ok(Self {
            code: members.error_code.value(),
            message: (!parts.is_empty()).then(|| parts.join(": ")),
        })
    }
}

/// `GET /certificate/getPaidCertificates`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaidCertificates {
    #[serde(default)]
    orders: Option<Vec<Order>>,
    #[serde(default)]
    total_rows: Number,
    #[serde(default)]
    total_count: Number,
    #[serde(flatten)]
    others: BTreeMap<String, IgnoredAny>,
}

impl PaidCertificates {
    /// How many rows all pages have, where the answer says so.
    pub(super) fn total(&self) -> Option<usize> {
        let total = self.total_count.value().or(self.total_rows.value())?;
        Some(usize::try_from(total).unwrap_or(usize::MAX))
    }

    /// The orders; `None` where the answer is no list of orders.
    ///
    /// Assumption `ncloud-empty-lists`: a list that is left out or null is an empty list, unless the answer is about something else.
    pub(super) fn orders(self) -> Option<Vec<Order>> {
        let envelope = |name: &String| matches!(name.as_str(), "returnCode" | "returnMessage");
        let about_orders = self.others.keys().all(envelope);
        self.orders.or_else(|| about_orders.then(Vec::new))
    }
}

/// An order with its certificates: a row of the list, or the whole answer of `GET .../orders/{id}`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Order {
    #[serde(rename = "orderId")]
    pub(super) order_id: Text,
    #[serde(rename = "orderID")]
    pub(super) older_order_id: Text,
    pub(super) certificates: Option<Vec<Certificate>>,
}

/// A certificate of an order.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Certificate {
    pub(super) certificate_no: Number,
    pub(super) certificate_type: Text,
    pub(super) certificate_type_code: Text,
    pub(super) common_name: Text,
    /// Text in answers, a list in requests: both are read.
    pub(super) dns_name: DnsNames,
    pub(super) status_code: Text,
    pub(super) serial_number: Text,
    pub(super) not_after: Text,
}

impl Order {
    /// Editions before 2026-09-17 wrote `orderID`.
    pub(super) fn id(&self) -> Option<&str> {
        self.order_id.get().or(self.older_order_id.get())
    }
}

impl Certificate {
    /// Older editions wrote `certificateTypeCode`.
    pub(super) fn kind(&self) -> Option<&str> {
        self.certificate_type
            .get()
            .or(self.certificate_type_code.get())
    }
}

/// The SANs. Assumption `ncloud-separators`: the documentation names no separator; none of these occurs in a name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct DnsNames(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for DnsNames {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let texts = if value.is_array() {
            serde_json::from_value::<List<Text>>(value).unwrap_or_default()
        } else {
            List(vec![serde_json::from_value(value).unwrap_or_default()])
        };
        Ok(Self(
            texts
                .0
                .iter()
                .filter_map(Text::get)
                .flat_map(|text| text.split([',', ';', '|', ' ', '\n', '\t']))
                .map(str::trim)
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect(),
        ))
    }
}
