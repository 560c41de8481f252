//! Three years of many orders, day by day, with a CA that is played here: some runs are missed, some are killed after
//! an intent, and of some calls the answer is lost.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

use super::{World, at_the_ca, order, order_item};
use crate::model::*;
use crate::plan::{Action, Step};

/// How many names: with a plain `cargo test`, and with `CERTPLAN_MODEL=full`.
const NAMES: (usize, usize) = (60, 300);
const SPREAD: u32 = 3 * 86_400;
const DAYS: i64 = 3 * 365;
/// How long the CA takes to issue, in days.
const DELAY: i64 = 2;

/// An order at the CA. Days count from the first one.
struct Sold {
    name: usize,
    tag: Option<String>,
    renewed_by: Option<u64>,
    /// The last day of the order.
    paid: i64,
    /// The certificate: its number, its first and its last day; none before it is issued.
    certificate: Option<(u64, i64, i64)>,
    /// The day on which something is issued.
    issues: Option<i64>,
}

/// The CA, and the days.
struct Years {
    world: World,
    sold: BTreeMap<u64, Sold>,
    day: i64,
    certificates: u64,
    reissues: BTreeMap<usize, u32>,
    dice: u64,
}

/// What became of a call.
#[derive(Clone, Copy, PartialEq)]
enum Answer {
    Taken,
    /// It was taken, and the answer was lost.
    Lost,
    /// The run was killed before it was sent.
    Killed,
}

fn lifetime(on: Date) -> i64 {
    match on {
        on if on < jiff::civil::date(2027, 3, 15) => 199,
        on if on < jiff::civil::date(2029, 3, 15) => 99,
        _ => 46,
    }
}

impl Years {
    fn new() -> Self {
        let items = (0..names()).map(|name| {
            let renew = Renew {
                spread: SPREAD,
                ..Renew::default()
            };
            let wanted = Order {
                renew: Some(renew),
                ..order(&format!("n{name}.example"))
            };
            order_item(&format!("n{name}"), wanted)
        });
        Self {
            world: World::of(items.collect()),
            sold: BTreeMap::new(),
            day: 0,
            certificates: 0,
            reissues: BTreeMap::new(),
            dice: 20_261_128,
        }
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.dice = self
            .dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 33) % sides
    }

    fn date(&self, day: i64) -> Date {
        let first: Timestamp = super::NOW.parse().unwrap();
        let first = first.to_zoned(TimeZone::UTC).date();
        first.checked_add(Span::new().days(day)).unwrap()
    }

    fn till(&self, day: i64) -> ValidTill {
        self.date(day).to_string().parse().unwrap()
    }

    /// The CA issues what is due today.
    fn issue(&mut self) {
        let (day, lasts) = (self.day, lifetime(self.date(self.day)));
        for sold in self.sold.values_mut() {
            if sold.issues == Some(day) {
                self.certificates += 1;
                sold.issues = None;
                sold.certificate = Some((self.certificates, day, sold.paid.min(day + lasts)));
            }
        }
    }

    fn shown(&self, id: u64, in_full: bool) -> ObservedOrder {
        let sold = &self.sold[&id];
        let status = match (&sold.certificate, sold.issues) {
            (None, _) => OrderStatus::Pending(Stage::Issuance, "processing".into()),
            (Some(_), Some(_)) => OrderStatus::ReissuePending,
            (Some(_), None) => OrderStatus::Issued,
        };
        let mut order = at_the_ca(id, status);
        order.names = vec![format!("n{}.example", sold.name)];
        order.common_name = Some(order.names[0].clone());
        order.certificate_id = sold.certificate.map(|(number, _, _)| number.into());
        order.serial_number = None;
        order.valid_from = sold.certificate.map(|(_, from, _)| self.till(from));
        order.valid_till = sold.certificate.map(|(_, _, end)| self.till(end));
        order.order_valid_till = Some(self.till(sold.paid));
        order.renewed = sold.renewed_by.is_some();
        order.renewed_by = sold.renewed_by.map(OrderId::from).filter(|_| in_full);
        order.tag = sold.tag.clone().filter(|_| in_full);
        order.public_key = in_full.then(|| Digest::of(b"key"));
        order
    }

    /// Reads the lists, and then whatever a plan asks for.
    fn read(&mut self) {
        let ids: Vec<u64> = self.sold.keys().copied().collect();
        let mut seen = ObservedAccount {
            waiting_orders: Some(Vec::new()),
            ..ObservedAccount::default()
        };
        for id in ids {
            seen.orders.insert(id.into(), self.shown(id, false));
        }
        self.world.observed = seen;
        for round in 0.. {
            let asked = self.world.questions();
            if asked.is_empty() {
                return;
            }
            assert!(round < 64, "{asked:?}");
            for id in asked.orders.into_iter().chain(asked.dying) {
                let number: u64 = id.as_str().parse().unwrap();
                let mut order = self.shown(number, true);
                order.certificates = Some(Vec::new());
                self.world.observed.details.insert(id, Some(order));
            }
            for tag in asked.tags {
                let carries = |sold: &&Sold| sold.tag.as_deref() == Some(tag.as_str());
                let hits = self.sold.iter().filter(|(_, sold)| carries(sold));
                let orders = hits.map(|(id, _)| StatusChange {
                    order_id: (*id).into(),
                    certificate_id: None,
                    status: OrderStatus::Issued,
                });
                let lookup = TagLookup {
                    orders: orders.collect(),
                };
                self.world.observed.tags.insert(tag, lookup);
            }
        }
    }

    fn note(&mut self, step: &Step, body: FactBody) {
        let fact = Fact {
            at: self.world.now,
            run: RunId::from("run"),
            address: step.address.clone(),
            account: step.account.clone(),
            body,
        };
        let record = self.world.records.entry(step.address.clone()).or_default();
        *record = record
            .next(&fact)
            .unwrap_or_else(|illegal| panic!("{illegal}"));
    }

    /// The CA takes a call, and says for which order.
    fn take(&mut self, name: usize, operation: &Operation) -> u64 {
        let issues = Some(self.day + DELAY);
        match operation {
            Operation::Order(placed) => {
                let id = 7001 + self.sold.len() as u64;
                if let Some(RenewalOf::OrderId(renewed)) = &placed.order.renewal_of {
                    let renewed: u64 = renewed.as_str().parse().unwrap();
                    let renewed = self.sold.get_mut(&renewed).unwrap();
                    assert_eq!(renewed.renewed_by, None, "the CA takes no second renewal");
                    assert!(renewed.paid - self.day <= 90, "nor one so early");
                    renewed.renewed_by = Some(id);
                }
                let sold = Sold {
                    name,
                    tag: Some(placed.tag.to_string()),
                    renewed_by: None,
                    paid: self.day + 365,
                    certificate: None,
                    issues,
                };
                self.sold.insert(id, sold);
                id
            }
            Operation::Reissue(reissue) => {
                let id: u64 = reissue.order_id.as_str().parse().unwrap();
                *self.reissues.entry(name).or_default() += 1;
                let sold = self.sold.get_mut(&id).unwrap();
                assert_eq!(sold.issues, None, "the CA takes no second reissue");
                sold.issues = issues;
                id
            }
            Operation::Revoke(_) => panic!("nothing is revoked"),
        }
    }

    fn attempt(&self, step: &Step, operation: &Operation) -> Attempt {
        let record = self.world.records.get(&step.address);
        let (kind, order_id, renews, tag, why) = match operation {
            Operation::Order(order) => {
                let follows = order.renews.clone();
                let kind = match follows {
                    Some(_) => OperationKind::Renew,
                    None => OperationKind::Order,
                };
                (
                    kind,
                    follows.clone(),
                    follows,
                    Some(order.tag.clone()),
                    Why::Change,
                )
            }
            Operation::Reissue(reissue) => {
                let id = Some(reissue.order_id.clone());
                (OperationKind::Reissue, id, None, None, reissue.why)
            }
            Operation::Revoke(_) => panic!("nothing is revoked"),
        };
        let Wanted::Order(wanted) = &self.world.batch.items[number(step)].wanted else {
            unreachable!()
        };
        Attempt {
            kind,
            part: None,
            number: record.map_or(0, |record| record.attempts) + 1,
            generation: 1,
            order_id,
            renews,
            why,
            replaces: record.and_then(|record| record.live.as_ref()?.certificate_id.clone()),
            tag,
            body: Digest::of(b"body"),
            public_key: Some(Digest::of(b"key")),
            certificate: Some(wanted.certificate.digest()),
            terms: Some(wanted.terms()),
            asked: None,
        }
    }

    fn accepted(&mut self, step: &Step, id: u64) {
        let body = FactBody::Accepted {
            order_id: id.into(),
            request_id: None,
            certificate_id: None,
            approved: true,
            validation: Vec::new(),
        };
        self.note(step, body);
    }

    fn send(&mut self, step: &Step, operation: &Operation, answer: Answer) {
        let attempt = self.attempt(step, operation);
        self.note(step, FactBody::Intended(attempt));
        let taken = (answer != Answer::Killed).then(|| self.take(number(step), operation));
        match (answer, taken) {
            (Answer::Taken, Some(id)) => self.accepted(step, id),
            (Answer::Lost, _) => self.doubt(step),
            _ => {}
        }
    }

    fn doubt(&mut self, step: &Step) {
        let body = FactBody::Doubted {
            why: "timeout".into(),
            boot: None,
            at_ca: None,
        };
        self.note(step, body);
    }

    /// A doubt is settled by what the CA shows; what was not taken is sent again.
    fn settle(&mut self, step: &Step) {
        let open = self.world.records[&step.address].open.clone().unwrap();
        if open.phase == Phase::Sending {
            self.doubt(step);
        }
        let operation = step.operation.as_ref().unwrap();
        let found = match &open.attempt.tag {
            Some(tag) => {
                let mut sold = self.sold.iter();
                sold.find(|(_, sold)| sold.tag.as_deref() == Some(tag.as_str()))
                    .map(|(id, _)| *id)
            }
            None => {
                let id = open.attempt.order_id.as_ref().unwrap();
                let id: u64 = id.as_str().parse().unwrap();
                let before: Option<u64> = open
                    .attempt
                    .replaces
                    .as_ref()
                    .map(|id| id.as_str().parse().unwrap());
                let sold = &self.sold[&id];
                let another = sold.certificate.map(|(number, _, _)| number) != before;
                (sold.issues.is_some() || another).then_some(id)
            }
        };
        match (found, open.attempt.kind) {
            (Some(id), OperationKind::Reissue) => self.accepted(step, id),
            (Some(id), _) => {
                let shown = self.shown(id, true);
                let Operation::Order(placed) = operation else {
                    panic!("{operation:?}")
                };
                let tag = Some(&placed.tag);
                let adoption = Adoption::of(Some(&open.attempt), &shown, &placed.order, tag);
                assert_eq!(adoption.differences(), Vec::<String>::new());
                let fact = adoption.fact("found by its tag");
                self.note(step, fact);
            }
            (None, kind) => {
                let evidence = "not found".into();
                self.note(step, FactBody::Dead { evidence });
                if kind != OperationKind::Reissue {
                    self.send(step, operation, Answer::Taken);
                }
            }
        }
    }

    fn run(&mut self) {
        self.read();
        for step in self.world.plan().steps {
            for body in step.news.clone() {
                self.note(&step, body);
            }
            match step.action {
                Action::Order | Action::Renew | Action::Reissue => {
                    let operation = step.operation.clone().unwrap();
                    let answer = match self.roll(20) {
                        0 => Answer::Lost,
                        1 => Answer::Killed,
                        _ => Answer::Taken,
                    };
                    self.send(&step, &operation, answer);
                }
                Action::Settle => self.settle(&step),
                Action::Keep | Action::Wait | Action::Adopt => {}
                Action::Collect | Action::Revoke => panic!("{step:?}"),
            }
        }
    }

    /// Names without a certificate in force today.
    fn uncovered(&self) -> Vec<usize> {
        let in_force = |sold: &Sold| sold.certificate.is_some_and(|(_, _, end)| end >= self.day);
        let mut covered = vec![false; names()];
        for sold in self.sold.values().filter(|sold| in_force(sold)) {
            covered[sold.name] = true;
        }
        (0..names()).filter(|name| !covered[*name]).collect()
    }
}

fn names() -> usize {
    let full = std::env::var_os("CERTPLAN_MODEL").is_some_and(|value| value == "full");
    if full { NAMES.1 } else { NAMES.0 }
}

/// The number in the name of a step.
fn number(step: &Step) -> usize {
    let name = step.address.name().to_string();
    name.trim_start_matches('n').parse().unwrap()
}

/// The fewest reissues of a name: each certificate is used until it is due.
fn fewest(years: &Years, name: usize, bought: &[i64]) -> u32 {
    let address: Address = format!("orders.n{name}").parse().unwrap();
    // A run is at ten in the morning.
    let earlier = (Ends::part_of(&address, SPREAD) + 10 * 3600) / 86_400;
    let mut reissues = 0;
    for (at, day) in bought.iter().enumerate() {
        let paid = day + 365;
        let until = bought.get(at + 1).copied().unwrap_or(DAYS);
        let mut issued = day + DELAY;
        loop {
            let end = paid.min(issued + lifetime(years.date(issued)));
            let due = end - (end - issued) * 33 / 100 - earlier;
            let gain = paid.min(due + lifetime(years.date(due))) - end;
            if due >= until || gain < 7 {
                break;
            }
            reissues += 1;
            issued = due + DELAY;
        }
    }
    reissues
}

#[test]
fn three_years_leave_no_day_without_a_certificate_and_buy_no_order_too_many() {
    let mut years = Years::new();
    while years.day < DAYS {
        years.issue();
        if years.day > DELAY + 3 {
            assert_eq!(years.uncovered(), Vec::<usize>::new(), "day {}", years.day);
        }
        // Every tenth run is missed.
        if years.day < 3 || years.roll(10) > 0 {
            years.run();
        }
        years.day += 1;
        years.world.now += SignedDuration::from_hours(24);
    }
    let mut bought: BTreeMap<usize, Vec<i64>> = BTreeMap::new();
    for sold in years.sold.values() {
        bought.entry(sold.name).or_default().push(sold.paid - 365);
    }
    for (name, bought) in &bought {
        assert_eq!(bought.len(), 4, "n{name}: {bought:?}");
        let (made, fewest) = (years.reissues[name], fewest(&years, *name, bought));
        // A part of `spread`, a missed run or a lost answer may bring each a few days forward or back.
        assert!(
            made.abs_diff(fewest) <= 1,
            "n{name}: {made} reissues, {fewest} would do"
        );
    }
}
