//! Several processes under one API key, against a sandbox that enforces the limits: together they keep to
//! every window, whatever happens to one of them.

mod broken;
mod contract;
mod hosts;
mod together;

use std::path::PathBuf;
use std::process::Child;
use std::time::Duration;

use certplan::sandbox::{Approval, Options, RateLimits};
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use crate::rig::Rig;

/// The windows of these tests: requests and seconds.
const WINDOWS: [(u32, u64); 2] = [(20, 1), (50, 4)];
pub(crate) const LIMITS: &str = "[{ requests: 20, per: 1s }, { requests: 50, per: 4s }]";

/// A sandbox that enforces the windows and approves at once.
pub(crate) fn enforcing() -> Rig {
    let windows = WINDOWS.map(|(requests, seconds)| (requests, Duration::from_secs(seconds)));
    Rig::with(Options {
        approval: Approval::Automatic,
        rate_limits: RateLimits::Custom(windows.to_vec()),
        ..Options::default()
    })
}

/// A manifest of client orders in a folder of its own, with a state of its own, under the one key.
pub(crate) fn manifest(rig: &Rig, folder: &str, limits: &str, count: usize) -> String {
    let orders: String = (0..count)
        .map(|number| {
            format!(
                "  {folder}-{number}:
    product: client_premium_sha2
    certificate: {{ common_name: Person {number}, emails: [{folder}-{number}@example.com], signature_hash: sha256 }}
    validity_years: 1
"
            )
        })
        .collect();
    let path = format!("{folder}/certplan.yaml");
    rig.write(
        &path,
        format!(
            "\
version: 1
accounts:
  digicert:
    provider: certcentral
    api_key: {{ env: DIGICERT_API_KEY }}
    rate_limits: {limits}
defaults:
  orders: {{ account: digicert, organization: {{ id: 112233 }} }}
orders:
{orders}"
        ),
    );
    path
}

/// When each call of CertCentral's API was seen.
fn times(rig: &Rig) -> Vec<Timestamp> {
    let ledger = rig.ask("ledger");
    let entries = ledger.as_array().expect("a list").iter();
    let mut times: Vec<Timestamp> = entries
        .filter(|entry| entry["provider"] == "certcentral")
        .map(|entry| {
            entry["time"]
                .as_str()
                .expect("a time")
                .parse()
                .expect("a time")
        })
        .collect();
    times.sort();
    times
}

/// No call was refused, and the ledger shows no window with more calls than its limit.
#[track_caller]
pub(crate) fn kept(rig: &Rig) {
    assert_eq!(rig.ask("state")["rate_limited"], 0);
    let times = times(rig);
    for (requests, seconds) in WINDOWS {
        let requests = requests as usize;
        let length = SignedDuration::from_secs(seconds.cast_signed());
        for (first, next) in times.iter().zip(times.iter().skip(requests)) {
            assert!(
                next.duration_since(*first) >= length,
                "more than {requests} in {seconds} s from {first} on"
            );
        }
    }
}

/// How a run ended, and what it said on the side.
fn said_by(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().expect("an end");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

/// The files of budgets in the home.
fn budgets(rig: &Rig) -> Vec<PathBuf> {
    let folder = rig.home().join(".local/state/certplan");
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "db"))
        .collect()
}

/// The one budget there is.
#[track_caller]
fn budget(rig: &Rig) -> PathBuf {
    let budgets = budgets(rig);
    assert_eq!(budgets.len(), 1, "{budgets:?}");
    budgets[0].clone()
}

/// Rows of one of its tables.
fn rows(rig: &Rig, table: &str) -> i64 {
    made_rows(rig, table).expect("a count")
}

/// The same while a run may be making the tables.
fn made_rows(rig: &Rig, table: &str) -> rusqlite::Result<i64> {
    let connection = Connection::open(budget(rig))?;
    let all = format!("SELECT count(*) FROM {table}");
    connection.query_row(&all, [], |row| row.get(0))
}
