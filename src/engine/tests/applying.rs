//! Plan, approval, staleness, status.

use super::*;
use crate::apply::Outcome;
use crate::model::{Digest, KeyFacts, KeyStatus, OrderStatus, Untrusted};
use crate::plan::Action;

/// How an apply ends that sends nothing.
async fn refused(world: &World, workspace: &Workspace, request: ApplyRequest) -> EngineError {
    let calls = world.ca.calls();
    let mut person = Person {
        agrees: true,
        ..Person::default()
    };
    let end = apply(workspace, request, &mut person).await;
    assert_eq!(world.ca.calls(), calls);
    assert_eq!(person.events, 0);
    match end {
        Err(error) => error,
        Ok(_) => panic!("it was carried out"),
    }
}

fn save(world: &World, planned: &Planned) -> std::path::PathBuf {
    let path = world.folder.path().join("plan.json");
    saved_plan::write(&path, &planned.plan, planned.plan.manifest).unwrap();
    path
}

#[tokio::test]
async fn what_was_approved_is_bought_once_and_then_waits() {
    let world = World::new();
    let workspace = world.workspace(ADA);
    let planned = world.plan(&workspace).await;
    assert_eq!(planned.plan.steps[0].action, Action::Order);
    assert_eq!(status(&planned)[0].order_id, None);

    let report = world.apply(&workspace).await;
    assert_eq!(report.actions[0].outcome, Outcome::Waiting);
    world.apply(&workspace).await;
    assert_eq!(world.ca.calls(), ["place ada"]);

    let entries = status(&world.plan(&workspace).await);
    assert_eq!(entries[0].order_id, Some("1000".into()));
    assert!(entries[0].waiting_for.is_some(), "{entries:?}");
}

#[tokio::test]
async fn nothing_is_sent_without_approval_and_nobody_is_asked_about_nothing() {
    let world = World::new();
    let workspace = world.workspace(ADA);
    let mut person = Person::default();
    let end = apply(&workspace, world.request(), &mut person).await;
    let error = end.err().unwrap();
    assert!(matches!(error, EngineError::Failed(_)), "{error}");
    assert_eq!((person.planned, person.asked, person.events), (1, 1, 0));
    assert_eq!(world.ca.calls(), Vec::<String>::new());

    world.apply(&workspace).await;
    world.ca.show({
        let mut order = issued(1000, "ada");
        order.tag = world.ca.books().orders[&"1000".into()].tag.clone();
        order
    });
    world.apply(&workspace).await;
    let mut person = Person::default();
    let end = apply(&workspace, world.request(), &mut person).await;
    assert!(matches!(end, Ok(ApplyEnd::CarriedOut(_))));
    assert_eq!(person.asked, 0);
}

#[tokio::test]
async fn a_stop_before_or_during_the_question_sends_nothing() {
    let world = World::new();
    let workspace = world.workspace(ADA);
    for during in [true, false] {
        let mut person = Person {
            agrees: true,
            stops: during.then(|| world.stop.clone()),
            ..Person::default()
        };
        let end = apply(&workspace, world.request(), &mut person).await;
        assert!(matches!(end, Ok(ApplyEnd::Stopped(Stop::Interrupt))));
        assert_eq!(person.events, 0, "{during}");
    }
    assert_eq!(world.ca.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn a_saved_plan_is_carried_out_unasked_and_only_once() {
    let world = World::new();
    let workspace = world.workspace(ADA);
    let saved = Some(save(&world, &world.plan(&workspace).await));
    let request = || ApplyRequest {
        saved: saved.clone(),
        ..world.request()
    };
    let mut person = Person::default();
    let end = apply(&workspace, request(), &mut person).await.unwrap();
    let ApplyEnd::CarriedOut(applied) = end else {
        panic!("it was stopped");
    };
    applied.close().await.unwrap();
    drop(applied);
    assert_eq!(person.asked, 0);
    assert_eq!(world.ca.calls(), ["place ada"]);
    let error = refused(&world, &workspace, request()).await;
    assert!(
        error.to_string().contains("the state has moved on"),
        "{error}"
    );
}

#[tokio::test]
async fn a_saved_plan_is_refused_when_the_ca_or_the_manifest_is_another_one() {
    let world = World::new();
    let workspace = world.workspace(ADA);
    let saved = Some(save(&world, &world.plan(&workspace).await));
    let request = || ApplyRequest {
        saved: saved.clone(),
        ..world.request()
    };
    let other = format!("{ADA}    allow_similar: true\n");
    let error = refused(&world, &world.workspace(&other), request()).await;
    assert!(error.to_string().contains("another manifest"), "{error}");

    // Somebody placed the same order by hand.
    world.ca.show(issued(7, "ada"));
    let error = refused(&world, &workspace, request()).await;
    let EngineError::Stale(changed) = error else {
        panic!("{error}");
    };
    let [Stale::Item { address, then, now }] = changed.as_slice() else {
        panic!("{changed:?}");
    };
    assert_eq!(*address, ada());
    assert_eq!(then.0, Action::Order);
    assert_ne!(then, now);
}

#[tokio::test]
async fn another_plan_than_the_expected_one_and_one_beyond_the_policy_are_refused() {
    let world = World::new();
    let workspace = world.workspace(ADA);
    let planned = world.plan(&workspace).await;
    let expecting = |expect| ApplyRequest {
        expect: Some(expect),
        ..world.request()
    };
    let error = refused(&world, &workspace, expecting(Digest::of(b"other"))).await;
    assert!(matches!(error, EngineError::Refused(_)), "{error}");

    let limited = world.workspace(&format!("policy: {{ max_orders: 0 }}\n{ADA}"));
    let error = refused(&world, &limited, world.request()).await;
    assert!(error.to_string().contains("max_orders"), "{error}");

    let mut person = Person {
        agrees: true,
        ..Person::default()
    };
    let request = expecting(planned.plan.plan_id);
    let end = apply(&workspace, request, &mut person).await;
    assert!(matches!(end, Ok(ApplyEnd::CarriedOut(_))));
    assert_eq!(world.ca.calls().len(), 1);
}

#[tokio::test]
async fn a_target_that_is_not_there_is_named_with_the_nearest_one() {
    let world = World::new();
    let workspace = world.workspace(ADA);
    let mut request = world.request();
    request.scope.targets = vec!["orders.adx".parse().unwrap()];
    let error = refused(&world, &workspace, request).await;
    assert!(matches!(error, EngineError::Usage(_)), "{error}");
    assert!(
        error.to_string().ends_with("did you mean orders.ada?"),
        "{error}"
    );
}

#[tokio::test]
async fn a_view_only_key_can_plan_and_cannot_apply() {
    let world = World::new();
    let workspace = world.workspace(ADA);
    world.ca.books().key = Some(KeyFacts {
        id: "1".into(),
        name: Untrusted::new("ci"),
        status: KeyStatus::Active,
        restricted_to_role_id: 102,
        acme: false,
        user: Untrusted::new("ci"),
    });
    let person = Person::default();
    let request = PlanRequest::default();
    let planned = plan(&workspace, &request, &mut |_| {}, &person).await;
    assert!(planned.is_ok());
    let notices = person.notices.into_inner().unwrap();
    let [Notice::Hint(hint)] = notices.as_slice() else {
        panic!("{notices:?}");
    };
    assert!(hint.contains("view only"), "{hint}");
    let error = refused(&world, &workspace, world.request()).await;
    assert!(matches!(error, EngineError::Access(_)), "{error}");
}

#[tokio::test]
async fn a_revocation_is_sent_once_and_then_in_force() {
    let world = World::new();
    world.ca.show(issued(7, "old"));
    let workspace = world.workspace(
        "revocations:\n  old: { account: digicert, order_id: 7, scope: order, reason: superseded, comments: a test }\n",
    );
    let report = world.apply(&workspace).await;
    assert_eq!(report.actions[0].outcome, Outcome::Done, "{report:#?}");
    assert_eq!(world.ca.calls(), ["revoke 7"]);
    assert_eq!(
        world.ca.books().orders[&"7".into()].status,
        OrderStatus::Revoked
    );
    world.apply(&workspace).await;
    assert_eq!(world.ca.calls(), ["revoke 7"]);
}
