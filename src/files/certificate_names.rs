//! The names that a certificate holds: [`held_names`].

use std::collections::BTreeSet;
use std::net::IpAddr;

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

use crate::model::normal_name;

/// Common names, alternative names and addresses in the subject, in their normal form.
pub(super) fn held_names(certificate: &X509Certificate<'_>) -> BTreeSet<String> {
    let subject = certificate.subject();
    let parts = subject.iter_common_name().chain(subject.iter_email());
    let mut names: BTreeSet<String> = parts
        .filter_map(|part| std::str::from_utf8(part.attr_value().data).ok())
        .map(normal_name)
        .collect();
    // An extension that stands twice is refused by x509-parser: then there are no alternative names.
    let alternative = certificate.subject_alternative_name().ok().flatten();
    for name in alternative.iter().flat_map(|one| &one.value.general_names) {
        match name {
            GeneralName::DNSName(name) | GeneralName::RFC822Name(name) | GeneralName::URI(name) => {
                names.insert(normal_name(name));
            }
            GeneralName::IPAddress(bytes) => names.extend(address(bytes)),
            _ => {}
        }
    }
    names
}

fn address(bytes: &[u8]) -> Option<String> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::from(four).to_string());
    }
    let sixteen = <[u8; 16]>::try_from(bytes).ok()?;
    Some(IpAddr::from(sixteen).to_string())
}
