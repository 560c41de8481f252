//! Certificates and their chain in the formats of the downloads. PEM has CRLF line ends.

use serde_json::{Value, json};

use super::archive::{pkcs7, zip};
use super::order::Order;
use super::refusal::{Outcome, Refusal};
use crate::sandbox::answer::Answer;
use crate::sandbox::ca::{CA_NAME, ROOT_NAME};
use crate::sandbox::call::Spoilt;
use crate::sandbox::habits::CertificateChain;
use crate::sandbox::world::World;

/// The platform whose download is a PEM bundle: public clients take it for its text.
const PEM_BUNDLE: &str = "29";

/// One certificate of a chain: what its file is called, and its PEM.
#[derive(Debug)]
struct Link {
    file: String,
    pem: String,
}

/// A certificate and what signed it: leaf, intermediate, root, unless the fault script wants it otherwise.
///
/// Assumption: that order; the documents do not say which block of `pem_all` comes first.
fn links(world: &mut World, name: &str, spoilt: Spoilt) -> Result<Vec<Link>, Refusal> {
    let (order, mut id) = world.certcentral.find_certificate(name)?;
    if spoilt == Spoilt::Neighbour {
        id = neighbour(world.certcentral.order(order)?, id).unwrap_or(id);
    }
    let leaf = pem(world, order, id).ok_or_else(|| {
        Refusal::bad(
            "certificate_not_issued",
            "The certificate is not issued yet.",
        )
    })?;
    let link = |file: &str, pem: String| Link {
        file: file.to_owned(),
        pem,
    };
    let authority = &world.authority;
    let mut links = vec![
        link(name, leaf),
        link("DigiCertCA", crlf(&authority.intermediate().certificate)),
        link("TrustedRoot", crlf(&authority.root().certificate)),
    ];
    spoil(&mut links, spoilt);
    Ok(links)
}

/// Makes a chain that begins with the leaf a short one, or one that ends with it.
fn spoil<T>(chain: &mut Vec<T>, spoilt: Spoilt) {
    match spoilt {
        Spoilt::Short if chain.len() > 1 => {
            chain.remove(1);
        }
        Spoilt::Reversed => chain.reverse(),
        Spoilt::Short | Spoilt::Nothing | Spoilt::Neighbour => {}
    }
}

/// Another certificate of the order that was issued, the newest one.
fn neighbour(order: &Order, id: u64) -> Option<u64> {
    let others = order.certificates.iter().filter(|one| one.id != id);
    let issued = others.filter(|one| one.issued.is_some());
    issued.map(|one| one.id).next_back()
}

fn pem_text(links: &[Link]) -> Answer {
    let text: String = links.iter().map(|link| link.pem.as_str()).collect();
    Answer::text(200, "application/x-pem-file", text)
}

/// A file for each certificate, as web servers take them.
fn files(links: &[Link], ending: &str) -> Answer {
    let named: Vec<(String, &str)> = links
        .iter()
        .map(|link| (format!("{}.{ending}", link.file), link.pem.as_str()))
        .collect();
    let files: Vec<(&str, &str)> = named
        .iter()
        .map(|(name, pem)| (name.as_str(), *pem))
        .collect();
    Answer::text(200, "application/zip", zip(&files))
}

/// `GET /certificate/{id}/download/format/{format}`.
pub(super) fn certificate(world: &mut World, name: &str, format: &str, spoilt: Spoilt) -> Outcome {
    let mut links = links(world, name, spoilt)?;
    Ok(match format {
        "pem_all" => pem_text(&links),
        "pem_noroot" => {
            links.retain(|link| link.file != "TrustedRoot");
            pem_text(&links)
        }
        "pem_nointermediate" => {
            links.retain(|link| link.file == name);
            pem_text(&links)
        }
        "p7b" | "cer" => {
            let blocks: Vec<&str> = links.iter().map(|link| link.pem.as_str()).collect();
            let text = crlf(&pkcs7(&blocks));
            Answer::text(200, "application/x-pkcs7-certificates", text)
        }
        "default" | "apache" => files(&links, "crt"),
        "default_cer" => files(&links, "cer"),
        "default_pem" => files(&links, "pem"),
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
pub(super) fn platform(
    world: &mut World,
    name: &str,
    platform: Option<&str>,
    spoilt: Spoilt,
) -> Outcome {
    let links = links(world, name, spoilt)?;
    match platform {
        Some(PEM_BUNDLE) => Ok(pem_text(&links)),
        Some(id) if id.parse::<i64>().is_err() => Err(Refusal::bad(
            "invalid_value:platform_id",
            "The platform id is not valid.",
        )),
        Some(_) | None => Ok(files(&links, "crt")),
    }
}

/// `GET /certificate/download/order/{id}[/format/{format}]`: the certificate in force.
pub(super) fn of_order(world: &mut World, name: &str, format: &str, spoilt: Spoilt) -> Outcome {
    let id = world.certcentral.find_order(name)?;
    let current = world
        .certcentral
        .order(id)?
        .current()
        .map(|certificate| certificate.id.to_string());
    certificate(world, &current.unwrap_or_default(), format, spoilt)
}

/// `GET /certificate/{id}/chain`: what is above the certificate.
pub(super) fn chain(world: &World, name: &str, spoilt: Spoilt) -> Outcome {
    world.certcentral.find_certificate(name)?;
    let mut above = above(world);
    match spoilt {
        Spoilt::Short => drop(above.remove(0)),
        Spoilt::Reversed => above.reverse(),
        Spoilt::Nothing | Spoilt::Neighbour => {}
    }
    Ok(Answer::json(200, &json!({"intermediates": above})))
}

fn above(world: &World) -> Vec<Value> {
    let authority = &world.authority;
    let row = |name: &str, pem: &str| json!({"subject_common_name": name, "pem": crlf(pem)});
    vec![
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
    if world.settings.habits.certificate_chain == CertificateChain::Missing {
        return None;
    }
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

/// The answer to an order with what the fault script wants to be wrong with its chain.
pub(super) fn with_chain(mut answer: Answer, spoilt: Spoilt) -> Answer {
    if spoilt != Spoilt::Nothing
        && let Ok(mut body) = serde_json::from_slice::<Value>(&answer.body)
        && let Some(chain) = body["certificate_chain"].as_array_mut()
    {
        spoil(chain, spoilt);
        answer.body = body.to_string().into_bytes();
    }
    answer
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
