//! What CertCentral asks of an order, one function for each rule. Sources: its pages on
//! ordering TLS, client and Secure Email certificates.

use super::form::{Draft, PaymentMethod, SignatureHash};
use super::product::{Family, MAILBOX, products};
use super::{names, secure_email, validity};
use crate::model::form::{At, Location, Member, OrderEntry, Problem, Reader, shown, suggestion};

/// Checks every rule.
pub(super) fn check(entry: &OrderEntry<'_>, draft: &Draft, reader: &mut Reader<'_>) {
    let family = Family::of(entry.product.unwrap_or_default());
    required(entry, draft, family, reader);
    signature_hash(entry, draft, family, reader);
    validity::check(entry, draft, family, reader);
    names::check(entry, draft, family, reader);
    payment(draft, reader);
    renewed_twice(entry, draft, reader);
    secure_email::check(entry, draft, reader);
}

/// What is allowed but looks like a mistake.
pub(super) fn warnings(entry: &OrderEntry<'_>, draft: &Draft) -> Vec<String> {
    let unknown = entry
        .product
        .filter(|product| Family::of(product) == Family::Unknown);
    let unknown = unknown.map(|product| {
        let help = suggestion(product, products()).unwrap_or_default();
        let text = format!(
            "product `{}` is in no document known here; it goes to the CA as it is. {help}",
            shown(product)
        );
        text.trim_end().to_owned()
    });
    let mut warnings: Vec<String> = unknown.into_iter().collect();
    warnings.extend(paid_by_card(draft));
    warnings.extend(secure_email::warnings(entry, draft));
    warnings
}

/// The CA renews nothing by itself that is paid by card (its page on automatic renewals).
fn paid_by_card(draft: &Draft) -> Option<String> {
    let renews = match draft.others.auto_renew.value() {
        Some(times) => times.0 > 0,
        None => false,
    };
    let by_card = draft.terms.payment_method.value() == Some(&PaymentMethod::Card);
    (renews && by_card).then(|| {
        "`auto_renew` has no effect with `payment_method: card`: the CA renews no order that is paid by card"
            .to_owned()
    })
}

/// The CA renews and reissues by itself 30 days before the end (its page on automatic renewals): beside certplan, both
/// would buy.
fn renewed_twice(entry: &OrderEntry<'_>, draft: &Draft, reader: &mut Reader<'_>) {
    let Some(renew) = entry.renew else {
        return;
    };
    let renews = draft.others.auto_renew.get();
    let renews = renews.filter(|times| times.value.0 > 0);
    let reissues = draft.others.auto_reissue.get();
    let reissues = reissues.filter(|switch| switch.value.is_on());
    let on = [
        ("auto_renew", renews.map(At::key)),
        ("auto_reissue", reissues.map(At::key)),
    ];
    for (name, key) in on {
        let Some(key) = key else { continue };
        let problem = Problem::new(
            "renewed_twice",
            format!("`renew` and `{name}` exclude each other: the CA would act by itself 30 days before the end, beside certplan"),
        )
        .at(key, "the CA acts")
        .at(Location::Key(renew), "certplan acts")
        .help(format!("keep one of them: remove `{name}`, or write `renew: never`"));
        reader.tell(problem);
    }
}

/// A member of `certificate` that a family of products needs.
#[derive(Clone, Copy)]
enum Needed {
    CommonName,
    Emails,
    SignatureHash,
    Csr,
    Indicator,
}

impl Needed {
    /// What is missing, and what to write for it.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::CommonName => ("`certificate.common_name`", "`common_name: NAME`"),
            Self::Emails => ("`certificate.emails`", "`emails: [ADDRESS]`"),
            Self::SignatureHash => ("`certificate.signature_hash`", "`signature_hash: sha256`"),
            Self::Csr => (
                "`certificate.csr` or `certificate.key`",
                "`key: { generate: p-256 }`, which makes key and CSR, or `csr: { file: PATH }`",
            ),
            Self::Indicator => (
                "`certificate.common_name_indicator`",
                "`common_name_indicator: email_address`",
            ),
        }
    }

    /// Where to say that it is missing, if it is.
    fn missing(self, entry: &OrderEntry<'_>, draft: &Draft) -> Option<Location> {
        let certificate = || entry.place_of(entry.certificate);
        let absent = match self {
            Self::CommonName => entry.common_name.is_absent(),
            Self::Emails => {
                if let Some(list) = entry.emails.get().filter(|list| list.value.is_empty()) {
                    return Some(list.here());
                }
                entry.emails.is_absent()
            }
            Self::SignatureHash => draft.certificate.signature_hash.is_absent(),
            Self::Csr => !entry.has_csr && !entry.exists,
            Self::Indicator => draft.certificate.common_name_indicator.is_absent(),
        };
        absent.then(certificate)
    }
}

fn required(entry: &OrderEntry<'_>, draft: &Draft, family: Family, reader: &mut Reader<'_>) {
    use Needed::{CommonName, Csr, Emails, Indicator, SignatureHash};
    let product = entry.product.unwrap_or_default();
    let (certificate, organization): (&[Needed], bool) = match family {
        Family::SeedClient | Family::Client => (&[CommonName, Emails, SignatureHash], true),
        Family::ClassOne => (&[Emails, SignatureHash], false),
        Family::SecureEmail if product == MAILBOX => (&[Emails, SignatureHash], false),
        Family::SecureEmail => (&[Emails, SignatureHash, Indicator], true),
        Family::PublicTls => (&[CommonName, SignatureHash, Csr], true),
        Family::DomainTls => (&[CommonName, SignatureHash, Csr], false),
        Family::PrivateTls => (&[CommonName, SignatureHash], false),
        Family::Signing | Family::Unknown => (&[], false),
    };
    let is_certificate_whole = !entry.is_certificate_refused && !draft.certificate.is_damaged;
    for needed in certificate
        .iter()
        .filter(|_| is_certificate_whole && !entry.is_damaged)
    {
        let Some(place) = needed.missing(entry, draft) else {
            continue;
        };
        let (name, example) = needed.words();
        let problem = Problem::new(
            "missing_member",
            format!("{name} is missing: {product} needs it"),
        )
        .at(place, "in this entry")
        .help(format!("add to `certificate`: {example}"));
        reader.tell(problem);
    }
    let place = match &draft.terms.organization {
        Member::Absent => Some(entry.place_of(None)),
        Member::Given(given) if given.value.id.is_absent() && !given.value.is_damaged => {
            Some(entry.place_of(Some(given.point)))
        }
        Member::Given(_) | Member::Refused(_) => None,
    };
    if let Some(place) = place.filter(|_| organization && !entry.is_damaged) {
        let problem = Problem::new(
            "missing_member",
            format!("`organization.id` is missing: {product} needs it"),
        )
        .at(place, "in this entry")
        .help("add `organization: { id: N }` here or to `defaults.orders`");
        reader.tell(problem);
    }
}

fn signature_hash(entry: &OrderEntry<'_>, draft: &Draft, family: Family, reader: &mut Reader<'_>) {
    let hash = draft.certificate.signature_hash.get();
    let other = hash.filter(|hash| hash.value != SignatureHash::Sha256);
    if let (Family::SeedClient, Some(hash)) = (family, other) {
        let product = entry.product.unwrap_or_default();
        let problem = Problem::new(
            "signature_hash",
            format!("{product} is signed with sha256, not {}", hash.value.word()),
        )
        .at(hash.here(), "here")
        .help("write `signature_hash: sha256`");
        reader.tell(problem);
    }
}

fn payment(draft: &Draft, reader: &mut Reader<'_>) {
    let Some(method) = draft.terms.payment_method.get() else {
        return;
    };
    let is_missing = match &draft.terms.payment_profile {
        Member::Absent => true,
        Member::Given(profile) => profile.value.id.is_absent() && !profile.value.is_damaged,
        Member::Refused(_) => false,
    };
    if method.value == PaymentMethod::Profile && is_missing {
        let problem = Problem::new(
            "missing_member",
            "`payment_method: profile` needs `payment_profile.id`",
        )
        .at(method.here(), "in this entry")
        .help("add `payment_profile: { id: N }`");
        reader.tell(problem);
    }
}
