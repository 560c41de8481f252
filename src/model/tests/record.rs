//! [`Record::next`] against the protocol: every fact in every state; what each one leaves behind is in
//! `effects`.

mod effects;
mod moved;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::model::*;

/// A fact's time is its number in the story, in seconds.
fn after(facts: &[FactBody]) -> Record {
    facts
        .iter()
        .zip(0..)
        .fold(Record::default(), |record, (body, second)| {
            let next = record.next(&fact(body.clone(), second));
            next.unwrap_or_else(|illegal| panic!("{illegal}"))
        })
}

fn at(second: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)
}

fn fact(body: FactBody, second: i64) -> Fact {
    Fact {
        at: at(second),
        run: RunId::from("run"),
        address: "orders.a".parse().unwrap(),
        account: "digicert".parse().unwrap(),
        body,
    }
}

fn attempt(kind: OperationKind, number: u32, generation: u32, part: Option<Part>) -> FactBody {
    let order_id = part.as_ref().map(|_| 1001_u64.into());
    FactBody::Intended(Attempt {
        renews: None,
        why: Default::default(),
        public_key: None,
        kind,
        part,
        number,
        generation,
        order_id,
        replaces: None,
        tag: None,
        body: Digest::of(&number.to_be_bytes()),
        certificate: Some(Digest::of(b"certificate")),
        terms: Some(Digest::of(b"terms")),
        asked: None,
    })
}

fn order(number: u32) -> FactBody {
    attempt(OperationKind::Order, number, 1, None)
}

fn reissue(number: u32) -> FactBody {
    attempt(OperationKind::Reissue, number, 1, None)
}

fn revoke(number: u32, generation: u32, part: Part) -> FactBody {
    attempt(OperationKind::Revoke, number, generation, Some(part))
}

fn refused() -> FactBody {
    FactBody::Refused {
        code: Some("invalid_csr".into()),
        message: "the CSR is not valid".into(),
    }
}

fn unsent() -> FactBody {
    FactBody::Unsent {
        why: "no address".into(),
    }
}

fn doubted() -> FactBody {
    FactBody::Doubted {
        why: "timeout".into(),
        boot: None,
        at_ca: None,
    }
}

fn parked() -> FactBody {
    FactBody::Parked {
        why: "two orders".into(),
    }
}

fn dead() -> FactBody {
    FactBody::Dead {
        evidence: "not found".into(),
    }
}

fn decided() -> FactBody {
    FactBody::DecidedNotPlaced {
        evidence: "not found".into(),
    }
}

fn accepted(order_id: u64) -> FactBody {
    FactBody::Accepted {
        order_id: order_id.into(),
        request_id: Some(5_u64.into()),
        certificate_id: Some(6_u64.into()),
        approved: false,
        validation: Vec::new(),
    }
}

fn adopted(generation: u32) -> FactBody {
    FactBody::Adopted {
        renews: None,
        public_key: None,
        order_id: 2002_u64.into(),
        certificate_id: Some(9_u64.into()),
        generation,
        tag: None,
        certificate: Some(Digest::of(b"seen")),
        terms: None,
        asked: None,
        evidence: "found by its tag".into(),
    }
}

fn requested() -> FactBody {
    FactBody::Requested {
        request_id: Some(5_u64.into()),
    }
}

fn seen(state: LiveState) -> FactBody {
    FactBody::Seen {
        order_id: None,
        state,
        certificate_id: None,
        serial_number: None,
        valid_till: None,
    }
}

fn exchanged() -> FactBody {
    FactBody::Exchanged {
        public_key: None,
        certificate_id: 2002_u64.into(),
        certificate: None,
    }
}

fn forgotten(order: u64) -> FactBody {
    FactBody::Forgotten {
        order_id: order.into(),
    }
}

fn seen_part(part: Part, state: PartState) -> FactBody {
    FactBody::SeenPart {
        order_id: Some(1001_u64.into()),
        part,
        state,
    }
}

fn one() -> Part {
    Part::Certificate(9_u64.into())
}

/// Every state that the protocol tells apart, by a letter, with the facts that lead there.
fn states() -> Vec<(char, Vec<FactBody>)> {
    let issued = || vec![order(1), accepted(1001), seen(LiveState::Issued)];
    let with = |mut first: Vec<FactBody>, more: &[FactBody]| {
        first.extend_from_slice(more);
        first
    };
    let ended = seen(LiveState::Ended(Ending::Expired));
    let declined = seen_part(Part::Order, PartState::Declined);
    let all = || vec![revoke(1, 1, Part::Order)];
    vec![
        ('N', vec![]),
        ('S', vec![order(1)]),
        ('D', vec![order(1), doubted()]),
        ('P', vec![order(1), doubted(), parked()]),
        ('F', vec![order(1), refused()]),
        ('R', vec![order(1), accepted(1001)]),
        ('I', issued()),
        ('E', with(issued(), &[ended])),
        ('s', with(issued(), &[reissue(2)])),
        ('d', with(issued(), &[reissue(2), doubted()])),
        ('p', with(issued(), &[reissue(2), doubted(), parked()])),
        ('i', with(issued(), &[reissue(2), accepted(1001)])),
        ('1', all()),
        ('2', with(all(), &[doubted()])),
        ('3', with(all(), &[doubted(), parked()])),
        ('r', with(all(), &[requested()])),
        ('v', with(all(), &[FactBody::Revoked])),
        ('x', with(all(), &[requested(), declined])),
    ]
}

/// In which states each fact may follow. S, s and 1 have a call under way; D, d, 2 one in doubt; P, p,
/// 3 a parked one; R, I, E, i a live order; r, v, x a revocation that was taken.
#[test]
fn each_fact_follows_exactly_where_the_protocol_allows_it() {
    type Make = fn(u32) -> FactBody;
    use OperationKind::{Order, Renew, Revoke};
    let table: Vec<(&str, Make, &str)> = vec![
        ("order", order, "NFrvx"),
        (
            "order, generation 2",
            |n| attempt(Order, n, 2, None),
            "NFErvx",
        ),
        (
            "renew, generation 2",
            |n| attempt(Renew, n, 2, None),
            "NFErvx",
        ),
        (
            "renew, same generation",
            |n| attempt(Renew, n, 1, None),
            "NFrvx",
        ),
        ("reissue", reissue, "I"),
        ("revoke the order", |n| revoke(n, 1, Part::Order), "NFRIEi"),
        (
            "revoke the order, generation 2",
            |n| revoke(n, 2, Part::Order),
            "NFRIEix",
        ),
        ("revoke one", |n| revoke(n, 1, one()), "NFRIEirvx"),
        ("revoke nothing", |n| attempt(Revoke, n, 1, None), ""),
        ("number repeated", |n| order(n - 1), ""),
        ("number left out", |n| order(n + 1), ""),
        ("unsent", |_| unsent(), "Ss1"),
        ("refused", |_| refused(), "Ss1"),
        ("doubted", |_| doubted(), "Ss1"),
        ("accepted", |_| accepted(1001), "Ssdp"),
        ("accepted, another order", |_| accepted(1002), "S"),
        ("adopted", |_| adopted(1), "NDPFrvx"),
        ("adopted, generation 2", |_| adopted(2), "NDPFErvx"),
        ("requested", |_| requested(), "123"),
        ("revoked", |_| FactBody::Revoked, "123"),
        ("looked up", |_| FactBody::LookedUp, "Dd2"),
        ("dead", |_| dead(), "DPdp23"),
        ("decided not placed", |_| decided(), "DPdp23"),
        ("parked", |_| parked(), "DPdp23"),
        ("seen", |_| seen(LiveState::Issued), "RIEsdpi"),
        ("exchanged", |_| exchanged(), "RIE"),
        ("forgotten", |_| forgotten(1001), "RIEi"),
        ("forgotten, another order", |_| forgotten(1002), ""),
        (
            "seen part revoked",
            |_| seen_part(Part::Order, PartState::Revoked),
            "rvx",
        ),
        (
            "seen part declined",
            |_| seen_part(Part::Order, PartState::Declined),
            "rx",
        ),
        (
            "seen part that was not asked for",
            |_| seen_part(one(), PartState::Revoked),
            "",
        ),
    ];
    for (name, make, allowed) in table {
        let found: BTreeSet<char> = states()
            .into_iter()
            .filter(|(_, facts)| {
                let record = after(facts);
                record.next(&fact(make(record.attempts + 1), 99)).is_ok()
            })
            .map(|(state, _)| state)
            .collect();
        assert_eq!(found, allowed.chars().collect(), "{name}");
    }
}

#[test]
fn a_refused_fact_names_the_item_the_fact_and_the_rule() {
    let illegal = Record::default().next(&fact(doubted(), 0)).unwrap_err();
    assert_eq!(
        illegal.to_string(),
        "orders.a: `doubted` cannot follow: no call is open"
    );
}

#[test]
fn a_fact_is_filed_under_the_word_that_its_json_has() {
    let bodies = [
        order(1),
        unsent(),
        refused(),
        doubted(),
        accepted(1),
        adopted(1),
        requested(),
        FactBody::Revoked,
        FactBody::LookedUp,
        dead(),
        parked(),
        decided(),
        seen(LiveState::Requested),
        seen_part(one(), PartState::Declined),
        exchanged(),
        forgotten(1),
        moved::moved("orders.b"),
    ];
    let words: BTreeSet<&str> = bodies.iter().map(FactBody::word).collect();
    assert_eq!(words.len(), bodies.len());
    for body in bodies {
        let json = serde_json::to_value(&body).unwrap();
        assert_eq!(json["fact"], body.word());
        assert_eq!(serde_json::from_value::<FactBody>(json).unwrap(), body);
    }
}
