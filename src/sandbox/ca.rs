//! The throw-away CA: reads CSRs, checks their signature, and signs X.509 certificates. A root signs an
//! intermediate, which signs the rest; their ECDSA keys are made at start (or kept in the data folder).
//! Main type: [`Authority`].

use std::time::Duration;

use aws_lc_rs::digest;
use data_encoding::{BASE64, HEXLOWER, HEXUPPER};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType, SerialNumber, SubjectPublicKeyInfo, date_time_ymd,
};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::error::X509Error;
use x509_parser::oid_registry::OID_PKCS1_RSASSAPSS;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;

use super::SandboxError;

/// The subject common name of what signs certificates.
pub(super) const CA_NAME: &str = "certplan sandbox CA (not trusted)";
/// That of the root above it.
pub(super) const ROOT_NAME: &str = "certplan sandbox root (not trusted)";

pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: KeptCa,
    intermediate: KeptCa,
    /// The CSR behind every seeded order: making 100,000 keys would take too long.
    seeded_csr: String,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Authority").finish_non_exhaustive()
    }
}

/// What goes into a certificate, from the request and never from the CSR.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contents<'a> {
    pub(super) common_name: &'a str,
    pub(super) organization: Option<&'a str>,
    pub(super) organization_units: &'a [String],
    pub(super) dns_names: &'a [String],
    pub(super) emails: &'a [String],
    pub(super) usage: Usage,
    pub(super) serial_number: &'a str,
    pub(super) not_before: Timestamp,
    /// The last second.
    pub(super) not_after: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usage {
    Server,
    Client,
}

#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub(super) pem: String,
    /// SHA-1 of the certificate, upper-case hex: what CertCentral calls the thumbprint.
    pub(super) thumbprint: String,
}

/// A CA's key and certificate, as PEM.
#[derive(Clone, Debug)]
pub(super) struct KeptCa {
    pub(super) key: String,
    pub(super) certificate: String,
}

/// A CSR that cannot be used: not PEM, not a CSR, wrong signature, or an unsupported key.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct UnusableCsr(String);

impl Authority {
    /// Root and intermediate with new keys, or those that were kept.
    pub(super) fn open(
        root: Option<KeptCa>,
        intermediate: Option<KeptCa>,
    ) -> Result<Self, SandboxError> {
        let failed = |error: rcgen::Error| SandboxError::Authority(error.to_string());
        let root = match root {
            Some(kept) => kept,
            None => {
                let key = KeyPair::generate().map_err(failed)?;
                let params = ca(ROOT_NAME, BasicConstraints::Unconstrained);
                let certificate = params.self_signed(&key).map_err(failed)?.pem();
                KeptCa {
                    key: key.serialize_pem(),
                    certificate,
                }
            }
        };
        let intermediate = match intermediate {
            Some(kept) => kept,
            None => {
                let key = KeyPair::generate().map_err(failed)?;
                let mut params = ca(CA_NAME, BasicConstraints::Constrained(0));
                params.use_authority_key_identifier_extension = true;
                let above = issuer(&root).map_err(failed)?;
                let certificate = params.signed_by(&key, &above).map_err(failed)?.pem();
                KeptCa {
                    key: key.serialize_pem(),
                    certificate,
                }
            }
        };
        let issuer = issuer(&intermediate).map_err(failed)?;
        let subject = KeyPair::generate().map_err(failed)?;
        let mut request = CertificateParams::default();
        request.distinguished_name = named("seeded");
        let seeded_csr = request
            .serialize_request(&subject)
            .and_then(|csr| csr.pem())
            .map_err(failed)?;
        Ok(Self {
            issuer,
            root,
            intermediate,
            seeded_csr,
        })
    }

    pub(super) fn root(&self) -> &KeptCa {
        &self.root
    }

    pub(super) fn intermediate(&self) -> &KeptCa {
        &self.intermediate
    }

    pub(super) fn seeded_csr(&self) -> &str {
        &self.seeded_csr
    }

    /// Signs a certificate for the CSR's public key.
    pub(super) fn sign(&self, csr: &str, contents: &Contents<'_>) -> Result<Signed, UnusableCsr> {
        let unusable = |error: rcgen::Error| UnusableCsr(error.to_string());
        let der = der(csr)?;
        let (_, request) = X509CertificationRequest::from_der(&der)
            .map_err(|error| UnusableCsr(error.to_string()))?;
        let key =
            SubjectPublicKeyInfo::from_der(request.certification_request_info.subject_pki.raw)
                .map_err(unusable)?;

        let mut params = CertificateParams::default();
        params.distinguished_name = named(contents.common_name);
        if let Some(organization) = contents.organization {
            params
                .distinguished_name
                .push(DnType::OrganizationName, organization);
        }
        for unit in contents.organization_units {
            params
                .distinguished_name
                .push(DnType::OrganizationalUnitName, unit.as_str());
        }
        let ascii = |name: &String| Ia5String::try_from(name.as_str()).map_err(unusable);
        for name in contents.dns_names {
            params
                .subject_alt_names
                .push(SanType::DnsName(ascii(name)?));
        }
        for email in contents.emails {
            params
                .subject_alt_names
                .push(SanType::Rfc822Name(ascii(email)?));
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = match contents.usage {
            Usage::Server => vec![ExtendedKeyUsagePurpose::ServerAuth],
            Usage::Client => vec![
                ExtendedKeyUsagePurpose::ClientAuth,
                ExtendedKeyUsagePurpose::EmailProtection,
            ],
        };
        let serial = HEXUPPER
            .decode(contents.serial_number.as_bytes())
            .unwrap_or_default();
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        let at = |time: Timestamp| {
            let (day, second) = day_and_second(time);
            let (month, day_of_month) = (day.month().unsigned_abs(), day.day().unsigned_abs());
            date_time_ymd(day.year().into(), month, day_of_month) + Duration::from_secs(second)
        };
        params.not_before = at(contents.not_before);
        params.not_after = at(contents.not_after);
        // Says that it signs nothing, and brings the identifier of its key.
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer).map_err(unusable)?;
        Ok(Signed {
            thumbprint: sha1_hex(certificate.der()),
            pem: certificate.pem(),
        })
    }
}

/// Checks a CSR, its signature included, and says how many bits its key has.
pub(super) fn check_csr(csr: &str) -> Result<u64, UnusableCsr> {
    let der = der(csr)?;
    let (rest, request) =
        X509CertificationRequest::from_der(&der).map_err(|error| UnusableCsr(error.to_string()))?;
    if !rest.is_empty() {
        return Err(UnusableCsr("bytes follow the request".into()));
    }
    match request.verify_signature() {
        // Some signatures that are right cannot be checked here: P-521, PSS with a long salt.
        Ok(()) | Err(X509Error::SignatureUnsupportedAlgorithm) => {}
        Err(_) if request.signature_algorithm.algorithm == OID_PKCS1_RSASSAPSS => {}
        Err(error) => return Err(UnusableCsr(error.to_string())),
    }
    let key = &request.certification_request_info.subject_pki;
    SubjectPublicKeyInfo::from_der(key.raw).map_err(|error| UnusableCsr(error.to_string()))?;
    Ok(match key.parsed() {
        Ok(PublicKey::RSA(rsa)) => rsa.key_size() as u64,
        Ok(PublicKey::EC(point)) => point.key_size() as u64,
        _ => 256,
    })
}

/// A day in UTC, and how many seconds of it are over.
fn day_and_second(time: Timestamp) -> (Date, u64) {
    let time = time.to_zoned(TimeZone::UTC);
    let part = |number: i8| u64::from(number.unsigned_abs());
    let (hours, minutes) = (part(time.hour()), part(time.minute()));
    let second = (hours * 60 + minutes) * 60 + part(time.second());
    (time.date(), second)
}

/// A serial number of 16 bytes, upper-case hex, that depends on the seed and the certificate's id alone.
pub(super) fn serial_number(seed: u64, purpose: &str, certificate_id: u64) -> String {
    let digest = digest::digest(
        &digest::SHA256,
        format!("{seed}/{purpose}/{certificate_id}").as_bytes(),
    );
    let mut bytes: Vec<u8> = digest.as_ref().iter().copied().take(16).collect();
    if let Some(first) = bytes.first_mut() {
        // Positive, and no leading zero byte: every tool shows as many bytes. The first digit is 0, as those of
        // the real CA are: who leaves it out has to know that it is the same number.
        *first = (*first & 0x0f) | 0x01;
    }
    HEXUPPER.encode(&bytes)
}

pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn sha1_hex(bytes: &[u8]) -> String {
    HEXUPPER.encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref())
}

/// The request in PEM or bare base64, with or without line ends.
fn der(csr: &str) -> Result<Vec<u8>, UnusableCsr> {
    let body = match csr.split_once("-----BEGIN ") {
        None => csr,
        Some((_, block)) => {
            let (label, rest) = block.split_once("-----").unwrap_or((block, ""));
            if !matches!(label, "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST") {
                return Err(UnusableCsr(format!(
                    "PEM label {label} is not that of a request"
                )));
            }
            let end = format!("-----END {label}-----");
            let body = rest.split_once(&end).map(|(body, _)| body);
            body.ok_or_else(|| UnusableCsr(format!("{end} is missing")))?
        }
    };
    let bare: String = body.split_whitespace().collect();
    BASE64
        .decode(bare.as_bytes())
        .map_err(|error| UnusableCsr(error.to_string()))
}

fn issuer(kept: &KeptCa) -> Result<Issuer<'static, KeyPair>, rcgen::Error> {
    Issuer::from_ca_cert_pem(&kept.certificate, KeyPair::from_pem(&kept.key)?)
}

fn ca(name: &str, constraints: BasicConstraints) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(name);
    params.is_ca = IsCa::Ca(constraints);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}
