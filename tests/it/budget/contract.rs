//! What every kind of budget guarantees, with real time and several connections as several processes
//! have them.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use certplan::budget::{BudgetFolder, PostgresBudget};
use certplan::journal::{Holder, Location};
use certplan::model::{RateLimit, RunId, Secret};
use certplan::provider::{Budget, BudgetError, Drawn, Endpoint, KeyFingerprint, Keys, Spent};

use crate::postgres::server::Database;

const LEASE: Duration = Duration::from_secs(60);

fn key() -> KeyFingerprint {
    let keys = Keys::certcentral(Secret::new("a key".to_owned()));
    keys.fingerprint(&Endpoint::parse("https://ca.example/").expect("an endpoint"))
}

/// Another connection to the one budget.
type Connect<'a> = &'a dyn Fn() -> Arc<dyn Budget>;

fn in_folder(path: &Path) -> Arc<dyn Budget> {
    let folder = BudgetFolder::open(path).expect("a folder");
    folder.budget(&key()).expect("a budget")
}

fn in_database(database: &Database) -> Arc<dyn Budget> {
    let location: Location = database.url().parse().expect("a URL");
    let Some(server) = location.server() else {
        panic!("no server");
    };
    Arc::new(PostgresBudget::start(server, &key()).expect("a budget"))
}

fn migrated() -> Database {
    let database = Database::new();
    let location = database.url().parse().expect("a URL");
    let holder = Holder {
        command: "migrate".to_owned(),
        run: RunId::from("run-1"),
    };
    wait_for(certplan::journal::migrate(&location, holder)).expect("tables");
    database
}

fn wait_for<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}

fn limit(requests: u32, millis: u64) -> RateLimit {
    RateLimit {
        requests,
        per: Duration::from_millis(millis),
    }
}

fn try_take(budget: &Arc<dyn Budget>, windows: &[RateLimit], lease: Duration) -> Drawn {
    wait_for(budget.take(windows, lease)).expect("an answer")
}

/// Asks again as long as it is told to wait.
fn take(
    budget: &Arc<dyn Budget>,
    windows: &[RateLimit],
    lease: Duration,
) -> certplan::provider::BudgetSlot {
    loop {
        match try_take(budget, windows, lease) {
            Drawn::Slot(slot) => return slot,
            Drawn::Wait(wait) => std::thread::sleep(wait.again),
        }
    }
}

fn no_window_is_overrun(connect: Connect<'_>) {
    let windows = [limit(7, 150), limit(20, 600)];
    let arrivals = Mutex::new(Vec::new());
    let budgets: Vec<_> = (0..4).map(|_| connect()).collect();
    std::thread::scope(|scope| {
        for (number, budget) in budgets.iter().enumerate() {
            let (windows, arrivals) = (&windows, &arrivals);
            scope.spawn(move || {
                for call in 0..15 {
                    let slot = take(budget, windows, LEASE);
                    if (call + number) % 5 == 4 {
                        continue;
                    }
                    std::thread::sleep(Duration::from_millis(3));
                    arrivals.lock().expect("a list").push(Instant::now());
                    std::thread::sleep(Duration::from_millis(3));
                    slot.finish(Spent::Ended);
                }
            });
        }
    });
    let mut arrivals = arrivals.into_inner().expect("a list");
    arrivals.sort();
    assert_eq!(arrivals.len(), 48);
    for window in windows {
        let requests = window.requests as usize;
        for (first, next) in arrivals.iter().zip(arrivals.iter().skip(requests)) {
            assert!(*next - *first >= window.per, "more than {window:?}");
        }
    }
}

fn a_forgotten_slot_counts_until_lease_and_window_are_over(connect: Connect<'_>) {
    let windows = [limit(1, 300)];
    let (one, two) = (connect(), connect());
    let begun = Instant::now();
    std::mem::forget(take(&one, &windows, Duration::from_millis(400)));
    drop(take(&two, &windows, LEASE));
    assert!(begun.elapsed() >= Duration::from_millis(700));
}

fn an_unspent_slot_comes_back_and_a_spent_one_does_not(connect: Connect<'_>) {
    let windows = [limit(2, 3_600_000)];
    let (one, two) = (connect(), connect());
    let unspent = take(&one, &windows, LEASE);
    let spent = take(&two, &windows, LEASE);
    assert!(matches!(try_take(&one, &windows, LEASE), Drawn::Wait(_)));
    drop(unspent);
    spent.finish(Spent::Ended);
    // Whoever closes has told everything before.
    drop((one, two));
    let later = connect();
    let last = take(&later, &windows, LEASE);
    assert!(matches!(try_take(&later, &windows, LEASE), Drawn::Wait(_)));
    // Others count it under their own windows.
    let wide = [limit(3, 3_600_000)];
    assert!(matches!(try_take(&later, &wide, LEASE), Drawn::Slot(_)));
    drop(last);
}

fn a_pause_holds_all(connect: Connect<'_>) {
    let windows = [limit(100, 1)];
    let (one, two) = (connect(), connect());
    let begun = Instant::now();
    one.pause(Duration::from_millis(600));
    one.pause(Duration::from_millis(1));
    assert!(matches!(try_take(&one, &windows, LEASE), Drawn::Wait(_)));
    drop(take(&two, &windows, LEASE));
    assert!(begun.elapsed() >= Duration::from_millis(600));
}

#[test]
fn a_budget_in_a_file_keeps_the_contract() {
    for part in PARTS {
        let folder = tempfile::tempdir().expect("a folder");
        part(&|| in_folder(folder.path()));
    }
}

#[test]
fn a_budget_in_postgresql_keeps_the_contract() {
    let database = migrated();
    for part in PARTS {
        database.sql("TRUNCATE certplan.budgets, certplan.budget_flights, certplan.budget_calls");
        part(&|| in_database(&database));
    }
}

const PARTS: [fn(Connect<'_>); 4] = [
    no_window_is_overrun,
    a_forgotten_slot_counts_until_lease_and_window_are_over,
    an_unspent_slot_comes_back_and_a_spent_one_does_not,
    a_pause_holds_all,
];

#[test]
fn two_keys_in_one_database_have_nothing_in_common() {
    let database = migrated();
    let windows = [limit(1, 3_600_000)];
    let budget = in_database(&database);
    take(&budget, &windows, LEASE).finish(Spent::Ended);
    assert!(matches!(try_take(&budget, &windows, LEASE), Drawn::Wait(_)));
    database.sql(
        "UPDATE certplan.budgets SET key = 'another'; UPDATE certplan.budget_calls SET key = 'another'",
    );
    drop(take(&budget, &windows, LEASE));
}

#[test]
fn a_clock_of_the_server_that_was_set_back_holds_nobody_for_longer_than_a_window() {
    let database = migrated();
    let windows = [limit(1, 200)];
    let budget = in_database(&database);
    take(&budget, &windows, LEASE).finish(Spent::Ended);
    drop(take(&budget, &windows, LEASE));
    database.sql(
        "UPDATE certplan.budgets SET ended = 9000000000000000000, paused_until = 9000000000000000000;
         UPDATE certplan.budget_calls SET ended = 9000000000000000000",
    );
    drop(take(&budget, &windows, LEASE));
    let ahead = "SELECT count(*) FROM certplan.budget_calls WHERE ended > 8000000000000000000";
    assert_eq!(database.sql(ahead).trim(), "0");
}

#[test]
fn a_connection_that_is_cut_is_made_anew_and_nothing_is_forgotten() {
    let database = migrated();
    let windows = [limit(2, 3_600_000)];
    let budget = in_database(&database);
    take(&budget, &windows, LEASE).finish(Spent::Ended);
    drop(take(&budget, &windows, LEASE));
    database.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    let slot = take(&budget, &windows, LEASE);
    assert!(matches!(try_take(&budget, &windows, LEASE), Drawn::Wait(_)));
    drop(slot);
}

#[test]
fn without_its_tables_a_budget_says_what_to_type() {
    let database = Database::new();
    let budget = in_database(&database);
    for _ in 0..2 {
        let error: BudgetError =
            wait_for(budget.take(&[limit(1, 1)], LEASE)).expect_err("no tables");
        assert!(error.to_string().contains("certplan migrate"), "{error}");
    }
}
