//! Revocations at ncloud, which takes its time.

use serde_json::json;

use super::dying;
use crate::rig::{Rig, action};

/// A revocation at ncloud.
fn ncloud(order: &str, scope: &str) -> String {
    format!(
        "revocations:
  shop:
    account: navercloud
    order_id: \"{order}\"
    scope: {scope}
    reason: superseded
"
    )
}

/// A rig with one ncloud order of so many certificates; its id and the first number.
fn ncloud_rig(certificates: u64) -> (Rig, String) {
    let rig = Rig::new();
    let seeded = rig.tell(
        "seed",
        json!({ "ncloud_orders": 1, "certificates_per_order": certificates,
                "first_certificate_no": 500 }),
    );
    let id = seeded["ncloud_order_ids"][0].as_str().unwrap().to_owned();
    (rig, id)
}

#[test]
fn one_ncloud_certificate_goes_by_its_number() {
    let (rig, order) = ncloud_rig(3);
    rig.manifest(&ncloud(&order, "{ certificate_no: 501 }"));
    let plan = rig.plan(&[]);
    assert_eq!(dying(&plan, "revocations.shop"), ["501"]);
    let body = &action(&plan, "revocations.shop")["requests"][0]["body"];
    assert_eq!(body["certificateNo"], 501);
    rig.apply(&[], 0);
    let changes = rig.changes();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0]["ids"]["certificate_ids"], json!([501]));
}

#[test]
fn a_whole_ncloud_order_is_the_only_way_to_certificate_number_0() {
    let (rig, order) = ncloud_rig(3);
    rig.manifest(&ncloud(&order, "order"));
    let plan = rig.plan(&[]);
    assert_eq!(dying(&plan, "revocations.shop").len(), 3);
    let requests = action(&plan, "revocations.shop")["requests"]
        .as_array()
        .unwrap();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0]["body"]["certificateNo"], 0);
    rig.apply(&[], 0);
    assert_eq!(
        rig.changes()[0]["ids"]["certificate_ids"],
        json!([500, 501, 502])
    );

    rig.manifest(&ncloud(&order, "{ certificate_no: 0 }"));
    let refused = rig.certplan(&["plan"]).expect(1);
    assert!(
        refused.stderr.contains("scope: order"),
        "{}",
        refused.stderr
    );
}

#[test]
fn ncloud_takes_its_time_and_the_run_waits_for_it() {
    let (rig, order) = ncloud_rig(2);
    rig.tell("options", json!({ "ncloud_revoke_delay_ms": 60_000 }));
    rig.manifest(&ncloud(&order, "{ certificate_no: 500 }"));
    let report = rig.apply(&["--detailed-exitcode"], 2);
    assert_eq!(action(&report, "revocations.shop")["outcome"], "waiting");
    let plan = rig.plan(&[]);
    assert_eq!(action(&plan, "revocations.shop")["action"], "wait");
    assert_eq!(rig.ask("state")["ncloud_certificates"]["-7"], 1);

    rig.tell("options", json!({ "ncloud_revoke_delay_ms": 1_500 }));
    rig.manifest(&ncloud(&order, "{ certificate_no: 501 }").replace("shop:", "second:"));
    let report = rig.apply(&["--wait", "50s", "--detailed-exitcode"], 0);
    assert_eq!(action(&report, "revocations.second")["outcome"], "done");
    assert_eq!(
        action(&rig.plan(&[]), "revocations.second")["action"],
        "keep"
    );
}

#[test]
fn an_ncloud_order_is_in_force_as_revoked_only_when_its_last_certificate_is() {
    let (rig, order) = ncloud_rig(2);
    rig.tell(
        "revoke",
        json!({ "provider": "ncloud", "order_id": order, "certificate_id": 500 }),
    );
    rig.tell("options", json!({ "ncloud_revoke_delay_ms": 60_000 }));
    rig.manifest(&ncloud(&order, "order"));
    assert_eq!(dying(&rig.plan(&[]), "revocations.shop"), ["501"]);
    let report = rig.apply(&["--wait", "3s"], 0);
    assert_eq!(action(&report, "revocations.shop")["outcome"], "waiting");
    assert_eq!(action(&rig.plan(&[]), "revocations.shop")["action"], "wait");
}
