//! The journal of the model: the records that came up, and `Record::next` between them.
//!
//! A state of the model names a record by its number here, so that states stay small. Nothing but
//! [`Record::next`] makes a record: the model has no transition of its own.

use std::collections::HashMap;

use certplan::model::{
    Attempt, Digest, Fact, FactBody, IllegalFact, LiveState, OperationKind, OrderId, Part, Record,
    RunId, Tag, TagParts, Untrusted,
};
use jiff::{SignedDuration, Timestamp};

/// What an item of the model is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Order,
    /// A revocation that waits until the first item is in force.
    Revocation,
}

/// A fact, as short as a state needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Word {
    Intended,
    Unsent,
    Refused,
    Doubted,
    Accepted(u8),
    Adopted(u8),
    Revoked,
    LookedUp,
    Dead,
    DecidedNotPlaced,
    Parked,
    SeenIssued,
}

/// A record, by its number.
pub(super) type Number = u16;

/// Every record that came up so far; number 0 is the empty one.
pub(super) struct Journal {
    kinds: [Kind; 2],
    records: Vec<Record>,
    /// What is known of `Record::next`, which is a pure function.
    known: HashMap<(usize, Number, Word), Result<Number, IllegalFact>>,
}

impl Journal {
    pub(super) fn new(kinds: [Kind; 2]) -> Self {
        Self {
            kinds,
            records: vec![Record::default()],
            known: HashMap::new(),
        }
    }

    pub(super) fn record(&self, number: Number) -> &Record {
        &self.records[usize::from(number)]
    }

    /// The record after a fact, by `Record::next`.
    pub(super) fn next(
        &mut self,
        item: usize,
        number: Number,
        word: Word,
    ) -> Result<Number, IllegalFact> {
        if let Some(known) = self.known.get(&(item, number, word)) {
            return known.clone();
        }
        let fact = self.fact(item, self.record(number).attempts, word);
        let next = self
            .record(number)
            .next(&fact)
            .map(|record| self.number(record));
        self.known.insert((item, number, word), next.clone());
        next
    }

    fn number(&mut self, record: Record) -> Number {
        let found = self.records.iter().position(|known| *known == record);
        let at = found.unwrap_or_else(|| {
            self.records.push(record);
            self.records.len() - 1
        });
        Number::try_from(at).expect("few records")
    }

    fn fact(&self, item: usize, attempts: u32, word: Word) -> Fact {
        let number = attempts + u32::from(word == Word::Intended);
        let account = "digicert".parse().expect("a name");
        let address = match self.kinds[item] {
            Kind::Order => format!("orders.o{item}"),
            Kind::Revocation => format!("revocations.r{item}"),
        };
        let address = address.parse().expect("an address");
        let tag = (self.kinds[item] == Kind::Order).then(|| {
            Tag::derive(TagParts {
                renews: None,
                provider: "certcentral",
                endpoint: "https://ca.example",
                account: &account,
                address: &address,
                generation: 1,
            })
        });
        let text = || Untrusted::new("model");
        let body = match word {
            Word::Intended => FactBody::Intended(Attempt {
                renews: None,
                why: Default::default(),
                public_key: None,
                kind: match self.kinds[item] {
                    Kind::Order => OperationKind::Order,
                    Kind::Revocation => OperationKind::Revoke,
                },
                part: (self.kinds[item] == Kind::Revocation).then_some(Part::Order),
                number,
                generation: 1,
                order_id: (self.kinds[item] == Kind::Revocation).then(|| 1_u64.into()),
                replaces: None,
                tag,
                body: Digest::of(b"body"),
                certificate: None,
                terms: None,
                asked: None,
            }),
            Word::Unsent => FactBody::Unsent { why: text() },
            Word::Refused => FactBody::Refused {
                code: None,
                message: text(),
            },
            Word::Doubted => FactBody::Doubted {
                why: text(),
                boot: None,
                at_ca: None,
            },
            Word::Accepted(order) => FactBody::Accepted {
                order_id: OrderId::from(u64::from(order)),
                request_id: None,
                certificate_id: None,
                approved: false,
                validation: Vec::new(),
            },
            Word::Adopted(order) => FactBody::Adopted {
                renews: None,
                public_key: None,
                order_id: OrderId::from(u64::from(order)),
                certificate_id: None,
                generation: 1,
                tag,
                certificate: None,
                terms: None,
                asked: None,
                evidence: text(),
            },
            Word::Revoked => FactBody::Revoked,
            Word::LookedUp => FactBody::LookedUp,
            Word::Dead => FactBody::Dead { evidence: text() },
            Word::DecidedNotPlaced => FactBody::DecidedNotPlaced { evidence: text() },
            Word::Parked => FactBody::Parked { why: text() },
            Word::SeenIssued => FactBody::Seen {
                order_id: None,
                state: LiveState::Issued,
                certificate_id: None,
                serial_number: None,
                valid_till: None,
            },
        };
        Fact {
            at: time_of(number),
            run: RunId::from("model"),
            address,
            account,
            body,
        }
    }
}

/// The time of the model: the number of the last attempt, in seconds. The quiet period is a condition on
/// the state, not on a clock.
pub(super) fn time_of(attempt: u32) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(attempt.into())
}
