//! A record under another name. A fact changes the record of its own address by [`Record::next`]; the fact
//! [`FactBody::Moved`] also ends the record of the name that the item had. Main function: [`follow`].

use super::fact::{Fact, FactBody, IllegalFact};
use super::ids::{Address, ItemName};
use super::record::{Record, Records};

/// What a fact makes of the records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// The record of the fact's address.
    pub record: Record,
    /// The address whose record ends with it.
    pub ended: Option<Address>,
}

/// What the records are after a fact, or why that fact cannot be. `known` gives the record of an address.
pub fn follow<'r>(
    known: impl Fn(&Address) -> Option<&'r Record>,
    fact: &Fact,
) -> Result<Followed, IllegalFact> {
    let own = known(&fact.address);
    let FactBody::Moved { from } = &fact.body else {
        let record = match own {
            Some(own) => own.next(fact)?,
            None => Record::default().next(fact)?,
        };
        return Ok(Followed {
            record,
            ended: None,
        });
    };
    let record = known(from).ok_or("nothing is known of the other name");
    match record.and_then(|record| renamed((from, record), (&fact.address, own))) {
        Ok(record) => Ok(Followed {
            record,
            ended: Some(from.clone()),
        }),
        Err(why) => Err(IllegalFact {
            address: fact.address.clone(),
            fact: fact.body.word(),
            why,
        }),
    }
}

/// The record of an item under another name, which may have a record of its own.
pub fn renamed(
    (from, record): (&Address, &Record),
    (to, own): (&Address, Option<&Record>),
) -> Result<Record, &'static str> {
    check_names(from, to)?;
    let mut record = record.clone();
    if let Some(own) = own {
        if !own.stands_for_nothing() {
            return Err("the name has a record of its own");
        }
        // The numbers of calls go on, and what a person parted from the name is not bound to it by its tag.
        record.attempts = record.attempts.max(own.attempts);
        record.forgotten.extend(own.forgotten.iter().cloned());
        record.previous.splice(0..0, own.previous.iter().cloned());
    }
    // A name is no earlier name of itself.
    let (from, to) = (from.name(), to.name());
    record
        .former_names
        .retain(|former| former != from && former != to);
    record.former_names.push(from.clone());
    Ok(record)
}

/// Takes a fact into the records.
pub fn take(records: &mut Records, fact: &Fact) -> Result<(), IllegalFact> {
    let Followed { record, ended } = follow(|address| records.get(address), fact)?;
    if let Some(ended) = ended {
        records.remove(&ended);
    }
    records.insert(fact.address.clone(), record);
    Ok(())
}

fn check_names(from: &Address, to: &Address) -> Result<(), &'static str> {
    match (from, to) {
        (Address::Order(from), Address::Order(to))
        | (Address::Revocation(from), Address::Revocation(to)) => {
            if from == to {
                return Err("it names itself");
            }
            Ok(())
        }
        (Address::Order(_), Address::Revocation(_))
        | (Address::Revocation(_), Address::Order(_)) => {
            Err("an order and a revocation are not the same item")
        }
    }
}

impl Record {
    /// True for a name that stands for nothing now, whatever was tried or parted from it before.
    pub fn stands_for_nothing(&self) -> bool {
        let past = Self {
            forgotten: self.forgotten.clone(),
            failure: self.failure.clone(),
            first_generation: self.first_generation,
            replaced: self.replaced.clone(),
            carriers: self.carriers.clone(),
            previous: self.previous.clone(),
            attempts: self.attempts,
            ..Self::default()
        };
        *self == past
    }

    /// True where the item had this name before.
    pub fn was_called(&self, name: &ItemName) -> bool {
        self.former_names.contains(name)
    }
}
