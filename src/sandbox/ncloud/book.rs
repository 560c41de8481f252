//! ncloud's orders and certificates. Main type: [`Book`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::sandbox::clock::{date_of, plus_years, start_of};

/// An order; its id is a string on the wire.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct NcloudOrder {
    pub(in crate::sandbox) order_id: String,
    pub(in crate::sandbox) subscription_start: Timestamp,
    pub(in crate::sandbox) subscription_years: i32,
    pub(in crate::sandbox) certificates: Vec<NcloudCertificate>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct NcloudCertificate {
    pub(in crate::sandbox) number: u64,
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) common_name: String,
    pub(in crate::sandbox) dns_names: Vec<String>,
    pub(in crate::sandbox) serial_number: String,
    pub(in crate::sandbox) issued: Timestamp,
    pub(in crate::sandbox) updated: Timestamp,
    pub(in crate::sandbox) revocation: Option<Revocation>,
    /// `None`: for a seeded one the CA's shared one.
    #[serde(default)]
    pub(in crate::sandbox) csr: Option<String>,
    /// Its PEM; `None` until somebody looks at it.
    #[serde(default)]
    pub(in crate::sandbox) signed: Option<String>,
}

/// A revocation from its request on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct Revocation {
    pub(in crate::sandbox) requested: Timestamp,
    /// When it is in force.
    pub(in crate::sandbox) done: Timestamp,
    pub(in crate::sandbox) reason: String,
}

impl NcloudCertificate {
    /// When it is over, in an order of so many years.
    pub(super) fn end(&self, years: i32) -> Timestamp {
        start_of(plus_years(date_of(self.issued), i64::from(years)))
    }

    /// statusCode: 1 NORMAL, -2 EXPIRE, -7 REQUEST_REVOKE, -5 REVOKE.
    pub(in crate::sandbox) fn status(
        &self,
        years: i32,
        now: Timestamp,
    ) -> (&'static str, &'static str) {
        match &self.revocation {
            None if self.end(years) <= now => ("-2", "EXPIRE"),
            None => ("1", "NORMAL"),
            Some(revocation) if revocation.done > now => ("-7", "REQUEST_REVOKE"),
            Some(_) => ("-5", "REVOKE"),
        }
    }

    /// Asks for the revocation, which is in force after `delay`.
    pub(in crate::sandbox) fn revoke(
        &mut self,
        reason: &str,
        requested: Timestamp,
        delay: Duration,
    ) {
        let delay = SignedDuration::try_from(delay).unwrap_or(SignedDuration::MAX);
        let done = requested.checked_add(delay).unwrap_or(Timestamp::MAX);
        self.updated = requested;
        self.revocation = Some(Revocation {
            requested,
            done,
            reason: reason.to_owned(),
        });
    }
}

#[derive(Debug)]
pub(in crate::sandbox) struct Book {
    /// By order id; ids of digits of one length keep the order of their numbers.
    pub(in crate::sandbox) orders: BTreeMap<String, NcloudOrder>,
    pub(in crate::sandbox) next_order: u64,
    pub(in crate::sandbox) next_certificate: u64,
    pub(in crate::sandbox) changed: BTreeSet<String>,
}

impl Default for Book {
    fn default() -> Self {
        Self {
            orders: BTreeMap::new(),
            next_order: 900_001,
            next_certificate: 55_001,
            changed: BTreeSet::new(),
        }
    }
}

impl Book {
    /// Puts an order in, or back.
    pub(in crate::sandbox) fn restore(&mut self, order: NcloudOrder) {
        if let Ok(number) = order.order_id.parse::<u64>() {
            self.next_order = self.next_order.max(number.saturating_add(1));
        }
        for certificate in &order.certificates {
            self.next_certificate = self
                .next_certificate
                .max(certificate.number.saturating_add(1));
        }
        self.changed.insert(order.order_id.clone());
        self.orders.insert(order.order_id.clone(), order);
    }

    /// An order to be changed.
    pub(in crate::sandbox) fn change(&mut self, order_id: &str) -> Option<&mut NcloudOrder> {
        let order = self.orders.get_mut(order_id)?;
        self.changed.insert(order_id.to_owned());
        Some(order)
    }
}
