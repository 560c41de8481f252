//! Makes CSRs for the keys that were made here: [`make`].

use rcgen::string::Ia5String;
use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, SanType};

use super::error::FilesError;
use super::keys::PrivateKey;
use crate::model::sent_name;

/// RFC 5280, appendix A.1: `ub-common-name`.
const MOST_OF_COMMON_NAME: usize = 64;

/// The names that a CSR asks for, as the manifest has them.
#[derive(Debug, Clone, Copy, Default)]
pub struct CsrNames<'a> {
    /// The common name.
    pub common_name: Option<&'a str>,
    /// The DNS names.
    pub dns_names: &'a [String],
    /// The e-mail addresses.
    pub emails: &'a [String],
}

/// Makes a CSR, as PEM. It holds the names and the public key and nothing else.
///
/// # Errors
///
/// A name that no CSR can hold.
pub fn make(key: &PrivateKey, names: &CsrNames<'_>) -> Result<String, FilesError> {
    let mut params = CertificateParams::default();
    // Never the default of rcgen, which has a common name of its own.
    params.distinguished_name = DistinguishedName::new();
    if let Some(written) = names.common_name {
        let sent = sent_name(written);
        let length = sent.chars().count();
        if length == 0 || length > MOST_OF_COMMON_NAME {
            return Err(FilesError::Csr(format!(
                "the common name `{sent}` has {length} characters, and a certificate has room for 1 to {MOST_OF_COMMON_NAME}; take a shorter one, and list this one in `dns_names`"
            )));
        }
        let value = DnValue::Utf8String(sent.into_owned());
        params.distinguished_name.push(DnType::CommonName, value);
    }
    for name in names.dns_names {
        let name = SanType::DnsName(ascii(name)?);
        if !params.subject_alt_names.contains(&name) {
            params.subject_alt_names.push(name);
        }
    }
    for address in names.emails {
        let address = SanType::Rfc822Name(ascii(address)?);
        if !params.subject_alt_names.contains(&address) {
            params.subject_alt_names.push(address);
        }
    }
    let request = params
        .serialize_request(key)
        .map_err(|error| FilesError::Csr(error.to_string()))?;
    let text = request
        .pem()
        .map_err(|error| FilesError::Csr(error.to_string()))?;
    Ok(text.replace("\r\n", "\n"))
}

/// A name as it goes to a CA, in the one character set of alternative names.
fn ascii(written: &str) -> Result<Ia5String, FilesError> {
    let sent = sent_name(written);
    Ia5String::try_from(sent.as_ref()).map_err(|_| {
        FilesError::Csr(format!(
            "the name `{sent}` has characters outside ASCII; write it in ASCII"
        ))
    })
}
