//! A person settles what nobody knows.

use jiff::Timestamp;

use super::*;
use crate::model::{Attempt, Digest, OperationKind, OrderId, Wanted, intend};

/// Shows nothing, and says what it was told to say.
struct Bench(Consent, usize);

impl Tell for Bench {
    fn tell(&self, notice: Notice) {
        // The CA of these tests shows no key.
        let of_the_key = matches!(&notice, Notice::Warning(text) if text.contains("`key_id`"));
        assert!(of_the_key, "{notice:?}");
    }
}

impl Judge for Bench {
    fn sees(&mut self, findings: Findings<'_>) {
        assert!(matches!(findings, Findings::Purchase { .. }));
        self.1 += 1;
    }

    fn gives_up(&mut self, _: &str) -> Consent {
        self.0
    }
}

/// A run ended right after the intent to order.
async fn intended(world: &World, workspace: &Workspace) {
    let item = &workspace.batch.items[0];
    let Wanted::Order(_) = &item.wanted else {
        panic!("no order");
    };
    let attempt = Attempt {
        renews: None,
        why: Default::default(),
        public_key: None,
        kind: OperationKind::Order,
        part: None,
        number: 1,
        generation: 1,
        order_id: None,
        replaces: None,
        tag: workspace.tag(item, 1),
        body: Digest::of(b"body"),
        certificate: None,
        terms: None,
        asked: None,
    };
    let journal = world.hold().await;
    let by = (Timestamp::now(), RunId::from("killed".to_owned()));
    let whose = (item.address.clone(), item.account.clone());
    let _ = intend(&*journal, by, whose, attempt).await.unwrap();
    journal.close().await.unwrap();
}

async fn settle(
    workspace: &Workspace,
    verdict: Option<Verdict>,
    consent: Consent,
) -> (Result<Resolved, EngineError>, usize) {
    let request = ResolveRequest {
        address: ada(),
        verdict,
        lock_timeout: Duration::ZERO,
    };
    let mut bench = Bench(consent, 0);
    let resolved = resolve(workspace, &request, &mut bench).await;
    (resolved.map(|resolved| resolved.result), bench.1)
}

#[tokio::test]
async fn what_is_not_in_doubt_is_not_settled() {
    let world = World::new();
    let workspace = world.workspace(ADA);
    let (resolved, _) = settle(&workspace, None, Consent::Given).await;
    assert!(matches!(resolved, Err(EngineError::Failed(_))));
}

#[tokio::test]
async fn without_a_verdict_it_is_shown_and_stays_open() {
    let world = World::new();
    let workspace = world.workspace(ADA);
    intended(&world, &workspace).await;
    let (resolved, shown) = settle(&workspace, None, Consent::Given).await;
    assert_eq!(resolved.unwrap(), Resolved::OpenPurchase);
    assert_eq!(shown, 1);
    let record = world.hold().await.record(&ada()).unwrap();
    assert!(record.open.is_some());
}

#[tokio::test]
async fn the_order_that_a_person_names_is_bound_if_it_is_what_was_asked_for() {
    let world = World::new();
    let workspace = world.workspace(ADA);
    intended(&world, &workspace).await;
    world.ca.show(issued(7, "bob"));
    world.ca.show(issued(8, "ada"));
    let found = |id: &str| Some(Verdict::Found(OrderId::from(id)));
    let (wrong, _) = settle(&workspace, found("7"), Consent::Given).await;
    assert!(matches!(wrong, Err(EngineError::Refused(_))));
    let (absent, _) = settle(&workspace, found("9"), Consent::Given).await;
    assert!(matches!(absent, Err(EngineError::Failed(_))));
    let (right, _) = settle(&workspace, found("8"), Consent::Given).await;
    assert_eq!(right.unwrap(), Resolved::Bound("8".into()));
    let record = world.hold().await.record(&ada()).unwrap();
    assert_eq!(record.open, None);
    assert_eq!(record.live.unwrap().order_id, "8".into());
}

#[tokio::test]
async fn not_placed_takes_the_quiet_period_and_the_typed_word() {
    let world = World::new();
    let workspace = world.workspace(ADA);
    intended(&world, &workspace).await;
    let gone = || Some(Verdict::NotPlaced);
    let (early, shown) = settle(&workspace, gone(), Consent::Given).await;
    let error = early.unwrap_err();
    assert!(error.to_string().contains("the quiet period"), "{error}");
    assert_eq!(shown, 1);

    let mut workspace = workspace;
    workspace.policy.doubt.quiet_period = Duration::ZERO;
    let (nobody, _) = settle(&workspace, gone(), Consent::NobodyToAsk).await;
    assert!(matches!(nobody, Err(EngineError::Usage(_))));
    let (withheld, _) = settle(&workspace, gone(), Consent::Withheld).await;
    assert!(matches!(withheld, Err(EngineError::Failed(_))));
    let (given, _) = settle(&workspace, gone(), Consent::Given).await;
    assert_eq!(given.unwrap(), Resolved::NotPlaced);
    assert_eq!(world.hold().await.record(&ada()).unwrap().open, None);
}
