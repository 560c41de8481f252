//! What belongs to the account rather than to an order: keys, user, products, organizations, money.

use serde_json::{Value, json};

use super::products::{self, Kind, Product};
use super::refusal::{Outcome, Refusal};
use super::user::{EMAIL, FIRST_NAME, LAST_NAME, USER_ID};
use super::{form, organizations};
use crate::sandbox::answer::Answer;
use crate::sandbox::call::Call;
use crate::sandbox::clock;
use crate::sandbox::world::World;

pub(super) const KEY_NAME: &str = "Key Name";
pub(super) const CONTAINER_ID: u64 = 445_566;
const ORGANIZATION_ID: u64 = 112_233;
/// What the account paid in, in cents.
const PAID_IN: i128 = 100_000_000;

pub(super) fn route(world: &World, call: &Call, segments: &[&str]) -> Outcome {
    let answer = match (call.method.as_str(), segments) {
        ("GET", ["key"]) => {
            json!({"api_keys": KEY_IDS.iter().filter_map(|id| key(world, *id)).collect::<Vec<_>>()})
        }
        ("GET", ["key", id]) => id
            .parse()
            .ok()
            .and_then(|id| key(world, id))
            .ok_or_else(|| Refusal::new(404, "not_found", "The key was not found."))?,
        ("GET", ["user", "me"]) => user_me(world),
        ("GET", ["account"]) => json!({
            "id": world.account_id, "name": "certplan sandbox", "is_active": true, "account_type": "enterprise",
            "make_renewal_calls": false, "reseller_id": 0,
        }),
        ("GET", ["account", "metadata"]) => json!({}),
        ("GET", ["product"]) => {
            json!({"products": products::PRODUCTS.iter().map(|product| product_row(*product)).collect::<Vec<_>>()})
        }
        ("GET", ["product", name]) => {
            product_info(products::find(name).ok_or_else(|| Refusal::not_found("product"))?)
        }
        ("GET", ["organization"]) => {
            json!({"organizations": [organization()], "page": {"total": 1, "limit": 1000, "offset": 0}})
        }
        ("GET", ["organization", id]) if id.parse() == Ok(ORGANIZATION_ID) => organization(),
        ("GET", ["organization", _]) => return Err(Refusal::not_found("organization")),
        ("GET", ["container"]) => json!({"containers": [container()]}),
        ("GET", ["finance", "balance"]) => balance(world),
        ("POST", ["finance", "order-pricing"]) => pricing(world, &form::object(call)?)?,
        _ => return Err(Refusal::not_found("route")),
    };
    Ok(Answer::json(200, &answer))
}

const KEY_IDS: [u64; 4] = [15, 184, 185, 186];

/// The keys that `GET /key/{id}` knows: an ACME key, a full one, a revoked one, a view-only one.
fn key(world: &World, id: u64) -> Option<Value> {
    let user = json!({"id": USER_ID, "first_name": FIRST_NAME, "last_name": LAST_NAME});
    let (status, name, role) = match id {
        15 => {
            return Some(json!({
                "id": 15,
                "user": {"id": 10, "first_name": "Jill", "last_name": "Valentine"},
                "status": "active",
                "create_date": "2018-11-20T22:27:47+00:00",
                "name": "ACME URL Name",
                "is_legacy": false,
                "restricted_to_role_id": 0,
                "acme_directory_url": "******nnAA",
                "product_name_id": "ssl_plus",
                "product_name": "Standard SSL",
                "organization_id": 123_456,
                "organization_name": "STARS",
                "validity_days": "0",
                "validity_years": "2",
            }));
        }
        184 => ("active", KEY_NAME, 0),
        185 => ("revoked", "Revoked Key", 0),
        186 => ("active", "View Only Key", 102),
        _ => return None,
    };
    Some(json!({
        "id": id,
        "user": user,
        "status": status,
        "create_date": "2018-08-07T23:27:58+00:00",
        "last_used_date": clock::iso8601(world.clock.now()),
        "name": name,
        "is_legacy": false,
        "restricted_to_role_id": role,
    }))
}

fn user_me(world: &World) -> Value {
    json!({
        "id": USER_ID,
        "username": "sandbox",
        "account_id": world.account_id,
        "first_name": FIRST_NAME,
        "last_name": LAST_NAME,
        "email": EMAIL,
        "job_title": "",
        "telephone": "+1 555 0100",
        "status": "active",
        "last_login_date": clock::iso8601(world.clock.now()),
        "container": container(),
        "access_roles": [{"id": 1, "name": "Administrator"}],
        "is_cert_central": true,
        "is_enterprise": false,
        "is_saml_sso_only": false,
        "type": "standard",
        "has_container_assignments": false,
        "container_visibility": [container()],
    })
}

fn container() -> Value {
    json!({"id": CONTAINER_ID, "public_id": "sandbox", "name": "Sandbox", "parent_id": 0, "template_id": 5, "ekey": "",
        "has_logo": false, "is_active": true, "allowed_domain_names": []})
}

fn organization() -> Value {
    json!({
        "id": ORGANIZATION_ID,
        "status": "active",
        "name": organizations::name(ORGANIZATION_ID),
        "display_name": organizations::name(ORGANIZATION_ID),
        "is_active": true,
        "address": "1 Example Street",
        "zip": "00000",
        "city": "Exampleton",
        "state": "Utah",
        "country": "us",
        "telephone": "+1 555 0100",
        "container": {"id": CONTAINER_ID, "parent_id": 0, "name": "Sandbox", "is_active": true},
    })
}

fn product_row(product: Product) -> Value {
    let hashes = if product.kind == Kind::Client {
        vec!["sha256"]
    } else {
        vec!["sha256", "sha384", "sha512"]
    };
    let hashes: Vec<Value> = hashes
        .into_iter()
        .map(|id| json!({"id": id, "name": id.to_uppercase()}))
        .collect();
    let years = if product.kind == Kind::Client {
        vec![1, 2]
    } else {
        vec![1, 2, 3]
    };
    json!({
        "group_name": product.group(),
        "name_id": product.name_id,
        "name": product.name,
        "type": product.group(),
        "allowed_validity_years": years,
        "allowed_order_validity_years": years,
        "signature_hash_types": {"allowed_hash_types": hashes, "default_hash_type_id": "sha256"},
        "allowed_ca_certs": [{"id": "1005", "name": crate::sandbox::ca::CA_NAME}],
        "csr_required": product.is_tls(),
    })
}

fn product_info(product: Product) -> Value {
    let mut info = product_row(product);
    info["validation_type"] = json!(match product.kind {
        Kind::DomainTls => "dv",
        Kind::OrganizationTls if product.name_id.contains("_ev_") => "ev",
        Kind::OrganizationTls => "ov",
        Kind::Client | Kind::SecureEmail => "smime",
    });
    info["duplicates_allowed"] = json!("1");
    info["max_multi_year_order_validity_years"] = json!("3");
    info
}

fn decimal(cents: i128) -> String {
    format!(
        "{}{}.{:02}",
        if cents < 0 { "-" } else { "" },
        cents.abs() / 100,
        cents.abs() % 100
    )
}

fn balance(world: &World) -> Value {
    let paid_in = world.settings.funds_cents.map_or(PAID_IN, i128::from);
    let left = paid_in - i128::from(world.certcentral.spent_cents);
    json!({
        "balance": decimal(left),
        "currency": "USD",
        "unpaid_invoice_balance": "0.00",
        "negative_balance_limit": "0.00",
        "used_credit_from_other_containers": "0.00",
        "total_available_funds": decimal(left),
    })
}

fn pricing(world: &World, body: &Value) -> Result<Value, Refusal> {
    let name = body.get("product_name_id").and_then(Value::as_str);
    let name = name.ok_or_else(|| {
        Refusal::bad(
            "required_param:product_name_id",
            "product_name_id is required.",
        )
    })?;
    // A price that cannot be estimated is 0, not an error.
    let price =
        products::find(name).map_or(0.0, |product| f64::from(product.price_cents()) / 100.0);
    Ok(json!({
        "base_price": price,
        "total_price": price,
        "addons_price": 0,
        "balance": balance(world)["balance"],
        "currency": "USD",
        "tax": "0.00",
    }))
}
