//! The records that came up in a model, each known by its number. Nothing but [`Record::next`] makes one.

use std::collections::HashMap;

use certplan::model::{Address, Digest, Fact, FactBody, IllegalFact, Record, RunId, renamed};
use jiff::Timestamp;

/// A record, by its number. Number 0 is the empty record.
pub(super) type Number = u16;

/// Every record that came up so far.
pub(super) struct Books {
    records: Vec<Record>,
    numbers: HashMap<Digest, Number>,
}

impl Books {
    pub(super) fn new() -> Self {
        let empty = Record::default();
        Self {
            numbers: HashMap::from([(Digest::of_json(&empty), 0)]),
            records: vec![empty],
        }
    }

    pub(super) fn record(&self, number: Number) -> &Record {
        &self.records[usize::from(number)]
    }

    /// The record under another name, which has none.
    pub(super) fn moved(&mut self, (from, to): (&Address, &Address), number: Number) -> Number {
        let record = renamed((from, self.record(number)), (to, None)).expect("a free name");
        self.number(record)
    }

    /// The record after a fact.
    pub(super) fn next(
        &mut self,
        address: &Address,
        number: Number,
        (at, body): (Timestamp, FactBody),
    ) -> Result<Number, IllegalFact> {
        let fact = Fact {
            at,
            run: RunId::from("model"),
            address: address.clone(),
            account: "digicert".parse().expect("a name"),
            body,
        };
        let next = self.record(number).next(&fact)?;
        Ok(self.number(next))
    }

    fn number(&mut self, record: Record) -> Number {
        let number = self.numbers.entry(Digest::of_json(&record));
        *number.or_insert_with(|| {
            self.records.push(record);
            Number::try_from(self.records.len() - 1).expect("few records")
        })
    }
}
