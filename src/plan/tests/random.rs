//! Whatever the manifest, the journal and the CA say: the plan is the same twice, it stands, and it
//! kills only what the manifest names.

use proptest::prelude::*;

use super::{World, at_the_ca, certificate, order, order_item, placed, revocation_item, tag};
use crate::model::{
    After, CertificateKind, CertificateState, Ending, Item, LiveState, Milestone, ObservedOrder,
    Operation, OrderId, OrderStatus, Part, PartState, Record, RequestId, RequestedParts,
    RevocationTarget, Scope, Stage, StatusChange, TagLookup, Untrusted, Wanted,
};
use crate::plan::Action;

/// Order ids at the CA; a manifest names one of the first six, and not all of them exist.
const ORDERS: u64 = 8;

fn status() -> impl Strategy<Value = OrderStatus> {
    prop_oneof![
        4 => Just(OrderStatus::Issued),
        1 => Just(OrderStatus::Pending(Stage::Unclear, Untrusted::new("pending"))),
        1 => Just(OrderStatus::ReissuePending),
        1 => Just(OrderStatus::Rejected),
        1 => Just(OrderStatus::Canceled),
        1 => Just(OrderStatus::Revoked),
        1 => Just(OrderStatus::RevocationPending),
        1 => Just(OrderStatus::Other(Untrusted::new("new"))),
    ]
}

fn certificate_state() -> impl Strategy<Value = CertificateState> {
    prop_oneof![
        3 => Just(CertificateState::Issued),
        1 => Just(CertificateState::Pending),
        1 => Just(CertificateState::Revoked),
        1 => Just(CertificateState::RevocationPending),
        1 => Just(CertificateState::Expired),
    ]
}

fn kind() -> impl Strategy<Value = CertificateKind> {
    prop_oneof![
        Just(CertificateKind::Original),
        Just(CertificateKind::Duplicate),
        Just(CertificateKind::Reissue),
    ]
}

fn observed(id: u64) -> impl Strategy<Value = ObservedOrder> {
    (
        status(),
        prop::collection::vec((kind(), certificate_state()), 0..4),
        prop::option::of("[ab].example"),
        prop::option::of(0..3_u32),
    )
        .prop_map(move |(status, certificates, name, counted)| {
            let mut order = at_the_ca(id, status);
            order.names.extend(name);
            order.duplicates = counted;
            order.certificates = Some(
                (id * 10..)
                    .zip(certificates)
                    .map(|(id, (kind, state))| certificate(id, kind, state))
                    .collect(),
            );
            order
        })
}

fn scope() -> impl Strategy<Value = Scope> {
    prop_oneof![
        Just(Scope::Order),
        Just(Scope::Duplicates),
        (10..60_u64).prop_map(|id| Scope::CertificateId(id.into())),
    ]
}

fn live_state() -> impl Strategy<Value = LiveState> {
    prop_oneof![
        Just(LiveState::Requested),
        Just(LiveState::Issued),
        Just(LiveState::Reissuing),
        Just(LiveState::Ended(Ending::Rejected)),
        Just(LiveState::Ended(Ending::Revoked)),
    ]
}

fn part() -> impl Strategy<Value = (Part, PartState)> {
    let part = prop_oneof![
        Just(Part::Order),
        (10..60_u64).prop_map(|id| Part::Certificate(id.into())),
    ];
    let state = prop_oneof![
        Just(PartState::Revoked),
        Just(PartState::Declined),
        prop::option::of(1..9_u64).prop_map(|id| PartState::Requested {
            request_id: id.map(RequestId::from)
        }),
    ];
    (part, state)
}

prop_compose! {
    fn an_order(name: &'static str)(
        host in "[ab].example",
        generation in 1..3_u32,
        live in prop::option::of((1..ORDERS, live_state())),
        after in any::<bool>(),
    ) -> (Item, Option<Record>) {
        let mut wanted = order(&host);
        let record = live.map(|(id, state)| placed(id, state, &order("a.example")));
        wanted.generation = generation;
        let mut item = order_item(name, wanted);
        if after && name != "a" {
            item.after = vec![After { address: "orders.a".parse().unwrap(), until: Milestone::Issued }];
        }
        (item, record)
    }
}

prop_compose! {
    fn a_revocation(name: &'static str)(
        id in 1..ORDERS,
        scope in scope(),
        by_name in any::<bool>(),
        generation in 1..3_u32,
        parts in prop::option::of(prop::collection::btree_map(part().prop_map(|one| one.0), part().prop_map(|one| one.1), 1..3)),
    ) -> (Item, Option<Record>) {
        let mut item = revocation_item(name, id, scope);
        if let Wanted::Revocation(revocation) = &mut item.wanted {
            revocation.generation = generation;
            if by_name {
                revocation.target = RevocationTarget::Order("a".parse().unwrap());
            }
        }
        let record = parts.map(|parts| Record {
            revocations: [(OrderId::from(id), RequestedParts { parts, generation: 1 })].into(),
            ..Record::default()
        });
        (item, record)
    }
}

prop_compose! {
    fn a_world()(
        items in (an_order("a"), an_order("b"), a_revocation("r"), a_revocation("s")),
        listed in (1..ORDERS).map(|id| prop::option::of(observed(id))).collect::<Vec<_>>(),
        read in prop::collection::vec(any::<bool>(), 8),
        tagged in prop::option::of(prop::collection::vec(1..ORDERS, 0..3)),
        left_out in 0..5_usize,
        offline in prop::bool::weighted(0.1),
    ) -> World {
        let mut items = vec![items.0, items.1, items.2, items.3];
        let mut forgotten = None;
        if left_out < items.len() {
            // Out of the manifest, and still in the journal.
            let (item, record) = items.remove(left_out);
            forgotten = Some((item.address.to_string(), record));
        }
        let mut world = World::of(items.iter().map(|(item, _)| item.clone()).collect());
        for (item, record) in items {
            if let Some(record) = record {
                world.knows(&item.address.to_string(), record);
            }
        }
        if let Some((address, Some(record))) = forgotten {
            world.knows(&address, record);
        }
        for (order, read) in listed.into_iter().flatten().zip(read) {
            let id = order.id.clone();
            world.shows(order);
            if !read {
                world.observed.details.remove(&id);
            }
        }
        if let Some(ids) = tagged {
            let orders = ids.into_iter().map(|id| StatusChange {
                order_id: id.into(), certificate_id: None, status: OrderStatus::Issued,
            });
            world.observed.tags.insert(tag("a"), TagLookup { orders: orders.collect() });
        }
        world.offline = offline;
        world
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_is_deterministic_and_kills_only_what_the_manifest_names(world in a_world()) {
        let plan = world.plan();
        prop_assert_eq!(&plan, &world.plan());
        prop_assert_eq!(plan.plan_id, plan.digest());
        prop_assert_eq!(plan.steps.len(), world.batch.items.len());
        for step in &plan.steps {
            let item = world.batch.items.iter().find(|item| item.address == step.address);
            let item = item.expect("every step has an item");
            match (&item.wanted, step.action) {
                (Wanted::Revocation(revocation), Action::Revoke) if !plan.offline => {
                    let id = step.order_id.as_ref().expect("an order");
                    match &revocation.target {
                        RevocationTarget::OrderId(wanted) => prop_assert_eq!(wanted, id),
                        RevocationTarget::Order(_) => {
                            let record = world.records.get(&"orders.a".parse().unwrap());
                            let live = record.and_then(|record| record.live.as_ref());
                            prop_assert_eq!(&live.expect("bound").order_id, id);
                        }
                    }
                    prop_assert!(!step.revokes.is_empty());
                    let Some(Operation::Revoke(operation)) = &step.operation else {
                        return Err(TestCaseError::fail("nothing to send"));
                    };
                    prop_assert_eq!(&operation.order_id, id);
                    prop_assert_eq!(&operation.pins, &step.revokes);
                    let number: u64 = id.as_str().parse().expect("a number");
                    for pin in &step.revokes {
                        let certificate: u64 = pin.certificate_id.as_str().parse().expect("a number");
                        prop_assert_eq!(certificate / 10, number);
                        if let Scope::CertificateId(wanted) = &revocation.scope {
                            prop_assert_eq!(wanted, &pin.certificate_id);
                        }
                    }
                }
                (Wanted::Order(_), Action::Reissue) => {
                    let id = step.order_id.as_ref().expect("an order");
                    for pin in &step.revokes {
                        prop_assert!(pin.certificate_id.as_str().starts_with(id.as_str()));
                    }
                }
                (Wanted::Revocation(_), action) => {
                    prop_assert!(step.revokes.is_empty());
                    prop_assert!(matches!(
                        action,
                        Action::Keep | Action::Wait | Action::Settle | Action::Revoke
                    ));
                }
                (Wanted::Order(_), action) => {
                    prop_assert!(step.revokes.is_empty());
                    prop_assert!(action != Action::Revoke);
                    let revokes = matches!(step.operation, Some(Operation::Revoke(_)));
                    prop_assert!(!revokes);
                }
            }
        }
    }

    #[test]
    fn an_empty_manifest_does_nothing_whatever_the_journal_says(mut world in a_world()) {
        world.batch.items.clear();
        let plan = world.plan();
        prop_assert!(plan.steps.is_empty() && !plan.has_changes());
        prop_assert_eq!(plan.revoked_certificates(), 0);
    }
}
