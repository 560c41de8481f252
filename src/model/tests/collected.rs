//! What the journal knows of keys and files.

use std::collections::BTreeMap;

use crate::model::*;

fn fact(body: FactBody) -> Fact {
    Fact {
        at: Timestamp::UNIX_EPOCH,
        run: RunId::from("run"),
        address: "orders.a".parse().unwrap(),
        account: "digicert".parse().unwrap(),
        body,
    }
}

use jiff::Timestamp;

fn key(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

fn intended(kind: OperationKind, number: u32, key_name: &str) -> FactBody {
    FactBody::Intended(Attempt {
        renews: None,
        why: Default::default(),
        public_key: Some(key(key_name)),
        kind,
        part: None,
        number,
        generation: 1,
        order_id: None,
        replaces: None,
        tag: None,
        body: Digest::of(b"body"),
        certificate: None,
        terms: None,
        asked: None,
    })
}

fn accepted() -> FactBody {
    FactBody::Accepted {
        order_id: 7_u64.into(),
        request_id: None,
        certificate_id: None,
        approved: true,
        validation: Vec::new(),
    }
}

fn seen(certificate: u64, serial: &str) -> FactBody {
    FactBody::Seen {
        order_id: None,
        state: LiveState::Issued,
        certificate_id: Some(certificate.into()),
        serial_number: Some(SerialNumber::from(serial)),
        valid_till: None,
    }
}

fn collected(serial: &str) -> FactBody {
    FactBody::Collected {
        certificate_id: Some(1_u64.into()),
        serial_number: SerialNumber::from(serial),
        public_key: key("first"),
        files: BTreeMap::new(),
        passphrase: None,
    }
}

fn delivered(serial: &str) -> FactBody {
    FactBody::Delivered {
        serial_number: SerialNumber::from(serial),
    }
}

fn failed(serial: &str) -> FactBody {
    FactBody::HookFailed {
        serial_number: SerialNumber::from(serial),
        why: "exit code 3".into(),
    }
}

fn after(facts: &[FactBody]) -> Record {
    facts.iter().fold(Record::default(), |record, body| {
        let next = record.next(&fact(body.clone()));
        next.unwrap_or_else(|illegal| panic!("{illegal}"))
    })
}

fn is_legal(record: &Record, body: FactBody) -> bool {
    record.next(&fact(body)).is_ok()
}

fn issued() -> Vec<FactBody> {
    vec![
        intended(OperationKind::Order, 1, "first"),
        accepted(),
        seen(1, "0A01"),
    ]
}

#[test]
fn the_key_in_force_is_that_of_the_last_issued_certificate() {
    let mut facts = issued();
    let live = |facts: &[FactBody]| after(facts).live.unwrap().key;
    assert_eq!(live(&facts), Some(key("first")));
    facts.extend([intended(OperationKind::Reissue, 2, "second"), accepted()]);
    // The reissue is under way: services have the first key.
    assert_eq!(live(&facts), Some(key("first")));
    facts.push(seen(2, "0A02"));
    assert_eq!(live(&facts), Some(key("second")));
    facts.push(FactBody::Exchanged {
        certificate_id: 3_u64.into(),
        certificate: None,
        public_key: Some(key("console")),
    });
    assert_eq!(live(&facts), Some(key("console")));
}

#[test]
fn a_refused_reissue_leaves_the_key() {
    let mut facts = issued();
    facts.extend([intended(OperationKind::Reissue, 2, "second"), accepted()]);
    facts.push(FactBody::ReissueRejected { request_id: None });
    assert_eq!(after(&facts).live.unwrap().key, Some(key("first")));
}

#[test]
fn only_the_certificate_that_was_seen_is_collected() {
    let record = after(&issued());
    assert!(is_legal(&record, collected("0A01")));
    assert!(is_legal(&record, collected("a01")), "another spelling");
    assert!(!is_legal(&record, collected("0A02")));
    let facts = [intended(OperationKind::Order, 1, "first"), accepted()];
    assert!(!is_legal(&after(&facts), collected("0A01")), "not issued");
    assert!(!is_legal(&Record::default(), collected("0A01")));
}

#[test]
fn a_program_ends_for_the_certificate_that_was_collected() {
    let mut facts = issued();
    assert!(!is_legal(&after(&facts), delivered("0A01")));
    facts.push(collected("0A01"));
    let delivery = |facts: &[FactBody]| after(facts).live.unwrap().collected.unwrap().delivery;
    assert_eq!(delivery(&facts), Delivery::Open);
    assert!(!is_legal(&after(&facts), delivered("0A02")));
    facts.push(failed("0A01"));
    assert!(matches!(delivery(&facts), Delivery::Failed { .. }));
    facts.push(delivered("0A01"));
    assert_eq!(delivery(&facts), Delivery::Done);
    // Another certificate, another delivery.
    facts.extend([
        intended(OperationKind::Reissue, 2, "second"),
        accepted(),
        seen(2, "0A02"),
    ]);
    facts.push(collected("0A02"));
    assert_eq!(delivery(&facts), Delivery::Open);
}

#[test]
fn keys_and_files_survive_the_journal() {
    let mut facts = issued();
    facts.extend([collected("0A01"), failed("0A01")]);
    for body in &facts {
        let text = serde_json::to_string(body).unwrap();
        assert_eq!(serde_json::from_str::<FactBody>(&text).unwrap(), *body);
    }
    let record = after(&facts);
    let text = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
}
