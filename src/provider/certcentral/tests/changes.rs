//! What each change sends, byte for byte, and what its answers become.

use super::*;

#[tokio::test]
async fn an_order_is_revoked() {
    let server = Scripted::start(|_, _| Say::Json(201, fixture!("revoke_order_201.json"))).await;
    let answer = revoke(&server, &revocation("client_premium"), Part::Order).await;
    let requested = RevokeAnswer::Requested {
        request_id: Some(RequestId::from("1")),
        certificates: None,
    };
    assert_eq!(answer.unwrap(), requested);
    let body = json!({"comments": "Not in use any more"});
    let target = "/services/v2/order/certificate/98765/revoke";
    assert_change(&only(&server), "PUT", target, &body);
}

#[tokio::test]
async fn a_certificate_is_revoked_without_approval_and_with_a_reason_for_tls() {
    let server = Scripted::start(|_, _| Say::Text(204, "", String::new())).await;
    let operation = RevokeOperation {
        skip_approval: true,
        ..revocation("ssl_plus")
    };
    let part = Part::Certificate("12345".into());
    let answer = revoke(&server, &operation, part).await;
    assert_eq!(answer.unwrap(), RevokeAnswer::Revoked);
    let body = json!({
        "comments": "Not in use any more",
        "skip_approval": true,
        "revocation_reason": "cessation_of_operation",
    });
    let target = "/services/v2/certificate/12345/revoke";
    assert_change(&only(&server), "PUT", target, &body);
}

#[tokio::test]
async fn other_answers_to_a_revocation_are_in_doubt() {
    for say in [
        (200, json!({"id": 1, "type": "revoke"})),
        (202, json!({"id": 1, "type": "revoke"})),
        (201, json!({"id": 0, "type": "revoke"})),
        (201, json!({"id": 1, "type": "new_request"})),
        (201, json!({})),
        (201, json!([])),
    ] {
        let (status, body) = say.clone();
        let server = Scripted::start(move |_, _| Say::Json(status, body.clone())).await;
        let error = revoke(&server, &revocation("ssl_plus"), Part::Order).await;
        assert_eq!(error.unwrap_err().verdict, Verdict::InDoubt, "{say:?}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_client_certificate_is_ordered() {
    let server = Scripted::start(|_, before| {
        Say::Json(
            201,
            match before {
                0 => fixture!("order_pending.json"),
                1 => fixture!("order_submitted.json"),
                _ => fixture!("order_approved.json"),
            },
        )
    })
    .await;
    for (status, certificate) in [
        (RequestStatus::Pending, None),
        (RequestStatus::Submitted, None),
        (RequestStatus::Approved, Some(CertificateId::from("113"))),
    ] {
        let placed = place(&server, &order()).await.unwrap();
        let expected = Placed {
            order_id: OrderId::from("112233"),
            request: Some((RequestId::from("113"), status)),
            certificate_id: certificate,
            validation: Vec::new(),
            chain: None,
        };
        assert_eq!(placed, expected);
    }
    let mut body = fixture!("order_client_request.json");
    body["alternative_order_id"] = json!(tag().as_str());
    for seen in server.seen() {
        let target = "/services/v2/order/certificate/client_premium_sha2";
        assert_change(&seen, "POST", target, &body);
        let digest = Digest::of(&seen.body);
        let operation = Operation::Order(Box::new(order()));
        assert_eq!(body_digest(&provider(), &operation, None, None), digest);
    }
}

#[tokio::test]
async fn row_55_an_answer_without_a_usable_order_id_is_in_doubt() {
    let ids = [
        json!(0),
        json!(-7),
        json!("x"),
        json!(""),
        json!(1.5),
        json!(null),
    ];
    for id in ids
        .into_iter()
        .map(|id| json!({"id": id}))
        .chain([json!({}), json!([])])
    {
        let answer = id.clone();
        let server = Scripted::start(move |_, _| Say::Json(201, answer.clone())).await;
        let error = place(&server, &order()).await.unwrap_err();
        assert_eq!(
            (error.kind, error.verdict),
            (ErrorKind::Malformed, Verdict::InDoubt),
            "{id}"
        );
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn ids_may_be_text_and_only_documented_statuses_count() {
    let answer = json!({"id": "112233", "requests": [], "certificate_id": "9"});
    for (status, taken) in [(200, true), (201, true), (202, false), (204, false)] {
        let answer = answer.clone();
        let server = Scripted::start(move |_, _| Say::Json(status, answer.clone())).await;
        let placed = place(&server, &order()).await;
        assert_eq!(placed.is_ok(), taken, "{status}");
        match placed {
            Ok(placed) => assert_eq!(placed.order_id, OrderId::from("112233")),
            Err(error) => assert_eq!(error.verdict, Verdict::InDoubt),
        }
    }
}

#[tokio::test]
async fn a_renewal_names_the_order_before() {
    let answer = || Say::Json(201, json!({"id": 1, "requests": []}));
    let server = Scripted::start(move |_, _| answer()).await;
    let mut operation = order();
    operation.order.renewal_of = Some(RenewalOf::Item("before".parse().unwrap()));
    let error = place(&server, &operation).await.unwrap_err();
    assert_eq!(error.verdict, Verdict::NotSent);
    assert!(server.seen().is_empty());
    let shown = preview(&provider(), &Operation::Order(Box::new(operation.clone())));
    assert_eq!(
        shown[0].body.map()["renewal_of_order_id"],
        json!("(known after orders.before)")
    );
    let account = account(&server);
    let before = OrderId::from("4711");
    let permit = account.permit(0).await;
    let placed = account
        .place_order(
            permit,
            crate::model::Recorded::for_tests(),
            &operation,
            Some(&before),
        )
        .await;
    assert!(placed.is_ok());
    let sent = only(&server);
    assert_eq!(sent.json()["renewal_of_order_id"], json!(4711));
    let digest = body_digest(
        &provider(),
        &Operation::Order(Box::new(operation)),
        None,
        Some(&before),
    );
    assert_eq!(digest, Digest::of(&sent.body));
}

#[tokio::test]
async fn an_order_is_reissued() {
    let server =
        Scripted::start(|_, _| Say::Json(201, json!({"id": 4711, "requests": [{"id": 5}]}))).await;
    let account = account(&server);
    let mut operation = ReissueOperation {
        why: Default::default(),
        order_id: OrderId::from("4711"),
        order: order().order,
        collateral: Vec::new(),
    };
    let permit = account.permit(0).await;
    let placed = account
        .reissue(permit, crate::model::Recorded::for_tests(), &operation)
        .await
        .unwrap();
    assert_eq!(placed.order_id, operation.order_id);
    let unknown = RequestStatus::Other(Untrusted::new("no status"));
    assert_eq!(placed.request, Some((RequestId::from("5"), unknown)));
    let mut body = fixture!("order_client_request.json");
    let certificate = body["certificate"].take();
    let body = json!({"certificate": certificate, "skip_approval": true});
    let target = "/services/v2/order/certificate/4711/reissue";
    assert_change(&only(&server), "POST", target, &body);
    // An answer about another order proves nothing about this one.
    operation.order_id = OrderId::from("4712");
    let permit = account.permit(0).await;
    let error = account
        .reissue(permit, crate::model::Recorded::for_tests(), &operation)
        .await
        .unwrap_err();
    assert_eq!(error.verdict, Verdict::InDoubt);
}

#[tokio::test]
async fn an_id_cannot_lead_to_another_path() {
    let server = Scripted::start(|_, _| Say::Text(204, "", String::new())).await;
    for id in ["..", ".", "", "../../certificate/1"] {
        let operation = RevokeOperation {
            order_id: OrderId::from(id),
            ..revocation("ssl_plus")
        };
        let answer = revoke(&server, &operation, Part::Order).await;
        match answer {
            Err(error) => assert_eq!(error.verdict, Verdict::NotSent, "{id}"),
            Ok(_) => {
                let target = server.seen().pop().unwrap().target;
                assert_eq!(
                    target,
                    "/services/v2/order/certificate/%2E%2E%2F%2E%2E%2Fcertificate%2F1/revoke"
                );
            }
        }
    }
    assert_eq!(server.seen().len(), 1);
}
