//! The member that somebody meant by a name that is none: another spelling, a word of other tools, or a slip
//! of the hand. Main function: [`meant`].

use super::wording::nearest;

/// Members, each with the words that other tools and people have for it. Of two members that are known in one
/// place, the first one is meant.
const WORDS: &[(&str, &str)] = &[
    ("version", "api_version schema format_version"),
    ("accounts", "account providers cas issuers"),
    ("orders", "certificates certs requests"),
    ("revocations", "revoke revokes revoked crl"),
    ("policy", "policies limits guard_rails"),
    ("account", "ca issuer issuer_ref provider"),
    ("provider", "ca issuer type kind vendor"),
    ("api_key", "token api_token key secret devkey dev_key"),
    ("access_key", "access_key_id key client_id"),
    ("secret_key", "secret secret_access_key client_secret"),
    (
        "product",
        "product_id product_name product_name_id product_type type kind template \
         certificate_type",
    ),
    ("certificate", "cert subject certificate_request"),
    (
        "common_name",
        "cn common_names subject subject_dn name host hostname fqdn domain server_name",
    ),
    (
        "dns_names",
        "san sans subject_alternative_name subject_alternative_names subject_alt_name \
         subject_alt_names alt_names altnames hosts hostnames domains domain_names \
         additional_domains dns names",
    ),
    (
        "emails",
        "email mail mails e_mail e_mails email_address email_addresses email_sans",
    ),
    (
        "organization_units",
        "ou ous organizational_unit organizational_units organization_unit department \
         departments units",
    ),
    (
        "csr",
        "csr_file csr_pem csr_path csr_content csr_data request req pkcs10 \
         certificate_request certificate_signing_request private_key private_key_file key \
         key_file",
    ),
    (
        "organization",
        "org o organisation organization_id organisation_id org_id company",
    ),
    ("container", "container_id division division_id"),
    (
        "order_validity",
        "validity validity_period lifetime duration term",
    ),
    ("validity_years", "years year valid_years order_years"),
    ("validity_days", "days day valid_days valid_for"),
    (
        "custom_expiration_date",
        "expires expiry expires_at expiration expiration_date expiry_date not_after \
         valid_till valid_to valid_until end_date",
    ),
    (
        "cert_validity",
        "validity validity_period lifetime duration years days",
    ),
    (
        "signature_hash",
        "hash digest sig_alg signature_algorithm hash_algorithm hash_alg",
    ),
    ("payment_method", "payment"),
    ("renewal_of", "renew renews renewal renewal_order"),
    (
        "renewal_of_order_id",
        "renewal_order_id renews_order_id previous_order_id",
    ),
    ("order_id", "id certificate_order_id"),
    ("order", "order_name name"),
    (
        "scope",
        "certificate_id serial_number serial certificate_no certificate certificates target",
    ),
    ("reason", "reason_code revocation_reason cause why"),
    (
        "comments",
        "comment note notes message description remark remarks",
    ),
    ("after", "depends_on depend_on dependencies needs requires"),
    ("requests", "limit count max calls max_requests"),
    ("per", "window period interval within every"),
    ("file", "path filename file_name from_file source"),
    ("pem", "content text data inline value body"),
    ("metadata_id", "id field_id custom_field_id name"),
    ("value", "val text content"),
    ("dns_name", "domain name host cn common_name"),
    ("email", "address mail email_address to"),
    (
        "id",
        "organization_id container_id platform_id profile_id number",
    ),
    ("until", "state status when milestone"),
];

/// The known member that was meant, if it can be told.
pub fn meant<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<&'a str> {
    let snake = snake_case(written);
    let find = |wanted: &str| known.clone().into_iter().find(|name| *name == wanted);
    let has = |words: &str| words.split(' ').any(|word| word == snake);
    let mut other = WORDS.iter().filter(|(_, words)| has(words));
    find(&snake)
        .or_else(|| other.find_map(|(member, _)| find(member)))
        .or_else(|| nearest(written, known.clone()))
        .or_else(|| nearest(&snake, known.clone()))
}

/// Whether somebody meant to give a private key.
pub(super) fn is_private(written: &str) -> bool {
    snake_case(written).contains("key")
}

/// `commonName`, `Common-Name` and `common name` as `common_name`.
fn snake_case(written: &str) -> String {
    let mut snake = String::with_capacity(written.len() + 4);
    let mut is_low = false;
    for c in written.trim().chars() {
        if c.is_ascii_uppercase() && is_low {
            snake.push('_');
        }
        is_low = c.is_ascii_lowercase() || c.is_ascii_digit();
        snake.push(match c {
            '-' | ' ' | '.' => '_',
            other => other.to_ascii_lowercase(),
        });
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATE: [&str; 7] = [
        "cert_validity",
        "common_name",
        "csr",
        "dns_names",
        "emails",
        "organization_units",
        "signature_hash",
    ];

    #[test]
    fn other_spellings_and_the_words_of_other_tools_are_understood() {
        for (written, member) in [
            ("cn", "common_name"),
            ("CN", "common_name"),
            ("commonName", "common_name"),
            ("Common-Name", "common_name"),
            ("common_nmae", "common_name"),
            ("SAN", "dns_names"),
            ("sans", "dns_names"),
            ("subjectAltNames", "dns_names"),
            ("dns_name", "dns_names"),
            ("csr_file", "csr"),
            ("privateKey", "csr"),
            ("OU", "organization_units"),
            ("validity", "cert_validity"),
        ] {
            assert_eq!(meant(written, CERTIFICATE), Some(member), "{written}");
        }
        for nothing in ["", "colour", "\u{e9}", "zzzzzzzzzzzz"] {
            assert_eq!(meant(nothing, CERTIFICATE), None, "{nothing}");
        }
    }

    #[test]
    fn a_word_means_what_stands_in_its_place() {
        assert_eq!(meant("type", ["provider", "region"]), Some("provider"));
        assert_eq!(meant("type", ["account", "product"]), Some("product"));
        assert_eq!(meant("ca", ["account", "product"]), Some("account"));
        assert_eq!(
            meant("days", ["order_validity", "validity_days"]),
            Some("validity_days")
        );
        assert_eq!(
            meant("name", ["order", "revocation", "until"]),
            Some("order")
        );
    }
}
