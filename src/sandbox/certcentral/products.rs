//! The products that the sandbox sells: the client, secure e-mail and TLS products of the API's documents.

/// How an order of a product is checked and issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sandbox) enum Kind {
    Client,
    SecureEmail,
    /// Needs an organization.
    OrganizationTls,
    /// Domain validation only.
    DomainTls,
}

#[derive(Clone, Copy, Debug)]
pub(in crate::sandbox) struct Product {
    pub(in crate::sandbox) name_id: &'static str,
    pub(in crate::sandbox) name: &'static str,
    pub(in crate::sandbox) kind: Kind,
}

impl Product {
    pub(in crate::sandbox) fn is_tls(self) -> bool {
        matches!(self.kind, Kind::OrganizationTls | Kind::DomainTls)
    }

    /// Whether browsers trust it, so that it lives no longer than they allow.
    pub(in crate::sandbox) fn is_public_tls(self) -> bool {
        self.is_tls() && !self.name_id.starts_with("private_")
    }

    pub(super) fn group(self) -> &'static str {
        match self.kind {
            Kind::Client => "client_certificate",
            Kind::SecureEmail => "secure_email_certificate",
            Kind::OrganizationTls => "ssl_certificate",
            Kind::DomainTls => "dv_ssl_certificate",
        }
    }

    /// Price of an order in cents of a US dollar, whatever its length.
    pub(in crate::sandbox) fn price_cents(self) -> u32 {
        match self.kind {
            Kind::Client => 3_250,
            Kind::SecureEmail => 4_500,
            Kind::OrganizationTls | Kind::DomainTls => 17_500,
        }
    }
}

pub(in crate::sandbox) fn find(name_id: &str) -> Option<Product> {
    PRODUCTS
        .iter()
        .copied()
        .find(|product| product.name_id == name_id)
}

const fn product(name_id: &'static str, name: &'static str, kind: Kind) -> Product {
    Product {
        name_id,
        name,
        kind,
    }
}

pub(super) const PRODUCTS: &[Product] = &[
    product("client_premium_sha2", "Premium", Kind::Client),
    product("client_premium", "Premium", Kind::Client),
    product(
        "client_email_security_plus",
        "Email Security Plus",
        Kind::Client,
    ),
    product(
        "client_authentication_plus",
        "Authentication Plus",
        Kind::Client,
    ),
    product(
        "client_digital_signature_plus_sha2",
        "Digital Signature Plus",
        Kind::Client,
    ),
    product(
        "client_digital_signature_plus",
        "Digital Signature Plus",
        Kind::Client,
    ),
    product("class1_smime", "Class 1 S/MIME", Kind::Client),
    product("private_client_premium", "Private Premium", Kind::Client),
    product(
        "secure_email_mailbox",
        "Secure Email for Individual",
        Kind::SecureEmail,
    ),
    product(
        "secure_email_sponsor",
        "Secure Email for Business",
        Kind::SecureEmail,
    ),
    product(
        "secure_email_organization",
        "Secure Email for Organization",
        Kind::SecureEmail,
    ),
    product("ssl_basic", "Basic OV", Kind::OrganizationTls),
    product("ssl_ev_basic", "Basic EV", Kind::OrganizationTls),
    product("ssl_plus", "Standard SSL", Kind::OrganizationTls),
    product(
        "ssl_multi_domain",
        "Multi-Domain SSL",
        Kind::OrganizationTls,
    ),
    product("ssl_wildcard", "WildCard", Kind::OrganizationTls),
    product(
        "ssl_ev_plus",
        "Extended Validation SSL",
        Kind::OrganizationTls,
    ),
    product(
        "ssl_ev_multi_domain",
        "EV Multi-Domain",
        Kind::OrganizationTls,
    ),
    product(
        "ssl_securesite_flex",
        "Secure Site OV",
        Kind::OrganizationTls,
    ),
    product(
        "ssl_ev_securesite_flex",
        "Secure Site EV",
        Kind::OrganizationTls,
    ),
    product(
        "ssl_securesite_pro",
        "Secure Site Pro SSL",
        Kind::OrganizationTls,
    ),
    product(
        "ssl_ev_securesite_pro",
        "Secure Site Pro EV SSL",
        Kind::OrganizationTls,
    ),
    product("ssl_securesite", "Secure Site SSL", Kind::OrganizationTls),
    product(
        "ssl_securesite_multi_domain",
        "Secure Site Multi-Domain SSL",
        Kind::OrganizationTls,
    ),
    product(
        "ssl_securesite_wildcard",
        "Secure Site Wildcard SSL",
        Kind::OrganizationTls,
    ),
    product(
        "ssl_geotrust_truebizid",
        "GeoTrust TrueBusiness ID OV",
        Kind::OrganizationTls,
    ),
    product("ssl_dv_geotrust", "GeoTrust Standard DV", Kind::DomainTls),
    product("ssl_dv_rapidssl", "RapidSSL Standard DV", Kind::DomainTls),
    product(
        "wildcard_dv_geotrust",
        "GeoTrust Wildcard DV",
        Kind::DomainTls,
    ),
    product(
        "wildcard_dv_rapidssl",
        "RapidSSL Wildcard DV",
        Kind::DomainTls,
    ),
    product("cloud_dv_geotrust", "GeoTrust Cloud DV", Kind::DomainTls),
    product("private_ssl_plus", "Private SSL", Kind::OrganizationTls),
    product(
        "private_ssl_flex",
        "Private Flex SSL",
        Kind::OrganizationTls,
    ),
    product(
        "private_ssl_wildcard",
        "Private SSL Wildcard",
        Kind::OrganizationTls,
    ),
    product(
        "private_ssl_multi_domain",
        "Private SSL Multi-Domain",
        Kind::OrganizationTls,
    ),
];
