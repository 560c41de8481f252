//! The names that requests and certificates hold, as text: [`subject_text`], [`general_name`], [`held_names`].

use std::collections::BTreeSet;
use std::net::IpAddr;

use x509_parser::asn1_rs::{Any, Tag};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

use crate::model::normal_name;

/// Common names, alternative names and addresses in the subject of a certificate, in their normal form.
pub(super) fn held_names(certificate: &X509Certificate<'_>) -> BTreeSet<String> {
    let subject = certificate.subject();
    let parts = subject.iter_common_name().chain(subject.iter_email());
    let parts = parts.filter_map(|part| subject_text(part.attr_value()));
    // An extension that stands twice is refused by x509-parser: then there are no alternative names.
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let alternative = alternative.iter().flat_map(|one| &one.value.general_names);
    parts
        .chain(alternative.filter_map(general_name))
        .map(|name| normal_name(&name))
        .collect()
}

/// A name or an address that an extension holds; `None` for the other kinds.
pub fn general_name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) | GeneralName::RFC822Name(name) | GeneralName::URI(name) => {
            Some((*name).to_owned())
        }
        GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
        _ => None,
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::from(four));
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

/// A text of a subject, in whichever of the types of RFC 5280 it is written.
pub fn subject_text(value: &Any<'_>) -> Option<String> {
    let bytes = value.data;
    match value.tag() {
        Tag::BmpString => {
            let pairs = bytes.as_chunks::<2>().0.iter();
            let units = pairs.map(|pair| u16::from_be_bytes(*pair));
            char::decode_utf16(units).collect::<Result<_, _>>().ok()
        }
        Tag::UniversalString => {
            let fours = bytes.as_chunks::<4>().0.iter();
            fours
                .map(|four| char::from_u32(u32::from_be_bytes(*four)))
                .collect()
        }
        // Written as Latin-1 by every program that still writes it.
        Tag::T61String => Some(bytes.iter().map(|&byte| char::from(byte)).collect()),
        _ => std::str::from_utf8(bytes).ok().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::string::{BmpString, UniversalString};
    use rcgen::{CertificateParams, DnType, DnValue, KeyPair};
    use x509_parser::prelude::FromDer;

    use super::*;

    #[test]
    fn a_common_name_is_read_in_every_type_of_text() {
        let name = "Zo\u{eb} \u{141}ukasz";
        let values = [
            DnValue::Utf8String(name.to_owned()),
            DnValue::BmpString(BmpString::try_from(name).unwrap()),
            DnValue::UniversalString(UniversalString::try_from(name).unwrap()),
        ];
        for value in values {
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, value);
            let key = KeyPair::generate().unwrap();
            let signed = params.self_signed(&key).unwrap();
            let (_, certificate) = X509Certificate::from_der(signed.der()).unwrap();
            assert!(held_names(&certificate).contains(&normal_name(name)));
        }
    }
}
