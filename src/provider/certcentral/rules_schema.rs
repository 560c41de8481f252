//! What JSON Schema can say of the rules for products: an entry that names its product itself is held to that
//! product's limits. What an entry lacks may come from the defaults, so nothing is required here.

use serde_json::{Value, json};

use super::form::SignatureHash;
use super::product::{Family, products};
use super::secure_email::indicators;
use super::validity::Longest;

/// One rule for each set of products with something of their own.
pub(super) fn of_products() -> Value {
    let mut rules = Vec::new();
    let bounds = [
        (Family::is_client as fn(Family) -> bool, Family::Client),
        (Family::is_public_tls, Family::PublicTls),
    ];
    for (belongs, family) in bounds {
        let Some(longest) = Longest::of(family) else {
            continue;
        };
        let years = json!({ "maximum": longest.years });
        let days = json!({ "maximum": longest.days });
        let validity = json!({ "properties": { "years": years, "days": days } });
        let named = products().filter(|product| belongs(Family::of(product)));
        rules.push(rule(
            &named.collect::<Vec<_>>(),
            &json!({
                "validity_years": years,
                "validity_days": days,
                "order_validity": validity,
                "certificate": { "properties": { "cert_validity": validity } }
            }),
        ));
    }
    for product in products() {
        if let Some(known) = indicators(product) {
            let words: Vec<&str> = known.iter().map(|known| known.word()).collect();
            let indicator = json!({ "properties": { "common_name_indicator": { "enum": words } } });
            rules.push(rule(&[product], &json!({ "certificate": indicator })));
        }
    }
    let seed = products().filter(|product| Family::of(product) == Family::SeedClient);
    let hash =
        json!({ "properties": { "signature_hash": { "const": SignatureHash::Sha256.word() } } });
    rules.push(json!({
        "if": of(&seed.collect::<Vec<_>>()),
        "then": { "properties": { "certificate": hash } }
    }));
    Value::Array(rules)
}

fn of(products: &[&str]) -> Value {
    json!({ "required": ["product"], "properties": { "product": { "enum": products } } })
}

/// A rule for what is bought: an order that exists was taken by the CA as it is.
fn rule(products: &[&str], members: &Value) -> Value {
    let mut condition = of(products);
    if let Some(condition) = condition.as_object_mut() {
        condition.insert(
            "not".to_owned(),
            json!({ "required": ["existing_order_id"] }),
        );
    }
    json!({ "if": condition, "then": { "properties": members } })
}
