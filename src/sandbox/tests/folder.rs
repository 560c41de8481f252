//! The data folder: what a restart keeps, and what a damaged or busy folder does.

use std::fs;
use std::path::Path;

use super::*;
use crate::sandbox::SandboxError;

fn keeping(folder: &Path) -> Options {
    Options {
        data: Some(folder.to_owned()),
        ..Options::default()
    }
}

#[tokio::test]
async fn orders_requests_ledger_and_ca_survive_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let lab = Lab::with(keeping(folder.path())).await;
    let (_, waiting) = lab
        .post(
            CLIENT,
            with(client_order(), "alternative_order_id", json!("tag")),
        )
        .await;
    let (_, placed) = lab
        .post(CLIENT, with(client_order(), "skip_approval", json!(true)))
        .await;
    lab.admin("/seed", json!({"certcentral": 3, "ncloud_orders": 1}))
        .await;
    let (_, before) = lab
        .get(&format!("/order/certificate/{}", placed["id"]))
        .await;
    let (_, listed) = lab.get("/order/certificate?sort=order_id").await;
    let ledger = lab.admin_get("/ledger").await;
    let busy = Sandbox::start(keeping(folder.path()))
        .await
        .expect_err("in use");
    assert!(matches!(busy, SandboxError::InUse(_)), "{busy}");
    lab.sandbox.stop().await;

    let lab = Lab::with(keeping(folder.path())).await;
    assert_eq!(
        lab.get(&format!("/order/certificate/{}", placed["id"]))
            .await
            .1,
        before
    );
    assert_eq!(lab.get("/order/certificate?sort=order_id").await.1, listed);
    assert_eq!(
        lab.get("/order/alternate/tag").await.1["orders"][0]["order_id"],
        waiting["id"]
    );
    assert_eq!(
        lab.ncloud("GET", "/certificate/orders/900001", None)
            .await
            .1["totalCount"],
        1
    );
    let kept = lab.admin_get("/ledger").await;
    let (kept, ledger) = (
        kept.as_array().expect("a list"),
        ledger.as_array().expect("a list"),
    );
    assert_eq!(kept.get(..ledger.len()), Some(ledger.as_slice()));
    let numbers: Vec<u64> = kept
        .iter()
        .filter_map(|entry| entry["seq"].as_u64())
        .collect();
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]));
    lab.admin(
        "/approve",
        json!({"request_id": waiting["requests"][0]["id"]}),
    )
    .await;
    let (_, next) = lab.post(CLIENT, client_order()).await;
    assert!(next["id"].as_u64() > placed["id"].as_u64());
    assert_eq!(lab.get("/finance/balance").await.1["balance"], "999935.00");
}

#[tokio::test]
async fn a_line_cut_off_at_the_end_is_dropped_and_a_damaged_one_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let lab = Lab::with(keeping(folder.path())).await;
    lab.post(CLIENT, client_order()).await;
    lab.sandbox.stop().await;
    let path = folder.path().join("ledger.jsonl");
    let whole = fs::read_to_string(&path).expect("a ledger");
    fs::write(&path, format!("{whole}{{\"seq\": 99")).expect("written");
    let lab = Lab::with(keeping(folder.path())).await;
    assert_eq!(
        lab.admin_get("/ledger").await.as_array().map(Vec::len),
        Some(1)
    );
    lab.sandbox.stop().await;
    assert_eq!(fs::read_to_string(&path).expect("a ledger"), whole);

    fs::write(&path, format!("nonsense\n{whole}")).expect("written");
    let error = Sandbox::start(keeping(folder.path()))
        .await
        .expect_err("refused");
    assert!(matches!(error, SandboxError::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn the_ledger_is_on_disk_before_the_answer_arrives() {
    let folder = tempfile::tempdir().expect("a folder");
    let lab = Lab::with(keeping(folder.path())).await;
    let (_, placed) = lab.post(CLIENT, client_order()).await;
    let ledger = fs::read_to_string(folder.path().join("ledger.jsonl")).expect("a ledger");
    let entry: Value = serde_json::from_str(ledger.lines().last().expect("a line")).expect("JSON");
    assert_eq!(entry["ids"]["order_id"], json!(placed["id"].to_string()));
    assert_eq!(
        (&entry["effect"], &entry["answered"], &entry["key"]),
        (
            &json!("order_created"),
            &json!(201),
            &json!("certcentral_key")
        )
    );
    for secret in ["sandbox-certcentral-key", "PRIVATE KEY"] {
        assert!(!ledger.contains(secret));
    }
}
