//! The rows of the table for orders.

use super::{World, at_the_ca, certificate, order, order_item, placed, revocation_item, tag};
use crate::model::{
    Attempt, Cause, CertificateKind, CertificateState, Decision, Digest, Ending, FactBody, Failure,
    LiveState, Milestone, ObservedRequest, OpenOperation, OperationKind, Order, OrderId,
    OrderStatus, PendingReissue, Phase, Reason, Record, RenewalOf, RequestKind, RequestStatus,
    Scope, Stage, Standing, StatusChange, TagLookup, Untrusted,
};
use crate::plan::Action;

fn world(order: Order) -> World {
    World::of(vec![order_item("a", order)])
}

fn pending() -> OrderStatus {
    OrderStatus::Pending(Stage::Unclear, Untrusted::new("pending"))
}

fn open(kind: OperationKind, phase: Phase) -> OpenOperation {
    OpenOperation {
        attempt: Attempt {
            renews: None,
            why: Default::default(),
            public_key: None,
            kind,
            part: None,
            number: 1,
            generation: 1,
            order_id: None,
            replaces: None,
            tag: None,
            body: Digest::of(b"body"),
            certificate: None,
            terms: None,
            asked: None,
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
            Some(Milestone::Submitted),
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
        assert_eq!((step.action, step.reached()), (expected, reached), "{row}");
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
            boot: None,
            at_ca: None,
            looks: 1,
        },
        Phase::Parked {
            why: why(),
            since,
            boot: None,
            at_ca: None,
        },
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
        let parked = matches!(phase, Phase::Parked { .. });
        assert_eq!(step.standing == Standing::Parked, parked);
        assert_eq!(step.reached(), None);
    }
}

#[test]
fn what_carries_our_tag_is_adopted_if_it_is_the_right_one() {
    let tagged = |mut order: crate::model::ObservedOrder| {
        order.tag = Some(tag("a").to_string());
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
fn nothing_is_bought_beside_a_twin() {
    let mut twin = world(order("a.example"));
    twin.shows(at_the_ca(7, OrderStatus::Issued));
    let step = twin.step();
    assert_eq!(step.action, Action::Wait);
    let orders = vec![OrderId::from(7)];
    let waits = Cause::Decision(Decision::Twin { orders });
    assert_eq!(step.standing.waits(), Some(&waits));
    assert!(
        twin.warning().contains("existing_order_id: 7"),
        "{}",
        twin.warning()
    );
    let mut on_purpose = order("a.example");
    on_purpose.allow_similar = true;
    let mut bought = world(on_purpose);
    bought.shows(at_the_ca(7, OrderStatus::Issued));
    assert_eq!(bought.step().action, Action::Order);

    let mut renewal = order("a.example");
    renewal.renewal_of = Some(RenewalOf::OrderId(OrderId::from(7)));
    let mut renewed = world(renewal);
    renewed.shows(at_the_ca(7, OrderStatus::Issued));
    assert_eq!(
        (renewed.step().action, renewed.warning()),
        (Action::Renew, String::new())
    );
    for ended in [OrderStatus::Revoked, OrderStatus::Rejected] {
        let mut over = world(order("a.example"));
        over.shows(at_the_ca(7, ended));
        assert_eq!(
            (over.step().action, over.warning()),
            (Action::Order, String::new())
        );
    }
}

#[test]
fn an_order_that_shares_a_name_is_a_warning() {
    let mut more = order("a.example");
    more.certificate.dns_names = vec!["b.example".to_owned()];
    let mut similar = world(more);
    similar.shows(at_the_ca(7, OrderStatus::Issued));
    assert_eq!(similar.step().action, Action::Order);
    assert!(
        similar.warning().contains("similar order"),
        "{}",
        similar.warning()
    );
}

#[test]
fn a_twin_whose_entry_is_gone_counts_and_one_of_this_manifest_does_not() {
    let known = || placed(7, LiveState::Issued, &order("a.example"));
    let mut gone = world(order("a.example"));
    gone.knows("orders.old", known());
    gone.shows(at_the_ca(7, OrderStatus::Issued));
    assert_eq!(gone.step().action, Action::Wait);
    let items = vec![
        order_item("a", order("a.example")),
        order_item("old", order("a.example")),
    ];
    let mut both = World::of(items);
    both.knows("orders.old", known());
    both.shows(at_the_ca(7, OrderStatus::Issued));
    let actions: Vec<Action> = both.plan().steps.iter().map(|step| step.action).collect();
    assert_eq!(actions, [Action::Order, Action::Keep]);
}

/// The list shows the common name and hides the addresses: only a full read tells a twin.
#[test]
fn what_may_be_a_twin_is_read_in_full_once_the_tag_is_ruled_out() {
    let person = || {
        let mut order = order("a.example");
        order.certificate.emails = vec!["ada@example.com".to_owned()];
        order
    };
    let mut world = world(person());
    world.knows("orders.old", placed(7, LiveState::Issued, &person()));
    let mut whole = at_the_ca(7, OrderStatus::Issued);
    whole.names.push("ada@example.com".to_owned());
    let mut listed = at_the_ca(7, OrderStatus::Issued);
    listed.requests = None;
    world.observed.orders.insert(listed.id.clone(), listed);
    assert!(world.questions().waiting_orders);
    world.observed.waiting_orders = Some(Vec::new());
    let asked = world.questions();
    assert_eq!(asked.orders, [OrderId::from(7)].into());
    assert!(asked.tags.is_empty(), "{asked:?}");

    let read = Some(whole);
    world.observed.details.insert(OrderId::from(7), read);
    assert!(world.questions().is_empty());
    let orders = vec![OrderId::from(7)];
    assert_eq!(world.step().reason, Reason::Twin { orders });

    // An order that no name stands for could carry the tag. One read shows its tag and its addresses.
    world.records.clear();
    world.observed.details.clear();
    let asked = world.questions();
    assert_eq!((asked.orders.len(), asked.tags.len()), (1, 0));

    // With further certificates the read takes more than the look-up, which then comes first.
    let listed = world.observed.orders.get_mut(&OrderId::from(7)).unwrap();
    (listed.certificates, listed.duplicates) = (None, Some(1));
    let asked = world.questions();
    assert_eq!((asked.orders.len(), asked.tags.len()), (0, 1));
    let nothing = TagLookup { orders: Vec::new() };
    world.observed.tags.insert(tag("a"), nothing);
    assert_eq!(world.questions().orders, [OrderId::from(7)].into());
}

/// Two entries and two orders that could be theirs: reading answers what a look-up would, and more.
#[test]
fn of_two_ways_that_cost_the_same_the_orders_are_read() {
    let person = |address: &str| {
        let mut order = order("a.example");
        order.certificate.emails = vec![address.to_owned()];
        order
    };
    let mut world = World::of(vec![
        order_item("a", person("a@example.com")),
        order_item("b", person("b@example.com")),
    ]);
    world.observed.waiting_orders = Some(Vec::new());
    for id in [7, 8, 9] {
        let mut listed = at_the_ca(id, OrderStatus::Issued);
        (listed.certificates, listed.requests) = (None, None);
        world.observed.orders.insert(listed.id.clone(), listed);
        let asked = world.questions();
        let expected = if id < 9 { (id as usize - 6, 0) } else { (0, 2) };
        assert_eq!((asked.orders.len(), asked.tags.len()), expected, "{id}");
    }
}

#[test]
fn a_reissue_under_way_or_refused_has_not_reached_issued() {
    let mut asked = order("a.example");
    asked.certificate.dns_names = vec!["b.example".to_owned()];
    let reissuing = |asked_for: &Order| {
        let mut record = placed(7, LiveState::Reissuing, &order("a.example"));
        let live = record.live.as_mut().unwrap();
        live.certificate_id = Some(70_u64.into());
        live.request_id = Some(5_u64.into());
        live.change = Some(Box::new(PendingReissue {
            renewal: None,
            public_key: None,
            certificate: Some(asked_for.certificate.digest()),
            asked: None,
            from: Some(70_u64.into()),
            generation: 1,
            since: super::LONG_AGO.parse().unwrap(),
        }));
        record
    };
    let shown = |certificate: u64, status: RequestStatus| {
        let mut shown = at_the_ca(7, OrderStatus::Issued);
        shown.certificate_id = Some(certificate.into());
        shown.requests = Some(vec![ObservedRequest {
            id: 5_u64.into(),
            kind: RequestKind::Reissue,
            status,
            order_id: None,
            date: None,
        }]);
        shown
    };
    for (certificate, status, action, code, reached) in [
        (
            70,
            RequestStatus::Pending,
            Action::Wait,
            Some("reissue"),
            Milestone::Submitted,
        ),
        (
            70,
            RequestStatus::Rejected,
            Action::Wait,
            Some("decision_reissue_rejected"),
            Milestone::Submitted,
        ),
        (
            71,
            RequestStatus::Approved,
            Action::Keep,
            None,
            Milestone::Issued,
        ),
    ] {
        let mut world = world(asked.clone());
        world.knows("orders.a", reissuing(&asked));
        world.shows(shown(certificate, status.clone()));
        let step = world.step();
        assert_eq!(step.action, action, "{status:?}");
        assert_eq!(step.standing.waits().map(Cause::code), code, "{status:?}");
        assert_eq!(step.reached(), Some(reached), "{status:?}");
    }
    // What was refused is asked for again by another content or the next generation.
    let mut again = asked.clone();
    again.generation = 2;
    let mut world = world(again);
    world.knows("orders.a", reissuing(&asked));
    world.shows(shown(70, RequestStatus::Rejected));
    assert_eq!(world.step().action, Action::Reissue);
}

#[test]
fn a_certificate_that_was_revoked_alone_or_ran_out_opens_no_gate() {
    for (revoked, till, word) in [
        (true, "2027-06-30", "certificate-revoked"),
        (false, "2026-11-20", "expired"),
    ] {
        let mut world = world(order("a.example"));
        world.knows(
            "orders.a",
            placed(7, LiveState::Issued, &order("a.example")),
        );
        let mut shown = at_the_ca(7, OrderStatus::Issued);
        shown.certificate_revoked = revoked;
        shown.valid_till = Some(till.parse().unwrap());
        world.shows(shown);
        let step = world.step();
        assert_eq!((step.reached(), step.state()), (None, word));
    }
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
    let mut members = longer.term_members.map();
    members.insert("validity_years".to_owned(), 2.into());
    longer.term_members = members.into();
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
    shown.valid_till = Some("2026-11-20".parse().unwrap());
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
    let Reason::AskedAgain { message, .. } = &step.reason else {
        panic!("{step:?}");
    };
    assert_eq!(message.raw(), "no such container");
}
