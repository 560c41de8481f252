//! Certificates and their chain in the formats of the downloads. PEM has CRLF line ends.

use serde_json::{Value, json};

use super::archive::{pkcs7, zip};
use super::refusal::{Outcome, Refusal};
use crate::sandbox::answer::Answer;
use crate::sandbox::ca::{CA_NAME, ROOT_NAME};
use crate::sandbox::world::World;

/// The platform whose download is a PEM bundle: public clients take it for its text.
const PEM_BUNDLE: &str = "29";

/// A certificate and what signed it, each as PEM.
struct Chain {
    leaf: String,
    intermediate: String,
    root: String,
}

impl Chain {
    fn of(world: &mut World, name: &str) -> Result<Self, Refusal> {
        let (order, id) = world.certcentral.find_certificate(name)?;
        let leaf = pem(world, order, id).ok_or_else(|| {
            Refusal::bad(
                "certificate_not_issued",
                "The certificate is not issued yet.",
            )
        })?;
        Ok(Self {
            leaf,
            intermediate: crlf(&world.authority.intermediate().certificate),
            root: crlf(&world.authority.root().certificate),
        })
    }

    fn pem_all(&self) -> String {
        [self.leaf.as_str(), &self.intermediate, &self.root].concat()
    }

    /// A file for each certificate, as web servers take them.
    fn files(&self, name: &str, ending: &str) -> Answer {
        let leaf = format!("{name}.{ending}");
        let (intermediate, root) = (
            format!("DigiCertCA.{ending}"),
            format!("TrustedRoot.{ending}"),
        );
        let files = [
            (leaf.as_str(), self.leaf.as_str()),
            (intermediate.as_str(), &self.intermediate),
            (root.as_str(), &self.root),
        ];
        Answer::text(200, "application/zip", zip(&files))
    }
}

/// `GET /certificate/{id}/download/format/{format}`.
pub(super) fn certificate(world: &mut World, name: &str, format: &str) -> Outcome {
    let chain = Chain::of(world, name)?;
    let text = |body: String| Answer::text(200, "application/x-pem-file", body);
    Ok(match format {
        "pem_all" => text(chain.pem_all()),
        "pem_noroot" => text(chain.leaf + &chain.intermediate),
        "pem_nointermediate" => text(chain.leaf),
        "p7b" | "cer" => Answer::text(
            200,
            "application/x-pkcs7-certificates",
            crlf(&pkcs7(&[&chain.leaf, &chain.intermediate, &chain.root])),
        ),
        "default" | "apache" => chain.files(name, "crt"),
        "default_cer" => chain.files(name, "cer"),
        "default_pem" => chain.files(name, "pem"),
        _ => {
            return Err(Refusal::bad(
                "invalid_value:format_type",
                "The sandbox has pem_all, pem_noroot, pem_nointermediate, p7b, cer, default, \
                 default_cer, default_pem, apache.",
            ));
        }
    })
}

/// `GET /certificate/{id}/download/platform[/{platform_id}]`: without an id, that of the order.
pub(super) fn platform(world: &mut World, name: &str, platform: Option<&str>) -> Outcome {
    let chain = Chain::of(world, name)?;
    match platform {
        Some(PEM_BUNDLE) => Ok(Answer::text(200, "application/x-pem-file", chain.pem_all())),
        Some(id) if id.parse::<i64>().is_err() => Err(Refusal::bad(
            "invalid_value:platform_id",
            "The platform id is not valid.",
        )),
        Some(_) | None => Ok(chain.files(name, "crt")),
    }
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

/// `GET /certificate/{id}/chain`: what is above the certificate.
pub(super) fn chain(world: &World, name: &str) -> Outcome {
    world.certcentral.find_certificate(name)?;
    Ok(Answer::json(200, &json!({"intermediates": above(world)})))
}

fn above(world: &World) -> [Value; 2] {
    let authority = &world.authority;
    let row = |name: &str, pem: &str| json!({"subject_common_name": name, "pem": crlf(pem)});
    [
        row(CA_NAME, &authority.intermediate().certificate),
        row(ROOT_NAME, &authority.root().certificate),
    ]
}

/// The chain in the answer to an order that was issued at once: certificate, intermediate, root.
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
    let mut chain = vec![json!({"subject_common_name": name, "pem": leaf})];
    chain.extend(above(world));
    Some(Value::Array(chain))
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
