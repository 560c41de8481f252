//! Certificates and their chain, as PEM with CRLF line ends.

use serde_json::{Value, json};

use super::refusal::{Outcome, Refusal};
use crate::sandbox::answer::Answer;
use crate::sandbox::ca::CA_NAME;
use crate::sandbox::world::World;

/// `GET /certificate/{id}/download/format/{format}`.
pub(super) fn certificate(world: &mut World, name: &str, format: &str) -> Outcome {
    let (order, id) = world.certcentral.find_certificate(name)?;
    let leaf = pem(world, order, id).ok_or_else(|| {
        Refusal::bad(
            "certificate_not_issued",
            "The certificate is not issued yet.",
        )
    })?;
    let ca = crlf(world.authority.ca_pem());
    // One CA signs everything here, so it is root and intermediate at once.
    let body = match format {
        "pem_all" => leaf + &ca,
        "pem_noroot" | "pem_nointermediate" => leaf,
        _ => {
            return Err(Refusal::bad(
                "invalid_value:format_type",
                "The sandbox has pem_all, pem_noroot, pem_nointermediate.",
            ));
        }
    };
    Ok(Answer::text(200, "application/x-pem-file", body))
}

/// `GET /certificate/download/order/{id}[/format/{format}]`: the certificate in force.
pub(super) fn of_order(world: &mut World, name: &str, format: &str) -> Outcome {
    let id = world.certcentral.find_order(name)?;
    let current = world
        .certcentral
        .order(id)?
        .current()
        .map(|certificate| certificate.id.to_string());
    certificate(world, &current.unwrap_or_default(), format)
}

/// `GET /certificate/{id}/chain`.
pub(super) fn chain(world: &World, name: &str) -> Outcome {
    world.certcentral.find_certificate(name)?;
    let ca = json!({"subject_common_name": CA_NAME, "pem": crlf(world.authority.ca_pem())});
    Ok(Answer::json(200, &json!({"intermediates": [ca]})))
}

/// The chain in the answer to an order that was issued at once: certificate, then CA.
pub(super) fn certificate_chain(
    world: &mut World,
    order_id: u64,
    certificate_id: u64,
) -> Option<Value> {
    let leaf = pem(world, order_id, certificate_id)?;
    let order = world.certcentral.order(order_id).ok()?;
    let name = &order
        .certificates
        .iter()
        .find(|certificate| certificate.id == certificate_id)?
        .common_name;
    Some(json!([
        {"subject_common_name": name, "pem": leaf},
        {"subject_common_name": CA_NAME, "pem": crlf(world.authority.ca_pem())},
    ]))
}

fn pem(world: &mut World, order_id: u64, certificate_id: u64) -> Option<String> {
    world
        .certcentral
        .sign(&world.authority, order_id, certificate_id)
        .ok()?;
    let order = world.certcentral.order(order_id).ok()?;
    let certificate = order
        .certificates
        .iter()
        .find(|certificate| certificate.id == certificate_id)?;
    let (pem, _) = certificate.issued.as_ref()?.signed.as_ref()?;
    Some(crlf(pem))
}

fn crlf(pem: &str) -> String {
    pem.lines().flat_map(|line| [line, "\r\n"]).collect()
}
