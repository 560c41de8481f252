//! Keys and certificates on the disk: how many keys and versions a second, and what reading every file adds to the
//! CPU time of a plan.
//!
//! `cargo bench --bench files`, or with another number of orders: `cargo bench --bench files -- 2000`. `TMPDIR` says
//! on which disk; `TMPDIR=/dev/shm` is a disk where a flush costs nothing. Nothing is asserted on time. Without
//! `--bench` (as a test runner calls it) it only shows that it works, with 20 orders.
#![expect(
    clippy::print_stdout,
    reason = "a program of its own: the table is its result"
)]

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use certplan::files::{Chain, FilesFolder, Parts, PrivateKey, Wanted, chain, contents};
use certplan::model::{FileKind, ItemName, KeyKind, SerialNumber};
use certplan::sandbox::{Approval, Options, RateLimits, Sandbox};
use jiff::Timestamp;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::runtime::Runtime;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const KINDS: [FileKind; 3] = [FileKind::Cert, FileKind::Chain, FileKind::FullChain];
/// The files of a version: those and the private key.
const FILES: usize = KINDS.len() + 1;

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

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.iter().any(|arg| arg == "--list") {
        return Ok(());
    }
    let is_bench = args.iter().any(|arg| arg == "--bench");
    let usual = if is_bench { 10_000 } else { 20 };
    let count = args.iter().find_map(|arg| arg.parse().ok());
    let count = count.unwrap_or(usual);
    folder(count)?;
    plans(count)
}

/// Does something with each of so many numbers, on all cores.
fn on_all_cores(count: usize, each: impl Fn(usize) -> Outcome<()> + Sync) -> Outcome<Duration> {
    let cores = std::thread::available_parallelism()?.get();
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    let ended: Vec<Outcome<()>> = std::thread::scope(|scope| {
        let work = || loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(());
            }
            each(number)?;
        };
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let ended = threads.into_iter().map(|thread| thread.join());
        ended
            .map(|ended| ended.unwrap_or_else(|_| Err("a thread panicked".into())))
            .collect()
    });
    ended.into_iter().collect::<Outcome<Vec<()>>>()?;
    Ok(begun.elapsed())
}

fn told(what: &str, count: usize, took: Duration) {
    let seconds = took.as_secs_f64();
    let each = count as f64 / seconds;
    println!("{count:>8}  {what:<44} {seconds:>8.2} s {each:>9.0} a second");
}

/// Keys and versions, by the code that makes them in a run, without CA and journal.
fn folder(count: usize) -> Outcome<()> {
    let above = TempDir::new()?;
    println!("in {}", above.path().display());
    let folder = FilesFolder::make_or_open(&above.path().join("files"), None)?;
    let names: Vec<ItemName> = (0..count)
        .map(|number| format!("www-{number}").parse())
        .collect::<Result<_, _>>()?;
    let made = on_all_cores(count, |_| {
        PrivateKey::generate(KeyKind::P256)?;
        Ok(())
    })?;
    told("P-256 keys made, not kept", count, made);
    let keys: Vec<std::sync::OnceLock<PrivateKey>> =
        names.iter().map(|_| Default::default()).collect();
    let kept = on_all_cores(count, |number| {
        let key = PrivateKey::generate(KeyKind::P256)?;
        folder.keep_pending(&names[number], &key)?;
        // Each number comes once.
        let _ = keys[number].set(key);
        Ok(())
    })?;
    told("keys made and kept", count, kept);
    let chains: Vec<(SerialNumber, Chain)> = signed(&keys)?;
    let written = on_all_cores(count, |number| {
        let (name, (serial, chain)) = (&names[number], &chains[number]);
        let key = keys[number].get().ok_or("no key")?;
        let parts = Parts {
            name,
            serial,
            chain,
            key: Some(key),
            kinds: &BTreeSet::from(KINDS),
            p12: None,
        };
        folder.build(name, &contents(&parts)?, "a-run")?;
        folder.switch(name, serial)?;
        folder.remove_pending(name, &key.public_key())?;
        Ok(())
    })?;
    told("versions built and switched to", count, written);
    told("both", count, kept + written);
    let begun = Instant::now();
    let seen = folder.observe(names.iter())?;
    told(
        "versions read and hashed, one thread",
        seen.names.len(),
        begun.elapsed(),
    );
    Ok(())
}

/// A certificate for each key. The CA's work: not counted.
fn signed(keys: &[std::sync::OnceLock<PrivateKey>]) -> Outcome<Vec<(SerialNumber, Chain)>> {
    let authority = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    };
    let root = CertifiedIssuer::self_signed(authority("root"), KeyPair::generate()?)?;
    let ca = CertifiedIssuer::signed_by(authority("intermediate"), KeyPair::generate()?, &root)?;
    let mut chains = Vec::new();
    for (number, key) in keys.iter().enumerate() {
        let key = key.get().ok_or("no key")?;
        let bytes = (u64::try_from(number)? | 1 << 40).to_be_bytes();
        let mut params = CertificateParams::new(vec!["www.example.com".to_owned()])?;
        params.serial_number = Some(rcgen::SerialNumber::from_slice(&bytes[2..]));
        let leaf = params.signed_by(key, &ca)?;
        let serial = SerialNumber::from(format!("{:X}", number | 1 << 40).as_str());
        let wanted = Wanted {
            public_key: key.public_key(),
            serial_number: &serial,
            names: &[],
            now: Timestamp::now(),
        };
        let chain = chain::check(&format!("{}{}", leaf.pem(), ca.pem()), &wanted)?;
        chains.push((serial, chain));
    }
    Ok(chains)
}

/// A plan of orders that are all in force and collected, and of as many without keys and files.
fn plans(count: usize) -> Outcome<()> {
    let mut spent = Vec::new();
    for (what, key, files) in [
        ("plan, nothing to do, without files", "", ""),
        (
            "plan, nothing to do, with files",
            ", key: { generate: p-256 }",
            "    files: { kinds: [cert, chain, fullchain] }\n",
        ),
    ] {
        let place = Place::new()?;
        let mut text = String::from(ACCOUNTS);
        for number in 0..count {
            // Writing to a string does not fail.
            let _ = write!(
                text,
                "  person-{number:06}:
    product: client_premium_sha2
    certificate: {{ common_name: Person {number:06}, emails: [person-{number:06}@example.com], signature_hash: sha256{key} }}
    validity_years: 1
{files}"
            );
        }
        std::fs::write(place.folder.path().join("certplan.yaml"), text)?;
        let (wall, _) = place.certplan(&["-q", "apply", "--yes"])?;
        told(
            &what.replace("plan, nothing to do", "apply, first"),
            count,
            wall,
        );
        place.certplan(&["-q", "apply", "--yes"])?;
        let mut best = f64::INFINITY;
        for _ in 0..3 {
            let (wall, cpu) = place.certplan(&["plan", "--detailed-exitcode"])?;
            println!(
                "{count:>8}  {what:<44} {:>8.2} s {cpu:>9.2} s of CPU",
                wall.as_secs_f64()
            );
            best = best.min(cpu);
        }
        spent.push(best);
    }
    if let [without, with] = spent.as_slice() {
        let each = (with - without) * 1e6 / (count * FILES) as f64;
        println!("{count:>8}  {each:.1} microseconds of CPU for each of {FILES} files");
    }
    Ok(())
}

/// A sandbox without limits that approves at once, and a folder.
struct Place {
    _runtime: Runtime,
    sandbox: Sandbox,
    folder: TempDir,
    key: String,
}

impl Place {
    fn new() -> Outcome<Self> {
        let runtime = Runtime::new()?;
        let options = Options {
            rate_limits: RateLimits::Off,
            approval: Approval::Automatic,
            ..Options::default()
        };
        let key = options.certcentral_key.clone();
        let sandbox = runtime
            .block_on(Sandbox::start(options))
            .map_err(|error| error.to_string())?;
        Ok(Self {
            sandbox,
            _runtime: runtime,
            folder: TempDir::new()?,
            key,
        })
    }

    /// Runs the binary; a failure of it ends the bench. Its wall time and its CPU time.
    fn certplan(&self, args: &[&str]) -> Outcome<(Duration, f64)> {
        let cpu = cpu_of_children()?;
        let begun = Instant::now();
        let output = Command::new(env!("CARGO_BIN_EXE_certplan"))
            .args(args)
            .current_dir(self.folder.path())
            .env("DIGICERT_API_KEY", &self.key)
            .env("CERTPLAN_BUDGET_DIR", self.folder.path().join("budget"))
            .env("CERTPLAN_ENDPOINT_DIGICERT", self.sandbox.certcentral_url())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("certplan {args:?}: {}\n{said}", output.status).into());
        }
        Ok((begun.elapsed(), cpu_of_children()? - cpu))
    }
}

/// User and system time of all children that have ended, in seconds: members 16 and 17 of `/proc/self/stat`, in
/// hundredths.
fn cpu_of_children() -> std::io::Result<f64> {
    if !Path::new("/proc/self/stat").exists() {
        return Ok(0.0);
    }
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let members = after_name.split_ascii_whitespace().skip(13).take(2);
    let ticks: f64 = members
        .filter_map(|member| member.parse::<f64>().ok())
        .sum();
    Ok(ticks / 100.0)
}
