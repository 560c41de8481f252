//! How orders and certificates stand, from answers of every kind.

use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;
use crate::model::{ObservedCertificate, Stage};
use crate::provider::certcentral::{observed, wire};

const TODAY: Date = date(2026, 6, 15);

fn order_of(value: Value) -> wire::Order {
    serde_json::from_value(value).unwrap()
}

fn certificates(order: &Value, duplicates: &Value, reissues: &Value) -> Vec<ObservedCertificate> {
    let rows = |value: &Value| serde_json::from_value::<Vec<_>>(value.clone()).unwrap();
    observed::certificates(
        &order_of(order.clone()),
        &rows(duplicates),
        &rows(reissues),
        TODAY,
    )
    .unwrap()
}

fn primary(status: &str, certificate: Value) -> CertificateState {
    let order = json!({"id": 1, "status": status, "certificate": certificate});
    certificates(&order, &json!([]), &json!([])).remove(0).state
}

#[test]
fn row_59_words_of_orders() {
    let pending = |word: &str| {
        let stage = match word {
            "waiting_pickup" => Stage::Pickup,
            "needs_approval" => Stage::Approval,
            _ => Stage::Unclear,
        };
        OrderStatus::Pending(stage, Untrusted::new(word))
    };
    for (word, status) in [
        ("pending", pending("pending")),
        ("waiting_pickup", pending("waiting_pickup")),
        ("needs_approval", pending("needs_approval")),
        ("issued", OrderStatus::Issued),
        ("ISSUED", OrderStatus::Issued),
        ("reissue_pending", OrderStatus::ReissuePending),
        ("rejected", OrderStatus::Rejected),
        ("denied", OrderStatus::Rejected),
        ("canceled", OrderStatus::Canceled),
        ("CANCELED", OrderStatus::Canceled),
        ("revoked", OrderStatus::Revoked),
        ("expired", OrderStatus::Expired),
        (
            "not_renewed",
            OrderStatus::Other(Untrusted::new("not_renewed")),
        ),
    ] {
        let order = order_of(json!({"id": 1, "status": word}));
        assert_eq!(observed::summary(&order).unwrap().status, status, "{word}");
    }
    let order = order_of(json!({"id": 1, "status": 7, "organization": []}));
    let other = OrderStatus::Other(Untrusted::new("7"));
    assert_eq!(observed::summary(&order).unwrap().status, other);
}

#[test]
fn the_orders_own_certificate() {
    use CertificateState as S;
    for (order, certificate, state) in [
        ("issued", json!({"id": 5}), S::Issued),
        (
            "issued",
            json!({"id": 5, "valid_till": "2026-06-15"}),
            S::Issued,
        ),
        (
            "issued",
            json!({"id": 5, "valid_till": "2026-06-14"}),
            S::Expired,
        ),
        ("issued", json!({"id": 5, "valid_till": "soon"}), S::Issued),
        ("issued", json!({"id": 5, "status": "revoked"}), S::Revoked),
        ("issued", json!({"id": 5, "status": "issued"}), S::Issued),
        ("reissue_pending", json!({"id": 5}), S::Issued),
        (
            "revoked",
            json!({"id": 5, "serial_number": "1"}),
            S::Revoked,
        ),
        ("pending", json!({"id": 5}), S::Pending),
        ("rejected", json!({"id": 5}), S::Failed),
        ("expired", json!({"id": 5}), S::Expired),
        ("renewed", json!({"id": 5, "serial_number": "1"}), S::Issued),
        (
            "renewed",
            json!({"id": 5}),
            S::Other(Untrusted::new("renewed")),
        ),
    ] {
        let shown = format!("{order} {certificate}");
        assert_eq!(primary(order, certificate), state, "{shown}");
    }
}

#[test]
fn one_certificate_in_two_lists_is_one() {
    let order = json!({"id": 1, "status": "issued", "certificate": {"id": 10}});
    let duplicates = json!([{"id": 9, "status": "issued"}, {"id": 10, "status": "issued"}]);
    let reissues = json!([{"id": "9", "status": "issued"}, {"id": 11, "status": "revoked"}]);
    let all: Vec<_> = certificates(&order, &duplicates, &reissues)
        .into_iter()
        .map(|known| (known.id.to_string(), known.kind))
        .collect();
    let expected = [
        ("9".to_owned(), CertificateKind::Duplicate),
        ("10".to_owned(), CertificateKind::Original),
        ("11".to_owned(), CertificateKind::Reissue),
    ];
    assert_eq!(all, expected);
}

#[test]
fn row_68_a_revoked_order_takes_its_duplicates_with_it() {
    let order = json!({"id": 1, "status": "revoked", "certificate": {"id": 10}});
    let duplicates = json!([{"id": 9, "status": "approved"}]);
    let all = certificates(&order, &duplicates, &json!([]));
    assert!(
        all.iter()
            .all(|known| known.state == CertificateState::Revoked)
    );
}

#[test]
fn a_certificate_that_cannot_be_pinned_is_an_error() {
    let order = order_of(json!({"id": 1, "status": "issued", "certificate": {"id": 10}}));
    let row = serde_json::from_value(json!({"status": "issued"})).unwrap();
    assert_eq!(observed::certificates(&order, &[row], &[], TODAY), None);
}

#[test]
fn the_key_of_the_csr_is_known() {
    let key = rcgen::KeyPair::generate().unwrap();
    let csr = rcgen::CertificateParams::new(vec!["a.example".to_owned()])
        .unwrap()
        .serialize_request(&key)
        .unwrap();
    let expected = Digest::of(&rcgen::PublicKeyData::subject_public_key_info(&key));
    let pem = csr.pem().unwrap();
    let bare = data_encoding::BASE64.encode(csr.der());
    for (csr, digest) in [
        (pem.clone(), Some(expected)),
        (pem.replace('\n', "\r\n"), Some(expected)),
        (bare, Some(expected)),
        ("<csr>".to_owned(), None),
        (String::new(), None),
    ] {
        let order = order_of(json!({"id": 1, "certificate": {"csr": csr}}));
        assert_eq!(
            observed::in_full(&order).unwrap().public_key,
            digest,
            "{csr}"
        );
    }
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "[0-9]{1,22}".prop_map(Value::from),
        Just(json!("issued")),
        Just(json!("2026-01-01")),
    ];
    let member = prop_oneof![
        Just("id"),
        Just("status"),
        Just("certificate"),
        Just("requests"),
        Just("duplicates_count"),
        Just("date_created"),
        Just("price"),
        Just("csr"),
        Just("dns_names"),
        Just("valid_till"),
        Just("product"),
    ];
    leaf.prop_recursive(3, 40, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(member.clone(), inner, 0..8).prop_map(|members| members
                .into_iter()
                .map(|(k, v)| (k.to_owned(), v))
                .collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_answer_makes_an_order_without_an_id(value in values()) {
        let object = value.is_object();
        let id = value.get("id").cloned();
        if let Ok(order) = serde_json::from_value::<wire::Order>(value) {
            let full = observed::in_full(&order);
            let _ = observed::certificates(&order, &[], &[], TODAY);
            if object && let Some(full) = full {
                let text = full.id.as_str().to_owned();
                prop_assert!(text.bytes().all(|byte| byte.is_ascii_digit()) && text != "0");
                prop_assert!(matches!(id, Some(Value::Number(_) | Value::String(_))));
            }
        }
    }
}
