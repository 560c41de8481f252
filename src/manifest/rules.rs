//! What CertCentral asks of an order, one function for each rule. Sources: certcentral.md sections 1, 2
//! and 2.1 (order TLS, order client certificate, Secure Email).

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::document::shown;

/// The products of the seed document for client certificates.
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
const SECURE_EMAIL: [&str; 3] = [
    "secure_email_mailbox",
    "secure_email_sponsor",
    "secure_email_organization",
];
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

/// How far ahead the last day of a client certificate may be.
const CLIENT_DAYS: i64 = 825;

/// The families of products, by what an order of one needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Client certificates of the seed document.
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

    fn is_client(self) -> bool {
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

/// A rule that an order breaks: where in the entry, and what to do.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) path: Vec<String>,
    pub(super) also: Vec<Vec<String>>,
    pub(super) help: Option<String>,
}

impl Broken {
    pub(super) fn new(code: &'static str, path: &[&str], message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            path: path.iter().map(|&key| key.to_owned()).collect(),
            also: Vec::new(),
            help: None,
        }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Everything that an order says, defaults included.
pub(super) struct Body<'a> {
    pub(super) product: &'a str,
    pub(super) members: &'a Map<String, Value>,
    pub(super) certificate: &'a Map<String, Value>,
    pub(super) today: Date,
}

/// Checks every rule.
pub(super) fn check(body: &Body<'_>) -> Vec<Broken> {
    let mut broken = Vec::new();
    let family = Family::of(body.product);
    required(body, family, &mut broken);
    signature_hash(body, family, &mut broken);
    validity(body, family, &mut broken);
    addresses(body, &mut broken);
    dns_names(body, &mut broken);
    payment(body, &mut broken);
    broken
}

fn required(body: &Body<'_>, family: Family, broken: &mut Vec<Broken>) {
    let (certificate, organization): (&[&str], bool) = match family {
        Family::SeedClient | Family::Client => (&["common_name", "emails", "signature_hash"], true),
        Family::ClassOne => (&["emails", "signature_hash"], false),
        Family::SecureEmail if body.product == "secure_email_mailbox" => {
            (&["emails", "signature_hash"], false)
        }
        Family::SecureEmail => (&["emails", "signature_hash", "common_name_indicator"], true),
        Family::PublicTls => (&["common_name", "signature_hash", "csr"], true),
        Family::DomainTls => (&["common_name", "signature_hash", "csr"], false),
        Family::PrivateTls => (&["common_name", "signature_hash"], false),
        Family::Signing | Family::Unknown => (&[], false),
    };
    for &name in certificate {
        let missing = match body.certificate.get(name) {
            None => true,
            Some(Value::Array(list)) => list.is_empty(),
            Some(_) => false,
        };
        if missing {
            let example = match name {
                "common_name" => "common_name: NAME",
                "emails" => "emails: [ADDRESS]",
                "signature_hash" => "signature_hash: sha256",
                "csr" => "csr: { file: PATH }",
                _ => "common_name_indicator: email_address",
            };
            broken.push(
                Broken::new(
                    "missing_member",
                    &["certificate", name],
                    format!("`certificate.{name}` is missing: {} needs it", body.product),
                )
                .help(format!("add `{example}` to `certificate`")),
            );
        }
    }
    let has_organization = body
        .members
        .get("organization")
        .is_some_and(|organization| organization.get("id").is_some());
    if organization && !has_organization {
        broken.push(
            Broken::new(
                "missing_member",
                &["organization", "id"],
                format!("`organization.id` is missing: {} needs it", body.product),
            )
            .help("add `organization: { id: N }` here or to `defaults.orders`"),
        );
    }
}

fn signature_hash(body: &Body<'_>, family: Family, broken: &mut Vec<Broken>) {
    let hash = body
        .certificate
        .get("signature_hash")
        .and_then(Value::as_str);
    if let (Family::SeedClient, Some(hash)) = (family, hash.filter(|hash| *hash != "sha256")) {
        broken.push(
            Broken::new(
                "signature_hash",
                &["certificate", "signature_hash"],
                format!(
                    "{} is signed with sha256, not {}",
                    body.product,
                    shown(hash)
                ),
            )
            .help("write `signature_hash: sha256`"),
        );
    }
}

fn validity(body: &Body<'_>, family: Family, broken: &mut Vec<Broken>) {
    const WAYS: [&str; 4] = [
        "validity_years",
        "custom_expiration_date",
        "order_validity",
        "validity_days",
    ];
    let given: Vec<&str> = WAYS
        .into_iter()
        .filter(|way| body.members.contains_key(*way))
        .collect();
    match given.as_slice() {
        [] if family != Family::Unknown => broken.push(
            Broken::new(
                "missing_validity",
                &[],
                "the order does not say how long it is valid",
            )
            .help("add `validity_years: 1` or `custom_expiration_date: YYYY-MM-DD`"),
        ),
        [] | [_] => {}
        [first, rest @ ..] => {
            let mut problem = Broken::new(
                "two_validities",
                &[first],
                format!("an order says its validity once, not by {}", join(&given)),
            );
            problem.also = rest.iter().map(|way| vec![(*way).to_owned()]).collect();
            broken.push(problem.help("keep one of them"));
        }
    }
    let client = family.is_client();
    let at = |name: &str| body.members.get(name);
    let mut years = vec![(vec!["validity_years"], at("validity_years"))];
    let mut days = vec![(vec!["validity_days"], at("validity_days"))];
    let mut dates = vec![(vec!["custom_expiration_date"], at("custom_expiration_date"))];
    for (value, path) in [
        (at("order_validity"), vec!["order_validity"]),
        (
            body.certificate.get("cert_validity"),
            vec!["certificate", "cert_validity"],
        ),
    ] {
        let Some(Value::Object(object)) = value else {
            continue;
        };
        if object.len() != 1 {
            broken.push(Broken::new(
                "two_validities",
                &path,
                format!(
                    "`{}` has exactly one of `years`, `days`, `custom_expiration_date`",
                    path.join(".")
                ),
            ));
        }
        let inner = |name: &'static str| {
            let mut path = path.clone();
            path.push(name);
            (path, object.get(name))
        };
        years.push(inner("years"));
        days.push(inner("days"));
        dates.push(inner("custom_expiration_date"));
    }
    if client {
        for (path, value) in &years {
            if value
                .and_then(Value::as_u64)
                .is_some_and(|years| !(1..=2).contains(&years))
            {
                broken.push(
                    Broken::new(
                        "validity",
                        path,
                        "a client certificate is valid for 1 or 2 years",
                    )
                    .help("write 1 or 2"),
                );
            }
        }
        for (path, value) in &days {
            if value
                .and_then(Value::as_i64)
                .is_some_and(|days| days > CLIENT_DAYS)
            {
                broken.push(Broken::new(
                    "validity",
                    path,
                    format!("a client certificate is valid for at most {CLIENT_DAYS} days"),
                ));
            }
        }
    }
    for (path, value) in &dates {
        if let Some(text) = value.and_then(Value::as_str) {
            broken.extend(date(text, path, client, body.today));
        }
    }
}

fn date(text: &str, path: &[&str], client: bool, today: Date) -> Option<Broken> {
    let Ok(date) = text.parse::<Date>() else {
        return Some(Broken::new(
            "bad_date",
            path,
            format!("`{}` is not a day of the calendar", shown(text)),
        ));
    };
    let ahead = i64::from(today.until(date).ok()?.get_days());
    if ahead <= 0 {
        return Some(
            Broken::new("bad_date", path, format!("{date} is not in the future"))
                .help(format!("today is {today}")),
        );
    }
    if client && ahead > CLIENT_DAYS {
        let last = today
            .checked_add(jiff::Span::new().days(CLIENT_DAYS))
            .ok()?;
        return Some(
            Broken::new(
                "bad_date",
                path,
                format!(
                    "{date} is {ahead} days ahead; a client certificate ends within {CLIENT_DAYS}"
                ),
            )
            .help(format!("the last possible day is {last}")),
        );
    }
    None
}

fn addresses(body: &Body<'_>, broken: &mut Vec<Broken>) {
    let mut look = |path: &[&str], value: Option<&Value>| {
        if let Some(text) = value
            .and_then(Value::as_str)
            .filter(|text| !is_address(text))
        {
            broken.push(Broken::new(
                "bad_email",
                path,
                format!("`{}` is not an e-mail address", shown(text)),
            ));
        }
    };
    for (path, list) in [
        (
            &["certificate", "emails"][..],
            body.certificate.get("emails"),
        ),
        (
            &["additional_emails"][..],
            body.members.get("additional_emails"),
        ),
    ] {
        for (index, value) in list
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .enumerate()
        {
            let index = index.to_string();
            let mut path = path.to_vec();
            path.push(&index);
            look(&path, Some(value));
        }
    }
    let list = body.members.get("dcv_emails").and_then(Value::as_array);
    for (index, value) in list.into_iter().flatten().enumerate() {
        look(
            &["dcv_emails", &index.to_string(), "email"],
            value.get("email"),
        );
    }
}

/// Whether a text can be an address: one `@`, something on both sides, a dot in the domain.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>,;:\"()[]\\@".contains(c);
    !local.is_empty()
        && local.chars().all(plain)
        && domain.chars().all(plain)
        && domain.contains('.')
        && domain.split('.').all(|label| !label.is_empty())
        && text.len() <= 254
}

fn dns_names(body: &Body<'_>, broken: &mut Vec<Broken>) {
    let list = body.certificate.get("dns_names").and_then(Value::as_array);
    for (index, value) in list.into_iter().flatten().enumerate() {
        let Some(name) = value.as_str() else { continue };
        let labels = name.strip_prefix("*.").unwrap_or(name);
        let plain = labels.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && label
                    .chars()
                    .all(|c| c.is_alphanumeric() || c == '-' || c == '_')
        });
        if !plain || name.len() > 253 {
            broken.push(
                Broken::new(
                    "bad_dns_name",
                    &["certificate", "dns_names", &index.to_string()],
                    format!("`{}` is not a DNS name", shown(name)),
                )
                .help("a host name such as `www.example.com`, without scheme, port and path"),
            );
        }
    }
}

fn payment(body: &Body<'_>, broken: &mut Vec<Broken>) {
    let method = body.members.get("payment_method").and_then(Value::as_str);
    let has_profile = body
        .members
        .get("payment_profile")
        .is_some_and(|profile| profile.get("id").is_some());
    if method == Some("profile") && !has_profile {
        broken.push(
            Broken::new(
                "missing_member",
                &["payment_method"],
                "`payment_method: profile` needs `payment_profile.id`",
            )
            .help("add `payment_profile: { id: N }`"),
        );
    }
}

fn join(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_other_text() {
        for good in ["a@example.com", "a.b+c@mail.example.co.uk", "ä@example.com"] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "a@",
            "@b.c",
            "a@b",
            "a b@c.d",
            "a@b..c",
            "A <a@b.c>",
            "a@b@c.d",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }

    #[test]
    fn a_date_is_real_and_in_the_future_and_near_enough() {
        let today = jiff::civil::date(2026, 11, 21);
        let code = |text: &str, client| date(text, &["x"], client, today).map(|broken| broken.code);
        assert_eq!(code("2027-02-29", false), Some("bad_date"));
        assert_eq!(code("2026-11-21", false), Some("bad_date"));
        assert_eq!(code("2026-11-22", true), None);
        assert_eq!(code("2029-02-23", true), None);
        assert_eq!(code("2029-02-24", true), Some("bad_date"));
        assert_eq!(code("2029-02-24", false), None);
    }

    #[test]
    fn every_known_product_has_a_family() {
        for product in products() {
            assert_ne!(Family::of(product), Family::Unknown, "{product}");
        }
        assert_eq!(Family::of("ssl_plu"), Family::Unknown);
    }
}
