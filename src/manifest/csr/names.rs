//! The names in a CSR: common names and alternative names, in their normal form.

use std::net::IpAddr;

use x509_parser::asn1_rs::{Any, Tag};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::X509CertificationRequest;

use crate::model::normal_name;

/// The names in a CSR.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::manifest) struct CsrNames {
    /// What it asks to be certified, sorted.
    pub(in crate::manifest) asked: Vec<String>,
    /// Addresses in its subject: nobody certifies them as names, but they tell whose CSR it is.
    pub(in crate::manifest) addresses: Vec<String>,
}

impl CsrNames {
    /// Of a CSR.
    pub(super) fn of(request: &X509CertificationRequest<'_>) -> Self {
        let subject = &request.certification_request_info.subject;
        let mut asked: Vec<String> = subject
            .iter_common_name()
            .filter_map(|name| text(name.attr_value()))
            .collect();
        for extension in request.requested_extensions().into_iter().flatten() {
            if let ParsedExtension::SubjectAlternativeName(alternative) = extension {
                asked.extend(alternative.general_names.iter().filter_map(general));
            }
        }
        let addresses = subject
            .iter_email()
            .filter_map(|address| text(address.attr_value()))
            .collect();
        Self {
            asked: normal(asked),
            addresses: normal(addresses),
        }
    }
}

fn normal(names: Vec<String>) -> Vec<String> {
    let mut names: Vec<String> = names.iter().map(|name| normal_name(name)).collect();
    names.retain(|name| !name.is_empty());
    names.sort();
    names.dedup();
    names
}

fn general(name: &GeneralName<'_>) -> Option<String> {
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
fn text(value: &Any<'_>) -> Option<String> {
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
