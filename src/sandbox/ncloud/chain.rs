//! `GET /certificate/exportCertificate/{certificateNo}/chain`: a certificate and what signed it, as PEM.

use serde_json::json;

use super::{refused, success};
use crate::sandbox::answer::Answer;
use crate::sandbox::ca::{Contents, Usage};
use crate::sandbox::call::Spoilt;
use crate::sandbox::world::World;

pub(super) fn chain(world: &mut World, number: &str, spoilt: Spoilt) -> Answer {
    let Ok(number) = number.parse::<u64>() else {
        return refused(400, "2000", "invalid input: certificateNo");
    };
    // Assumption: a certificate that was revoked or is over can be had all the same.
    let Some(found) = signed(world, number, spoilt) else {
        return refused(200, "1006", "There is no such certificate.");
    };
    let (mut certificate, subject) = found;
    let mut intermediate = world.authority.intermediate().certificate.clone();
    let mut root = world.authority.root().certificate.clone();
    match spoilt {
        Spoilt::Short => intermediate.clear(),
        Spoilt::Reversed => std::mem::swap(&mut certificate, &mut root),
        Spoilt::Nothing | Spoilt::Neighbour => {}
    }
    success(json!({
        "totalRows": 1,
        "subjectCommonName": subject,
        "certificate": certificate,
        "subCaCertificate": intermediate,
        "rootCaCertificate": root,
    }))
}

/// The PEM of a certificate, or of another one of its order, and its common name. It is signed when somebody
/// looks at it for the first time.
fn signed(world: &mut World, number: u64, spoilt: Spoilt) -> Option<(String, String)> {
    let holds = |one: &&super::book::NcloudOrder| {
        let mut certificates = one.certificates.iter();
        certificates.any(|certificate| certificate.number == number)
    };
    let order_id = world.ncloud.orders.values().find(holds)?.order_id.clone();
    let order = world.ncloud.change(&order_id)?;
    let years = order.subscription_years;
    let mut numbers = order.certificates.iter().map(|one| one.number);
    let other = numbers.rfind(|one| *one != number);
    let number = match spoilt {
        Spoilt::Neighbour => other.unwrap_or(number),
        Spoilt::Nothing | Spoilt::Short | Spoilt::Reversed => number,
    };
    let mut certificates = order.certificates.iter_mut();
    let certificate = certificates.find(|one| one.number == number)?;
    if certificate.signed.is_none() {
        let contents = Contents {
            common_name: &certificate.common_name,
            organization: None,
            organization_units: &[],
            dns_names: &certificate.dns_names,
            emails: &[],
            usage: Usage::Server,
            serial_number: &certificate.serial_number,
            not_before: certificate.issued,
            not_after: certificate.end(years),
        };
        let csr = certificate.csr.as_deref();
        let csr = csr.unwrap_or_else(|| world.authority.seeded_csr());
        certificate.signed = Some(world.authority.sign(csr, &contents).ok()?.pem);
    }
    Some((certificate.signed.clone()?, certificate.common_name.clone()))
}
