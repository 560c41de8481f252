//! The products that the documents name, by what an order of one needs (CertCentral's pages
//! on ordering TLS, client and Secure Email certificates). What an account can buy is known to the CA alone.

/// The products of CertCentral's page on client certificates.
const SEED_CLIENT: [&str; 4] = [
    "client_premium_sha2",
    "client_email_security_plus",
    "client_authentication_plus",
    "client_digital_signature_plus_sha2",
];
const NEWER_CLIENT: [&str; 3] = [
    "client_premium",
    "client_digital_signature_plus",
    "private_client_premium",
];
/// Secure Email of a mailbox.
pub(super) const MAILBOX: &str = "secure_email_mailbox";
/// Secure Email of a person in an organization.
pub(super) const SPONSOR: &str = "secure_email_sponsor";
/// Secure Email of an organization.
pub(super) const ORGANIZATION: &str = "secure_email_organization";
const SECURE_EMAIL: [&str; 3] = [MAILBOX, SPONSOR, ORGANIZATION];
const PUBLIC_TLS: [&str; 16] = [
    "ssl",
    "ssl_basic",
    "ssl_ev_basic",
    "ssl_plus",
    "ssl_multi_domain",
    "ssl_wildcard",
    "ssl_ev_plus",
    "ssl_ev_multi_domain",
    "ssl_securesite_flex",
    "ssl_ev_securesite_flex",
    "ssl_securesite_pro",
    "ssl_ev_securesite_pro",
    "ssl_securesite",
    "ssl_securesite_multi_domain",
    "ssl_securesite_wildcard",
    "ssl_geotrust_truebizid",
];
const DOMAIN_VALIDATED: [&str; 5] = [
    "ssl_dv_geotrust",
    "ssl_dv_rapidssl",
    "wildcard_dv_geotrust",
    "wildcard_dv_rapidssl",
    "cloud_dv_geotrust",
];
const PRIVATE_TLS: [&str; 4] = [
    "private_ssl_plus",
    "private_ssl_flex",
    "private_ssl_wildcard",
    "private_ssl_multi_domain",
];
const SIGNING: [&str; 4] = [
    "code_signing",
    "code_signing_ev",
    "document_signing_org_1",
    "document_signing_org_2",
];

/// The families of products, by what an order of one needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Client certificates that CertCentral's page names.
    SeedClient,
    /// Client certificates of newer documents.
    Client,
    /// `class1_smime`: no common name.
    ClassOne,
    /// Secure Email; the sponsor and organization kinds need an indicator for the common name.
    SecureEmail,
    /// Public TLS that vouches for an organization.
    PublicTls,
    /// Public TLS that vouches for a domain alone.
    DomainTls,
    /// TLS under a private root.
    PrivateTls,
    /// Code and document signing.
    Signing,
    /// Not in any document: passed on with a warning.
    Unknown,
}

impl Family {
    /// The family of a product id.
    pub(super) fn of(product: &str) -> Self {
        let families: [(&[&str], Self); 7] = [
            (&SEED_CLIENT, Self::SeedClient),
            (&NEWER_CLIENT, Self::Client),
            (&SECURE_EMAIL, Self::SecureEmail),
            (&PUBLIC_TLS, Self::PublicTls),
            (&DOMAIN_VALIDATED, Self::DomainTls),
            (&PRIVATE_TLS, Self::PrivateTls),
            (&SIGNING, Self::Signing),
        ];
        if product == "class1_smime" {
            return Self::ClassOne;
        }
        families
            .into_iter()
            .find(|(products, _)| products.contains(&product))
            .map_or(Self::Unknown, |(_, family)| family)
    }

    /// Whether it is TLS under a public root.
    pub(super) fn is_public_tls(self) -> bool {
        matches!(self, Self::PublicTls | Self::DomainTls)
    }

    /// Whether it may be TLS.
    pub(super) fn may_be_tls(self) -> bool {
        match self {
            Self::PublicTls | Self::DomainTls | Self::PrivateTls | Self::Unknown => true,
            Self::SeedClient
            | Self::Client
            | Self::ClassOne
            | Self::SecureEmail
            | Self::Signing => false,
        }
    }

    /// Whether it is a client certificate.
    pub(super) fn is_client(self) -> bool {
        matches!(self, Self::SeedClient | Self::Client | Self::ClassOne)
    }
}

/// Every product id that is known, for "did you mean".
pub(super) fn products() -> impl Iterator<Item = &'static str> + Clone {
    SEED_CLIENT
        .into_iter()
        .chain(NEWER_CLIENT)
        .chain(SECURE_EMAIL)
        .chain(PUBLIC_TLS)
        .chain(DOMAIN_VALIDATED)
        .chain(PRIVATE_TLS)
        .chain(SIGNING)
        .chain(["class1_smime"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_product_has_a_family() {
        for product in products() {
            assert_ne!(Family::of(product), Family::Unknown, "{product}");
        }
        assert_eq!(Family::of("ssl_plu"), Family::Unknown);
    }
}
