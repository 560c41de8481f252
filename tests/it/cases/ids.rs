//! Case 45: an id has one spelling, wherever it stands in a manifest.

use crate::rig::{ACCOUNTS, Rig};

/// One entry for each place of an id; `ID` stands for it.
const PLACES: [&str; 7] = [
    "revocations: { a: { order_id: ID, scope: order, reason: superseded, comments: x } }",
    "revocations: { a: { order_id: 7, scope: { certificate_id: ID }, reason: superseded, comments: x } }",
    "orders: { a: { product: client_premium_sha2, validity_years: 1, organization: { id: ID }, certificate: { common_name: A, emails: [a@example.com], signature_hash: sha256 } } }",
    "orders: { a: { product: client_premium_sha2, validity_years: 1, container: { id: ID }, certificate: { common_name: A, emails: [a@example.com], signature_hash: sha256 } } }",
    "orders: { a: { product: client_premium_sha2, validity_years: 1, renewal_of_order_id: ID, certificate: { common_name: A, emails: [a@example.com], signature_hash: sha256 } } }",
    "orders: { a: { product: client_premium_sha2, validity_years: 1, existing_order_id: ID, certificate: { common_name: A, emails: [a@example.com], signature_hash: sha256 } } }",
    "orders: { a: { product: client_premium_sha2, validity_years: 1, custom_fields: [{ metadata_id: ID, value: x }], certificate: { common_name: A, emails: [a@example.com], signature_hash: sha256 } } }",
];

/// What `validate` says of each place with this id.
fn validated(id: &str) -> Vec<(Option<i32>, String)> {
    let rig = Rig::new();
    PLACES
        .iter()
        .map(|place| {
            rig.write("m.yaml", format!("{ACCOUNTS}{}\n", place.replace("ID", id)));
            let ended = rig.certplan(&["validate", "-f", "m.yaml"]);
            (ended.code, ended.stderr)
        })
        .collect()
}

#[test]
fn case_45_an_id_is_taken_as_a_number_and_as_text() {
    for id in ["70000001", "\"70000001\"", "'9223372036854775807'"] {
        for (at, (code, told)) in validated(id).into_iter().enumerate() {
            assert_eq!(code, Some(0), "{id} in {}: {told}", PLACES[at]);
        }
    }
}

#[test]
fn case_45_another_spelling_is_refused_with_the_one_to_write() {
    for id in ["070000001", "\"070000001\"", "'+70000001'", "\" 70000001\""] {
        for (at, (code, told)) in validated(id).into_iter().enumerate() {
            assert_eq!(code, Some(1), "{id} in {}", PLACES[at]);
            let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(
                told.contains("write `70000001`"),
                "{id} in {}: {told}",
                PLACES[at]
            );
        }
    }
}

#[test]
fn case_45_what_is_no_id_is_refused() {
    for id in [
        "0",
        "-7",
        "0x42c1d81",
        "7.0",
        "7e7",
        "\"\"",
        "seven",
        "10000000000000000000",
    ] {
        for (at, (code, told)) in validated(id).into_iter().enumerate() {
            assert_eq!(code, Some(1), "{id} in {}: {told}", PLACES[at]);
        }
    }
}
