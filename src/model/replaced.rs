//! Certificates whose place in their order another one took: [`ReplacedCertificates`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ids::{CertificateId, OrderId, SerialNumber};
use super::valid_till::{self, ValidTill};

/// Certificates whose place another one took, by their order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReplacedCertificates(BTreeMap<OrderId, BTreeMap<CertificateId, ReplacedCertificate>>);

/// A certificate whose place in its order another one took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplacedCertificate {
    /// Its serial number, where a read showed it.
    pub serial_number: Option<SerialNumber>,
    /// Its last day, likewise.
    #[serde(default, deserialize_with = "valid_till::lenient")]
    pub valid_till: Option<ValidTill>,
}

impl ReplacedCertificates {
    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Orders and their certificates.
    pub fn iter(
        &self,
    ) -> impl Iterator<Item = (&OrderId, &BTreeMap<CertificateId, ReplacedCertificate>)> {
        self.0.iter()
    }

    /// Those of an order.
    pub fn of(
        &self,
        order: &OrderId,
    ) -> impl Iterator<Item = (&CertificateId, &ReplacedCertificate)> {
        self.0.get(order).into_iter().flatten()
    }

    pub(super) fn add(
        &mut self,
        order: &OrderId,
        one: Option<(CertificateId, ReplacedCertificate)>,
    ) {
        if let Some((id, known)) = one {
            self.0.entry(order.clone()).or_default().insert(id, known);
        }
    }
}
