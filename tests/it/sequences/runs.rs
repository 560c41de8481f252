//! The runs of a sequence, and what each of them must not have done.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use super::check;
use super::play::Game;

/// What a run finds.
struct Before {
    /// Calls that change something.
    calls: usize,
    /// Whether a plan that is made now shows the revocation by name beside an order.
    shows_gone: bool,
    /// Whether what the revocation by id waits for is in force, as its entry asks.
    gate_is_open: bool,
}

impl Game {
    /// `apply`; returns its exit code, which is never that of a panic or of a wrong command line.
    pub(super) fn apply(&mut self) -> Result<i32, String> {
        let before = self.before()?;
        let ended = self.rig.certplan(&["apply", "--yes"]);
        let code = match ended.code {
            Some(code @ (0 | 1 | 3)) => code,
            other => {
                return Err(format!(
                    "exit {other:?}\n{}\n{}",
                    ended.stdout, ended.stderr
                ));
            }
        };
        // A run that failed may not have come to its plan.
        self.after(&before, code != 1)
            .map_err(|why| format!("{why}\n{}\n{}", ended.stdout, ended.stderr))?;
        Ok(code)
    }

    pub(super) fn kill(&mut self, after: u64) -> Result<(), String> {
        let before = self.before()?;
        let mut rules = self.rules.clone();
        rules.push(json!({ "match": { "method": "POST" }, "fault": "delay", "ms": 150 }));
        rules.push(json!({ "match": { "method": "PUT" }, "fault": "delay", "ms": 150 }));
        self.rig.faults(json!(rules));
        let mut child = self
            .rig
            .command(&["apply", "--yes", "-q"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        std::thread::sleep(Duration::from_millis(after));
        // One that has ended by itself is as good.
        let _ = child.kill();
        child.wait().map_err(|error| error.to_string())?;
        self.rig.faults(json!(self.rules));
        self.after(&before, false)
    }

    /// Notes what a run finds, and for which order a revocation by name is shown from now on.
    fn before(&mut self) -> Result<Before, String> {
        let mut shows_gone = false;
        if self.gone.as_ref().is_some_and(|gone| gone.unpinned) {
            let records = check::replay(&self.rig)?;
            let address = format!("orders.{}", self.entries[0].name);
            let record = records.get(&address.parse().expect("a name"));
            if let Some(live) = record.and_then(|record| record.live.as_ref()) {
                self.meant.insert(live.order_id.to_string());
                shows_gone = true;
            }
        }
        Ok(Before {
            calls: self.rig.changes().len(),
            shows_gone,
            gate_is_open: !self.gated || self.gate_is_open(),
        })
    }

    /// Whether the second entry has a certificate in force that is what it asks for.
    pub(super) fn gate_is_open(&self) -> bool {
        let entry = &self.entries[1];
        let Some(order) = self.order_of(entry).map(|id| self.info(&id)) else {
            return false;
        };
        let units: Vec<String> = (0..entry.units).map(|unit| format!("u{unit}")).collect();
        order["status"] == "issued"
            && order["certificate"]["status"] != "revoked"
            && order["certificate"]["organization_units"] == json!(units)
    }

    /// Holds what a run has asked for against what it may ask for.
    fn after(&mut self, before: &Before, planned: bool) -> Result<(), String> {
        let asked: Vec<Value> = self.rig.changes().split_off(before.calls);
        let revoked: BTreeSet<String> = asked
            .iter()
            .filter(|call| call["method"] == "PUT")
            .map(|call| revoked_order(call).to_owned())
            .collect();
        for id in &revoked {
            let by_id = self.named.contains(id);
            if !by_id && !self.meant.contains(id) {
                return Err(format!(
                    "order {id} was to be revoked: named are {:?}, and meant {:?}",
                    self.named, self.meant
                ));
            }
            if by_id && !before.gate_is_open {
                let after = &self.entries[1];
                let gate = match self.order_of(after) {
                    Some(_) => format!("the gate of orders.{} was closed", after.name),
                    None => format!("orders.{} was never placed", after.name),
                };
                return Err(format!("order {id} was to be revoked, and {gate}"));
            }
        }
        for entry in &self.entries {
            let waits = entry
                .twin
                .as_ref()
                .is_some_and(|twin| twin.answer.is_none());
            if waits && self.placed(entry).is_some() {
                return Err(format!("orders.{} was bought beside a twin", entry.name));
            }
        }
        // A plan has shown it for the order that stood there: it is for no other.
        if let Some(gone) = self.gone.as_mut()
            && planned
            && before.shows_gone
        {
            gone.unpinned = false;
        }
        Ok(())
    }
}

/// The order in the path of a call that revokes it.
fn revoked_order(call: &Value) -> &str {
    let path = call["path"].as_str().expect("a path");
    let mut parts = path.rsplit('/');
    (parts.next(), parts.next()).1.expect("an id")
}
