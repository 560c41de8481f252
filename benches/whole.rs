//! The whole binary at growing numbers of items, against a sandbox in this process: wall time, CPU time,
//! peak memory, API requests, and how the CPU time grows from one size to the next.
//!
//! `cargo bench --bench whole`, or with sizes: `cargo bench --bench whole -- 1000 20000`. Nothing is
//! asserted on time. Without `--bench` (as a test runner calls it) it only shows that it works, with 50
//! items. Peak memory is read from `/proc` while the command runs and is missing elsewhere.
#![expect(
    clippy::print_stdout,
    reason = "a program of its own: the table is its result"
)]

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use certplan::sandbox::{Approval, Options, RateLimits, Sandbox};
use futures::stream::{self, StreamExt};
use jiff::Timestamp;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];

/// How many calls may be in flight: as many for certplan as for the bare loop.
const IN_FLIGHT: usize = 128;

const ACCOUNTS: &str = "\
version: 1
accounts:
  digicert:
    provider: certcentral
    api_key: { env: DIGICERT_API_KEY }
    rate_limits: [{ requests: 1000000, per: 1s }]
    max_in_flight: 128
defaults:
  orders: { account: digicert, organization: { id: 112233 }, payment_method: balance }
orders:
";

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
        "{:>8}  {:<38} {:>8} {:>8} {:>8} {:>9}  growth",
        "items", "command", "wall s", "CPU s", "peak MB", "requests"
    );
    let mut before: BTreeMap<&str, (usize, f64)> = BTreeMap::new();
    for size in sizes {
        for (what, cost) in measure(size)? {
            let growth = match before.insert(what, (size, cost.cpu)) {
                Some((smaller, cpu)) if cpu >= 0.05 => {
                    format!("{:.1}x for {}x", cost.cpu / cpu, size / smaller.max(1))
                }
                _ => String::new(),
            };
            println!(
                "{size:>8}  {what:<38} {:>8.2} {:>8.2} {:>8} {:>9}  {growth}",
                cost.wall.as_secs_f64(),
                cost.cpu,
                cost.peak.map_or("-".to_owned(), |peak| peak.to_string()),
                cost.requests,
            );
        }
    }
    Ok(())
}

/// What one command took.
struct Cost {
    wall: Duration,
    /// User and system time, in seconds.
    cpu: f64,
    /// The largest resident set, in MB.
    peak: Option<u64>,
    requests: u64,
}

fn measure(size: usize) -> Result<Vec<(&'static str, Cost)>, Box<dyn Error>> {
    let place = Place::new()?;
    let mut rows = Vec::new();
    let with_csr = size.min(10_000);
    place.write("certplan.yaml", &manifest(with_csr, &csrs(with_csr)?))?;
    if with_csr == size {
        rows.push((
            "validate, a CSR in each order",
            place.certplan(&["validate"])?,
        ));
    }
    place.write("certplan.yaml", &manifest(size, &[]))?;
    rows.push(("validate", place.certplan(&["validate"])?));
    rows.push(("plan, nothing ordered yet", place.certplan(&["plan"])?));
    let out = ["plan", "--format", "json", "--out", "saved.json"];
    rows.push(("plan as JSON, saved", place.certplan(&out)?));
    let applied = place.certplan(&["-q", "apply", "--yes"])?;
    let ordering = place.ordering()?;
    // At a sandbox of its own: its orders are not to be in the plans that follow.
    let bare = Place::new()?.bare(size)?;
    let share = |wall: Duration| 100.0 * bare.wall.as_secs_f64() / wall.as_secs_f64();
    println!(
        "{size:>8}  apply runs at {:.0} % of the bare loop, from its first order to its last at {:.0} %",
        share(applied.wall),
        share(ordering)
    );
    rows.push(("apply, no rate limits", applied));
    rows.push(("  as many bare reqwest POSTs", bare));
    rows.push((
        "plan, all ordered, none seen since",
        place.certplan(&["plan"])?,
    ));
    rows.push((
        "apply, nothing left to do",
        place.certplan(&["-q", "apply", "--yes"])?,
    ));
    rows.push(("plan, nothing left to do", place.certplan(&["plan"])?));
    let json = ["plan", "--format", "json"];
    rows.push(("plan as JSON, nothing left to do", place.certplan(&json)?));
    rows.push(("status", place.certplan(&["status"])?));
    rows.push((
        "history --verify",
        place.certplan(&["history", "--verify"])?,
    ));
    Ok(rows)
}

/// A sandbox without limits that approves at once, and a folder.
struct Place {
    runtime: Runtime,
    sandbox: Sandbox,
    client: reqwest::Client,
    folder: TempDir,
    key: String,
}

impl Place {
    fn new() -> Result<Self, Box<dyn Error>> {
        let runtime = Runtime::new()?;
        let options = Options {
            rate_limits: RateLimits::Off,
            approval: Approval::Automatic,
            ..Options::default()
        };
        Ok(Self {
            key: options.certcentral_key.clone(),
            sandbox: runtime.block_on(Sandbox::start(options))?,
            runtime,
            client: reqwest::Client::builder().no_proxy().build()?,
            folder: TempDir::new()?,
        })
    }

    fn write(&self, name: &str, text: &str) -> std::io::Result<()> {
        std::fs::write(self.folder.path().join(name), text)
    }

    /// How many calls of the two APIs the sandbox has seen.
    fn requests(&self) -> Result<u64, Box<dyn Error>> {
        let url = format!("{}/state", self.sandbox.admin_url());
        let state: Value = self
            .runtime
            .block_on(async { self.client.get(url).send().await?.json().await })?;
        let seen = state["requests_seen"]["certcentral"].as_object();
        Ok(seen.map_or(0, |seen| seen.values().filter_map(Value::as_u64).sum()))
    }

    /// The time from the first order that the sandbox took to the last.
    fn ordering(&self) -> Result<Duration, Box<dyn Error>> {
        let url = format!("{}/ledger", self.sandbox.admin_url());
        let ledger: Vec<Value> = self
            .runtime
            .block_on(async { self.client.get(url).send().await?.json().await })?;
        let mut orders = ledger.iter().filter(|entry| entry["method"] == "POST");
        let taken_at = |entry: Option<&Value>| -> Result<Timestamp, Box<dyn Error>> {
            let time = entry.and_then(|entry| entry["time"].as_str());
            Ok(time.ok_or("the sandbox took no order")?.parse()?)
        };
        let first = taken_at(orders.next())?;
        let last = taken_at(orders.next_back())?;
        Ok(last.duration_since(first).unsigned_abs())
    }

    /// Runs the binary; a failure of it ends the bench.
    fn certplan(&self, args: &[&str]) -> Result<Cost, Box<dyn Error>> {
        let errors = self.folder.path().join("stderr");
        let (requests, cpu) = (self.requests()?, cpu_of_children()?);
        let begun = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_certplan"))
            .args(args)
            .current_dir(self.folder.path())
            .env("DIGICERT_API_KEY", &self.key)
            .env("CERTPLAN_BUDGET_DIR", self.folder.path().join("budget"))
            .env("CERTPLAN_ENDPOINT_DIGICERT", self.sandbox.certcentral_url())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&errors)?)
            .spawn()?;
        let mut peak = None;
        let ended = loop {
            if let Some(ended) = child.try_wait()? {
                break ended;
            }
            peak = peak_of(child.id()).or(peak);
            std::thread::sleep(Duration::from_millis(2));
        };
        if !ended.success() {
            let said = std::fs::read_to_string(errors)?;
            return Err(format!("certplan {args:?}: {ended}\n{said}").into());
        }
        Ok(Cost {
            wall: begun.elapsed(),
            cpu: cpu_of_children()? - cpu,
            peak,
            requests: self.requests()? - requests,
        })
    }

    /// As many orders, sent by nothing but reqwest, each on a connection of its own as certplan does it.
    /// The CPU time is not told: the sandbox's share is in it.
    fn bare(&self, size: usize) -> Result<Cost, Box<dyn Error>> {
        let url = format!(
            "{}/order/certificate/client_premium_sha2",
            self.sandbox.certcentral_url()
        );
        let client = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .build()?;
        let requests = self.requests()?;
        let begun = Instant::now();
        let refused = self.runtime.block_on(async {
            stream::iter(0..size)
                .map(|number| {
                    let name = format!("bare-{number}");
                    let body = json!({
                        "certificate": {
                            "common_name": name,
                            "emails": [format!("{name}@example.com")],
                            "signature_hash": "sha256",
                        },
                        "organization": { "id": 112_233 },
                        "validity_years": 1,
                        "payment_method": "balance",
                    });
                    let request = client.post(&url).header("x-dc-devkey", &self.key);
                    async move {
                        request
                            .json(&body)
                            .send()
                            .await?
                            .error_for_status()?
                            .bytes()
                            .await
                    }
                })
                .buffer_unordered(IN_FLIGHT)
                .filter_map(|answer| async move { answer.err() })
                .collect::<Vec<_>>()
                .await
        });
        if let Some(error) = refused.into_iter().next() {
            return Err(error.into());
        }
        Ok(Cost {
            wall: begun.elapsed(),
            cpu: 0.0,
            peak: None,
            requests: self.requests()? - requests,
        })
    }
}

/// Client orders; with CSRs, as many as there are.
fn manifest(size: usize, csrs: &[String]) -> String {
    let mut text = String::from(ACCOUNTS);
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
      organization_units: [Accounting]
"
        );
        if let Some(csr) = csrs.get(number) {
            text.push_str("      csr:\n        pem: |\n");
            for line in csr.lines() {
                let _ = writeln!(text, "          {line}");
            }
        }
        let _ = write!(
            text,
            "    validity_years: 1
    auto_renew: 0
    skip_approval: true
    comments: \"asked for in TICKET-{number}\"
"
        );
    }
    text
}

fn csrs(size: usize) -> Result<Vec<String>, rcgen::Error> {
    let key = KeyPair::generate()?;
    (0..size)
        .map(|number| {
            let mut params = CertificateParams::default();
            params.distinguished_name = DistinguishedName::new();
            let name = format!("Person {number:06}");
            params.distinguished_name.push(DnType::CommonName, name);
            params.serialize_request(&key)?.pem()
        })
        .collect()
}

/// User and system time of all children that have ended, in seconds: members 16 and 17 of
/// `/proc/self/stat`, in hundredths.
fn cpu_of_children() -> std::io::Result<f64> {
    if !Path::new("/proc/self/stat").exists() {
        return Ok(0.0);
    }
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let members: Vec<f64> = after_name
        .split_ascii_whitespace()
        .skip(13)
        .take(2)
        .filter_map(|member| member.parse().ok())
        .collect();
    Ok(members.iter().sum::<f64>() / 100.0)
}

/// The largest resident set so far, in MB.
fn peak_of(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024 / 1_000_000)
}
