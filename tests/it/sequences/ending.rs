//! How a sequence ends: nothing goes wrong any more, and people settle what they are asked.

use std::collections::BTreeMap;
use std::time::Duration;

use certplan::model::Address;
use serde_json::json;

use super::check;
use super::command::QUIET;
use super::people::Answer;
use super::play::{Entry, Game};
use crate::crash::truth::orders_by_tag;
use crate::wall_clock;

impl Game {
    /// A person who looks at the CA, and is right.
    pub(super) fn resolve(&self, entry: &Entry) -> Result<(), String> {
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
            self.tell_its_product(&id);
            return self.expect(&["import", &address, &id, "--yes"], &[0, 1]);
        }
        self.expect(&["status", "--offline"], &[0])?;
        matches!(ended.code, Some(0 | 1))
            .then_some(())
            .ok_or(format!("{:?}: {}", ended.code, ended.stderr))
    }

    /// Another product is not taken, whoever says so.
    fn tell_its_product(&self, order_id: &str) {
        let product = "client_premium_sha2";
        self.rig
            .tell("edit", json!({ "order_id": order_id, "product": product }));
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
    pub(super) fn settle(&mut self) -> Result<(), String> {
        self.rules.clear();
        self.rig.faults(json!([]));
        // A clock that is far off leaves what it finds to a person.
        wall_clock::set(&mut self.rig, 0);
        while self.entries.iter().any(|entry| {
            entry
                .twin
                .as_ref()
                .is_some_and(|twin| twin.answer.is_none())
        }) {
            self.answer_twin(Answer::TakeOver);
        }
        self.rig.tell("options", json!({ "index_lag_ms": 0 }));
        std::thread::sleep(Duration::from_millis(QUIET));
        for _ in 0..6 {
            let code = self.apply()?;
            if code == 0 || (code == 3 && check::nothing_is_open(&self.rig)?) {
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
                self.tell_its_product(&id);
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
