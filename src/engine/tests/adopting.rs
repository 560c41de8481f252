//! Binding an order that exists, and the manifest of what is there.

use std::cell::Cell;

use super::*;
use crate::plan::Action;

async fn bind(
    world: &World,
    workspace: &Workspace,
    consent: Consent,
) -> (Result<Adopted, EngineError>, usize) {
    let asked = Cell::new(0);
    let consents = || {
        asked.set(asked.get() + 1);
        consent
    };
    let request = AdoptRequest {
        address: ada(),
        id: "7".into(),
        lock_timeout: Duration::ZERO,
    };
    let person = Person::default();
    let adopted = adopt(workspace, &request, &consents, &person).await;
    let adopted = adopted.map(|adopted| adopted.result);
    assert_eq!(world.ca.calls(), Vec::<String>::new());
    (adopted, asked.get())
}

#[tokio::test]
async fn an_order_that_agrees_is_bound_unasked_and_kept() {
    let world = World::new();
    let workspace = world.workspace(ADA);
    world.ca.show(issued(7, "ada"));
    let (adopted, asked) = bind(&world, &workspace, Consent::NobodyToAsk).await;
    assert_eq!(adopted.unwrap(), Adopted { agrees: true });
    assert_eq!(asked, 0);
    let step = &world.plan(&workspace).await.plan.steps[0];
    assert_eq!(
        (step.action, step.order_id.clone()),
        (Action::Keep, Some("7".into()))
    );
    // A second time there is nothing to bind.
    let (again, _) = bind(&world, &workspace, Consent::Given).await;
    let error = again.unwrap_err().to_string();
    assert_eq!(error, "order 7 is already bound to orders.ada");
}

#[tokio::test]
async fn an_order_that_differs_is_bound_only_when_a_person_says_so() {
    let world = World::new();
    let workspace = world.workspace(ADA);
    world.ca.show(issued(7, "bob"));
    let (adopted, asked) = bind(&world, &workspace, Consent::NobodyToAsk).await;
    assert!(matches!(adopted, Err(EngineError::Usage(_))));
    assert_eq!(asked, 1);
    let (adopted, _) = bind(&world, &workspace, Consent::Withheld).await;
    assert!(matches!(adopted, Err(EngineError::Failed(_))));
    assert_eq!(world.hold().await.mark().serial, 0);
    let (adopted, _) = bind(&world, &workspace, Consent::Given).await;
    assert_eq!(adopted.unwrap(), Adopted { agrees: false });
    assert!(world.hold().await.record(&ada()).unwrap().live.is_some());
}

#[tokio::test]
async fn an_order_of_another_product_is_never_bound() {
    let world = World::new();
    let workspace = world.workspace(ADA);
    let mut order = issued(7, "ada");
    order.product = Some("client_premium".to_owned());
    world.ca.show(order);
    let (adopted, asked) = bind(&world, &workspace, Consent::Given).await;
    assert!(matches!(adopted, Err(EngineError::Refused(_))));
    assert_eq!(asked, 0);
}

#[tokio::test]
async fn the_inventory_names_what_is_in_force_and_warns_of_the_rest() {
    let world = World::new();
    let workspace = world.workspace(ADA);
    let listed = |id: u64, name: &str| {
        let mut order = issued(id, name);
        let members = serde_json::json!({
            "organization": {"id": 5}, "validity_years": 1,
            "certificate": {
                "common_name": name, "emails": [format!("{name}@example.com")],
                "signature_hash": "sha256",
            },
        });
        order.members = members.as_object().unwrap().clone();
        order
    };
    world.ca.show(listed(7, "eve"));
    world.ca.show(listed(8, "eve"));
    world.ca.show(issued(9, "no members at all"));
    let mut revoked = listed(10, "kim");
    revoked.status = crate::model::OrderStatus::Revoked;
    world.ca.show(revoked);
    let person = Person::default();
    let found = inventory(&workspace, None, &person).await.unwrap();
    assert_eq!(found.orders, 2);
    for part in [
        "eve:",
        "eve-8:",
        "existing_order_id: '7'",
        "existing_order_id: '8'",
    ] {
        assert!(found.manifest.contains(part), "{part}: {}", found.manifest);
    }
    let [left_out] = found.left_out.as_slice() else {
        panic!("{:?}", found.left_out);
    };
    assert_eq!(left_out.id, "9".into());
    assert!(left_out.why.contains("missing"), "{}", left_out.why);
    let notices = person.notices.into_inner().unwrap();
    assert!(
        matches!(notices.as_slice(), [Notice::Progress(text)] if text.starts_with("3 orders")),
        "{notices:?}"
    );
}
