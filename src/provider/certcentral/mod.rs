//! DigiCert CertCentral, Services API v2: [`CertCentral`] reads and changes one account.

mod act;
mod assumptions;
mod assumptions_renewals;
mod authority;
mod contact;
mod download;
mod draft;
mod form;
mod funds;
mod list;
mod names;
mod observed;
mod product;
mod request;
mod requests;
mod rules;
mod rules_schema;
mod secure_email;
mod trials;
mod trials_sample;
mod trials_waiting;
mod validity;
mod verdict;
mod wire;

#[cfg(test)]
pub(super) mod tests;

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderValue};
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;

pub(super) use self::authority::CertCentralAuthority;
use self::request::segment;
use super::http::{Authorize, Transport};
use super::settings::Settings;
use super::{Answer, Depth, ErrorKind, Observe, Permit, ProviderError, Verdict};
use crate::model::{
    AccountName, CertificateId, Identity, KeyFacts, KeyId, KnownOrders, Mask, ObservedOrder,
    ObservedRequest, OrderId, Scope, Secret, StatusChange, Tag, TagLookup, Traffic, Tried,
};

/// The status-changes feed reaches back seven days.
const LONGEST_WINDOW: u64 = 604_800;

/// One CertCentral account.
pub(super) struct CertCentral {
    account: AccountName,
    transport: Transport,
}

/// `X-DC-DEVKEY`, the same on every request.
struct ApiKey(HeaderValue);

impl Authorize for ApiKey {
    fn authorize(
        &self,
        _method: &Method,
        _target: &str,
        headers: &mut HeaderMap,
    ) -> Result<(), ProviderError> {
        headers.insert("x-dc-devkey", self.0.clone());
        Ok(())
    }
}

impl CertCentral {
    pub(super) fn new(settings: Settings, api_key: &Secret) -> Result<Self, ProviderError> {
        let mut header = HeaderValue::from_str(api_key.expose())
            .ok()
            .filter(|header| !header.is_empty())
            .ok_or_else(|| {
                ProviderError::new(
                    ErrorKind::Unauthorized,
                    Verdict::NotSent,
                    format!(
                        "account {}: the API key is empty or holds characters that no key has; \
                         read it anew from CertCentral",
                        settings.account
                    ),
                )
            })?;
        header.set_sensitive(true);
        Ok(Self {
            transport: Transport::new(
                &settings,
                Box::new(ApiKey(header)),
                Mask::of(&[api_key]),
                &CertCentralAuthority,
            )?,
            account: settings.account,
        })
    }

    /// Reads one object.
    async fn object<T: DeserializeOwned>(
        &self,
        what: &str,
        path: &str,
    ) -> Result<T, ProviderError> {
        self.object_under(None, what, path).await
    }

    /// Reads one object with the slots of a permit, if there is one.
    async fn object_under<T: DeserializeOwned>(
        &self,
        permit: Option<&mut Permit>,
        what: &str,
        path: &str,
    ) -> Result<T, ProviderError> {
        let permit = permit.map(|permit| &mut permit.0);
        let reply = self.transport.read(permit, what, path).await?;
        if reply.status != 200 {
            return Err(verdict::refusal(what, &reply));
        }
        reply
            .object()
            .ok_or_else(|| verdict::unreadable(what, &reply, "not the JSON object expected"))
    }

    async fn read_order(
        &self,
        mut permit: Option<&mut Permit>,
        id: &OrderId,
        depth: Depth,
    ) -> Result<Option<ObservedOrder>, ProviderError> {
        let what = format!("read order {id}");
        let path = format!("/order/certificate/{}", segment(id.as_str()));
        let read = self.object_under::<wire::Order>(permit.as_deref_mut(), &what, &path);
        let Some(order) = absent(read.await)? else {
            return Ok(None);
        };
        let Some(mut full) = observed::in_full(&order).filter(|full| full.id == *id) else {
            return Err(malformed(&what, "the answer is about another order"));
        };
        if depth != Depth::Order {
            let may_have = |flag: Option<bool>, count: Option<u64>| match (count, flag) {
                (Some(count), _) => count > 0,
                (None, Some(flag)) => flag,
                (None, None) => true,
            };
            let archived = depth == Depth::Archived && !full.all_duplicates;
            let mut rows = [Vec::new(), Vec::new()];
            for (index, list, flag, count) in [
                (0, "duplicate", order.has_duplicates, order.duplicates_count),
                (1, "reissue", order.has_reissues, order.reissues_count),
            ] {
                let is_asked = archived && list == "duplicate";
                if is_asked || may_have(flag.get(), count.value()) {
                    full.all_duplicates |= list == "duplicate";
                    rows[index] = self
                        .certificates(permit.as_deref_mut(), &path, list, id)
                        .await?;
                }
            }
            let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
            full.certificates = Some(
                observed::certificates(&order, &rows[0], &rows[1], today)
                    .ok_or_else(|| malformed(&what, "a certificate without an id"))?,
            );
        }
        Ok(Some(full))
    }

    /// `GET /order/certificate/{id}/duplicate` or `/reissue`: no pages. What was archived is in force all the same, and
    /// dies with its order.
    async fn certificates(
        &self,
        permit: Option<&mut Permit>,
        order: &str,
        list: &str,
        id: &OrderId,
    ) -> Result<Vec<wire::Certificate>, ProviderError> {
        let what = format!("list the {list}s of order {id}");
        // Assumption `no-duplicates-404`: for an order that was just read, 404 means that there are none.
        let listing: Option<wire::Listing<wire::Certificate>> = absent(
            self.object_under(permit, &what, &format!("{order}/{list}?show_archived=true"))
                .await,
        )?;
        match listing {
            None => Ok(Vec::new()),
            Some(listing) => listing
                .rows()
                .ok_or_else(|| malformed(&what, "no list of certificates")),
        }
    }
}

/// Turns the CA's own "not found" into nothing.
fn absent<T>(read: Result<T, ProviderError>) -> Result<Option<T>, ProviderError> {
    match read {
        Ok(object) => Ok(Some(object)),
        Err(error) if verdict::says_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn malformed(what: &str, why: &str) -> ProviderError {
    ProviderError::new(
        ErrorKind::Malformed,
        Verdict::InDoubt,
        format!("{what}: {why}; check the endpoint; if it is right, try again later"),
    )
}

impl Observe for CertCentral {
    fn account(&self) -> &AccountName {
        &self.account
    }

    fn endpoint(&self) -> &str {
        self.transport.endpoint()
    }

    fn identity(&self) -> Answer<'_, Option<Identity>> {
        async {
            let what = "read who the key belongs to";
            let user: wire::User = self.object(what, "/user/me").await?;
            observed::identity(&user)
                .map(Some)
                .ok_or_else(|| malformed(what, "no account id"))
        }
        .boxed()
    }

    fn key<'a>(&'a self, id: &'a KeyId) -> Answer<'a, Option<KeyFacts>> {
        async move {
            let what = format!("read key {id}");
            // The documentation's cURL line has `/services/v2` twice; its other samples have it once.
            let path = format!("/key/{}", segment(id.as_str()));
            let key = absent(self.object::<wire::Key>(&what, &path).await)?;
            key.map(|key| observed::key(&key).ok_or_else(|| malformed(&what, "no key id")))
                .transpose()
        }
        .boxed()
    }

    fn orders(&self) -> Answer<'_, Vec<ObservedOrder>> {
        self.list(
            "list the orders".to_owned(),
            "/order/certificate?sort=order_id".to_owned(),
            |row| observed::summary(row).map(|order| (order.id.clone(), order)),
        )
        .boxed()
    }

    fn order<'a>(&'a self, id: &'a OrderId, depth: Depth) -> Answer<'a, Option<ObservedOrder>> {
        self.read_order(None, id, depth).boxed()
    }

    fn certificate_pem<'a>(&'a self, id: &'a CertificateId) -> Answer<'a, String> {
        self.download(id).boxed()
    }

    fn reads(&self, depth: Depth) -> u32 {
        match depth {
            Depth::Order => 1,
            Depth::Certificates | Depth::Archived => 3,
        }
    }

    fn tagged<'a>(&'a self, tag: &'a Tag) -> Answer<'a, TagLookup> {
        async move {
            let rows = self.list(
                format!("look up orders tagged {tag}"),
                format!("/order/alternate/{}", segment(tag.as_str())),
                |row| observed::change(row).map(|change| (change.order_id.clone(), change)),
            );
            let mut orders = absent(rows.await)?.unwrap_or_default();
            orders.sort_by_cached_key(|change| observed::numeric(change.order_id.as_str()));
            Ok(TagLookup { orders })
        }
        .boxed()
    }

    fn holder<'a>(&'a self, certificate: &'a Scope) -> Answer<'a, Option<OrderId>> {
        async move {
            let (filter, value) = match certificate {
                Scope::CertificateId(id) => ("certificate_id", id.to_string()),
                Scope::SerialNumber(serial) => {
                    ("serial_number", serial.to_string().replace(':', ""))
                }
                Scope::Order | Scope::Duplicates | Scope::CertificateNo(_) => return Ok(None),
            };
            let what = format!("look up the order of a certificate by its {filter}");
            let value = segment(&value);
            // Two rows tell a filter that is heeded from one that is not.
            let path = format!("/order/certificate?filters%5B{filter}%5D={value}&limit=2");
            let listing: wire::Listing<wire::Order> = match self.object(&what, &path).await {
                Err(error)
                    if error.kind == ErrorKind::Invalid && error.verdict == Verdict::Rejected =>
                {
                    return Ok(None);
                }
                other => other?,
            };
            let rows = listing.rows();
            let rows = rows.ok_or_else(|| malformed(&what, "no list of orders"))?;
            Ok(match rows.as_slice() {
                [only] => only.id.id().map(OrderId::from),
                _ => None,
            })
        }
        .boxed()
    }

    fn changes(&self, window: Duration) -> Answer<'_, Vec<StatusChange>> {
        async move {
            let what = "read what changed";
            let whole = window.as_secs() + u64::from(window.subsec_nanos() > 0);
            let seconds = whole.clamp(1, LONGEST_WINDOW);
            let path = format!("/order/certificate/status-changes?seconds={seconds}");
            let listing: wire::Listing<wire::Order> = self.object(what, &path).await?;
            listing
                .rows()
                .ok_or_else(|| malformed(what, "no list of orders"))?
                .iter()
                .map(|row| observed::change(row).ok_or_else(|| malformed(what, "no order id")))
                .collect()
        }
        .boxed()
    }

    fn revocation_requests(&self) -> Answer<'_, Vec<ObservedRequest>> {
        self.list(
            "list the requests to revoke".to_owned(),
            "/request?filters%5Btype%5D=revoke".to_owned(),
            |row| requests::request(row).map(|request| (request.id.clone(), request)),
        )
        .boxed()
    }

    fn waiting_orders(&self) -> Answer<'_, Vec<ObservedOrder>> {
        self.undecided("new_request", |row| {
            // A row without an order shows nothing that could be ours.
            let key = row.id.id()?;
            Some((key, requests::waiting_order(row)))
        })
        .map(|rows| Ok(rows?.into_iter().flatten().collect()))
        .boxed()
    }

    fn reissue_requests(&self) -> Answer<'_, Vec<ObservedRequest>> {
        self.undecided("reissue", |row| {
            requests::request(row).map(|request| (request.id.clone(), request))
        })
        .boxed()
    }

    fn try_assumptions<'a>(&'a self, known: &'a KnownOrders) -> BoxFuture<'a, Vec<Tried>> {
        self.try_all(known).boxed()
    }

    fn funds(&self) -> Answer<'_, Option<(Decimal, String)>> {
        self.balance().boxed()
    }

    fn clock_skew(&self) -> Option<SignedDuration> {
        self.transport.clock_skew()
    }

    fn requests_sent(&self) -> u32 {
        self.transport.requests_sent()
    }

    fn traffic(&self) -> Traffic {
        self.transport.traffic()
    }
}
