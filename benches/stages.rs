//! Each stage alone at growing numbers of items: how its time grows, and what takes most of it.
//!
//! `cargo bench --bench stages`, or with sizes: `cargo bench --bench stages -- 1000 20000`. Nothing is
//! asserted on time. Without `--bench` (as a test runner calls it) it only shows that it works, with 50
//! items.
#![expect(
    clippy::print_stdout,
    reason = "a program of its own: the table is its result"
)]

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use certplan::journal::{self, Holder, Journal, Location};
use certplan::manifest::{self, Input};
use certplan::model::{
    Address, Attempt, Batch, Digest, Fact, FactBody, LiveOrder, LiveState, Observed,
    ObservedAccount, ObservedOrder, OperationKind, OrderId, OrderStatus, RateLimit, Record,
    Records, RunId, Secret, Untrusted, Wanted,
};
use certplan::plan::{Allowance, Inputs, Knowledge, Moves, Plan, PlannedState, questions};
use certplan::provider::{Deadlines, Endpoint, Keys, Settings, authorities, open, preview};
use certplan::report::{self, Style};
use futures::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;
use serde_json::Map;
use tokio::runtime::Runtime;

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
    let mut table = Table::default();
    println!(
        "{:>8}  {:<44} {:>10} {:>12}  growth",
        "items", "stage", "ms", "items/s"
    );
    for size in sizes {
        plans(&mut table, size)?;
        journals(&mut table, size)?;
        throttle(&mut table, size)?;
    }
    Ok(())
}

/// The times of the size before, by stage.
#[derive(Default)]
struct Table(BTreeMap<&'static str, (usize, Duration)>);

impl Table {
    fn row(&mut self, size: usize, stage: &'static str, count: usize, took: Duration) {
        let growth = match self.0.insert(stage, (size, took)) {
            Some((smaller, before)) => format!(
                "{:.1}x for {}x",
                took.as_secs_f64() / before.as_secs_f64(),
                size / smaller.max(1)
            ),
            None => String::new(),
        };
        println!(
            "{size:>8}  {stage:<44} {:>10.1} {:>12.0}  {growth}",
            took.as_secs_f64() * 1000.0,
            count as f64 / took.as_secs_f64(),
        );
    }
}

/// The best of three: what else the machine does only ever adds.
fn best<T>(mut work: impl FnMut() -> T) -> (T, Duration) {
    let mut timed = || {
        let begun = Instant::now();
        let made = black_box(work());
        (made, begun.elapsed())
    };
    let (mut made, mut least) = timed();
    for _ in 0..2 {
        let (again, took) = timed();
        made = again;
        least = least.min(took);
    }
    (made, least)
}

fn manifest_of(size: usize) -> String {
    let mut text = String::from(
        "version: 1
accounts:
  digicert: { provider: certcentral, api_key: { env: DIGICERT_API_KEY } }
defaults:
  orders: { account: digicert, organization: { id: 112233 }, payment_method: balance }
orders:
",
    );
    for number in 0..size {
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "  person-{number:06}:
    product: client_premium_sha2
    certificate:
      common_name: Person {number:06}
      emails: [person-{number:06}@example.com]
      signature_hash: sha256
    validity_years: 1
    comments: \"asked for in TICKET-{number}\"
"
        );
    }
    text
}

fn plans(table: &mut Table, size: usize) -> Result<(), Box<dyn Error>> {
    let text = manifest_of(size).into_bytes();
    let (loaded, took) = best(|| manifest::load(&[Input::Stdin(text.clone())], &authorities()));
    let batch = loaded.map_err(|problems| format!("{problems:?}"))?.batch;
    table.row(size, "manifest::load", size, took);

    let nothing = (Records::new(), observed(&batch, &Records::new()));
    let (plan, took) = best(|| plan_of(&batch, &nothing.0, &nothing.1));
    table.row(size, "Plan::build, all to order", size, took);
    reports(table, size, &plan)?;

    let records = records(&batch);
    let observed = observed(&batch, &records);
    let (plan, took) = best(|| plan_of(&batch, &records, &observed));
    table.row(size, "Plan::build, all in force", size, took);
    if plan.has_changes() {
        return Err("nothing should be left to do".into());
    }
    Ok(())
}

fn reports(table: &mut Table, size: usize, plan: &Plan) -> Result<(), Box<dyn Error>> {
    let style = Style {
        color: false,
        width: 100,
    };
    let mut out = Vec::new();
    let mut time = |stage, write: &dyn Fn(&mut Vec<u8>) -> std::io::Result<()>| {
        let (written, took) = best(|| {
            out.clear();
            write(&mut out)
        });
        table.row(size, stage, size, took);
        written
    };
    time("Plan::digest", &|_| {
        black_box(plan.digest());
        Ok(())
    })?;
    time("report: plan as text", &|out| {
        report::plan_text(out, plan, &style)
    })?;
    time("report: plan as JSON", &|out| report::plan_json(out, plan))?;
    time("report: plan as Markdown", &|out| {
        report::plan_markdown(out, plan)
    })?;
    Ok(())
}

/// Questions and plan, as the `plan` command makes them.
fn plan_of(batch: &Batch, records: &Records, observed: &Observed) -> Plan {
    let endpoints = batch
        .accounts
        .keys()
        .map(|name| (name.clone(), "https://ca.example/services/v2".to_owned()))
        .collect();
    let inputs = Inputs {
        pace: Default::default(),
        folder: None,
        rekey: &[],
        batch,
        records,
        moves: &Moves::default(),
        knowledge: Knowledge::Whole,
        state: PlannedState {
            lineage: String::new(),
            serial: 0,
        },
        observed,
        offline: false,
        endpoints: &endpoints,
        now: Timestamp::now(),
        targets: &[],
        policy: batch.policy.clone(),
        allowance: Allowance::default(),
        preview: &preview,
    };
    black_box(questions(&inputs));
    Plan::build(&inputs)
}

/// A record for each order: in force at the CA.
fn records(batch: &Batch) -> Records {
    let orders = batch.items.iter().zip(1_u64..);
    orders
        .filter_map(|(item, number)| {
            let Wanted::Order(order) = &item.wanted else {
                return None;
            };
            let live = LiveOrder {
                found: false,
                renewal_ended: None,
                took: None,
                renewal: None,
                collected: None,
                key: None,
                order_id: OrderId::from(number),
                request_id: None,
                certificate_id: Some(number.into()),
                serial_number: None,
                valid_till: "2199-12-31".parse().ok(),
                state: LiveState::Issued,
                generation: 1,
                tag: None,
                certificate: Some(order.certificate.digest()),
                terms: Some(order.terms()),
                asked: None,
                since: Timestamp::now(),
                approved: false,
                validation: Vec::new(),
                change: None,
                refused: None,
            };
            let record = Record {
                live: Some(live),
                attempts: 1,
                ..Record::default()
            };
            Some((item.address.clone(), record))
        })
        .collect()
}

/// The lists of the CA: the orders of the records, or as many strange ones.
fn observed(batch: &Batch, records: &Records) -> Observed {
    let shown = batch
        .items
        .iter()
        .zip(1_u64..)
        .filter_map(|(item, number)| {
            let Wanted::Order(order) = &item.wanted else {
                return None;
            };
            let ours = records.contains_key(&item.address);
            let id = OrderId::from(number);
            let order = ObservedOrder {
                renews_itself: Vec::new(),
                valid_from: None,
                id: id.clone(),
                status: OrderStatus::Issued,
                product: Some(order.product.clone()),
                common_name: order.certificate.common_name.clone(),
                names: if ours {
                    order.certificate.names()
                } else {
                    vec![format!("stranger-{number}@example.com")]
                },
                certificate_id: Some(number.into()),
                serial_number: None,
                valid_till: "2199-12-31".parse().ok(),
                order_valid_till: None,
                created_at: Some(Timestamp::now()),
                all_duplicates: true,
                duplicates: Some(0),
                reissues: Some(0),
                price: None,
                tag: None,
                public_key: None,
                certificates: None,
                requests: None,
                members: Map::new(),
                certificate_revoked: false,
                renewed: false,
                renewed_by: None,
                organization_units: None,
                validation: Vec::new(),
            };
            Some((id, order))
        });
    let account = ObservedAccount {
        orders: shown.collect(),
        ..ObservedAccount::default()
    };
    let names = batch.accounts.keys().take(1).cloned();
    Observed {
        folder: None,
        accounts: names.map(|name| (name, account.clone())).collect(),
    }
}

/// Two facts for each item and round: a call that was intended and proved unsent.
fn facts(items: &[Address], round: u32) -> Result<Vec<Fact>, Box<dyn Error>> {
    let account = "digicert".parse()?;
    let run = RunId::from("bench");
    let at = Timestamp::now();
    let bodies = |number| {
        [
            FactBody::Intended(Attempt {
                renews: None,
                why: Default::default(),
                public_key: None,
                replaces: None,
                kind: OperationKind::Order,
                part: None,
                number,
                generation: 1,
                order_id: None,
                tag: None,
                body: Digest::of(b"body"),
                certificate: Some(Digest::of(b"certificate")),
                terms: Some(Digest::of(b"terms")),
                asked: None,
            }),
            FactBody::Unsent {
                why: Untrusted::new("a bench sends nothing"),
            },
        ]
    };
    Ok(items
        .iter()
        .flat_map(|address| {
            bodies(round).map(|body| Fact {
                at,
                run: run.clone(),
                address: address.clone(),
                account: Clone::clone(&account),
                body,
            })
        })
        .collect())
}

fn journals(table: &mut Table, size: usize) -> Result<(), Box<dyn Error>> {
    let runtime = Runtime::new()?;
    let folder = tempfile::tempdir()?;
    let location = Location::file(folder.path().join("state.db"));
    let hold = || -> Result<Box<dyn Journal>, journal::JournalError> {
        let holder = Holder {
            command: "bench".to_owned(),
            run: RunId::from("bench"),
        };
        runtime.block_on(journal::open(&location, holder, Duration::ZERO))
    };
    let addresses = (0..size)
        .map(|number| format!("orders.person-{number:06}").parse())
        .collect::<Result<Vec<Address>, _>>()?;
    let journal = hold()?;
    let mut append = |stage, at_once: usize, together: usize, facts: Vec<Fact>| {
        let count = facts.len();
        let calls: Vec<Vec<Fact>> = facts.chunks(together).map(<[Fact]>::to_vec).collect();
        let begun = Instant::now();
        runtime.block_on(
            stream::iter(calls)
                .map(|facts| journal.append(facts))
                .buffered(at_once)
                .try_collect::<Vec<()>>(),
        )?;
        table.row(size, stage, count, begun.elapsed());
        Ok::<_, journal::JournalError>(count)
    };
    let mut count = append(
        "journal: 1,000 facts a call",
        1,
        1_000,
        facts(&addresses, 1)?,
    )?;
    count += append(
        "journal: 1 fact a call, 256 at once",
        256,
        1,
        facts(&addresses, 2)?,
    )?;
    count += append(
        "journal: 1 fact a call, 16 at once",
        16,
        1,
        facts(&addresses, 3)?,
    )?;
    for round in 4..6 {
        let more = facts(&addresses, round)?;
        count += more.len();
        for call in more.chunks(10_000) {
            runtime.block_on(journal.append(call.to_vec()))?;
        }
    }
    let begun = Instant::now();
    let records = journal.records();
    table.row(size, "journal: all records", records.len(), begun.elapsed());
    drop(records);
    let begun = Instant::now();
    runtime.block_on(journal.close())?;
    table.row(size, "journal: close", count, begun.elapsed());
    let mut read = |stage| -> Result<(), Box<dyn Error>> {
        let (opened, took) = best(|| runtime.block_on(journal::read(&location)));
        table.row(size, stage, count, took);
        if opened?.mark.serial != count as u64 {
            return Err("the journal does not hold what was written".into());
        }
        Ok(())
    };
    read("journal: read, ten facts an item")?;
    let begun = Instant::now();
    let held = hold()?;
    let took = begun.elapsed();
    table.row(size, "journal: hold, ten facts an item", count, took);
    let begun = Instant::now();
    runtime.block_on(held.backup())?;
    table.row(
        size,
        "journal: backup, ten facts an item",
        count,
        begun.elapsed(),
    );
    let begun = Instant::now();
    runtime.block_on(journal::verify(&location))?;
    table.row(
        size,
        "journal: verify, every fact replayed",
        count,
        begun.elapsed(),
    );
    Ok(())
}

/// Slots of one account that are never the limit.
fn throttle(table: &mut Table, size: usize) -> Result<(), Box<dyn Error>> {
    let runtime = Runtime::new()?;
    let limit = |seconds| RateLimit {
        requests: u32::MAX,
        per: Duration::from_secs(seconds),
    };
    let settings = Settings {
        account: "digicert".parse()?,
        endpoint: Endpoint::parse("http://127.0.0.1:9/services/v2")?,
        key_sources: Vec::new(),
        rate_limits: vec![limit(5), limit(300)],
        budget: None,
        max_in_flight: 16,
        route: certplan::provider::Route::default(),
        extra_root: None,
        deadlines: Deadlines::default(),
    };
    let keys = Keys::certcentral(Secret::new("bench".to_owned()));
    let account = open(settings, keys)?;
    let begun = Instant::now();
    runtime.block_on(stream::iter(0..size).for_each_concurrent(64, |_| async {
        drop(account.permit(0).await);
    }));
    table.row(size, "throttle: slots, 64 wait", size, begun.elapsed());
    Ok(())
}
