//! One request's way: count it, look for a fault, let it take effect, write the ledger, answer.
//! The state is behind one lock that is never held across a wait. Main type: [`Shared`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use futures::stream::{self, StreamExt as _};
use serde_json::json;

use super::answer::Answer;
use super::ca::Authority;
use super::call::{Call, Provider, Spoilt};
use super::clock::{Clock, http_date};
use super::faults::{Fault, Rule, Script};
use super::inner::{Counters, Inner};
use super::ledger::{Happened, Ledger};
use super::storage::Folder;
use super::world::{World, new_account_id};
use super::{Options, SandboxError, admin, certcentral, contrary, ncloud};

/// Marks a response that must not be sent: the connection is closed instead.
#[derive(Clone, Copy, Debug)]
pub(super) struct CutConnection;

#[derive(Debug)]
pub(super) struct Shared {
    inner: Mutex<Inner>,
    clock: Clock,
}

/// What leaves the sandbox for a request.
#[derive(Debug)]
enum Outgoing {
    Whole(Answer),
    Half(Answer),
    Huge(Answer, u64),
    Cut,
}

impl Shared {
    pub(super) fn open(options: Options) -> Result<Arc<Self>, SandboxError> {
        let mut folder = options.data.as_deref().map(Folder::open).transpose()?;
        let authority = folder
            .as_ref()
            .map_or_else(|| Authority::open(None, None), Folder::authority)?;
        let new_id = options.account_id.unwrap_or_else(new_account_id);
        let account_id = folder
            .as_ref()
            .map_or(Ok(new_id), |folder| folder.account_id(new_id))?;
        let mut world = World::new(&options, authority, account_id);
        let mut ledger = Ledger::default();
        if let Some(folder) = &mut folder {
            folder.load(&mut world, &mut ledger)?;
        }
        let clock = world.clock.clone();
        let inner = Inner {
            world,
            ledger,
            script: Script::new(options.seed),
            counters: Counters::default(),
            windows: BTreeMap::new(),
            folder,
        };
        Ok(Arc::new(Self {
            inner: Mutex::new(inner),
            clock,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the request and picks the fault that strikes it.
    fn arrive(&self, call: &Call) -> Option<Rule> {
        if call.provider == Provider::Sandbox {
            return None;
        }
        let inner = &mut *self.lock();
        let (name, now) = (provider_name(call.provider), Instant::now());
        *inner
            .counters
            .requests
            .entry(name)
            .or_default()
            .entry(call.method.clone())
            .or_default() += 1;
        inner.counters.peak.saw(now);
        inner.counters.peaks.entry(name).or_default().saw(now);
        inner.script.choose(call)
    }

    /// Lets the request take effect, as far as the fault allows, and writes down what is answered.
    fn perform(&self, call: &Call, rule: Option<&Rule>) -> Outgoing {
        let inner = &mut *self.lock();
        let real = rule
            .is_none_or(|rule| rule.fault.has_effect())
            .then(|| inner.handle(call));
        let answer = match (rule, real) {
            (Some(rule), real) => rule.distort(call.provider, real),
            (None, Some(real)) => real,
            (None, None) => Answer::no_content(),
        };
        let outgoing = match rule.map(|rule| (rule.fault, rule)) {
            Some((Fault::CutBefore | Fault::CutAfter, _)) => Outgoing::Cut,
            // Half of nothing would be a whole answer.
            Some((Fault::Truncate, _)) if answer.body.len() < 2 => Outgoing::Cut,
            Some((Fault::Truncate, _)) => Outgoing::Half(answer.clone()),
            Some((Fault::Huge, rule)) => {
                Outgoing::Huge(answer.clone(), rule.bytes.unwrap_or(256 << 20))
            }
            _ => Outgoing::Whole(answer.clone()),
        };
        if answer.status == 429 {
            inner.counters.rate_limited += 1;
        }
        match inner.record(call, rule, &answer, &outgoing) {
            Ok(()) => outgoing,
            Err(error) => Outgoing::Whole(Answer::text(
                500,
                "text/plain",
                format!("sandbox: data folder: {error}"),
            )),
        }
    }
}

impl Inner {
    fn handle(&mut self, call: &Call) -> Answer {
        let contrary = self.world.settings.contrary.clone();
        if contrary.is_empty() || call.provider == Provider::Sandbox {
            return self.answer(call);
        }
        let mut asked = call.clone();
        contrary::question(&contrary, &mut asked);
        let answer = self.answer(&asked);
        contrary::answer(&contrary, call, answer, self.world.clock.today())
    }

    fn answer(&mut self, call: &Call) -> Answer {
        match call.provider {
            Provider::Certcentral => certcentral::handle(&mut self.world, &mut self.windows, call),
            Provider::Ncloud => ncloud::handle(&mut self.world, call),
            Provider::Sandbox => admin::handle(self, call),
        }
    }

    fn record(
        &mut self,
        call: &Call,
        rule: Option<&Rule>,
        answer: &Answer,
        sent: &Outgoing,
    ) -> std::io::Result<()> {
        let reads_sandbox = call.provider == Provider::Sandbox && call.method == "GET";
        let from = self.ledger.entries.len();
        if !reads_sandbox {
            let key = match call.provider {
                Provider::Certcentral => certcentral::key_name(&self.world, call),
                Provider::Ncloud => ncloud::key_name(&self.world, call),
                Provider::Sandbox => "admin",
            };
            let happened = Happened {
                time: self.world.clock.now(),
                key,
                fault: rule.map(|rule| json!(rule.fault)),
                answered: match sent {
                    Outgoing::Cut => json!("cut"),
                    Outgoing::Whole(_) | Outgoing::Half(_) | Outgoing::Huge(..) => {
                        json!(answer.status)
                    }
                },
            };
            let mut effect = answer.effect.clone();
            if effect.alternative_order_id.is_none() && call.method == "POST" {
                effect.alternative_order_id = asked_alternative_order_id(call);
            }
            let mut effects = vec![effect];
            effects.extend(answer.more_effects.iter().cloned());
            for effect in &effects {
                self.ledger.append(call, &happened, effect);
            }
        }
        let entries = self.ledger.entries.get(from..).unwrap_or_default();
        match &mut self.folder {
            Some(folder) => folder.append(&self.world.take_changes(), entries),
            None => {
                self.world.drop_changes();
                Ok(())
            }
        }
    }
}

/// The tag that an order asked for, also when the order came to nothing.
fn asked_alternative_order_id(call: &Call) -> Option<String> {
    Some(
        call.object()?
            .get("alternative_order_id")?
            .as_str()?
            .to_owned(),
    )
}

pub(super) fn provider_name(provider: Provider) -> &'static str {
    match provider {
        Provider::Certcentral => "certcentral",
        Provider::Ncloud => "ncloud",
        Provider::Sandbox => "sandbox",
    }
}

pub(super) async fn answer(shared: Arc<Shared>, mut call: Call) -> Response {
    let rule = shared.arrive(&call);
    call.unfiltered = rule
        .as_ref()
        .is_some_and(|rule| rule.fault == Fault::Unfiltered);
    call.chain = match rule.as_ref().map(|rule| rule.fault) {
        Some(Fault::Neighbour) => Spoilt::Neighbour,
        Some(Fault::ShortChain) => Spoilt::Short,
        Some(Fault::ReversedChain) => Spoilt::Reversed,
        _ => Spoilt::Nothing,
    };
    let wait = rule
        .as_ref()
        .and_then(|rule| rule.ms)
        .map(Duration::from_millis);
    let late = rule.as_ref().is_some_and(|rule| rule.late);
    let clock = shared.clock.clone();
    let outgoing = if late {
        // In a task of its own: the effect happens even when the client has hung up by then. It does not
        // keep a stopped sandbox alive.
        let waiting = Arc::downgrade(&shared);
        drop(shared);
        let task = tokio::spawn(async move {
            tokio::time::sleep(wait.unwrap_or_default()).await;
            waiting
                .upgrade()
                .map_or(Outgoing::Cut, |shared| shared.perform(&call, rule.as_ref()))
        });
        task.await.unwrap_or(Outgoing::Cut)
    } else {
        let outgoing = shared.perform(&call, rule.as_ref());
        if let Some(wait) = wait {
            tokio::time::sleep(wait).await;
        }
        outgoing
    };
    respond(outgoing, &http_date(clock.now()))
}

fn respond(outgoing: Outgoing, date: &str) -> Response {
    match outgoing {
        Outgoing::Whole(answer) => {
            let body = Body::from(answer.body.clone());
            response(&answer, body, date)
        }
        Outgoing::Half(answer) => {
            let half = Bytes::copy_from_slice(&answer.body[..answer.body.len() / 2]);
            // The pause lets the first half leave before the connection ends.
            let rest = stream::once(async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Err(std::io::Error::other("truncated on purpose"))
            });
            let mut cut = response(
                &answer,
                Body::from_stream(stream::iter([Ok(half)]).chain(rest)),
                date,
            );
            cut.headers_mut()
                .insert(header::CONTENT_LENGTH, HeaderValue::from(answer.body.len()));
            cut
        }
        Outgoing::Huge(answer, bytes) => {
            let chunk = Bytes::from_static(&[b' '; 65_536]);
            let chunks = usize::try_from(bytes / 65_536 + 1).unwrap_or(usize::MAX);
            let body = stream::repeat(chunk)
                .take(chunks)
                .map(Ok::<Bytes, std::io::Error>);
            response(&answer, Body::from_stream(body), date)
        }
        Outgoing::Cut => {
            let mut cut = Response::new(Body::empty());
            cut.extensions_mut().insert(CutConnection);
            cut
        }
    }
}

/// `date` is the time of the CAs, unless the answer has another one.
fn response(answer: &Answer, body: Body, date: &str) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if !answer.content_type.is_empty() {
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(answer.content_type),
        );
    }
    let headers = answer.headers.iter();
    let named = headers.map(|(name, value)| (*name, value.as_str()));
    for (name, value) in [("date", date)].into_iter().chain(named) {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
