//! The rows of the table for revocations.

use super::{World, at_the_ca, certificate, order, order_item, placed, revocation_item, tag};
use crate::model::{
    Cause, CertificateKind, CertificateState, Decision, LiveState, Milestone, ObservedOrder,
    ObservedRequest, Operation, OrderId, OrderStatus, Part, PartState, Record, RequestId,
    RequestKind, RequestStatus, RequestedParts, RevocationTarget, RevokeScope, Scope, SerialNumber,
    Stage, StatusChange, TagLookup, Untrusted, Wanted,
};
use crate::plan::{Action, Step};

fn world(scope: Scope) -> World {
    World::of(vec![revocation_item("gone", 7, scope)])
}

/// An order with an original, a duplicate and a reissue in force and a duplicate that is revoked.
fn family() -> ObservedOrder {
    let mut order = at_the_ca(7, OrderStatus::Issued);
    order.duplicates = Some(2);
    order.reissues = Some(1);
    order.certificates.as_mut().unwrap().extend([
        certificate(71, CertificateKind::Duplicate, CertificateState::Issued),
        certificate(72, CertificateKind::Reissue, CertificateState::Issued),
        certificate(73, CertificateKind::Duplicate, CertificateState::Revoked),
    ]);
    order
}

fn dying(step: &Step) -> Vec<&str> {
    let pins = step.revokes.iter();
    pins.map(|pin| pin.certificate_id.as_str()).collect()
}

fn request(status: RequestStatus) -> ObservedRequest {
    ObservedRequest {
        id: RequestId::from(5),
        kind: RequestKind::Revoke,
        status,
        order_id: Some(OrderId::from(7)),
        date: None,
    }
}

fn asked(part: Part, state: PartState) -> Record {
    Record {
        revocations: [(
            OrderId::from(7),
            RequestedParts {
                parts: [(part, state)].into(),
                generation: 1,
            },
        )]
        .into(),
        attempts: 1,
        ..Record::default()
    }
}

#[test]
fn a_scope_selects_what_dies() {
    let rows: [(Scope, &[&str], RevokeScope); 4] = [
        (Scope::Order, &["70", "71", "72"], RevokeScope::Order),
        (
            Scope::CertificateId(71.into()),
            &["71"],
            RevokeScope::Certificates,
        ),
        (
            Scope::SerialNumber(SerialNumber::from("00:0a:72")),
            &["72"],
            RevokeScope::Certificates,
        ),
        (Scope::Duplicates, &["71"], RevokeScope::Certificates),
    ];
    for (scope, expected, sent) in rows {
        let mut world = world(scope.clone());
        world.shows(family());
        let step = world.step();
        assert_eq!(step.action, Action::Revoke, "{scope:?}");
        assert_eq!(dying(&step), expected, "{scope:?}");
        let Some(Operation::Revoke(operation)) = &step.operation else {
            panic!("{step:?}");
        };
        assert_eq!(operation.scope, sent);
        assert_eq!(operation.pins, step.revokes);
    }
}

#[test]
fn what_is_not_there_is_a_warning() {
    for scope in [
        Scope::CertificateId(99.into()),
        Scope::SerialNumber(SerialNumber::from("ff")),
    ] {
        let mut world = world(scope);
        world.shows(family());
        assert_eq!(world.step().action, Action::Wait);
        assert!(
            world.warning().contains("has no certificate"),
            "{}",
            world.warning()
        );
    }
    let mut invisible = world(Scope::Order);
    invisible.observed.details.insert(OrderId::from(7), None);
    assert_eq!(invisible.step().action, Action::Wait);
    assert!(
        invisible.warning().contains("no order 7"),
        "{}",
        invisible.warning()
    );
    assert_eq!(world(Scope::Order).step().action, Action::Wait);
}

#[test]
fn the_state_at_the_ca_decides_without_a_journal() {
    let with = |states: &[CertificateState], status: OrderStatus| {
        let mut order = at_the_ca(7, status);
        order.reissues = Some(1);
        order.certificates = Some(
            (70..)
                .zip(states)
                .map(|(id, state)| certificate(id, CertificateKind::Original, state.clone()))
                .collect(),
        );
        let mut world = world(Scope::Order);
        world.shows(order);
        let step = world.step();
        (step.action, step.reached())
    };
    use CertificateState::{Expired, Issued, Pending, RevocationPending, Revoked};
    let pending = OrderStatus::Pending(Stage::Unclear, Untrusted::new("pending"));
    let kept = (Action::Keep, Some(Milestone::Revoked));
    assert_eq!(with(&[Issued], OrderStatus::Issued), (Action::Revoke, None));
    assert_eq!(with(&[Revoked], OrderStatus::Revoked), kept);
    assert_eq!(with(&[Revoked, Expired], OrderStatus::Issued), kept);
    assert_eq!(with(&[Expired], OrderStatus::Issued), kept);
    assert_eq!(with(&[], OrderStatus::Revoked), kept);
    assert_eq!(
        with(
            &[RevocationPending, Revoked],
            OrderStatus::RevocationPending
        ),
        (Action::Wait, Some(Milestone::Submitted))
    );
    assert_eq!(
        with(&[Revoked, Issued], OrderStatus::Issued),
        (Action::Revoke, None)
    );
    assert_eq!(with(&[Pending], pending), (Action::Wait, None));
    assert_eq!(with(&[Pending], OrderStatus::Rejected), kept);
}

#[test]
fn one_certificate_is_in_force_as_revoked_while_its_order_is_still_at_it() {
    let mut order = at_the_ca(7, OrderStatus::RevocationPending);
    order.certificates = Some(vec![
        certificate(70, CertificateKind::Original, CertificateState::Revoked),
        certificate(
            71,
            CertificateKind::Original,
            CertificateState::RevocationPending,
        ),
    ]);
    let mut world = world(Scope::CertificateId(70.into()));
    world.shows(order);
    assert_eq!(world.step().action, Action::Keep);
}

#[test]
fn a_request_of_ours_is_waited_for_until_it_is_declined() {
    let approval = Cause::Revocation {
        requests: vec![RequestId::from(5)],
    };
    let again = Cause::Decision(Decision::Declined { generation: 2 });
    for (status, waits) in [
        (RequestStatus::Pending, approval),
        (RequestStatus::Rejected, again),
    ] {
        let mut world = world(Scope::Order);
        let mut order = family();
        order.requests = Some(vec![request(status.clone())]);
        world.shows(order);
        let requested = PartState::Requested {
            request_id: Some(RequestId::from(5)),
        };
        world.knows("revocations.gone", asked(Part::Order, requested));
        let step = world.step();
        assert_eq!(step.action, Action::Wait, "{status:?}");
        assert_eq!(step.standing.waits(), Some(&waits), "{step:?}");
        assert_eq!(
            step.news.len(),
            usize::from(status == RequestStatus::Rejected)
        );
    }
}

#[test]
fn a_declined_revocation_is_asked_for_again_by_the_next_generation_alone() {
    for (generation, expected) in [(1, Action::Wait), (2, Action::Revoke)] {
        let mut item = revocation_item("gone", 7, Scope::Order);
        if let Wanted::Revocation(revocation) = &mut item.wanted {
            revocation.generation = generation;
        }
        let mut world = World::of(vec![item]);
        world.shows(family());
        world.knows("revocations.gone", asked(Part::Order, PartState::Declined));
        assert_eq!(world.step().action, expected, "generation {generation}");
    }
}

#[test]
fn a_request_of_somebody_else_is_waited_for_where_it_can_only_be_for_the_same() {
    // A request shows no certificate: beside others it may be for any of them.
    let request_id = Some(RequestId::from(5));
    for (alone, expected) in [
        (true, (Action::Wait, request_id)),
        (false, (Action::Revoke, None)),
    ] {
        let mut world = world(Scope::Order);
        let mut order = family();
        order.requests = Some(vec![request(RequestStatus::Pending)]);
        if alone {
            order.certificates.as_mut().unwrap().truncate(1);
        }
        world.shows(order);
        let step = world.step();
        assert_eq!((step.action, step.request_id), expected);
    }
}

#[test]
fn what_was_revoked_and_is_in_force_again_needs_an_entry_of_its_own() {
    let mut world = world(Scope::Order);
    world.shows(family());
    world.knows("revocations.gone", asked(Part::Order, PartState::Revoked));
    let step = world.step();
    assert_eq!(step.action, Action::Wait, "{step:?}");
    assert!(world.warning().contains("new entry"), "{}", world.warning());
}

#[test]
fn a_name_without_an_order_is_left_to_a_later_plan() {
    let mut item = revocation_item("gone", 7, Scope::Order);
    if let Wanted::Revocation(revocation) = &mut item.wanted {
        revocation.target = RevocationTarget::Order("a".parse().unwrap());
    }
    let mut world = World::of(vec![order_item("a", order("a.example")), item]);
    let plan = world.plan();
    assert_eq!(plan.steps[1].action, Action::Wait);
    let waits = plan.steps[1].standing.waits().map(Cause::code);
    assert_eq!(waits, Some("next_run"));
    world.knows(
        "orders.a",
        placed(7, LiveState::Issued, &order("a.example")),
    );
    world.shows(family());
    assert_eq!(dying(&world.plan().steps[1]), ["70", "71", "72"]);
}

#[test]
fn offline_asks_the_journal_alone() {
    let requested = PartState::Requested { request_id: None };
    for (record, expected) in [
        (None, Action::Revoke),
        (Some(asked(Part::Order, requested)), Action::Wait),
        (Some(asked(Part::Order, PartState::Revoked)), Action::Keep),
    ] {
        let mut world = world(Scope::Order);
        world.offline = true;
        if let Some(record) = record {
            world.knows("revocations.gone", record);
        }
        assert_eq!(world.step().action, expected);
    }
}

/// The journal did not place the order, so the tags of earlier generations are looked up.
#[test]
fn the_present_order_under_an_earlier_tag_is_no_earlier_order() {
    let mut wanted = order("a.example");
    wanted.generation = 2;
    let mut gone = revocation_item("gone", 7, Scope::Order);
    if let Wanted::Revocation(revocation) = &mut gone.wanted {
        revocation.target = RevocationTarget::Order("a".parse().unwrap());
    }
    let mut world = World::of(vec![order_item("a", wanted), gone]);
    world.knows(
        "orders.a",
        placed(7, LiveState::Issued, &order("a.example")),
    );
    world.shows(at_the_ca(7, OrderStatus::Issued));
    for (found, action) in [(7, Action::Revoke), (6, Action::Wait)] {
        let hit = StatusChange {
            order_id: OrderId::from(found),
            certificate_id: None,
            status: OrderStatus::Issued,
        };
        let lookup = TagLookup { orders: vec![hit] };
        world.observed.tags.insert(tag("a"), lookup);
        let step = world.plan().steps.remove(1);
        assert_eq!(step.action, action, "{found}: {:?}", step.reason);
    }
}
