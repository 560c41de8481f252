//! Random facts: what `append` took is what is read, whatever was asked for.

use proptest::prelude::*;

use super::*;
use crate::model::{Ending, Part, PartState, Record};

/// One fact to try; the number of an attempt is mostly the right one.
#[derive(Debug, Clone)]
struct Try {
    item: u8,
    word: u8,
    choice: u8,
    text: String,
    nanosecond: i32,
}

fn tries() -> impl Strategy<Value = Vec<Vec<Try>>> {
    let one = (
        0..4_u8,
        0..20_u8,
        any::<u8>(),
        ".{0,12}",
        0..1_000_000_000_i32,
    )
        .prop_map(|(item, word, choice, text, nanosecond)| Try {
            item,
            word,
            choice,
            text,
            nanosecond,
        });
    prop::collection::vec(prop::collection::vec(one, 1..3), 1..40)
}

impl Try {
    /// An address of the same kind.
    fn address(&self, number: u8) -> Address {
        let name = format!("i{}", number % 2).parse().unwrap();
        if self.item < 2 {
            Address::Order(name)
        } else {
            Address::Revocation(name)
        }
    }

    fn fact(&self, records: &Records) -> Fact {
        let address = self.address(self.item);
        let record = records.get(&address).cloned().unwrap_or_default();
        Fact {
            at: Timestamp::new(1_795_000_000, self.nanosecond).unwrap(),
            run: RunId::from(self.text.as_str()),
            account: "ncloud".parse().unwrap(),
            body: self.body(&record),
            address,
        }
    }

    fn body(&self, record: &Record) -> FactBody {
        let text = || Untrusted::new(self.text.as_str());
        let id = u64::from(self.choice % 2);
        let part = if self.choice.is_multiple_of(2) {
            Part::Order
        } else {
            Part::Certificate(id.into())
        };
        let kinds = [
            OperationKind::Order,
            OperationKind::Renew,
            OperationKind::Reissue,
            OperationKind::Revoke,
        ];
        match self.word {
            0..=4 => FactBody::Intended(Attempt {
                renews: None,
                why: Default::default(),
                public_key: None,
                kind: if self.item < 2 {
                    kinds[usize::from(self.choice % 3)]
                } else {
                    OperationKind::Revoke
                },
                part: (self.item >= 2).then_some(part),
                number: record.attempts + u32::from(!self.choice.is_multiple_of(16)),
                generation: u32::from(self.choice / 16),
                order_id: Some(id.into()),
                replaces: None,
                tag: None,
                body: Digest::of(self.text.as_bytes()),
                certificate: None,
                terms: Some(Digest::of(b"terms")),
                asked: None,
            }),
            5 => FactBody::Unsent { why: text() },
            6 => FactBody::Refused {
                code: Some(text()),
                message: text(),
            },
            7 => FactBody::Doubted {
                why: text(),
                boot: None,
                at_ca: None,
            },
            8 => FactBody::Accepted {
                order_id: id.into(),
                request_id: Some(id.into()),
                certificate_id: None,
                approved: false,
                validation: Vec::new(),
            },
            9 => FactBody::Adopted {
                renews: None,
                public_key: None,
                order_id: id.into(),
                certificate_id: None,
                generation: u32::from(self.choice / 16),
                tag: None,
                certificate: None,
                terms: None,
                asked: None,
                evidence: text(),
            },
            10 => FactBody::Requested { request_id: None },
            11 => FactBody::Revoked,
            12 => FactBody::LookedUp,
            13 => FactBody::Dead { evidence: text() },
            14 => FactBody::Parked { why: text() },
            15 => FactBody::DecidedNotPlaced { evidence: text() },
            16 => FactBody::Seen {
                order_id: None,
                state: match self.choice % 4 {
                    0 => LiveState::Ended(Ending::Expired),
                    1 => LiveState::Requested,
                    _ => LiveState::Issued,
                },
                certificate_id: None,
                serial_number: None,
                valid_till: self.text.parse().ok(),
            },
            17 | 18 => FactBody::Moved {
                from: self.address(self.choice),
            },
            _ => FactBody::SeenPart {
                order_id: Some(id.into()),
                part,
                state: PartState::Declined,
            },
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_taken_is_what_is_read(calls in tries()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let bench = Bench::new();
        let (taken, records, mark) = runtime.block_on(async {
            let mut journal = bench.hold().await;
            let mut taken = Vec::new();
            for (number, call) in calls.iter().enumerate() {
                let facts: Vec<Fact> = call.iter().map(|one| one.fact(&journal.records())).collect();
                match journal.append(facts.clone()).await {
                    Ok(()) => taken.extend(facts),
                    Err(JournalError::Illegal(_)) => {}
                    Err(other) => panic!("{other}"),
                }
                if number % 16 == 15 {
                    drop(journal);
                    journal = bench.hold().await;
                }
            }
            (taken, journal.records(), journal.mark())
        });
        prop_assert_eq!(&records, &replayed(&taken));
        prop_assert_eq!(bench.facts(), taken);
        let found = bench.read().unwrap().unwrap();
        prop_assert_eq!((found.records, found.mark), (records, mark));
    }
}
