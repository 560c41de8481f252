//! A renewal and the order that it follows.

use jiff::{SignedDuration, Timestamp};

use crate::model::*;

fn at(day: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * day)
}

/// A fact's day is its number in the story.
fn after(facts: &[FactBody]) -> Record {
    facts
        .iter()
        .zip(0..)
        .fold(Record::default(), |record, (body, day)| {
            let next = record.next(&fact(body.clone(), day));
            next.unwrap_or_else(|illegal| panic!("{illegal}"))
        })
}

fn fact(body: FactBody, day: i64) -> Fact {
    Fact {
        at: at(day),
        run: RunId::from("run"),
        address: "orders.a".parse().unwrap(),
        account: "digicert".parse().unwrap(),
        body,
    }
}

fn refusal(facts: &[FactBody], body: FactBody) -> Option<&'static str> {
    let refused = after(facts).next(&fact(body, 99));
    refused.err().map(|illegal| illegal.why)
}

fn intended(kind: OperationKind, number: u32, renews: Option<u64>) -> FactBody {
    FactBody::Intended(Attempt {
        kind,
        part: None,
        number,
        generation: 1,
        order_id: renews.map(OrderId::from),
        renews: renews.map(OrderId::from),
        why: match kind {
            OperationKind::Reissue => Why::Renewal,
            OperationKind::Order | OperationKind::Renew | OperationKind::Revoke => Why::Change,
        },
        replaces: None,
        tag: None,
        body: Digest::of(&number.to_be_bytes()),
        public_key: Some(Digest::of(&number.to_be_bytes())),
        certificate: None,
        terms: None,
        asked: None,
    })
}

fn renew(number: u32, renews: u64) -> FactBody {
    intended(OperationKind::Renew, number, Some(renews))
}

fn accepted(order: u64) -> FactBody {
    FactBody::Accepted {
        order_id: order.into(),
        request_id: None,
        certificate_id: None,
        approved: true,
        validation: Vec::new(),
    }
}

fn adopted(order: u64, renews: Option<u64>) -> FactBody {
    FactBody::Adopted {
        order_id: order.into(),
        certificate_id: None,
        generation: 1,
        tag: None,
        certificate: None,
        terms: None,
        asked: None,
        public_key: None,
        renews: renews.map(OrderId::from),
        evidence: "found by its tag".into(),
    }
}

fn seen(order: Option<u64>, state: LiveState, certificate: u64, till: &str) -> FactBody {
    FactBody::Seen {
        order_id: order.map(OrderId::from),
        state,
        certificate_id: Some(certificate.into()),
        serial_number: None,
        valid_till: till.parse().ok(),
    }
}

fn issued(order: Option<u64>, certificate: u64) -> FactBody {
    seen(order, LiveState::Issued, certificate, "2027-06-01")
}

fn doubted() -> FactBody {
    FactBody::Doubted {
        why: "timeout".into(),
        boot: None,
        at_ca: None,
    }
}

/// Order 1 in force.
fn first() -> Vec<FactBody> {
    vec![
        intended(OperationKind::Order, 1, None),
        accepted(1),
        issued(None, 11),
    ]
}

/// Order 2 renews it and is not issued.
fn renewed() -> Vec<FactBody> {
    let mut facts = first();
    facts.extend([renew(2, 1), accepted(2)]);
    facts
}

fn with(mut facts: Vec<FactBody>, more: &[FactBody]) -> Vec<FactBody> {
    facts.extend_from_slice(more);
    facts
}

fn ids(record: &Record) -> (Option<String>, Option<String>, Vec<String>) {
    let text = |order: &LiveOrder| order.order_id.to_string();
    (
        record.live.as_ref().map(text),
        record.successor.as_deref().map(text),
        record
            .previous
            .iter()
            .map(|past| past.order_id.to_string())
            .collect(),
    )
}

fn story(
    live: &str,
    successor: Option<&str>,
    previous: &[&str],
) -> (Option<String>, Option<String>, Vec<String>) {
    (
        Some(live.to_owned()),
        successor.map(str::to_owned),
        previous.iter().map(|id| (*id).to_owned()).collect(),
    )
}

#[test]
fn the_live_order_stays_until_its_renewal_is_issued() {
    let taken = after(&renewed());
    assert_eq!(ids(&taken), story("1", Some("2"), &[]));
    assert_eq!(taken.live, after(&first()).live, "nothing of it changes");
    let waiting = with(renewed(), &[seen(Some(2), LiveState::Requested, 21, "")]);
    assert_eq!(ids(&after(&waiting)), story("1", Some("2"), &[]));
    let done = after(&with(waiting, &[issued(Some(2), 21)]));
    assert_eq!(ids(&done), story("2", None, &["1"]));
    let past = &done.previous[0];
    assert_eq!((past.from, past.to, past.found), (at(1), at(6), false));
    let bound: Vec<String> = done.bound_orders().map(ToString::to_string).collect();
    assert_eq!(bound, ["2", "1"]);
}

#[test]
fn what_is_read_of_the_live_order_does_not_touch_its_renewal() {
    let lapsed = seen(None, LiveState::Lapsed, 11, "2027-06-01");
    let record = after(&with(renewed(), &[lapsed]));
    assert_eq!(record.live.as_ref().unwrap().state, LiveState::Lapsed);
    assert_eq!(record.successor.unwrap().state, LiveState::Requested);
    let named = after(&with(renewed(), &[issued(Some(1), 12)]));
    let live = named.live.unwrap();
    assert_eq!(live.certificate_id, Some(12_u64.into()));
    assert_eq!(
        refusal(&renewed(), issued(Some(3), 31)),
        Some("the name does not stand for that order")
    );
}

#[test]
fn a_renewal_that_ends_leaves_the_live_order() {
    for ending in [Ending::Rejected, Ending::Canceled] {
        let ended = seen(Some(2), LiveState::Ended(ending), 21, "");
        let record = after(&with(renewed(), &[ended]));
        assert_eq!(ids(&record), story("1", None, &[]));
        let live = record.live.unwrap();
        let kept = live.renewal_ended.unwrap();
        assert_eq!(
            (kept.order_id, kept.ending, kept.generation),
            (2_u64.into(), ending, 1)
        );
        assert_eq!(live.state, LiveState::Issued);
        assert_eq!(record.failure.unwrap().kind, OperationKind::Renew);
    }
    // One that was issued and is over by now has taken the place all the same.
    for state in [
        LiveState::Lapsed,
        LiveState::Ended(Ending::Revoked),
        LiveState::Ended(Ending::Expired),
    ] {
        let record = after(&with(renewed(), &[seen(Some(2), state, 21, "2026-01-01")]));
        assert_eq!(ids(&record), story("2", None, &["1"]));
    }
}

#[test]
fn a_renewal_follows_an_order_that_was_issued() {
    let lapsed = seen(None, LiveState::Lapsed, 11, "2026-01-01");
    let ended = |ending| seen(None, LiveState::Ended(ending), 11, "2026-01-01");
    let reissue = intended(OperationKind::Reissue, 2, None);
    for (facts, allowed) in [
        (first(), true),
        (with(first(), &[lapsed]), true),
        (with(first(), &[ended(Ending::Expired)]), true),
        (with(first(), &[ended(Ending::Revoked)]), false),
        (with(first(), &[ended(Ending::Rejected)]), false),
        (vec![], false),
        (
            vec![intended(OperationKind::Order, 1, None), accepted(1)],
            false,
        ),
        (renewed(), false),
        (with(first(), &[reissue.clone(), accepted(1)]), false),
        (with(first(), &[reissue]), false),
    ] {
        let record = after(&facts);
        let body = renew(record.attempts + 1, 1);
        assert_eq!(
            record.next(&fact(body, 99)).is_ok(),
            allowed,
            "{:?}",
            ids(&record)
        );
        let other = renew(record.attempts + 1, 7);
        assert!(record.next(&fact(other, 99)).is_err(), "of another order");
    }
}

#[test]
fn a_renewal_in_doubt_is_adopted_as_the_successor() {
    let doubt = with(first(), &[renew(2, 1), doubted()]);
    let record = after(&with(
        doubt.clone(),
        &[adopted(2, Some(1)), issued(Some(2), 21)],
    ));
    assert_eq!(ids(&record), story("2", None, &["1"]));
    assert!(!record.previous[0].found, "a call of ours placed it");
    assert!(
        refusal(&doubt, adopted(2, None)).is_some(),
        "not as the live order"
    );
    assert!(refusal(&doubt, adopted(2, Some(9))).is_some());
    let parked = FactBody::Parked {
        why: "two orders".into(),
    };
    assert_eq!(refusal(&with(doubt, &[parked]), adopted(2, Some(1))), None);
}

#[test]
fn a_chain_is_found_without_a_journal() {
    let facts = [
        adopted(1, None),
        seen(None, LiveState::Ended(Ending::Expired), 11, "2026-01-01"),
        adopted(2, Some(1)),
        seen(Some(2), LiveState::Lapsed, 21, "2026-06-01"),
        adopted(3, Some(2)),
        issued(Some(3), 31),
    ];
    let record = after(&facts);
    assert_eq!(ids(&record), story("3", None, &["1", "2"]));
    assert!(record.previous.iter().all(|past| past.found));
    for past in [1, 2] {
        assert!(
            refusal(&facts, adopted(past, Some(3))).is_some(),
            "{past} comes back"
        );
    }
    let next = with(facts.to_vec(), &[renew(1, 3)]);
    assert!(
        refusal(&next, accepted(1)).is_some(),
        "the CA answers with an earlier order"
    );
    assert!(
        refusal(&next, accepted(3)).is_some(),
        "the CA answers with the live order"
    );
}

#[test]
fn a_renewal_is_forgotten_alone() {
    let forgotten = |order: u64| FactBody::Forgotten {
        order_id: order.into(),
    };
    let without = after(&with(renewed(), &[forgotten(2)]));
    assert_eq!(ids(&without), story("1", None, &[]));
    let moved_up = after(&with(renewed(), &[forgotten(1)]));
    assert_eq!(ids(&moved_up), story("2", None, &[]));
}

#[test]
fn a_reissue_for_a_later_end_is_noted_once_it_is_issued() {
    let asked = with(
        first(),
        &[intended(OperationKind::Reissue, 2, None), accepted(1)],
    );
    let live = |facts: &[FactBody]| after(facts).live.unwrap();
    assert_eq!(live(&asked).renewal, None);
    let same = with(
        asked.clone(),
        &[seen(None, LiveState::Issued, 12, "2027-06-01")],
    );
    let noted = live(&same).renewal.unwrap();
    assert_eq!(noted.valid_till.to_string(), "2027-06-01");
    assert_eq!(live(&same).took.unwrap().seconds, 86_400);
    let refused = with(asked, &[FactBody::ReissueRejected { request_id: None }]);
    assert_eq!(
        live(&refused).renewal,
        None,
        "it brought nothing because it was refused"
    );
}

#[test]
fn a_certificate_that_ran_out_in_a_paid_order_is_reissued_for_its_end_alone() {
    let lapsed = with(first(), &[seen(None, LiveState::Lapsed, 11, "2026-01-01")]);
    assert_eq!(
        refusal(&lapsed, intended(OperationKind::Reissue, 2, None)),
        None
    );
    let FactBody::Intended(attempt) = intended(OperationKind::Reissue, 2, None) else {
        unreachable!()
    };
    let change = FactBody::Intended(Attempt {
        why: Why::Change,
        ..attempt
    });
    assert!(refusal(&lapsed, change).is_some());
}

#[test]
fn the_files_stay_those_of_the_earlier_certificate() {
    let serial = SerialNumber::from("0A01");
    let collected = FactBody::Collected {
        certificate_id: Some(11_u64.into()),
        serial_number: serial.clone(),
        public_key: Digest::of(b"key"),
        files: std::collections::BTreeMap::new(),
        passphrase: None,
    };
    let facts = with(
        first(),
        &[collected, renew(2, 1), accepted(2), issued(Some(2), 21)],
    );
    let live = after(&facts).live.unwrap();
    assert_eq!(live.order_id, 2_u64.into());
    assert_eq!(live.collected.unwrap().serial_number, serial);
}

#[test]
fn successions_survive_the_journal() {
    let ended = seen(Some(2), LiveState::Ended(Ending::Rejected), 21, "");
    for facts in [
        renewed(),
        with(renewed(), &[issued(Some(2), 21)]),
        with(renewed(), &[ended]),
        vec![adopted(1, None), issued(None, 11), adopted(2, Some(1))],
    ] {
        for body in &facts {
            let text = serde_json::to_string(body).unwrap();
            assert_eq!(serde_json::from_str::<FactBody>(&text).unwrap(), *body);
        }
        let record = after(&facts);
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
    }
}
