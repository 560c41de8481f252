//! What CertCentral asks of an order, one function for each rule. Sources: its pages on
//! ordering TLS, client and Secure Email certificates.

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::product::Family;
use super::validity;
use super::wording::shown;

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
    /// Whether the entry stands for an order that exists, which was bought with its CSR.
    pub(super) exists: bool,
    pub(super) today: Date,
}

/// Checks every rule.
pub(super) fn check(body: &Body<'_>) -> Vec<Broken> {
    let mut broken = Vec::new();
    let family = Family::of(body.product);
    required(body, family, &mut broken);
    signature_hash(body, family, &mut broken);
    validity::check(body, family, &mut broken);
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
        if name == "csr" && body.exists {
            continue;
        }
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
}
