//! What each fact leaves behind in the record.

use super::*;

#[test]
fn an_accepted_order_is_the_live_one_with_what_was_asked_for() {
    let record = after(&[order(1), refused(), order(2), accepted(1001)]);
    let live = record.live.unwrap();
    assert_eq!(live.order_id, 1001_u64.into());
    assert_eq!(live.request_id, Some(5_u64.into()));
    assert_eq!(live.certificate_id, Some(6_u64.into()));
    assert_eq!(live.state, LiveState::Requested);
    assert_eq!(live.certificate, Some(Digest::of(b"certificate")));
    assert_eq!(live.terms, Some(Digest::of(b"terms")));
    assert_eq!((live.generation, live.since), (1, at(3)));
    // The success takes the earlier refusal away; the number of calls stays.
    assert_eq!(
        (record.failure, record.open, record.attempts),
        (None, None, 2)
    );
}

#[test]
fn a_refusal_is_remembered_with_its_body() {
    let failure = after(&[order(1), refused()]).failure.unwrap();
    assert_eq!(failure.kind, OperationKind::Order);
    assert_eq!(failure.body, Digest::of(&1_u32.to_be_bytes()));
    assert_eq!(failure.code, Some("invalid_csr".into()));
    assert_eq!(failure.at, at(1));
    // What was proved unsent is no refusal and no trace of an order.
    let record = after(&[order(1), unsent()]);
    let expected = Record {
        attempts: 1,
        ..Record::default()
    };
    assert_eq!(record, expected);
}

#[test]
fn a_doubt_keeps_its_beginning_and_counts_its_look_ups() {
    let looked = [order(1), doubted(), FactBody::LookedUp, FactBody::LookedUp];
    let open = after(&looked).open.unwrap();
    assert_eq!(open.since, at(0));
    assert_eq!(
        open.phase,
        Phase::InDoubt {
            why: "timeout".into(),
            since: at(1),
            boot: None,
            at_ca: None,
            looks: 2
        }
    );
    let open = after(&[order(1), doubted(), FactBody::LookedUp, parked(), parked()]);
    assert_eq!(
        open.open.unwrap().phase,
        Phase::Parked {
            why: "two orders".into(),
            since: at(1),
            boot: None,
            at_ca: None
        }
    );
}

#[test]
fn a_settled_doubt_leaves_the_name_free() {
    for settled in [dead(), decided()] {
        let record = after(&[order(1), doubted(), settled]);
        assert_eq!(
            record,
            Record {
                attempts: 1,
                ..Record::default()
            }
        );
    }
}

#[test]
fn an_adopted_order_is_live_with_what_the_ca_shows() {
    for first in [vec![], vec![order(1), doubted()], vec![order(1), refused()]] {
        let second = i64::try_from(first.len()).unwrap();
        let record = after(&[first, vec![adopted(3)]].concat());
        let live = record.live.unwrap();
        assert_eq!(live.order_id, 2002_u64.into());
        assert_eq!(live.certificate_id, Some(9_u64.into()));
        assert_eq!((live.generation, live.since), (3, at(second)));
        assert_eq!(
            (live.certificate, live.terms),
            (Some(Digest::of(b"seen")), None)
        );
        assert_eq!((record.open, record.failure), (None, None));
    }
}

#[test]
fn a_reissue_keeps_the_order_and_its_failure_keeps_the_certificate() {
    let issued = [order(1), accepted(1001), seen(LiveState::Issued)];
    let before = after(&issued).live;
    let failed = after(&[&issued[..], &[reissue(2), refused()]].concat());
    assert_eq!(failed.live, before);
    assert_eq!(failed.failure.unwrap().kind, OperationKind::Reissue);
    let live = after(&[&issued[..], &[reissue(2), accepted(1001)]].concat()).live;
    let live = live.unwrap();
    assert_eq!(
        (live.order_id, live.state),
        (1001_u64.into(), LiveState::Reissuing)
    );
    assert_eq!(live.since, before.unwrap().since);
}

#[test]
fn a_read_adds_and_never_forgets() {
    let full = FactBody::Seen {
        order_id: None,
        state: LiveState::Issued,
        certificate_id: Some(77_u64.into()),
        serial_number: Some("0a".into()),
        valid_till: Some("2027-11-21".parse().unwrap()),
    };
    let ended = LiveState::Ended(Ending::Revoked);
    let live = after(&[order(1), accepted(1001), full, seen(ended.clone())]).live;
    let live = live.unwrap();
    assert_eq!(live.state, ended);
    assert_eq!(live.certificate_id, Some(77_u64.into()));
    assert_eq!(live.serial_number, Some("0a".into()));
    assert_eq!(live.valid_till, Some("2027-11-21".parse().unwrap()));
}

#[test]
fn what_is_known_of_one_certificate_says_nothing_of_another() {
    let first = FactBody::Seen {
        order_id: None,
        state: LiveState::Issued,
        certificate_id: Some(77_u64.into()),
        serial_number: Some("0a".into()),
        valid_till: Some("2027-11-21".parse().unwrap()),
    };
    let second = FactBody::Seen {
        order_id: None,
        state: LiveState::Issued,
        certificate_id: Some(78_u64.into()),
        serial_number: None,
        valid_till: None,
    };
    let live = after(&[order(1), accepted(1001), first, second]).live;
    let live = live.unwrap();
    assert_eq!(live.certificate_id, Some(78_u64.into()));
    assert_eq!((live.serial_number, live.valid_till), (None, None));
}

#[test]
fn a_new_generation_asks_again_only_for_what_was_declined() {
    let declined = [
        revoke(1, 1, Part::Order),
        requested(),
        seen_part(Part::Order, PartState::Declined),
        revoke(2, 1, one()),
        FactBody::Revoked,
    ];
    let record = after(&declined);
    let id = 1001_u64.into();
    assert_eq!(record.part(&id, &Part::Order), Some(&PartState::Declined));
    assert_eq!(record.part(&id, &one()), Some(&PartState::Revoked));
    let again = after(&[&declined[..], &[revoke(3, 2, Part::Order)]].concat());
    let requested = again.requested(&id).unwrap();
    assert_eq!(requested.parts.keys().collect::<Vec<_>>(), [&one()]);
    assert_eq!(requested.generation, 2);
    let part = again.open.unwrap().attempt.part;
    assert_eq!(part, Some(Part::Order));
}
