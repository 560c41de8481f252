//! Plays one sequence: each command does what it says to the binary, the sandbox or the files.

use std::collections::BTreeSet;
use std::time::Duration;

use certplan::model::{AccountName, Address, Tag, TagParts};
use serde_json::{Value, json};

use super::check;
use super::command::{Command, QUIET, QUIET_PERIOD, Sequence};
use super::people::{Answer, Twin};
use super::places::Place;
use crate::crash::truth::{header, orders_by_tag, revocation};
use crate::rig::{Rig, client_order, csr};
use crate::wall_clock;

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
    pub(super) units: usize,
    /// What somebody else bought for the same names.
    pub(super) twin: Option<Twin>,
}

/// The revocation of the first entry, by its name.
#[derive(Debug, Clone)]
pub(super) struct Gone {
    pub(super) generation: u32,
    /// No plan has shown it beside an order yet.
    pub(super) unpinned: bool,
}

/// The world of one sequence.
pub(super) struct Game {
    pub(super) rig: Rig,
    pub(super) entries: Vec<Entry>,
    header: String,
    /// Two orders of others; the revocation by id names the first.
    pub(super) targets: [String; 2],
    /// Those that it has named so far.
    pub(super) named: BTreeSet<String>,
    /// The revocation by id waits until the second entry is issued.
    pub(super) gated: bool,
    pub(super) gone: Option<Gone>,
    /// The orders that the revocation by name was shown for.
    pub(super) meant: BTreeSet<String>,
    pub(super) rules: Vec<Value>,
    boots: usize,
    pub(super) place: Place,
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
        wall_clock::give(&mut rig);
        let targets: [String; 2] = rig
            .seed(json!({ "certcentral": 2 }))
            .try_into()
            .expect("two orders");
        let then = if sequence.resend { "resend" } else { "ask" };
        let doubt = format!("{{ quiet_period: {QUIET_PERIOD}, then: {then} }}");
        let mut game = Self {
            rig,
            entries: Vec::new(),
            header: header(2, &doubt),
            named: BTreeSet::from([targets[0].clone()]),
            targets,
            gated: sequence.gated,
            gone: None,
            meant: BTreeSet::new(),
            rules: Vec::new(),
            boots: 0,
            place: Place::default(),
            edited: BTreeSet::new(),
            forgot: false,
        };
        game.more();
        game.more();
        game
    }

    pub(super) fn more(&mut self) {
        let name = format!("n{}", self.entries.len());
        self.rig.write(&format!("{name}.csr"), csr(&name));
        self.entries.push(Entry {
            name,
            generation: 1,
            units: 0,
            twin: None,
        });
        self.write();
    }

    pub(super) fn write(&self) {
        let mut text = String::from("orders:\n");
        for entry in &self.entries {
            let units: Vec<String> = (0..entry.units).map(|unit| format!("u{unit}")).collect();
            let units = format!("organization_units: [{}], csr:", units.join(", "));
            text.push_str(&client_order(&entry.name).replace("csr:", &units));
            text.push_str(&format!("    generation: {}\n", entry.generation));
            let twin = entry.twin.as_ref();
            match twin.map(|twin| (twin.answer, &twin.order_id)) {
                Some((Some(Answer::TakeOver), id)) => {
                    text.push_str(&format!("    existing_order_id: {id}\n"));
                }
                Some((Some(Answer::BuyBeside), _)) => text.push_str("    allow_similar: true\n"),
                Some((None, _)) | None => {}
            }
        }
        let mut rest = revocation("old", &self.targets[0]);
        if self.gated {
            let after = ", after: [{ order: n1, until: issued }] }";
            rest = rest.replace(" }\n", &format!("{after}\n"));
        }
        if let Some(gone) = &self.gone {
            rest.push_str(&format!(
                "  gone: {{ order: n0, scope: order, reason: superseded, comments: a test, generation: {} }}\n",
                gone.generation
            ));
        }
        self.rig
            .write("certplan.yaml", format!("{}{text}{rest}", self.header));
    }

    /// The tag that an entry's order carries.
    pub(super) fn tag(&self, entry: &Entry) -> String {
        let account: AccountName = "digicert".parse().expect("a name");
        let address: Address = format!("orders.{}", entry.name).parse().expect("a name");
        Tag::derive(TagParts {
            renews: None,
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
                // An order of another product is none that a lost journal could have placed: it is bought
                // again. No CA changes the product of an order, so the two do not come together here.
                if !self.forgot
                    && let Some(id) = self.placed(&self.entry(*at))
                {
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
                self.delete_state();
                Ok(())
            }
            Command::Move => self.move_state(),
            Command::Resolve(at) => self.resolve(&self.entry(*at)),
            Command::Retarget => {
                self.retarget();
                Ok(())
            }
            Command::Gone => {
                self.write_gone();
                Ok(())
            }
            Command::KillCertificate(at) => {
                self.kill_certificate(&self.entry(*at));
                Ok(())
            }
            Command::RejectReissue(at) => {
                self.reject_reissue(&self.entry(*at));
                Ok(())
            }
            Command::Twin => {
                self.buy_twin();
                self.apply().map(|_| ())
            }
            Command::Answer { take_over } => {
                self.answer_twin(if *take_over {
                    Answer::TakeOver
                } else {
                    Answer::BuyBeside
                });
                Ok(())
            }
            Command::Clock(hours) => {
                wall_clock::set(&mut self.rig, i64::from(*hours) * 3600);
                Ok(())
            }
            Command::Reboot => {
                self.boots += 1;
                wall_clock::reboot(&mut self.rig, self.boots);
                Ok(())
            }
        }
    }

    /// An order of ours that was not issued yet: only its first request is refused here.
    fn waiting_order(&self, entry: &Entry) -> Option<String> {
        let id = self.placed(entry)?;
        (self.info(&id)["status"] == "needs_approval").then_some(id)
    }

    /// Whoever takes the state away waits, as the plan's warning says, until what was under way has arrived
    /// and shows: a look-up is all that is left to find it by.
    pub(super) fn wait_for_the_index(&self) {
        std::thread::sleep(Duration::from_millis(QUIET));
    }
}
