//! The names in a CSR: common names and alternative names, in their normal form.

use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::X509CertificationRequest;

use crate::files::{general_name, subject_text};
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
            .filter_map(|name| subject_text(name.attr_value()))
            .collect();
        for extension in request.requested_extensions().into_iter().flatten() {
            if let ParsedExtension::SubjectAlternativeName(alternative) = extension {
                asked.extend(alternative.general_names.iter().filter_map(general_name));
            }
        }
        let addresses = subject
            .iter_email()
            .filter_map(|address| subject_text(address.attr_value()))
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
