//! Plays one sequence: each command does what it says to the binary, the sandbox or the files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use certplan::model::{AccountName, Address, Tag, TagParts};
use serde_json::{Value, json};

use super::check;
use super::command::{Command, QUIET, QUIET_PERIOD, Sequence};
use crate::crash::truth::{header, orders_by_tag, revocation};
use crate::rig::{Rig, client_order, csr};

/// What a sequence was worth.
#[derive(Debug, Clone, Copy)]
pub(super) struct Played {
    pub(super) orders: usize,
    pub(super) doubts: usize,
}

/// One order of the manifest.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) generation: u32,
    units: usize,
}

/// The world of one sequence.
pub(super) struct Game {
    pub(super) rig: Rig,
    pub(super) entries: Vec<Entry>,
    header: String,
    target: String,
    rules: Vec<Value>,
    /// Orders that somebody changed in the console: not what was asked for any more.
    pub(super) edited: BTreeSet<String>,
    /// The journal was put back or deleted: it does not know all that happened.
    pub(super) forgot: bool,
}

pub(super) fn play(sequence: &Sequence, variables: &[(&str, &str)]) -> Result<Played, String> {
    let mut game = Game::new(sequence, variables);
    for command in &sequence.commands {
        game.carry_out(command)
            .map_err(|why| format!("{command:?}: {why}"))?;
    }
    game.settle()?;
    check::check(&game)
}

impl Game {
    fn new(sequence: &Sequence, variables: &[(&str, &str)]) -> Self {
        let mut rig = Rig::new();
        for (name, value) in variables {
            rig.set(name, value);
        }
        let target = rig.seed(json!({ "certcentral": 1 })).remove(0);
        let then = if sequence.resend { "resend" } else { "ask" };
        let doubt = format!("{{ quiet_period: {QUIET_PERIOD}, then: {then} }}");
        let mut game = Self {
            rig,
            entries: Vec::new(),
            header: header(2, &doubt),
            target,
            rules: Vec::new(),
            edited: BTreeSet::new(),
            forgot: false,
        };
        game.more();
        game.more();
        game
    }

    fn more(&mut self) {
        let name = format!("n{}", self.entries.len());
        self.rig.write(&format!("{name}.csr"), csr(&name));
        self.entries.push(Entry {
            name,
            generation: 1,
            units: 0,
        });
        self.write();
    }

    fn write(&self) {
        let mut text = String::from("orders:\n");
        for entry in &self.entries {
            let units: Vec<String> = (0..entry.units).map(|unit| format!("u{unit}")).collect();
            let units = format!("organization_units: [{}], csr:", units.join(", "));
            text.push_str(&client_order(&entry.name).replace("csr:", &units));
            text.push_str(&format!("    generation: {}\n", entry.generation));
        }
        let rest = revocation("old", &self.target);
        self.rig
            .write("certplan.yaml", format!("{}{text}{rest}", self.header));
    }

    /// The order that is to be revoked.
    pub(super) fn target(&self) -> &str {
        &self.target
    }

    /// The tag that an entry's order carries.
    pub(super) fn tag(&self, entry: &Entry) -> String {
        let account: AccountName = "digicert".parse().expect("a name");
        let address: Address = format!("orders.{}", entry.name).parse().expect("a name");
        Tag::derive(TagParts {
            provider: "certcentral",
            endpoint: &self.rig.base(),
            account: &account,
            address: &address,
            generation: entry.generation,
        })
        .to_string()
    }

    /// The order that the CA has for an entry's present generation.
    pub(super) fn placed(&self, entry: &Entry) -> Option<String> {
        orders_by_tag(&self.rig)
            .remove(&self.tag(entry))
            .and_then(|ids| ids.into_iter().next())
    }

    fn entry(&self, at: usize) -> Entry {
        self.entries[at % self.entries.len()].clone()
    }

    fn carry_out(&mut self, command: &Command) -> Result<(), String> {
        match command {
            Command::Apply => self.apply().map(|_| ()),
            Command::Kill(after) => {
                self.more();
                self.kill(*after)
            }
            Command::Lose { how, skip, times } => {
                let rule = how.rule(*skip, *times);
                let mut put = rule.clone();
                put["match"]["method"] = json!("PUT");
                self.rules = if rule["match"]["method"] == "POST" {
                    vec![rule, put]
                } else {
                    vec![rule]
                };
                self.rig.faults(json!(self.rules));
                self.more();
                self.apply().map(|_| ())
            }
            Command::Lag(ms) => {
                self.rig.tell("options", json!({ "index_lag_ms": ms }));
                Ok(())
            }
            Command::Unit(at) => {
                let at = at % self.entries.len();
                self.entries[at].units += 1;
                self.write();
                Ok(())
            }
            Command::Approve => {
                self.rig.approve_all();
                Ok(())
            }
            Command::Reject(at) => {
                if let Some(id) = self.waiting_order(&self.entry(*at)) {
                    let id: u64 = id.parse().expect("a number");
                    self.rig.tell("reject", json!({ "order_id": id }));
                }
                Ok(())
            }
            Command::Edit(at) => {
                if let Some(id) = self.placed(&self.entry(*at)) {
                    let product = "client_email_security_plus";
                    self.rig
                        .tell("edit", json!({ "order_id": id, "product": product }));
                    self.edited.insert(id);
                }
                Ok(())
            }
            Command::Renew(at) => {
                if let Some(id) = self.placed(&self.entry(*at)) {
                    let number: u64 = id.parse().expect("a number");
                    // What is withdrawn waits for nobody any more.
                    self.rig.tell("reject", json!({ "order_id": number }));
                    self.rig.tell("cancel", json!({ "order_id": id }));
                    let at = at % self.entries.len();
                    self.entries[at].generation += 1;
                    self.write();
                }
                Ok(())
            }
            Command::Restore(at) => {
                self.restore(*at);
                Ok(())
            }
            Command::Delete => {
                self.wait_for_the_index();
                let _ = std::fs::remove_dir_all(self.rig.path(".certplan"));
                self.forgot = true;
                Ok(())
            }
            Command::Resolve(at) => self.resolve(&self.entry(*at)),
        }
    }

    /// An order of ours that was not issued yet: only its first request is refused here.
    fn waiting_order(&self, entry: &Entry) -> Option<String> {
        let id = self.placed(entry)?;
        // The console does not suffer from what the runs suffer from.
        self.rig.faults(json!([]));
        let path = format!("/order/certificate/{id}");
        let order = self.rig.certcentral("GET", &path, &Value::Null);
        self.rig.faults(json!(self.rules));
        (order["status"] == "needs_approval").then_some(id)
    }

    /// `apply`; returns its exit code, which is never that of a panic or of a wrong command line.
    fn apply(&self) -> Result<i32, String> {
        let ended = self.rig.certplan(&["apply", "--yes"]);
        match ended.code {
            Some(code @ (0 | 1 | 3)) => Ok(code),
            other => Err(format!(
                "exit {other:?}\n{}\n{}",
                ended.stdout, ended.stderr
            )),
        }
    }

    fn kill(&self, after: u64) -> Result<(), String> {
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
        Ok(())
    }

    /// Whoever takes the state away waits, as the plan's warning says, until what was under way has arrived
    /// and shows: a look-up is all that is left to find it by.
    fn wait_for_the_index(&self) {
        std::thread::sleep(Duration::from_millis(QUIET));
    }

    fn restore(&mut self, at: usize) {
        let mut backups: Vec<PathBuf> = std::fs::read_dir(self.rig.path(".certplan"))
            .into_iter()
            .flatten()
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.to_string_lossy().contains(".backup-"))
            .collect();
        backups.sort();
        if backups.is_empty() {
            return;
        }
        self.wait_for_the_index();
        let state = self.rig.path(".certplan/state.db");
        for log in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(self.rig.path(&format!(".certplan/state.db{log}")));
        }
        std::fs::copy(&backups[at % backups.len()], state).expect("a copy");
        self.forgot = true;
    }

    /// A person who looks at the CA, and is right.
    fn resolve(&self, entry: &Entry) -> Result<(), String> {
        let address = format!("orders.{}", entry.name);
        let records = check::replay(&self.rig)?;
        let parsed: Address = address.parse().expect("a name");
        let Some(open) = records.get(&parsed).and_then(|record| record.open.as_ref()) else {
            return Ok(());
        };
        let Some(tag) = &open.attempt.tag else {
            return Ok(());
        };
        std::thread::sleep(Duration::from_millis(QUIET));
        let found = orders_by_tag(&self.rig).remove(tag.as_str());
        let Some(id) = found.and_then(|ids| ids.into_iter().next()) else {
            let args = ["resolve", &address, "--not-placed", "--yes"];
            return self.expect(&args, &[0, 1, 5]);
        };
        let ended = self.rig.certplan(&["resolve", &address, "--found", &id]);
        if ended.code == Some(5) {
            // Not what the manifest asks for by now; the person knows that it is the one.
            return self.expect(&["import", &address, &id], &[0, 1]);
        }
        self.expect(&["status", "--offline"], &[0])?;
        matches!(ended.code, Some(0 | 1))
            .then_some(())
            .ok_or(format!("{:?}: {}", ended.code, ended.stderr))
    }

    fn expect(&self, args: &[&str], codes: &[i32]) -> Result<(), String> {
        let ended = self.rig.certplan(args);
        let right = ended.code.is_some_and(|code| codes.contains(&code));
        right.then_some(()).ok_or(format!(
            "{args:?}: {:?}\n{}\n{}",
            ended.code, ended.stdout, ended.stderr
        ))
    }

    /// Nothing goes wrong any more: runs and, where they ask, a person bring everything to its end.
    fn settle(&mut self) -> Result<(), String> {
        self.rules.clear();
        self.rig.faults(json!([]));
        self.rig.tell("options", json!({ "index_lag_ms": 0 }));
        std::thread::sleep(Duration::from_millis(QUIET));
        for _ in 0..6 {
            if self.apply()? == 0 {
                break;
            }
            std::thread::sleep(Duration::from_millis(QUIET / 3));
            for entry in self.entries.clone() {
                self.resolve(&entry)?;
            }
        }
        // An order that somebody changed is not adopted for its tag alone: a person binds it.
        let records = check::replay(&self.rig)?;
        let known: BTreeMap<String, String> = records
            .iter()
            .filter_map(|(address, record)| {
                let live = record.live.as_ref()?;
                Some((address.to_string(), live.order_id.to_string()))
            })
            .collect();
        for entry in self.entries.clone() {
            let address = format!("orders.{}", entry.name);
            if let Some(id) = self.placed(&entry)
                && self.edited.contains(&id)
                && known.get(&address) != Some(&id)
            {
                self.expect(&["import", &address, &id, "--yes"], &[0])?;
            }
        }
        for _ in 0..4 {
            self.rig.approve_all();
            // A rejected order is left to a person with every run.
            if matches!(self.apply()?, 0 | 3) && check::nothing_is_open(&self.rig)? {
                return Ok(());
            }
        }
        Err("it never came to rest".to_owned())
    }
}
