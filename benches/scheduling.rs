//! The scheduler alone: a CA that takes every order at once, a journal in memory, and three dependencies
//! for each order. What is left is the ready set, the protocol and the report.
//!
//! `cargo bench --bench scheduling`, or with sizes: `cargo bench --bench scheduling -- 1000 20000`. Nothing
//! is asserted on time. Without `--bench` (as a test runner calls it) it only shows that it works, with 50
//! steps.
#![expect(
    clippy::print_stdout,
    reason = "a program of its own: the table is its result"
)]

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use certplan::apply::{self, Run, RunAccount};
use certplan::files;
use certplan::journal::{Binding, Bindings, Gap, Hold, Journal, JournalError, StateMark};
use certplan::manifest::{self, Input};
use certplan::model::{
    AccountName, Address, Digest, Doubt, Fact, FactLog, FilesId, Identity, KeyFacts, KeyId,
    Observed, ObservedAccount, ObservedOrder, ObservedRequest, OrderId, OrderOperation, RateLimit,
    Record, Recorded, Records, ReissueOperation, RevokeCall, RunId, Secret, StatusChange, Tag,
    TagLookup, Traffic,
};
use certplan::plan::{
    Allowance, ApprovedPlan, Inputs, Knowledge, Moves, Plan, PlannedState, approve,
};
use certplan::provider::{
    Act, Answer, Deadlines, Depth, Endpoint, Keys, Observe, Permit, Placed, RevokeAnswer, Settings,
    authorities, open, preview,
};
use futures::future::{BoxFuture, ready};
use jiff::Timestamp;
use tokio::sync::watch;

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.iter().any(|arg| arg == "--list") {
        return Ok(());
    }
    let asked: Vec<usize> = args.iter().filter_map(|arg| arg.parse().ok()).collect();
    let sizes = match asked.as_slice() {
        [] if args.iter().any(|arg| arg == "--bench") => SIZES.to_vec(),
        [] => vec![50],
        asked => asked.to_vec(),
    };
    println!(
        "{:>8} {:>8}  {:>10} {:>10}  growth",
        "steps", "edges", "ms", "us/step"
    );
    let mut before: Option<(usize, Duration)> = None;
    for size in sizes {
        let (edges, took) = carry_out(size)?;
        let growth = before.map_or(String::new(), |(smaller, less)| {
            let times = took.as_secs_f64() / less.as_secs_f64();
            format!("{times:.1}x for {}x", size / smaller.max(1))
        });
        before = Some((size, took));
        println!(
            "{size:>8} {edges:>8}  {:>10.1} {:>10.2}  {growth}",
            took.as_secs_f64() * 1000.0,
            took.as_secs_f64() * 1e6 / size as f64,
        );
    }
    Ok(())
}

fn carry_out(size: usize) -> Result<(usize, Duration), Box<dyn Error>> {
    let runtime = tokio::runtime::Runtime::new()?;
    let approved = Arc::new(plan(size)?);
    let plan = approved.plan();
    let edges = plan.steps.iter().map(|step| step.after.len()).sum();
    let name: AccountName = "digicert".parse()?;
    let loaded = manifest::load(&[Input::Stdin(manifest_of(1).into_bytes())], &authorities())
        .map_err(|problems| format!("{problems:?}"))?;
    let account = loaded.batch.accounts.get(&name).ok_or("no account")?;
    let run_account = RunAccount {
        act: Arc::new(Taking::new()?),
        provider: account.provider.clone(),
        max_in_flight: 16,
    };
    let (_keep, stop) = watch::channel(None);
    let run = Run {
        folder: None,
        delivery: None,
        secret: |_| Err("no passphrase".to_owned()),
        run_id: RunId::from("bench"),
        approved: Arc::clone(&approved),
        journal: Arc::new(Memory::default()),
        accounts: BTreeMap::from([(name, run_account)]),
        wait: Duration::ZERO,
        doubt: Doubt::default(),
        stop,
        clock: Arc::new(files::clock::now),
    };
    let begun = Instant::now();
    let report = runtime.block_on(apply::run(run, &mut |_| ()));
    let took = begun.elapsed();
    let taken = report.actions.iter().filter(|one| one.order_id.is_some());
    if taken.count() != size {
        return Err("not every order was placed".into());
    }
    Ok((edges, took))
}

/// Each order waits for up to three earlier ones: the one before it, one half-way, one near the start.
fn manifest_of(size: usize) -> String {
    let mut text = String::from(
        "version: 1
accounts:
  digicert: { provider: certcentral, api_key: { env: DIGICERT_API_KEY } }
defaults:
  orders: { account: digicert, organization: { id: 112233 } }
orders:
",
    );
    for number in 0..size {
        let needed = [number.checked_sub(7), Some(number / 2), Some(number / 3)];
        let mut needed: Vec<usize> = needed
            .into_iter()
            .flatten()
            .filter(|&needed| needed < number)
            .collect();
        needed.sort_unstable();
        needed.dedup();
        let after: Vec<String> = needed
            .iter()
            .map(|needed| format!("{{ order: o{needed}, until: submitted }}"))
            .collect();
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "  o{number}:
    product: client_premium_sha2
    certificate: {{ common_name: o{number}, emails: [o{number}@example.com], signature_hash: sha256 }}
    validity_years: 1
    after: [{}]
",
            after.join(", ")
        );
    }
    text
}

fn plan(size: usize) -> Result<ApprovedPlan, Box<dyn Error>> {
    let loaded = manifest::load(
        &[Input::Stdin(manifest_of(size).into_bytes())],
        &authorities(),
    )
    .map_err(|problems| format!("{problems:?}"))?;
    let batch = loaded.batch;
    let names = || batch.accounts.keys().cloned();
    let endpoints = names()
        .map(|name| (name, "http://127.0.0.1:9/services/v2".to_owned()))
        .collect();
    let observed = Observed {
        folder: None,
        accounts: names()
            .map(|name| (name, ObservedAccount::default()))
            .collect(),
    };
    let plan = Plan::build(&Inputs {
        pace: Default::default(),
        folder: None,
        rekey: &[],
        batch: &batch,
        records: &Records::new(),
        moves: &Moves::default(),
        knowledge: Knowledge::Whole,
        state: PlannedState {
            lineage: String::new(),
            serial: 0,
        },
        observed: &observed,
        offline: false,
        endpoints: &endpoints,
        now: Timestamp::now(),
        targets: &[],
        policy: batch.policy.clone(),
        allowance: Allowance::default(),
        preview: &preview,
    });
    approve(plan).map_err(|_| "the plan breaks a limit".into())
}

/// A journal that is gone with the process.
#[derive(Default)]
struct Memory(Mutex<(Records, u64)>);

impl Memory {
    fn with<T>(&self, work: impl FnOnce(&mut Records, &mut u64) -> T) -> T {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (records, serial) = &mut *held;
        work(records, serial)
    }
}

impl FactLog for Memory {
    type Error = JournalError;

    fn append(&self, facts: Vec<Fact>) -> BoxFuture<'_, Result<(), JournalError>> {
        let written = self.with(|records, serial| {
            for fact in &facts {
                let record = records.entry(fact.address.clone()).or_default();
                *record = record.next(fact)?;
                *serial += 1;
            }
            Ok(())
        });
        Box::pin(ready(written))
    }
}

impl Journal for Memory {
    fn records(&self) -> Records {
        self.with(|records, _| records.clone())
    }

    fn record(&self, address: &Address) -> Option<Record> {
        self.with(|records, _| records.get(address).cloned())
    }

    fn mark(&self) -> StateMark {
        StateMark {
            lineage: "bench".to_owned(),
            serial: self.with(|_, serial| *serial),
            head: Digest::of(b""),
        }
    }

    fn bind<'a>(
        &'a self,
        _: &'a AccountName,
        _: Binding,
    ) -> BoxFuture<'a, Result<(), JournalError>> {
        Box::pin(ready(Ok(())))
    }

    fn bind_files<'a>(&'a self, _: &'a FilesId) -> BoxFuture<'a, Result<(), JournalError>> {
        Box::pin(ready(Ok(())))
    }

    fn bindings(&self) -> Bindings {
        Bindings::default()
    }

    fn gap(&self) -> Option<Gap> {
        None
    }

    fn backup(&self) -> BoxFuture<'_, Result<Option<PathBuf>, JournalError>> {
        Box::pin(ready(Ok(None)))
    }

    fn hold(&self) -> Hold {
        Hold::Lock
    }

    fn close(&self) -> BoxFuture<'_, Result<(), JournalError>> {
        Box::pin(ready(Ok(())))
    }
}

/// A CA that takes every order and shows nothing. The slots are a real account's.
struct Taking {
    slots: Arc<dyn Act>,
    placed: AtomicU64,
}

impl Taking {
    fn new() -> Result<Self, Box<dyn Error>> {
        let settings = Settings {
            account: "digicert".parse()?,
            endpoint: Endpoint::parse("http://127.0.0.1:9/services/v2")?,
            key_sources: Vec::new(),
            rate_limits: vec![RateLimit {
                requests: u32::MAX,
                per: Duration::from_secs(5),
            }],
            max_in_flight: 16,
            route: certplan::provider::Route::default(),
            extra_root: None,
            deadlines: Deadlines::default(),
            budget: None,
        };
        let keys = Keys::certcentral(Secret::new("bench".to_owned()));
        Ok(Self {
            slots: open(settings, keys)?,
            placed: AtomicU64::new(0),
        })
    }

    fn place(&self, permit: Permit) -> Answer<'_, Placed> {
        drop(permit);
        let number = self.placed.fetch_add(1, Ordering::Relaxed) + 1;
        Box::pin(ready(Ok(Placed {
            order_id: OrderId::from(number),
            request: None,
            certificate_id: None,
            validation: Vec::new(),
            chain: None,
        })))
    }
}

impl Observe for Taking {
    fn account(&self) -> &AccountName {
        self.slots.account()
    }

    fn endpoint(&self) -> &str {
        self.slots.endpoint()
    }

    fn identity(&self) -> Answer<'_, Option<Identity>> {
        Box::pin(ready(Ok(None)))
    }

    fn key<'a>(&'a self, _: &'a KeyId) -> Answer<'a, Option<KeyFacts>> {
        Box::pin(ready(Ok(None)))
    }

    fn orders(&self) -> Answer<'_, Vec<ObservedOrder>> {
        Box::pin(ready(Ok(Vec::new())))
    }

    fn order<'a>(&'a self, _: &'a OrderId, _: Depth) -> Answer<'a, Option<ObservedOrder>> {
        Box::pin(ready(Ok(None)))
    }

    fn reads(&self, _: Depth) -> u32 {
        1
    }

    fn tagged<'a>(&'a self, _: &'a Tag) -> Answer<'a, TagLookup> {
        Box::pin(ready(Ok(TagLookup::default())))
    }

    fn changes(&self, _: Duration) -> Answer<'_, Vec<StatusChange>> {
        Box::pin(ready(Ok(Vec::new())))
    }

    fn revocation_requests(&self) -> Answer<'_, Vec<ObservedRequest>> {
        Box::pin(ready(Ok(Vec::new())))
    }

    fn waiting_orders(&self) -> Answer<'_, Vec<ObservedOrder>> {
        Box::pin(ready(Ok(Vec::new())))
    }

    fn funds(&self) -> Answer<'_, Option<(rust_decimal::Decimal, String)>> {
        Box::pin(ready(Ok(None)))
    }

    fn clock_skew(&self) -> Option<jiff::SignedDuration> {
        None
    }

    fn requests_sent(&self) -> u32 {
        0
    }

    fn traffic(&self) -> Traffic {
        Traffic::default()
    }
}

impl Act for Taking {
    fn permit(&self, reads: u32) -> BoxFuture<'_, Permit> {
        self.slots.permit(reads)
    }

    fn order_under<'a>(
        &'a self,
        _: &'a mut Permit,
        _: &'a OrderId,
        _: Depth,
    ) -> Answer<'a, Option<ObservedOrder>> {
        Box::pin(ready(Ok(None)))
    }

    fn place_order<'a>(
        &'a self,
        permit: Permit,
        _: Recorded,
        _: &'a OrderOperation,
        _: Option<&'a OrderId>,
    ) -> Answer<'a, Placed> {
        self.place(permit)
    }

    fn reissue<'a>(
        &'a self,
        permit: Permit,
        _: Recorded,
        _: &'a ReissueOperation,
    ) -> Answer<'a, Placed> {
        self.place(permit)
    }

    fn revoke<'a>(
        &'a self,
        permit: Permit,
        _: Recorded,
        _: RevokeCall<'a>,
    ) -> Answer<'a, RevokeAnswer> {
        drop(permit);
        Box::pin(ready(Ok(RevokeAnswer::Requested {
            request_id: None,
            certificates: None,
        })))
    }
}
