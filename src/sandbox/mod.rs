//! A stand-in for both certificate authorities, over HTTP/1.1 on loopback: DigiCert CertCentral Services
//! API v2 under `/services/v2`, NAVER Cloud Certificate Manager API v2 under `/api/v2`, and its own admin
//! endpoints under `/sandbox`. Main type: [`Sandbox`].
//!
//! It is a second implementation of the two APIs, written from their documents and not from `provider`:
//! it shares no wire type with the client, so a wrong member name on either side shows. It is strict and
//! unfriendly where the real service is: approvals stay pending, answers may be an empty 204, some ids are
//! strings, an empty organization is `[]`, revocations at ncloud take their time.
//!
//! A request takes this way: `server` (sockets) → `dispatch` (count, fault, effect, ledger, answer) →
//! `certcentral` or `ncloud` → `ca` (really signs). Everything that the documents leave open is listed in
//! [`ASSUMPTIONS`]; where documents or clients contradict each other, `habits` has the other form as well.
//!
//! | `/sandbox/…` | body | what it does |
//! |---|---|---|
//! | `GET ledger[?after=SEQ]` | | every call of the two APIs and every change: effect, ids, answer or `cut` |
//! | `GET state` | | orders by status, pending requests, requests seen, 429s, the busiest five seconds |
//! | `POST seed` | `{"certcentral", "product", "duplicates_per_order", "alternative_order_ids", "ncloud_orders", "certificates_per_order", "ncloud_order_ids", "first_certificate_no", "csr"}` | issued orders in bulk; returns their ids |
//! | `POST approve`, `reject` | `{"request_id"}`, `{"order_id"}` or `{"all": true}`; `"comment"` | decides requests |
//! | `POST revoke` | `{"order_id"}` or `{"certificate_id"}`; `"provider": "ncloud"` with `order_id` | a revocation outside the API |
//! | `POST cancel` | `{"order_id"}` | an order is canceled outside |
//! | `POST validate` | `{"order_id"}` or `{"all": true}` | open validations are completed: what was approved is issued |
//! | `POST edit` | `{"order_id", "common_name", "dns_names", "emails", "organization_units", "product", "organization_id", "valid_till", "order_valid_till", "auto_renew", "auto_reissue"}` | an order and its certificate in force are edited outside |
//! | `POST edit` | `{"certificate_id", ..., "valid_till", "archived"}` | one certificate is edited outside, a duplicate for instance |
//! | `POST faults` | a list of rules, or `{"rules", "seed"}` | replaces the fault script |
//! | `GET faults`, `DELETE faults` | | shows the script with its counts, or ends it |
//! | `POST options` | `{"approval", "validation", "reissue_gain", "funds", "index_lag_ms", "ncloud_revoke_delay_ms", "rate_limits", "habits", "contrary"}` | changes settings while it runs |
//! | `POST clock` | `{"advance": "170d"}` or `{"to": "2027-03-15"}` | moves the clock of both CAs; `auto_renew` and `auto_reissue` act on their days |
//! | `GET clock`, `GET assumptions` | | what time it is, and [`ASSUMPTIONS`] |
//!
//! A fault rule: `{"match": {"provider", "method", "path_contains"}, "fault": NAME, "ms", "status",
//! "retry_after", "location", "bytes", "body", "late", "skip", "times", "probability"}`. Without effect:
//! `rate_limit`, `error_before`, `answer_before` (`body`, word for word), `cut_before`, `html`, `huge`,
//! `redirect`, `unauthorized`, `forbidden`. After the effect: `delay`, `error_after`, `answer_after`,
//! `cut_after`, `truncate`, `empty`, `wrong_types`, and `unfiltered`: a list, or a look-up by tag, with more
//! than was asked for. In the certificates of a download, of a chain and of the answer to an order (at ncloud of
//! the exported chain): `neighbour` (another certificate of the order), `short_chain` (no intermediate) and
//! `reversed_chain` (the root first). `ms` delays any of them.
//!
//! An order goes through `needs_approval` (no certificate id), `pending` (approved, a validation is open) and
//! `issued`. Validations count as done before, so that `pending` is passed at once, but for a DV order with
//! `dns-txt-token`, `dns-cname-token` or `http-token`, and for everything under `"validation": "open"`, and
//! under `"expiring"` for domains whose validation is older than 199 days.
//!
//! All dates, the `Date` header, the ledger and the ends of certificates go by the clock that can be moved; rate
//! limits and waiting times of faults by that of this machine. A clock goes back only while there is no order.
//! `reissue_gain` is `full`, or `none` where a reissue ends with what it replaces.
//!
//! `habits` (the first of each is the default): `unknown_alternative_id` `empty_list|not_found`,
//! `second_revocation` `refused|accepted`, `revocation_beside_another` `accepted|refused`,
//! `last_certificate_revoked` `leaves_order|revokes_order`, `waiting_orders` `listed|nameless|unlisted`,
//! `waiting_by_tag` `found|not_found`, `request_orders` `named|id_only`, `order_info_tokens` `missing|shown`,
//! `certificate_chain` `shown|missing`, `order_valid_till` `shown|tls_only`, `renewals` `within_90_days|any_time`,
//! `empty_lists` `lists|missing|null`, `empty_feed` `missing|as_lists`, `certcentral_ids` `numbers|strings`,
//! `duplicates_count` `all|listed`, `ncloud_names` `current|older`.

mod admin;
mod answer;
mod ca;
mod call;
mod certcentral;
mod clock;
mod contrary;
mod dispatch;
mod faults;
mod habits;
mod inner;
mod ledger;
mod limits;
mod ncloud;
mod server;
mod storage;
#[cfg(test)]
mod tests;
mod world;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::oneshot;

pub use contrary::Contrary;

/// What the documents of the two APIs do not say and the sandbox had to choose, one sentence each.
pub const ASSUMPTIONS: &[&str] = &[
    "certcentral: lists, look-ups by tag and status changes show orders that wait for approval, `needs_approval` and without a certificate id (habits have the other forms).",
    "certcentral: only the request of an order that waits for approval can be decided; PUT status refuses the order.",
    "certcentral: a DV order with a token waits for its validation, every other one counts as validated before; a token is good for 30 days.",
    "certcentral: a reissue whose validation is open stays `reissue_pending` while its request is approved, and its answer has tokens as that to an order.",
    "certcentral: order info does not repeat the tokens of an open validation (a habit shows them); PUT dcv-random-value does.",
    "certcentral: `is_renewed` is set when a renewal is placed, and taken back when that order is rejected or canceled.",
    "certcentral: an order that the funds do not cover is 400 `insufficient_funds`, what waits for approval counted in.",
    "certcentral: an order stays `issued` when its last certificate is revoked alone (an account can be set otherwise, a habit too).",
    "certcentral: each start without a data folder is an account of its own; with one, its id lies there.",
    "certcentral: `pem_all` and `certificate_chain` are leaf, intermediate, root; a leaf says CA:FALSE and has both key identifiers.",
    "ncloud: the exported chain is PEM with LF line ends, of revoked certificates and of those that are over too; an unknown number is returnCode 1006.",
    "certcentral: p7b and cer are the same PKCS #7 in PEM; platform 29 is a PEM bundle, every other platform a zip of PEM files.",
    "certcentral: a CSR may be bare base64, and need no line ends.",
    "certcentral: an archived duplicate is in force; it is listed with `show_archived` alone, and counted (a habit leaves it out).",
    "certcentral: an empty list is `[]`, and status changes without any are `{}` (habits have the other forms, and null).",
    "certcentral: a missing member is 400 `required_param:<member>`, a wrong one 400 `invalid_value:<member>`; all of them are listed.",
    "certcentral: of several validities order_validity wins, then custom_expiration_date, validity_days, validity_years (documented but for the place of validity_days).",
    "certcentral: a CSR that cannot be parsed or whose signature is wrong is 400 `csr_invalid_cannot_parse`.",
    "certcentral: a second renewal of an order is 400 `order_renewed_already`; an unknown renewal_of_order_id is 400 `invalid_value:renewal_of_order_id`.",
    "certcentral: `comment` or `comments` may be left out to revoke, either spelling will do, and the ledger says which came.",
    "certcentral: revoking an order again is 400 `order_already_revoked`, a certificate again 400 `certificate_already_revoked`.",
    "certcentral: revoking what was not issued is 400 `order_not_issued` or `certificate_not_issued`.",
    "certcentral: a second revocation request is accepted while the first is undecided; approving either revokes once (a habit refuses it).",
    "certcentral: revocation_reason is unspecified, key_compromise, affiliation_changed, superseded or cessation_of_operation, and is read for TLS products only.",
    "certcentral: PUT status takes `canceled` in any letter case and needs an order in pending, waiting_pickup or reissue_pending.",
    "certcentral: a reissue that takes names away revokes the certificates issued before it in that order; another reissue revokes nothing.",
    "certcentral: a second reissue while one is undecided is 400 `reissue_pending`.",
    "certcentral: GET /order/alternate answers a value nobody used with 200 and an empty list.",
    "certcentral: lists come newest first unless `sort` says otherwise; an unknown filter or sort key and a limit above 1000 are 400.",
    "certcentral: alternative_order_id is accepted for every product, up to 255 characters, and need not be unique.",
    "certcentral: rate limits count the requests that were let through, per key; a 429 carries no Retry-After.",
    "certcentral: a decided request cannot be decided again: 400 `request_already_processed`.",
    "certcentral: orders cost 175.00 (TLS), 32.50 (client) or 45.00 (secure email) USD, charged when approved from a balance of 1000000.00 that never refuses, unless `funds` says otherwise.",
    "certcentral: a duplicate that was approved is issued at once and listed as `approved`; once revoked it is listed as `revoked`.",
    "certcentral: the view-only key answers every request but GET with 403 `access_denied|missing_permission`.",
    "certcentral: a public TLS certificate lives 199 days at most, 99 from 2027-03-15 and 46 from 2029-03-15 on, by the day of its issue; every other one ends with its order.",
    "certcentral: a certificate is in force from the first second of valid_from to the last one of valid_till, in UTC.",
    "certcentral: every organization id is a validated organization.",
    "certcentral: an order is renewed from 90 days before its last day until that day; before it is 400 `renewal_window_closed`, after it 400 `cannot_renew_expired_order` (a habit renews at any time).",
    "certcentral: a validation is used again for 199 days where `validation` is `expiring`; then orders, reissues and renewals wait for a new one, and a duplicate is 400 `dcv_expired`; a name counts as validated on the day on which it is used first.",
    "certcentral: a renewal is an order of its own from its day on: what was left of the old order is not added.",
    "certcentral: `auto_renew` and `auto_reissue` act with the names and the CSR that are there, without approval and without a tag; not for a card, after a revocation, without money, or for a reissue that brings no day.",
    "certcentral: they act when the clock is moved past 00:00 UTC of the 30th day before an end, each on its day.",
    "ncloud: an unknown path is 404 with error code 300 before the signature is looked at.",
    "ncloud: a timestamp five minutes or more away is answered like a wrong signature; a moved clock takes the time of this machine too.",
    "ncloud: a certificate whose end is over is -2 EXPIRE.",
    "ncloud: only the header x-ncp-apigw-signature-v2 is read; Accept and Content-Type are not required.",
    "ncloud: an unknown order or certificate is HTTP 200 with returnCode 1006.",
    "ncloud: revoking a certificate that is -7 or -5, or not issued, is HTTP 200 with returnCode 26034; certificateNo 0 takes those that can be revoked.",
    "ncloud: a member that is missing or has the wrong JSON type is HTTP 400 with returnCode 2000.",
    "ncloud: certificateName filters by equality; times are UTC written as yyyy-MM-dd HH:mm:ss; SANs are joined with a comma.",
    "ncloud: recentChanges leaves revoked certificates out, since revocation is not among its documented status values.",
    "ncloud: certificate orders are not offered (returnCode 1000), and it has no rate limit because none is published.",
    "both: certificates are signed at once by a throw-away CA when nothing is open; there is no organization validation, and nobody looks for tokens.",
];

/// Whether new orders and revocations wait for a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// Every request is approved when it is made.
    Automatic,
    /// Requests stay `pending` until decided; `skip_approval: true` is honoured as for an administrator's key.
    #[default]
    Required,
}

/// The rolling rate limits of a CertCentral key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RateLimits {
    /// 100 requests in 5 seconds and 1000 in 5 minutes.
    #[default]
    Documented,
    /// None.
    Off,
    /// So many requests in each of these spans.
    Custom(Vec<(u32, Duration)>),
}

/// How a sandbox behaves. The defaults need no set-up: loopback, a free port, memory only.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; anything but a loopback address is refused. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// A folder that keeps the state, the CA and the ledger; without one they live in memory.
    pub data: Option<PathBuf>,
    /// The `X-DC-DEVKEY` that may do everything.
    pub certcentral_key: String,
    /// The `X-DC-DEVKEY` that may only GET.
    pub certcentral_view_key: String,
    /// ncloud's access key.
    pub ncloud_access_key: String,
    /// ncloud's secret key, the HMAC key of the signature.
    pub ncloud_secret_key: String,
    /// Whether CertCentral requests wait for a decision.
    pub approval: Approval,
    /// CertCentral's rate limits.
    pub rate_limits: RateLimits,
    /// How long a new order is missing from `/order/alternate`, the list and the status changes.
    pub index_lag: Duration,
    /// How long an ncloud certificate stays -7 REQUEST_REVOKE before it is -5 REVOKE.
    pub ncloud_revoke_delay: Duration,
    /// What reads answer contrary to what clients assume.
    pub contrary: Vec<Contrary>,
    /// Seeds serial numbers and the faults that have a probability.
    pub seed: u64,
    /// The id of the CertCentral account; `None` makes one, or takes the data folder's.
    pub account_id: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            data: None,
            certcentral_key: "sandbox-certcentral-key".into(),
            certcentral_view_key: "sandbox-view-only-key".into(),
            ncloud_access_key: "sandbox-ncloud-access-key".into(),
            ncloud_secret_key: "sandbox-ncloud-secret-key".into(),
            approval: Approval::Required,
            rate_limits: RateLimits::Documented,
            index_lag: Duration::ZERO,
            ncloud_revoke_delay: Duration::from_secs(2),
            contrary: Vec::new(),
            seed: 1,
            account_id: None,
        }
    }
}

/// Why a sandbox cannot start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The sandbox has no real authentication and must not be reachable from elsewhere.
    #[error("{0} is not a loopback address: the sandbox listens on loopback only")]
    NotLoopback(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The data folder cannot be read or written.
    #[error("data folder: cannot use {path}")]
    Data {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another sandbox uses the data folder.
    #[error("data folder {0} is in use by another sandbox")]
    InUse(PathBuf),
    /// A file of the data folder is not what a sandbox wrote.
    #[error("data folder: {path} is damaged: {problem}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The throw-away CA cannot be made.
    #[error("the throw-away CA cannot be used: {0}")]
    Authority(String),
    /// The task that serves ended without being asked to.
    #[error("the server ended unexpectedly: {0}")]
    Ended(String),
}

/// A running sandbox. Dropping it ends the server and its connections; [`Sandbox::stop`] waits for that.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    seed: u64,
    server: tokio::task::JoinHandle<()>,
    /// Ends the server when used or dropped.
    end: oneshot::Sender<()>,
}

/// How many connections may wait to be accepted. With the 128 of the standard library a burst of more
/// would lose some, and each is tried anew only after a second.
const BACKLOG: u32 = 1024;

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // A port that was just left is free.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

impl Sandbox {
    /// Listens and serves until stopped.
    ///
    /// # Errors
    /// When the address is not loopback or taken, and when the data folder cannot be used.
    pub async fn start(options: Options) -> Result<Self, SandboxError> {
        if !options.listen.ip().is_loopback() {
            return Err(SandboxError::NotLoopback(options.listen));
        }
        let (asked, seed) = (options.listen, options.seed);
        let shared = dispatch::Shared::open(options)?;
        let listen_failed = |source| SandboxError::Listen {
            address: asked,
            source,
        };
        let listener = listen(asked).map_err(listen_failed)?;
        let address = listener.local_addr().map_err(listen_failed)?;
        let (end, ended) = oneshot::channel();
        let server = tokio::spawn(server::serve(listener, shared, ended));
        Ok(Self {
            address,
            seed,
            server,
            end,
        })
    }

    /// The address it listens on, with the port that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The seed of serial numbers and faults, to repeat a run.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// CertCentral's base URL, `…/services/v2`.
    pub fn certcentral_url(&self) -> String {
        format!("http://{}/services/v2", self.address)
    }

    /// ncloud's base URL, `…/api/v2`.
    pub fn ncloud_url(&self) -> String {
        format!("http://{}/api/v2", self.address)
    }

    /// The admin endpoints' base URL, `…/sandbox`.
    pub fn admin_url(&self) -> String {
        format!("http://{}/sandbox", self.address)
    }

    /// Waits until the server ends, which it does not do by itself.
    ///
    /// # Errors
    /// When the serving task was aborted or panicked.
    pub async fn wait(self) -> Result<(), SandboxError> {
        self.server
            .await
            .map_err(|error| SandboxError::Ended(error.to_string()))
    }

    /// Stops accepting, drops every connection and returns when that is done and the data folder is free.
    pub async fn stop(self) {
        drop(self.end);
        // An error here is a server that has ended before.
        let _ = self.server.await;
    }
}
