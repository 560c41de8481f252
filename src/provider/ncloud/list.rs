//! ncloud's list of orders, page by page.
//!
//! Editions before 2026-09-17 had no pages and send everything each time: a page that brings nothing new is
//! the last one. The documents name no largest page, so a page that is not full is the last one only where the
//! answers count no more.

use std::collections::{BTreeMap, BTreeSet};

use super::{Ncloud, observed, verdict, wire};
use crate::model::ObservedOrder;
use crate::provider::{Permit, ProviderError};

const PAGE_SIZE: usize = 1000;
/// One million orders: what goes on longer never ends.
const MOST_PAGES: usize = 1000;
/// How often the list is read before it is an error that it is never whole.
const PASSES: usize = 3;

impl Ncloud {
    /// Every order.
    pub(super) async fn all_orders(
        &self,
        mut permit: Option<&mut Permit>,
    ) -> Result<Vec<ObservedOrder>, ProviderError> {
        let what = "list the orders";
        let mut fault = "";
        for _ in 0..PASSES {
            let pass = self.pass(permit.as_deref_mut(), what).await?;
            match pass.fault() {
                Some(found) => fault = found,
                None => return pass.orders(what),
            }
        }
        Err(verdict::unreadable(what, fault))
    }

    /// One pass over all pages.
    async fn pass(
        &self,
        mut permit: Option<&mut Permit>,
        what: &str,
    ) -> Result<Pass, ProviderError> {
        let mut pass = Pass::default();
        for page in 1..=MOST_PAGES {
            let path = format!("/certificate/getPaidCertificates?page={page}&pageSize={PAGE_SIZE}");
            let read = self.object::<wire::PaidCertificates>(permit.as_deref_mut(), what, &path);
            let (total, rows) = match read.await {
                Ok(list) => {
                    let total = list.total();
                    let rows = list.orders();
                    (
                        total,
                        rows.ok_or_else(|| verdict::unreadable(what, "no list of orders"))?,
                    )
                }
                // Assumption `ncloud-nothing-found`: "the search found no certificate" is how an empty list may look.
                Err(error) if verdict::says_nothing_found(&error) => (None, Vec::new()),
                Err(error) => return Err(error),
            };
            pass.take(what, total, rows)?;
            if pass.over {
                return Ok(pass);
            }
        }
        Err(verdict::unreadable(what, "the list does not end"))
    }
}

/// What one pass over the list has brought so far.
#[derive(Default)]
struct Pass {
    orders: BTreeMap<String, wire::Order>,
    /// Orders with the numbers of their certificates, as they came.
    known: BTreeSet<(String, Option<u64>)>,
    /// How many rows came, on pages that brought something new.
    rows: usize,
    /// How many rows the first page had: what it had, another page can have.
    size: usize,
    /// The last total that the CA gave.
    total: Option<usize>,
    /// True where nothing comes any more.
    over: bool,
    /// True where rows moved from one page to another between the requests.
    moved: bool,
}

impl Pass {
    fn take(
        &mut self,
        what: &str,
        total: Option<usize>,
        rows: Vec<wire::Order>,
    ) -> Result<(), ProviderError> {
        let before = self.total;
        self.total = total.or(before);
        let received = rows.len();
        let mut came = BTreeSet::new();
        for row in rows {
            let id = row
                .id()
                .map(str::to_owned)
                .ok_or_else(|| verdict::unreadable(what, "an order without an id"))?;
            let certificates = row.certificates.iter().flatten();
            let mut numbers: Vec<_> = certificates.map(|one| one.certificate_no.id()).collect();
            if numbers.is_empty() {
                numbers.push(None);
            }
            came.extend(numbers.into_iter().map(|number| (id.clone(), number)));
            let order = self.orders.entry(id).or_insert_with(|| wire::Order {
                certificates: None,
                ..row.clone()
            });
            // An order whose certificates stand on two pages is one order.
            let certificates = order.certificates.get_or_insert_default();
            certificates.extend(row.certificates.unwrap_or_default());
        }
        let repeated = came.intersection(&self.known).count();
        if repeated == came.len() {
            self.over = true;
            return Ok(());
        }
        // Rows that came in between push others onto the next page; rows that went away pull them forward.
        self.moved |= repeated > 0;
        self.known.append(&mut came);
        let first = self.rows == 0;
        if first {
            self.size = received;
        }
        self.rows += received;
        let counts = total.filter(|total| *total >= self.rows);
        self.moved |= counts.zip(before).is_some_and(|(now, then)| now < then);
        // A total that is missing, or smaller than what came, tells nothing.
        let full = received >= PAGE_SIZE || (!first && received >= self.size);
        self.over = !full && self.total.is_some_and(|total| self.counts(total));
        Ok(())
    }

    /// True where a total is what came.
    /// Assumption `ncloud-total`: whether it counts orders or certificates is not documented, so either will do.
    fn counts(&self, total: usize) -> bool {
        [self.rows, self.orders.len(), self.certificates()].contains(&total)
    }

    fn certificates(&self) -> usize {
        let certificates = self.known.iter().filter(|(_, number)| number.is_some());
        certificates.count()
    }

    /// What keeps the pass from being the whole list.
    fn fault(&self) -> Option<&'static str> {
        if self.moved {
            return Some("the list changed while it was read");
        }
        let most = self.rows.max(self.certificates());
        let short = self.total.is_some_and(|total| total > most);
        short.then_some("the CA counts more orders than it sends")
    }

    fn orders(self, what: &str) -> Result<Vec<ObservedOrder>, ProviderError> {
        let orders = self.orders.values().map(|row| {
            observed::order(row)
                .ok_or_else(|| verdict::unreadable(what, "a certificate without a number"))
        });
        orders.collect()
    }
}
