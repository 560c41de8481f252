//! Each fault does what it says, and the ledger says whether the effect happened.

use std::time::Duration;

use super::*;

async fn broken(rule: Value) -> Lab {
    let lab = Lab::new().await;
    let mut rule = rule;
    rule["match"] = json!({"provider": "certcentral", "method": "POST", "path_contains": "/order/certificate/"});
    lab.admin("/faults", json!([rule])).await;
    lab
}

fn order(lab: &Lab) -> reqwest::RequestBuilder {
    let body = with(client_order(), "alternative_order_id", json!("tag"));
    lab.request("POST", CLIENT, Some(&body))
}

/// How many orders the CA has under the tag.
async fn placed(lab: &Lab) -> usize {
    lab.get("/order/alternate/tag").await.1["orders"]
        .as_array()
        .expect("a list")
        .len()
}

#[tokio::test]
async fn answers_that_come_without_the_effect() {
    for (rule, status, start) in [
        (
            json!({"fault": "rate_limit", "retry_after": 7}),
            429,
            r#"{"errors":[{"code":"request_limit_exceeded""#,
        ),
        (json!({"fault": "error_before"}), 500, r#"{"errors""#),
        (
            json!({"fault": "error_before", "status": 503}),
            503,
            r#"{"errors""#,
        ),
        (json!({"fault": "html"}), 200, "<!doctype html>"),
        (
            json!({"fault": "redirect", "location": "http://127.0.0.1:1/"}),
            302,
            "",
        ),
        (
            json!({"fault": "unauthorized"}),
            403,
            r#"{"errors":[{"code":"access_denied|access_denied_invalid_key""#,
        ),
        (
            json!({"fault": "forbidden"}),
            403,
            r#"{"errors":[{"code":"access_denied|missing_permission""#,
        ),
    ] {
        let lab = broken(rule.clone()).await;
        let answer = order(&lab).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), status, "{rule}");
        for (member, header) in [("retry_after", "retry-after"), ("location", "location")] {
            let sent = answer
                .headers()
                .get(header)
                .map(|value| value.to_str().expect("text").trim_matches('"').to_owned());
            assert_eq!(
                sent,
                rule.get(member)
                    .map(|value| value.to_string().trim_matches('"').to_owned())
            );
        }
        assert!(
            answer.text().await.expect("text").starts_with(start),
            "{rule}"
        );
        assert_eq!(
            (placed(&lab).await, lab.effects().await),
            (0, vec!["none".to_owned()]),
            "{rule}"
        );
        let ledger = lab.admin_get("/ledger").await;
        let entry = ledger
            .as_array()
            .expect("a list")
            .iter()
            .find(|entry| entry["method"] == "POST" && entry["provider"] == "certcentral");
        let entry = entry.expect("an entry");
        assert_eq!(
            (&entry["fault"], &entry["answered"]),
            (&rule["fault"], &json!(status))
        );
        assert_eq!(entry["alternative_order_id"], "tag");
    }
}

#[tokio::test]
async fn answers_that_are_lost_or_spoilt_after_the_effect() {
    for (rule, status) in [
        (json!({"fault": "error_after"}), 500),
        (json!({"fault": "error_after", "status": 504}), 504),
        (json!({"fault": "empty"}), 201),
        (json!({"fault": "wrong_types"}), 201),
    ] {
        let lab = broken(rule.clone()).await;
        let (answered, body) = read(order(&lab)).await;
        assert_eq!((answered, body["id"].is_u64()), (status, false), "{rule}");
        assert_eq!(
            (placed(&lab).await, lab.effects().await),
            (1, vec!["order_created".to_owned()]),
            "{rule}"
        );
    }
}

#[tokio::test]
async fn connections_are_cut_before_and_after_the_effect() {
    for (fault, orders, effect) in [("cut_before", 0, "none"), ("cut_after", 1, "order_created")] {
        let lab = broken(json!({"fault": fault, "times": 1})).await;
        let error = order(&lab).send().await.expect_err("no answer");
        assert!(
            error.is_request() && !error.is_connect() && !error.is_timeout(),
            "{error:?}"
        );
        assert_eq!(
            (placed(&lab).await, lab.effects().await),
            (orders, vec![effect.to_owned()])
        );
        let ledger = lab.admin_get("/ledger").await;
        assert!(
            ledger
                .as_array()
                .expect("a list")
                .iter()
                .any(|entry| entry["answered"] == "cut")
        );
        assert_eq!(read(order(&lab)).await.0, 201, "the fault strikes once");
    }
}

#[tokio::test]
async fn a_truncated_answer_ends_in_the_middle_after_the_effect() {
    let lab = broken(json!({"fault": "truncate"})).await;
    let mut answer = order(&lab).send().await.expect("a head");
    assert_eq!(answer.status().as_u16(), 201);
    let promised = answer.content_length().expect("a length");
    let mut arrived = 0;
    let ended = loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => arrived += chunk.len() as u64,
            other => break other,
        }
    };
    assert!(
        ended.is_err() && arrived == promised / 2,
        "{arrived} of {promised}, {ended:?}"
    );
    assert_eq!(placed(&lab).await, 1);
}

#[tokio::test]
async fn a_huge_answer_is_as_long_as_asked_and_without_effect() {
    let lab = broken(json!({"fault": "huge", "bytes": 3_000_000})).await;
    let body = order(&lab)
        .send()
        .await
        .expect("an answer")
        .bytes()
        .await
        .expect("a body");
    assert!(body.len() >= 3_000_000 && body.len() < 4_000_000);
    assert_eq!(placed(&lab).await, 0);
}

#[tokio::test]
async fn a_delayed_answer_has_its_effect_at_once_and_a_late_one_even_when_nobody_waits() {
    let lab = broken(json!({"fault": "delay", "ms": 60_000})).await;
    let impatient = order(&lab).timeout(Duration::from_millis(300)).send().await;
    assert!(impatient.expect_err("too slow").is_timeout());
    assert_eq!(placed(&lab).await, 1);

    let lab = broken(json!({"fault": "delay", "ms": 600, "late": true})).await;
    let impatient = order(&lab).timeout(Duration::from_millis(100)).send().await;
    assert!(impatient.expect_err("too slow").is_timeout());
    assert_eq!(placed(&lab).await, 0);
    while placed(&lab).await == 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(lab.effects().await, ["order_created"]);
}

#[tokio::test]
async fn rules_skip_count_and_draw_by_the_seed() {
    let lab = broken(json!({"fault": "error_before", "skip": 1, "times": 2})).await;
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(read(order(&lab)).await.0);
    }
    assert_eq!(answers, [201, 500, 500, 201]);

    let rules = json!({"rules": [{"match": {"path_contains": "/user/me"}, "fault": "error_before", "probability": 0.5}], "seed": 11});
    let mut rounds = Vec::new();
    for _ in 0..2 {
        lab.admin("/faults", rules.clone()).await;
        let mut round = Vec::new();
        for _ in 0..20 {
            round.push(lab.get("/user/me").await.0);
        }
        rounds.push(round);
    }
    assert_eq!(rounds[0], rounds[1]);
    assert!(rounds[0].contains(&200) && rounds[0].contains(&500));
    let url = format!("{}/faults", lab.sandbox.admin_url());
    assert_eq!(read(lab.client.delete(url)).await.0, 200);
    assert_eq!(lab.admin_get("/faults").await, json!([]));
    let (status, _) = read(lab.admin_request("/faults", &json!([{"fault": "nonsense"}]))).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn faults_speak_the_language_of_ncloud() {
    let lab = Lab::new().await;
    for (fault, status, code) in [
        ("unauthorized", 401, json!("200")),
        ("rate_limit", 429, json!("410")),
        ("error_after", 500, json!("900")),
    ] {
        lab.admin(
            "/faults",
            json!([{"match": {"provider": "ncloud"}, "fault": fault}]),
        )
        .await;
        let (answered, body) = lab.ncloud("GET", "/certificate/orders", None).await;
        assert_eq!((answered, &body["error"]["errorCode"]), (status, &code));
    }
    lab.admin(
        "/faults",
        json!([{"match": {"provider": "ncloud"}, "fault": "forbidden"}]),
    )
    .await;
    assert_eq!(
        lab.ncloud("GET", "/certificate/orders", None).await,
        (403, Value::Null)
    );
}
