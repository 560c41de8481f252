//! The shapes of a manifest exactly as written. The JSON Schema comes from here, descriptions included;
//! the lowering takes checked values apart by these names.
//!
//! Member names are the CA's own. No `tag`, `flatten` or `untagged`: they lose positions in the text.
#![expect(
    dead_code,
    reason = "the shapes are read by the schema generator alone"
)]

mod word;

use std::collections::BTreeMap;

use schemars::JsonSchema;

use word::{After, ContactValue, Date, Id, Name, RevocationReason, Scope, Switch};

/// Where a secret is read from: exactly one of `env` and `file`. Never the secret itself.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Credential {
    /// The name of an environment variable.
    #[schemars(length(min = 1, max = 200))]
    env: Option<String>,
    /// A file that holds the secret; a relative path is relative to the manifest.
    #[schemars(length(min = 1, max = 4096))]
    file: Option<String>,
}

/// A customer account at a CA.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Account {
    /// `certcentral`: DigiCert CertCentral Services API v2. `ncloud`: NAVER Cloud Certificate Manager API v2.
    #[schemars(extend("enum" = ["certcentral", "ncloud"]))]
    provider: Option<String>,
    /// certcentral: picks the base URL; `us` if nothing is said.
    #[schemars(extend("enum" = ["us", "eu"]))]
    region: Option<String>,
    /// certcentral: where the API key is read from.
    api_key: Option<Credential>,
    /// certcentral: the id of the API key (not the key); `doctor`, `plan` and `apply` check it.
    key_id: Option<Id>,
    /// ncloud: where the access key is read from.
    access_key: Option<Credential>,
    /// ncloud: where the secret key is read from.
    secret_key: Option<Credential>,
    /// Rolling windows that all hold at once. Default: 100 per 5s and 1000 per 5m at certcentral, 10 per 1s at ncloud.
    #[schemars(length(min = 1, max = 8))]
    rate_limits: Option<Vec<RateLimit>>,
    /// How many requests may be under way at once; default 16.
    #[schemars(range(min = 1, max = 1000))]
    max_in_flight: Option<u32>,
}

/// At most so many requests in any window of this length.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RateLimit {
    /// Requests in the window.
    #[schemars(range(min = 1, max = 1_000_000))]
    requests: u32,
    /// The window's length, for example `5s` or `5m`.
    per: String,
}

/// Guard rails; a plan that breaks one is refused (exit 5).
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Policy {
    /// New orders in one apply.
    #[schemars(range(min = 0, max = 4_294_967_295_u32))]
    max_orders: Option<u32>,
    /// Certificates that one apply may revoke.
    #[schemars(range(min = 0, max = 4_294_967_295_u32))]
    max_revocations: Option<u32>,
    /// Percentage of the certificates known in the account that one apply may revoke.
    #[schemars(range(min = 0, max = 100))]
    max_revocation_percent: Option<u8>,
    /// What becomes of an order whose answer never came.
    doubt: Option<Doubt>,
}

/// When a look-up finds nothing after an answer that never came.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Doubt {
    /// How long "not found" proves nothing; default `15m`.
    quiet_period: Option<String>,
    /// `ask` (default): a person settles it. `resend`: after three look-ups that found nothing, order again.
    #[schemars(extend("enum" = ["ask", "resend"]))]
    then: Option<String>,
}

/// A certificate order. Members that are not certplan's own go to the CA as they are.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Order {
    /// The account that orders.
    account: Option<Name>,
    /// CertCentral's product id, for example `client_premium_sha2` or `ssl_plus`.
    #[schemars(regex(pattern = r"^[a-z0-9_]{1,100}$"))]
    product: Option<String>,
    /// Raise it to buy again what was rejected, canceled or revoked outside; default 1.
    #[schemars(range(min = 1, max = 1_000_000))]
    generation: Option<u32>,
    /// What must come first.
    after: Option<Vec<After>>,
    /// The order of this manifest that this one renews.
    renewal_of: Option<Name>,
    /// The CA's id of the order that this one renews.
    renewal_of_order_id: Option<Id>,
    /// The CA's id of an order that exists: this name stands for it, and nothing is bought. It may lack a `csr`.
    existing_order_id: Option<Id>,
    /// `true` buys also where the account has another order in force for the same names and product.
    allow_similar: Option<bool>,
    /// What goes into the certificate.
    certificate: Option<Certificate>,
    /// The organization that the order is for.
    organization: Option<Organization>,
    /// The division.
    container: Option<Reference>,
    /// Years of validity: 1 or 2 for client certificates.
    #[schemars(range(min = 1, max = 10))]
    validity_years: Option<u32>,
    /// Days of validity.
    #[schemars(range(min = 1, max = 4000))]
    validity_days: Option<u32>,
    /// The last day of validity, `YYYY-MM-DD`.
    custom_expiration_date: Option<Date>,
    /// Validity of the order, in the newer form: exactly one member.
    order_validity: Option<Validity>,
    /// How many times the CA renews by itself.
    #[schemars(range(min = 0, max = 100))]
    auto_renew: Option<u32>,
    /// Whether the CA reissues by itself within the plan.
    auto_reissue: Option<Switch>,
    /// Asks to skip the approval step.
    skip_approval: Option<bool>,
    /// The account's custom fields.
    custom_fields: Option<Vec<CustomField>>,
    /// A note for the approver.
    #[schemars(length(max = 4000))]
    comments: Option<String>,
    /// How the order is paid; the CA's default is `balance`.
    #[schemars(extend("enum" = ["balance", "card", "profile"]))]
    payment_method: Option<String>,
    /// The payment profile, with `payment_method: profile`.
    payment_profile: Option<Reference>,
    /// The thumbprint of the certificate that is renewed.
    renewed_thumbprint: Option<String>,
    /// Who else is told.
    additional_emails: Option<Vec<String>>,
    /// No renewal notices.
    disable_renewal_notifications: Option<bool>,
    /// No e-mail when the certificate is issued.
    disable_issuance_email: Option<bool>,
    /// Keeps the certificate out of the transparency logs, where the account may.
    disable_ct: Option<bool>,
    /// Text of the renewal notices.
    custom_renewal_message: Option<String>,
    /// Language of the CA's e-mails.
    locale: Option<String>,
    /// Users that the order is assigned to.
    user_id_assignments: Option<Vec<Id>>,
    /// The customer service agreement was accepted.
    csa_agreed_to: Option<Switch>,
    /// How the domains are validated.
    #[schemars(extend("enum" = ["email", "dns-txt-token", "dns-cname-token", "http-token"]))]
    dcv_method: Option<String>,
    /// Which part of the domain is validated, for example `base_domain`.
    certificate_dcv_scope: Option<String>,
    /// Addresses for validation by e-mail.
    dcv_emails: Option<Vec<DcvEmail>>,
    /// With product `ssl`: which kind; sent as `product.type_hint`.
    product_type_hint: Option<String>,
    /// Secure Email: what the subject holds.
    subject: Option<Subject>,
}

/// What goes into a certificate.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Certificate {
    /// The name to secure.
    #[schemars(length(min = 1, max = 255))]
    common_name: Option<String>,
    /// Subject alternative names of a TLS certificate.
    dns_names: Option<Vec<String>>,
    /// E-mail addresses of a client certificate.
    emails: Option<Vec<String>>,
    /// Hash of the CA's signature.
    #[schemars(extend("enum" = ["sha256", "sha384", "sha512"]))]
    signature_hash: Option<String>,
    /// Departments.
    organization_units: Option<Vec<String>>,
    /// The certificate signing request.
    csr: Option<Csr>,
    /// The server software: 2 Apache, 45 nginx, -1 other.
    server_platform: Option<Platform>,
    /// The intermediate CA.
    ca_cert_id: Option<String>,
    /// The certificate profile.
    profile_option: Option<String>,
    /// Validity of the certificate inside the order's.
    cert_validity: Option<Validity>,
    /// Secure Email: the profile.
    #[schemars(extend("enum" = ["strict", "multipurpose"]))]
    profile_type: Option<String>,
    /// Secure Email: what the common name is made of.
    common_name_indicator: Option<String>,
    /// Secure Email, sponsor: the person.
    individual: Option<Individual>,
    /// Secure Email: what the key may do.
    usage_designation: Option<Usage>,
}

/// A certificate signing request: exactly one of `file` and `pem`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Csr {
    /// A PEM file below the manifest's folder; relative to it.
    #[schemars(length(min = 1, max = 4096))]
    file: Option<String>,
    /// The PEM text.
    #[schemars(length(min = 1, max = 65_536))]
    pem: Option<String>,
}

/// An object that is named by its id.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Reference {
    /// The CA's id of it.
    id: Option<Id>,
}

/// A server platform.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Platform {
    /// The CA's id of it; -1 is "other".
    #[schemars(range(min = -1, max = 1_000_000_000))]
    id: i64,
}

/// An organization.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Organization {
    /// The CA's id of it.
    id: Option<Id>,
    /// Its contacts for this order.
    contacts: Option<Vec<BTreeMap<String, ContactValue>>>,
}

/// A validity: exactly one member.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Validity {
    /// Years.
    #[schemars(range(min = 1, max = 10))]
    years: Option<u32>,
    /// Days.
    #[schemars(range(min = 1, max = 4000))]
    days: Option<u32>,
    /// The last day, `YYYY-MM-DD`.
    custom_expiration_date: Option<Date>,
}

/// A custom field of the account.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct CustomField {
    /// The field's id.
    metadata_id: Id,
    /// Its value.
    value: String,
}

/// Where the validation mail of a name goes.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct DcvEmail {
    /// The name.
    dns_name: String,
    /// The address.
    email: String,
}

/// What the subject of a Secure Email certificate holds.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Subject {
    /// The address.
    include_email: Option<bool>,
    /// The pseudonym.
    include_pseudonym: Option<bool>,
    /// Given name and surname.
    include_given_name_surname: Option<bool>,
}

/// The person in a Secure Email certificate.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Individual {
    /// Given name.
    first_name: Option<String>,
    /// Surname.
    last_name: Option<String>,
    /// Pseudonym.
    pseudonym: Option<String>,
}

/// What a Secure Email key may do.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Usage {
    /// The main use, for example `signing`.
    primary_usage: Option<String>,
    /// Others.
    additional_usages: Option<Vec<String>>,
}

/// A revocation.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Revocation {
    /// The account that the order belongs to.
    account: Option<Name>,
    /// The CA's id of the order. Either this or `order`.
    order_id: Option<Id>,
    /// An order of this manifest.
    order: Option<Name>,
    /// Which certificates of the order. There is no default.
    scope: Option<Scope>,
    /// An RFC 5280 reason that the CA offers. There is no default.
    reason: Option<RevocationReason>,
    /// A note for the administrator; required at certcentral.
    #[schemars(length(min = 1, max = 4000))]
    comments: Option<String>,
    /// Asks to skip the approval step.
    skip_approval: Option<bool>,
    /// Raise it to ask again after an administrator's refusal; default 1.
    #[schemars(range(min = 1, max = 1_000_000))]
    generation: Option<u32>,
    /// What must come first.
    after: Option<Vec<After>>,
}
