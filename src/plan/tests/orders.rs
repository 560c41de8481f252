//! The rows of the table for orders.

use super::{World, at_the_ca, certificate, order, order_item, placed, revocation_item, tag};
use crate::model::{
    Attempt, CertificateKind, CertificateState, Digest, Ending, FactBody, Failure, LiveState,
    Milestone, OpenOperation, OperationKind, Order, OrderId, OrderStatus, Phase, Record, RenewalOf,
    Scope, StatusChange, TagLookup, Untrusted,
};
use crate::plan::Action;

fn world(order: Order) -> World {
    World::of(vec![order_item("a", order)])
}

fn pending() -> OrderStatus {
    OrderStatus::Pending(Untrusted::new("pending"))
}

fn open(kind: OperationKind, phase: Phase) -> OpenOperation {
    OpenOperation {
        attempt: Attempt {
            kind,
            part: None,
            number: 1,
            generation: 1,
            order_id: None,
            tag: None,
            body: Digest::of(b"body"),
            certificate: None,
            terms: None,
        },
        since: super::LONG_AGO.parse().unwrap(),
        phase,
    }
}

#[test]
fn the_state_of_a_bound_order_decides() {
    let ended = |ending| LiveState::Ended(ending);
    let rows = [
        // (what the journal has, what the CA shows, the action, how far it has come)
        (
            LiveState::Requested,
            None,
            Action::Wait,
            Some(Milestone::Submitted),
        ),
        (
            LiveState::Requested,
            Some(pending()),
            Action::Wait,
            Some(Milestone::Submitted),
        ),
        (
            LiveState::Requested,
            Some(OrderStatus::Issued),
            Action::Keep,
            Some(Milestone::Issued),
        ),
        (
            LiveState::Requested,
            Some(OrderStatus::Rejected),
            Action::Wait,
            None,
        ),
        (
            LiveState::Requested,
            Some(OrderStatus::Canceled),
            Action::Wait,
            None,
        ),
        (
            LiveState::Issued,
            Some(OrderStatus::Issued),
            Action::Keep,
            Some(Milestone::Issued),
        ),
        (
            LiveState::Issued,
            Some(OrderStatus::ReissuePending),
            Action::Wait,
            Some(Milestone::Issued),
        ),
        (
            LiveState::Issued,
            Some(OrderStatus::Revoked),
            Action::Wait,
            None,
        ),
        (
            LiveState::Issued,
            Some(OrderStatus::RevocationPending),
            Action::Wait,
            None,
        ),
        (
            LiveState::Issued,
            Some(OrderStatus::Expired),
            Action::Wait,
            None,
        ),
        (
            LiveState::Issued,
            None,
            Action::Keep,
            Some(Milestone::Issued),
        ),
        (
            LiveState::Issued,
            Some(OrderStatus::Other(Untrusted::new("new"))),
            Action::Wait,
            Some(Milestone::Submitted),
        ),
        (
            ended(Ending::Rejected),
            Some(OrderStatus::Rejected),
            Action::Wait,
            None,
        ),
        (ended(Ending::Revoked), None, Action::Wait, None),
    ];
    for (known, shown, expected, reached) in rows {
        let mut world = world(order("a.example"));
        world.knows("orders.a", placed(7, known.clone(), &order("a.example")));
        if let Some(status) = shown.clone() {
            world.shows(at_the_ca(7, status));
        }
        let step = world.step();
        let row = format!("{known:?} {shown:?}: {step:?}");
        assert_eq!((step.action, step.reached), (expected, reached), "{row}");
        assert_eq!(step.order_id, Some(OrderId::from(7)), "{row}");
        assert!(step.operation.is_none(), "{row}");
    }
}

#[test]
fn nothing_at_the_ca_is_an_order_or_a_renewal() {
    let step = world(order("a.example")).step();
    assert_eq!(step.action, Action::Order);
    assert!(step.operation.is_some());
    let mut renewal = order("a.example");
    renewal.renewal_of = Some(RenewalOf::OrderId(OrderId::from(3)));
    assert_eq!(world(renewal).step().action, Action::Renew);
}

#[test]
fn a_new_generation_follows_only_an_order_that_is_over() {
    let mut second = order("a.example");
    second.generation = 2;
    for (status, expected) in [
        (OrderStatus::Issued, Action::Keep),
        (pending(), Action::Wait),
        (OrderStatus::Rejected, Action::Order),
        (OrderStatus::Revoked, Action::Order),
    ] {
        let mut world = world(second.clone());
        world.knows(
            "orders.a",
            placed(7, LiveState::Issued, &order("a.example")),
        );
        world.shows(at_the_ca(7, status.clone()));
        let step = world.step();
        assert_eq!(step.action, expected, "{status:?}");
        if expected == Action::Order {
            // The journal learns of the end before it takes the new intent.
            assert!(
                matches!(
                    &step.news[..],
                    [FactBody::Seen {
                        state: LiveState::Ended(_),
                        ..
                    }]
                ),
                "{:?}",
                step.news
            );
        }
    }
}

#[test]
fn an_open_attempt_is_settled_before_anything_else() {
    let why = || Untrusted::new("cut");
    let since = super::LONG_AGO.parse().unwrap();
    for phase in [
        Phase::Sending,
        Phase::InDoubt {
            why: why(),
            since,
            looks: 1,
        },
        Phase::Parked { why: why(), since },
    ] {
        let mut world = world(order("a.example"));
        let open = open(OperationKind::Order, phase.clone());
        world.knows(
            "orders.a",
            Record {
                open: Some(Box::new(open)),
                ..Record::default()
            },
        );
        world.shows(at_the_ca(7, OrderStatus::Issued));
        let step = world.step();
        assert_eq!(step.action, Action::Settle, "{phase:?}");
        assert_eq!(
            step.waits_for.is_some(),
            matches!(phase, Phase::Parked { .. })
        );
    }
}

#[test]
fn what_carries_our_tag_is_adopted_if_it_is_the_right_one() {
    let tagged = |order: crate::model::ObservedOrder| {
        let mut world = world(super::order("a.example"));
        let hit = StatusChange {
            order_id: order.id.clone(),
            certificate_id: None,
            status: order.status.clone(),
        };
        world.shows(order);
        world
            .observed
            .tags
            .insert(tag("a"), TagLookup { orders: vec![hit] });
        world
    };
    assert_eq!(
        tagged(at_the_ca(7, OrderStatus::Issued)).step().action,
        Action::Adopt
    );
    let over = tagged(at_the_ca(7, OrderStatus::Rejected));
    assert_eq!(over.step().action, Action::Adopt);
    assert!(
        over.warning().contains("generation: 2"),
        "{}",
        over.warning()
    );

    let mut other_key = at_the_ca(7, OrderStatus::Issued);
    other_key.public_key = Some(Digest::of(b"another"));
    assert_eq!(tagged(other_key).step().action, Action::Wait);

    let mut taken = tagged(at_the_ca(7, OrderStatus::Issued));
    taken.knows(
        "orders.b",
        placed(7, LiveState::Issued, &order("a.example")),
    );
    assert_eq!(taken.step().action, Action::Wait);
    assert!(taken.warning().contains("orders.b"), "{}", taken.warning());

    let mut two = tagged(at_the_ca(7, OrderStatus::Issued));
    let hits = &mut two.observed.tags.get_mut(&tag("a")).unwrap().orders;
    hits.push(StatusChange {
        order_id: OrderId::from(8),
        ..hits[0].clone()
    });
    assert_eq!(two.step().action, Action::Wait);
    assert!(two.warning().contains("7, 8"), "{}", two.warning());
}

#[test]
fn a_similar_order_is_a_warning_and_a_renewed_one_is_not_similar() {
    let mut similar = world(order("a.example"));
    similar.shows(at_the_ca(7, OrderStatus::Issued));
    assert_eq!(similar.step().action, Action::Order);
    assert!(
        similar.warning().contains("similar order"),
        "{}",
        similar.warning()
    );
    let mut renewal = order("a.example");
    renewal.renewal_of = Some(RenewalOf::OrderId(OrderId::from(7)));
    let mut renewed = world(renewal);
    renewed.shows(at_the_ca(7, OrderStatus::Issued));
    assert_eq!(renewed.warning(), "");
    let mut over = world(order("a.example"));
    over.shows(at_the_ca(7, OrderStatus::Revoked));
    assert_eq!(
        (over.step().action, over.warning()),
        (Action::Order, String::new())
    );
}

#[test]
fn a_reissue_shows_its_collateral_only_when_names_go_away() {
    let mut both = order("a.example");
    both.certificate.dns_names = vec!["b.example".to_owned()];
    let mut shown = at_the_ca(7, OrderStatus::Issued);
    shown.names = vec!["a.example".to_owned(), "b.example".to_owned()];
    shown.duplicates = Some(1);
    shown.certificates.as_mut().unwrap().extend([
        certificate(71, CertificateKind::Duplicate, CertificateState::Issued),
        certificate(72, CertificateKind::Reissue, CertificateState::Revoked),
    ]);

    let mut fewer = world(order("a.example"));
    fewer.knows("orders.a", placed(7, LiveState::Issued, &both));
    fewer.shows(shown.clone());
    let step = fewer.step();
    assert_eq!(step.action, Action::Reissue);
    let dying: Vec<&str> = step
        .revokes
        .iter()
        .map(|pin| pin.certificate_id.as_str())
        .collect();
    assert_eq!(dying, ["70", "71"]);

    let mut more = both.clone();
    more.certificate.dns_names.push("c.example".to_owned());
    let mut world = world(more);
    world.knows("orders.a", placed(7, LiveState::Issued, &both));
    world.shows(shown);
    let step = world.step();
    assert_eq!((step.action, step.revokes.len()), (Action::Reissue, 0));
}

#[test]
fn other_terms_and_a_certificate_that_ran_out_are_warnings() {
    let mut longer = order("a.example");
    let mut members = longer.members.map();
    members.insert("validity_years".to_owned(), 2.into());
    longer.members = members.into();
    let mut terms = world(longer);
    terms.knows(
        "orders.a",
        placed(7, LiveState::Issued, &order("a.example")),
    );
    terms.shows(at_the_ca(7, OrderStatus::Issued));
    assert_eq!(terms.step().action, Action::Keep);
    assert!(
        terms.warning().contains("next renewal"),
        "{}",
        terms.warning()
    );

    let mut past = world(order("a.example"));
    past.knows(
        "orders.a",
        placed(7, LiveState::Issued, &order("a.example")),
    );
    let mut shown = at_the_ca(7, OrderStatus::Issued);
    shown.valid_till = Some("2026-11-20".to_owned());
    past.shows(shown);
    assert_eq!(past.step().action, Action::Keep);
    assert!(
        past.warning().contains("ran out on 2026-11-20"),
        "{}",
        past.warning()
    );
}

#[test]
fn an_order_that_the_manifest_revokes_is_kept_once_it_is_revoked() {
    let items = vec![
        order_item("a", order("a.example")),
        revocation_item("gone", 7, Scope::Order),
    ];
    let mut world = World::of(items);
    world.knows(
        "orders.a",
        placed(7, LiveState::Issued, &order("a.example")),
    );
    world.shows(at_the_ca(7, OrderStatus::Revoked));
    let actions: Vec<Action> = world.plan().steps.iter().map(|step| step.action).collect();
    assert_eq!(actions, [Action::Keep, Action::Keep]);
}

#[test]
fn a_refusal_is_asked_again_and_says_so() {
    let mut world = world(order("a.example"));
    let failure = Failure {
        kind: OperationKind::Order,
        code: None,
        message: Untrusted::new("no such container"),
        at: super::LONG_AGO.parse().unwrap(),
        body: Digest::of(b"body"),
    };
    world.knows(
        "orders.a",
        Record {
            failure: Some(Box::new(failure)),
            ..Record::default()
        },
    );
    let step = world.step();
    assert_eq!(step.action, Action::Order);
    assert!(step.reason.contains("no such container"), "{}", step.reason);
}
