//! `POST /certificate/revoke`: one certificate of an order, or with certificateNo 0 all of them.

use serde_json::{Value, json};

use super::{refused, success};
use crate::sandbox::answer::{Answer, Effect};
use crate::sandbox::call::Call;
use crate::sandbox::world::World;

const REVOKE_TYPES: [&str; 4] = [
    "affiliationChanged",
    "superseded",
    "cessationOfOperation",
    "unspecified",
];

pub(super) fn revoke(world: &mut World, call: &Call) -> Answer {
    let invalid = |name: &str| refused(400, "2000", &format!("invalid input: {name}"));
    let Some(body) = call.object() else {
        return invalid("body");
    };
    let Some(order_id) = body.get("orderId").and_then(Value::as_str) else {
        return invalid("orderId");
    };
    let Some(number) = body.get("certificateNo").and_then(Value::as_u64) else {
        return invalid("certificateNo");
    };
    let revoke_type = body.get("revokeType").and_then(Value::as_str);
    let Some(revoke_type) = revoke_type.filter(|given| REVOKE_TYPES.contains(given)) else {
        return invalid("revokeType");
    };
    let (now, delay) = (world.clock.now(), world.settings.ncloud_revoke_delay);
    let Some(order) = world.ncloud.orders.get(order_id) else {
        // Assumption: no code is documented for an unknown order.
        return refused(200, "1006", "There is no such order.");
    };
    let in_scope = |one: &u64| number == 0 || *one == number;
    if !order
        .certificates
        .iter()
        .map(|one| one.number)
        .any(|one| in_scope(&one))
    {
        return refused(200, "1006", "There is no such certificate in the order.");
    }
    if !order
        .certificates
        .iter()
        .any(|one| in_scope(&one.number) && one.revocation.is_none())
    {
        // Assumption: no code is documented for revoking again.
        return refused(200, "26034", "The certificate cannot be revoked.");
    }
    let mut revoked = Vec::new();
    for certificate in world
        .ncloud
        .change(order_id)
        .into_iter()
        .flat_map(|order| &mut order.certificates)
    {
        if in_scope(&certificate.number) && certificate.revocation.is_none() {
            certificate.revoke(revoke_type, now, delay);
            revoked.push(certificate.number);
        }
    }
    let answer = success(json!({"totalRows": revoked.len()}));
    answer.with_effect(Effect {
        certificate_ids: revoked,
        ..Effect::on_order("revocation_requested", order_id)
    })
}
