//! What people do in the console and in the manifest, beside approving and cancelling.

use std::time::Duration;

use serde_json::{Value, json};

use super::command::LAG;
use super::play::{Entry, Game, Gone};
use crate::rig::csr;

/// What stands in the account for the names of an entry, bought by somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Twin {
    pub(super) order_id: String,
    /// What the entry says about it.
    pub(super) answer: Option<Answer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    TakeOver,
    BuyBeside,
}

impl Game {
    /// Order info, as the console shows it: it does not suffer from what the runs suffer from.
    pub(super) fn info(&self, id: &str) -> Value {
        self.rig.faults(json!([]));
        let path = format!("/order/certificate/{id}");
        let order = self.rig.certcentral("GET", &path, &Value::Null);
        self.rig.faults(json!(self.rules));
        order
    }

    /// The order that stands for an entry at the CA.
    pub(super) fn order_of(&self, entry: &Entry) -> Option<String> {
        let taken = entry.twin.as_ref();
        let taken = taken.filter(|twin| twin.answer == Some(Answer::TakeOver));
        taken.map_or_else(|| self.placed(entry), |twin| Some(twin.order_id.clone()))
    }

    pub(super) fn retarget(&mut self) {
        self.targets.swap(0, 1);
        self.named.insert(self.targets[0].clone());
        self.write();
    }

    /// Writes the revocation of the first entry, or asks for it once more.
    pub(super) fn write_gone(&mut self) {
        let generation = self.gone.as_ref().map_or(0, |gone| gone.generation) + 1;
        self.gone = Some(Gone {
            generation,
            unpinned: true,
        });
        self.write();
    }

    pub(super) fn kill_certificate(&self, entry: &Entry) {
        let Some(id) = self.order_of(entry) else {
            return;
        };
        let order = self.info(&id);
        let certificate = &order["certificate"]["id"];
        if order["status"] == "issued" && certificate.is_u64() {
            self.rig
                .tell("revoke", json!({ "certificate_id": certificate }));
        }
    }

    pub(super) fn reject_reissue(&self, entry: &Entry) {
        let Some(id) = self.order_of(entry) else {
            return;
        };
        if self.info(&id)["status"] == "reissue_pending" {
            let number: u64 = id.parse().expect("a number");
            self.rig.tell("reject", json!({ "order_id": number }));
        }
    }

    /// Somebody orders what the next entry asks for.
    pub(super) fn buy_twin(&mut self) {
        let name = format!("n{}", self.entries.len());
        let body = json!({
            "certificate": { "common_name": name, "emails": [format!("{name}@example.com")],
                "csr": csr(&name), "signature_hash": "sha256" },
            "organization": { "id": 112_233 },
            "validity_years": 1,
        });
        self.rig.faults(json!([]));
        let path = "/order/certificate/client_premium_sha2";
        let order_id = self.rig.certcentral("POST", path, &body)["id"].to_string();
        self.rig.faults(json!(self.rules));
        // Neither list shows what was just bought, and nobody can know of it before.
        std::thread::sleep(Duration::from_millis(LAG + 100));
        self.more();
        if let Some(entry) = self.entries.last_mut() {
            entry.twin = Some(Twin {
                order_id,
                answer: None,
            });
        }
        self.write();
    }

    /// The first twin that nobody has answered to.
    pub(super) fn answer_twin(&mut self, answer: Answer) {
        let mut twins = self
            .entries
            .iter_mut()
            .filter_map(|entry| entry.twin.as_mut());
        if let Some(twin) = twins.find(|twin| twin.answer.is_none()) {
            twin.answer = Some(answer);
        }
        self.write();
    }
}
