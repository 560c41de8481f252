//! The one way to a CA: [`Transport`]. Deadlines for each phase, caps on size, and nothing that
//! [`client`] does not do.
//!
//! A read ([`Transport::read`]) is repeated where that is safe, each attempt under the rate limits. A
//! change ([`Transport::change`]) is sent once, on a connection of its own.

mod noting;
mod once;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue,
};
use reqwest::{Client, Method, Request, Response, Url};
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};

use super::asked::{Asked, Place};
use super::call_log::CallLog;
use super::client::client;
use super::endpoint::Endpoint;
use super::error::{ErrorKind, ProviderError};
use super::lost::{Lost, causes};
use super::reply::Reply;
use super::route::Route;
use super::settings::{Deadlines, Settings};
use super::throttle::{Reservation, Slot, Throttle};
use crate::model::{Authority, BudgetWindow, Mask, RateLimit, Traffic};

/// A list of 1,000 orders with long names is some megabytes.
const LARGEST_READ: usize = 32 << 20;
/// An answer to a change is small.
const LARGEST_CHANGE: usize = 8 << 20;
/// The first try and three more.
const REPEATS: usize = 3;
/// A refusal for rate limits only slows down. The pauses between so many of them add up to seven minutes:
/// longer than CertCentral's longest window, which another run may have filled.
const SLOW_DOWNS: u32 = 12;

/// Adds what proves who is asking; called anew for each attempt.
pub(super) trait Authorize: Send + Sync {
    /// `target` is path and query, byte for byte as they are sent.
    ///
    /// # Errors
    ///
    /// When no header can be made of the key.
    fn authorize(
        &self,
        method: &Method,
        target: &str,
        headers: &mut HeaderMap,
    ) -> Result<(), ProviderError>;
}

/// The connection to one account.
pub(super) struct Transport {
    endpoint: Endpoint,
    place: Arc<Place>,
    route: Route,
    reads: Client,
    changes: Client,
    authorize: Box<dyn Authorize>,
    mask: Mask,
    throttle: Throttle,
    deadlines: Deadlines,
    /// What the CA's clock showed last, and when that was.
    ca_clock: Mutex<Option<(Timestamp, Instant)>>,
    sent: AtomicU32,
    rate_limited: AtomicU32,
    rate_limits: Vec<RateLimit>,
}

impl Transport {
    /// # Errors
    ///
    /// When the extra root is no PEM certificate or the TLS roots of the system cannot be loaded.
    pub(super) fn new(
        settings: &Settings,
        authorize: Box<dyn Authorize>,
        mask: Mask,
        authority: &'static dyn Authority,
    ) -> Result<Self, ProviderError> {
        Ok(Self {
            reads: client(settings, settings.max_in_flight)?,
            changes: client(settings, 0)?,
            endpoint: settings.endpoint.clone(),
            place: Place::of(settings, authority),
            route: settings.route.clone(),
            authorize,
            mask,
            throttle: Throttle::of(settings),
            deadlines: settings.deadlines,
            ca_clock: Mutex::new(None),
            sent: AtomicU32::new(0),
            rate_limited: AtomicU32::new(0),
            rate_limits: settings.rate_limits.clone(),
        })
    }

    pub(super) fn endpoint(&self) -> &str {
        self.endpoint.as_str()
    }

    /// How far the CA's clock is ahead of the wall clock, which may have been set since the CA answered.
    pub(super) fn clock_skew(&self) -> Option<SignedDuration> {
        let noted = *self.ca_clock.lock().unwrap_or_else(PoisonError::into_inner);
        let (shown, at) = noted?;
        let there = shown.checked_add(at.elapsed()).ok()?;
        Some(there.duration_since(Timestamp::now()))
    }

    pub(super) fn requests_sent(&self) -> u32 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(super) fn traffic(&self) -> Traffic {
        let windows = self.rate_limits.iter().zip(self.throttle.left());
        Traffic {
            requests: self.sent.load(Ordering::Relaxed).into(),
            rate_limited: self.rate_limited.load(Ordering::Relaxed).into(),
            windows: windows
                .map(|(limit, left)| BudgetWindow {
                    requests: limit.requests.into(),
                    per: limit.per,
                    left,
                })
                .collect(),
        }
    }

    /// Waits for a place among the calls in flight, and for the slots of so many reads and of one change.
    pub(super) async fn reserve(&self, reads: u32) -> Reservation {
        self.throttle.reserve(reads).await
    }

    /// Reads `path` (below the endpoint, with its query). Repeats what broke, 408, 429, 5xx and answers
    /// of 2xx that are no JSON; the last answer is returned whatever it is. A 429 is met with more patience
    /// than a failure: it is certain to end. The slots are those of `permit`, if there is one.
    pub(super) async fn read(
        &self,
        permit: Option<&mut Reservation>,
        what: &str,
        path: &str,
    ) -> Result<Reply, ProviderError> {
        self.read_until(permit, what, path, Reply::is_json).await
    }

    /// Reads certificates at `path`, as [`Self::read`] does; what is no PEM takes the place of what is no JSON.
    pub(super) async fn read_pem(&self, what: &str, path: &str) -> Result<Reply, ProviderError> {
        self.read_until(None, what, path, Reply::is_pem).await
    }

    async fn read_until(
        &self,
        mut permit: Option<&mut Reservation>,
        what: &str,
        path: &str,
        is_right: fn(&Reply) -> bool,
    ) -> Result<Reply, ProviderError> {
        let mut delays = ExponentialBuilder::new()
            .with_min_delay(self.deadlines.first_repeat)
            .with_max_delay(Duration::from_secs(20))
            .with_max_times(REPEATS)
            .with_jitter()
            .with_jitter_seed(seed())
            .build();
        let mut slow_downs = 0;
        loop {
            let mut slot = match &mut permit {
                Some(permit) => permit.for_read().await,
                None => self.throttle.acquire().await,
            };
            // Only now: a signature that waited for its turn may be too old.
            let request = self.request(Method::GET, path, None)?;
            let answer = self
                .exchange(&self.reads, request, LARGEST_READ, &mut slot)
                .await;
            drop(slot);
            if matches!(&answer, Ok(reply) if reply.status == 429) && slow_downs < SLOW_DOWNS {
                slow_downs += 1;
                if let Some(permit) = &mut permit {
                    permit.rest();
                }
                // The account is paused; the next slot comes when the pause is over. Where the CA names
                // a pause of nothing, this one holds.
                if slow_downs > 1 {
                    tokio::time::sleep(self.deadlines.first_repeat).await;
                }
                continue;
            }
            let again = match &answer {
                Ok(reply) => {
                    let success = (200..300).contains(&reply.status);
                    matches!(reply.status, 408 | 429 | 500..) || (success && !is_right(reply))
                }
                Err(lost) => lost.kind != ErrorKind::Malformed,
            };
            let delay = if again { delays.next() } else { None };
            if let Some(permit) = permit.as_mut().filter(|_| delay.is_some()) {
                permit.rest();
            }
            match (answer, delay) {
                (answer, None) => {
                    return answer.map_err(|lost| {
                        let advice = if lost.unsent {
                            "; check the network and the endpoint, then run again"
                        } else {
                            "; nothing was changed, try again later"
                        };
                        lost.error(what, advice)
                    });
                }
                // The account is paused; the next slot comes when the pause is over.
                (Ok(reply), Some(_)) if reply.status >= 400 && reply.retry_after().is_some() => {}
                (_, Some(delay)) => tokio::time::sleep(delay).await,
            }
        }
    }

    /// Sends a change, exactly once. An error is `NotSent` when no connection came about, and
    /// `InDoubt` in every other case; what an answer means is for the caller to say.
    pub(super) async fn change(
        &self,
        mut permit: Reservation,
        what: &str,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Reply, ProviderError> {
        let mut slot = permit.for_call().await;
        let request = self.request(method, path, Some(body))?;
        #[cfg(feature = "planted-bugs")]
        if crate::planted::is("second_send_after_timeout")
            && let Some(first) = request.try_clone()
            && let Ok(reply) = self
                .exchange(&self.changes, first, LARGEST_CHANGE, &mut slot)
                .await
        {
            return Ok(reply);
        }
        self.exchange(&self.changes, request, LARGEST_CHANGE, &mut slot)
            .await
            .map_err(|lost| {
                let advice = if lost.unsent {
                    "; nothing was sent; check the network and the endpoint, then run again"
                } else {
                    "; whether it took effect is unknown and must be looked up"
                };
                lost.error(what, advice)
            })
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Request, ProviderError> {
        let url = Url::parse(&format!("{}{path}", self.endpoint))
            .map_err(|_| ProviderError::unusable("the request's path is not usable"))?;
        let target = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        // What a URL parser would tidy up (`..`, an empty segment) would be another request.
        if path.contains("//") || !url.as_str().ends_with(path) {
            return Err(ProviderError::unusable(
                "an id in the request's path is not an id of this CA; nothing was sent",
            ));
        }
        let mut request = Request::new(method, url);
        let method = request.method().clone();
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        self.authorize.authorize(&method, &target, headers)?;
        if let Some(body) = body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
            *request.body_mut() = Some(body_bytes(body).into());
        }
        Ok(request)
    }

    async fn exchange(
        &self,
        client: &Client,
        request: Request,
        largest: usize,
        slot: &mut Slot,
    ) -> Result<Reply, Lost> {
        let start = Instant::now();
        let mut log = CallLog::begin(&request);
        let asked = Asked::of(&self.place, &request);
        slot.sent();
        self.sent.fetch_add(1, Ordering::Relaxed);
        let response = match timeout(self.deadlines.head, client.execute(request)).await {
            Err(_) => return Err(Lost::interrupted("no answer within the deadline")),
            Ok(Err(error)) if error.is_connect() => {
                return Err(self.route.blocked(&self.endpoint, &error.without_url()));
            }
            Ok(Err(error)) => {
                return Err(Lost::interrupted(format!(
                    "the connection broke: {}",
                    causes(&error.without_url())
                )));
            }
            Ok(Ok(response)) => response,
        };
        self.note(&response);
        if response
            .headers()
            .get(CONTENT_ENCODING)
            .is_some_and(|encoding| encoding.as_bytes() != b"identity")
        {
            return Err(Lost::malformed(
                "a compressed answer that was not asked for",
            ));
        }
        let status = response.status().as_u16();
        log.answered(status);
        let headers = response.headers().clone();
        let body =
            match timeout_at(start + self.deadlines.whole, self.body(response, largest)).await {
                Err(_) => return Err(Lost::interrupted("the answer did not end in time")),
                Ok(body) => body?,
            };
        let reply = Reply {
            status,
            headers,
            body,
            asked,
        };
        Ok(reply.masked(&self.mask))
    }

    async fn body(&self, mut response: Response, largest: usize) -> Result<Vec<u8>, Lost> {
        let mut body = Vec::new();
        loop {
            match timeout(self.deadlines.body, response.chunk()).await {
                Err(_) => return Err(Lost::interrupted("the answer stopped half-way")),
                Ok(Err(error)) => {
                    return Err(Lost::interrupted(format!(
                        "the answer broke off: {}",
                        causes(&error.without_url())
                    )));
                }
                Ok(Ok(None)) => return Ok(body),
                Ok(Ok(Some(piece))) => {
                    if body.len() + piece.len() > largest {
                        return Err(Lost::malformed("the answer is too large"));
                    }
                    body.extend_from_slice(&piece);
                }
            }
        }
    }
}

/// The bytes of a body, the same for sending and for its digest.
pub(super) fn body_bytes(body: &Value) -> Vec<u8> {
    body.to_string().into_bytes()
}

/// Another seed for each read, so that many that fail together do not come back together.
fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}
