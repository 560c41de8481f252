//! A manifest, a CA, a journal and a clock: [`World`] plans and applies as the commands do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::Instant;

use super::books::Say;
use super::journal::{Log, Memory};
use super::scripted::{Ca, ENDPOINT};
use crate::apply::context::Clock;
use crate::apply::{ActionReport, Event, Outcome, Run, RunAccount, RunReport, Stop, run};
use crate::journal::{Hold, Journal};
use crate::model::{
    Account, Address, After, Batch, BootTime, CertificateRequest, Doubt, DoubtRule, Item, Members,
    Milestone, Moment, Observed, ObservedAccount, Order, OrderId, Policy, Provider, Record,
    Revocation, RevocationReason, RevocationTarget, RunId, Scope, SourceLine, StatusChange, Tag,
    TagLookup, TagParts, Wanted,
};
use crate::plan::tests::testing::account;
use crate::plan::{Allowance, Inputs, Knowledge, Moves, Plan, PlannedState, approve};

fn item(address: &str, wanted: Wanted) -> Item {
    Item {
        address: address.parse().unwrap(),
        account: account(),
        wanted,
        labels: crate::model::Labels::default(),
        after: Vec::new(),
        location: SourceLine {
            file: Arc::from("certplan.yaml"),
            line: 1,
        },
    }
}

/// An order for one person.
pub(super) fn order(name: &str) -> Item {
    let order = Order {
        renew: None,
        files: None,
        product: "client_premium_sha2".to_owned(),
        generation: 1,
        certificate: CertificateRequest {
            key: None,
            common_name: Some(name.to_owned()),
            dns_names: Vec::new(),
            emails: vec![format!("{name}@example.com")],
            organization_units: Vec::new(),
            csr: None,
            members: Members::default(),
            delivery: Members::default(),
        },
        renewal_of: None,
        allow_similar: false,
        existing_order_id: None,
        term_members: Members::default(),
        call_members: Members::default(),
        members: Members::default(),
    };
    item(&format!("orders.{name}"), Wanted::Order(Box::new(order)))
}

/// A revocation of an order by its number.
pub(super) fn revocation(name: &str, order: u64, scope: Scope) -> Item {
    let revocation = Revocation {
        target: RevocationTarget::OrderId(OrderId::from(order)),
        scope,
        reason: RevocationReason::Superseded,
        comments: Some(name.to_owned()),
        skip_approval: false,
        generation: 1,
    };
    let wanted = Wanted::Revocation(Box::new(revocation));
    item(&format!("revocations.{name}"), wanted)
}

/// The item, which waits for another one.
pub(super) fn waits_for(mut item: Item, address: &str, until: Milestone) -> Item {
    let address = address.parse().unwrap();
    item.after.push(After { address, until });
    item
}

/// How a run went.
pub(super) struct Ran {
    pub(super) report: RunReport,
    pub(super) events: Vec<Event>,
}

impl Ran {
    #[track_caller]
    pub(super) fn of(&self, address: &str) -> &ActionReport {
        let actions = &self.report.actions;
        let found = actions
            .iter()
            .find(|action| action.address.to_string() == address);
        found.unwrap_or_else(|| panic!("no {address} in {actions:#?}"))
    }

    #[track_caller]
    pub(super) fn outcome(&self, address: &str) -> Outcome {
        self.of(address).outcome
    }

    /// What went wrong with an item; empty where nothing did.
    #[track_caller]
    pub(super) fn error(&self, address: &str) -> &str {
        self.of(address).error.as_deref().unwrap_or_default()
    }

    /// How many steps came to this.
    pub(super) fn count(&self, outcome: Outcome) -> u32 {
        self.report.summary()[&outcome]
    }
}

/// A manifest, a CA, a journal and a clock.
pub(super) struct World {
    pub(super) items: Vec<Item>,
    pub(super) ca: Arc<Ca>,
    pub(super) journal: Arc<Memory>,
    pub(super) log: Log,
    pub(super) wait: Duration,
    pub(super) doubt: Doubt,
    pub(super) max_in_flight: usize,
    pub(super) stop: watch::Sender<Option<Stop>>,
    clock: Clock,
    wall: Arc<AtomicI64>,
}

impl World {
    pub(super) fn of(items: Vec<Item>) -> Self {
        let log = Log::new();
        let wall = Arc::new(AtomicI64::new(0));
        let clock = clock(&wall);
        Self {
            items,
            ca: Arc::new(Ca::new(log.clone(), Arc::clone(&clock))),
            journal: Arc::new(Memory::new(log.clone())),
            log,
            wait: Duration::ZERO,
            doubt: Doubt::default(),
            max_in_flight: 1,
            stop: watch::Sender::new(None),
            clock,
            wall,
        }
    }

    /// A world in which these orders are in force, from number 1 on.
    pub(super) async fn with_issued(names: &[&str]) -> Self {
        let mut world = Self::of(names.iter().map(|name| order(name)).collect());
        world.ca.says((1..=names.len() as u64).map(Say::Done));
        let ran = world.apply().await;
        // The answer has the certificate; that it is in force stands in the next read.
        assert_eq!(
            ran.count(Outcome::Done),
            names.len() as u32,
            "{:#?}",
            ran.report
        );
        world.apply().await;
        world.log.clear();
        world
    }

    /// Somebody sets the wall clock.
    pub(super) fn set_wall_clock(&self, by: SignedDuration) {
        self.wall.fetch_add(by.as_secs(), Ordering::Relaxed);
    }

    /// Nothing found is proof after so long, and the order is sent again.
    pub(super) fn resend_after(&mut self, quiet_period: Duration) {
        self.doubt = Doubt {
            quiet_period,
            then: DoubtRule::Resend,
        };
    }

    /// Changes what an order of the manifest asks for.
    pub(super) fn edit(&mut self, name: &str, change: impl FnOnce(&mut Order)) {
        let address: Address = format!("orders.{name}").parse().unwrap();
        let mut items = self.items.iter_mut();
        let item = items.find(|item| item.address == address).unwrap();
        match &mut item.wanted {
            Wanted::Order(order) => change(order),
            Wanted::Revocation(_) => panic!("{address} is no order"),
        }
    }

    pub(super) fn record(&self, address: &str) -> Record {
        let address = address.parse().unwrap();
        self.journal.record(&address).unwrap_or_default()
    }

    /// The order that a name stands for.
    pub(super) fn bound(&self, name: &str) -> Option<String> {
        let live = self.record(&format!("orders.{name}")).live?;
        Some(live.order_id.to_string())
    }

    pub(super) fn tag(&self, name: &str) -> Tag {
        self.tag_of(&format!("orders.{name}").parse().unwrap(), 1)
    }

    fn tag_of(&self, address: &Address, generation: u32) -> Tag {
        Tag::derive(TagParts {
            renews: None,
            provider: "certcentral",
            endpoint: ENDPOINT,
            account: &account(),
            address,
            generation,
        })
    }

    /// How often the CA was asked for an order by its tag.
    pub(super) fn look_ups(&self, name: &str) -> usize {
        self.log.times(&format!("look up {}", self.tag(name))).len()
    }

    /// The plan, from everything that there is to read.
    pub(super) fn plan(&self) -> Plan {
        let provider = provider();
        let batch = Batch {
            accounts: BTreeMap::from([(
                account(),
                Account {
                    name: account(),
                    provider,
                    rate_limits: Vec::new(),
                    max_in_flight: self.max_in_flight,
                },
            )]),
            policy: Policy::default(),
            items: self.items.clone(),
            moved: Vec::new(),
            keys: BTreeMap::new(),
        };
        let observed = Observed {
            folder: None,
            accounts: BTreeMap::from([(account(), self.observed())]),
        };
        Plan::build(&Inputs {
            pace: Default::default(),
            folder: None,
            rekey: &[],
            batch: &batch,
            records: &self.journal.records(),
            moves: &Moves::default(),
            knowledge: Knowledge::Whole,
            state: PlannedState {
                lineage: "memory".to_owned(),
                serial: 0,
            },
            observed: &observed,
            offline: false,
            endpoints: &BTreeMap::from([(account(), ENDPOINT.to_owned())]),
            now: (self.clock)().at,
            targets: &[],
            policy: Policy::default(),
            allowance: Allowance::default(),
            preview: &|_, _| Vec::new(),
        })
    }

    fn observed(&self) -> ObservedAccount {
        let books = self.ca.books();
        let details = books.orders.iter();
        let tags = self.items.iter().filter_map(|item| {
            let Wanted::Order(order) = &item.wanted else {
                return None;
            };
            let tag = self.tag_of(&item.address, order.generation);
            let carries = books.orders.values().filter(|order| {
                order.tag.as_deref() == Some(tag.as_str()) && !books.unindexed.contains(&order.id)
            });
            let hits = carries.map(|order| StatusChange {
                order_id: order.id.clone(),
                certificate_id: order.certificate_id.clone(),
                status: order.status.clone(),
            });
            let orders = hits.collect();
            Some((tag, TagLookup { orders }))
        });
        ObservedAccount {
            tags: tags.collect(),
            details: details
                .map(|(id, order)| (id.clone(), Some(order.clone())))
                .collect(),
            orders: books.orders.clone(),
            revocation_requests: Some(books.requests()),
            waiting_orders: Some(Vec::new()),
            ..ObservedAccount::default()
        }
    }

    /// Plans and carries the plan out.
    pub(super) async fn apply(&mut self) -> Ran {
        let approved = approve(self.plan()).unwrap();
        self.carry_out(approved.into()).await
    }

    /// Carries a plan out that was made before.
    pub(super) async fn carry_out(&mut self, approved: Arc<crate::plan::ApprovedPlan>) -> Ran {
        let account_of_run = RunAccount {
            act: Arc::clone(&self.ca) as _,
            provider: provider(),
            max_in_flight: self.max_in_flight,
        };
        let run_of_plan = Run {
            delivery: None,
            folder: None,
            secret: |_| Err("no passphrase".to_owned()),
            run_id: RunId::from("run"),
            approved,
            journal: Arc::clone(&self.journal) as _,
            accounts: BTreeMap::from([(account(), account_of_run)]),
            wait: self.wait,
            doubt: self.doubt,
            stop: self.stop.subscribe(),
            clock: Arc::clone(&self.clock),
        };
        let mut events = Vec::new();
        let report = run(run_of_plan, &mut |event| events.push(event.clone())).await;
        self.each_call_has_its_intent();
        Ran { report, events }
    }

    /// Holds for every run: a call follows an intent of its item that is durable, and no intent has two.
    #[track_caller]
    fn each_call_has_its_intent(&self) {
        let mut intents: BTreeMap<String, u32> = BTreeMap::new();
        let lines = self.log.of(&["intended", "place", "reissue", "revoke"]);
        for line in &lines {
            let mut words = line.split([' ', ':']);
            let (what, name) = (words.next().unwrap(), words.next().unwrap());
            let open = intents.entry(name.to_owned()).or_default();
            if what == "intended" {
                *open += 1;
            } else {
                assert_eq!(*open, 1, "`{line}` in {lines:#?}");
                *open = 0;
            }
        }
    }

    /// A lease keeps other runs away, not a lock.
    pub(super) fn under_a_lease(&self) {
        *self.journal.hold.lock().unwrap() = Hold::Lease;
    }
}

fn provider() -> Provider {
    crate::provider::tests::scripted::provider_of("certcentral")
}

/// Both clocks go with Tokio's; the wall clock can be set.
fn clock(wall: &Arc<AtomicI64>) -> Clock {
    let (wall, begun) = (Arc::clone(wall), Instant::now());
    let start: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
    Arc::new(move || {
        let passed = begun.elapsed();
        let set = SignedDuration::from_secs(wall.load(Ordering::Relaxed));
        let passed_signed = SignedDuration::try_from(passed).unwrap();
        Moment {
            at: start + passed_signed + set,
            boot: Some(BootTime {
                boot_id: "boot".to_owned(),
                since_boot: Duration::from_secs(1000) + passed,
            }),
            at_ca: None,
        }
    })
}
