//! A clock that tests set, and the budget against it and in its file.

mod against_reference;
mod files;
mod over_time;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::Connection;

use super::clock::{Clock, Reading};
use super::store::{Given, SCHEMA, Store};
use crate::model::RateLimit;

/// A clock that stands still until it is moved.
#[derive(Debug)]
struct SetClock(Mutex<Reading>);

impl Clock for SetClock {
    fn now(&self) -> Reading {
        self.0.lock().unwrap().clone()
    }
}

impl SetClock {
    fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Reading {
            boot: "first".to_owned(),
            up: 5_000_000,
            wall: 1_000_000_000_000,
        })))
    }

    fn advance(&self, millis: i64) {
        let mut moment = self.0.lock().unwrap();
        moment.up += millis * 1000;
        moment.wall += millis * 1000;
    }

    /// The machine is down for `down` and its wall clock then wrong by `wrong`, both in milliseconds.
    fn reboot(&self, down: i64, wrong: i64) {
        let mut moment = self.0.lock().unwrap();
        moment.boot.push('+');
        moment.up = 1_000_000;
        moment.wall += (down + wrong) * 1000;
    }
}

fn store(clock: &Arc<SetClock>) -> Store {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(SCHEMA).unwrap();
    Store::new(connection, Arc::clone(clock) as Arc<dyn Clock>)
}

fn limit(requests: u32, millis: u64) -> RateLimit {
    RateLimit {
        requests,
        per: Duration::from_millis(millis),
    }
}

const LEASE: Duration = Duration::from_secs(3);

/// What one round does.
fn take(store: &mut Store, windows: &[RateLimit]) -> Given {
    let mut round = store.round().unwrap();
    let given = round.take(windows, LEASE).unwrap();
    round.commit().unwrap();
    given
}

fn end(store: &mut Store, given: Given) {
    let Given::Flight(flight) = given else {
        panic!("no slot");
    };
    let mut round = store.round().unwrap();
    round.end(Some(flight)).unwrap();
    round.commit().unwrap();
}

/// How many slots are to be had now, none of them kept.
fn room(store: &mut Store, windows: &[RateLimit]) -> usize {
    let mut round = store.round().unwrap();
    let mut room = 0;
    while let Given::Flight(_) = round.take(windows, LEASE).unwrap() {
        room += 1;
        assert!(room < 10_000);
    }
    room
}
