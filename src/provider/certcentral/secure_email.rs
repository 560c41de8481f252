//! What CertCentral asks of Secure Email certificates (its page on ordering them), and what the CA/Browser
//! Forum allows their common names to be (S/MIME Baseline Requirements, 7.1.4.2.2).

use super::form::{Draft, Indicator, Individual};
use super::product::{ORGANIZATION, SPONSOR};
use crate::model::form::{Location, Member, OrderEntry, Problem, Reader, shown};

/// The main uses of a key that the CA's page names.
const USES: [&str; 3] = ["signing", "key_management", "dual_use"];

/// What the common name of a product can be made of; nothing where the CA does not look at it.
pub(super) fn indicators(product: &str) -> Option<&'static [Indicator]> {
    match product {
        SPONSOR => Some(&[Indicator::Email, Indicator::Person, Indicator::Pseudonym]),
        ORGANIZATION => Some(&[Indicator::Email, Indicator::Organization]),
        _ => None,
    }
}

/// Checks the members that only Secure Email has. An order that exists was taken by the CA as it is.
pub(super) fn check(entry: &OrderEntry<'_>, draft: &Draft, reader: &mut Reader<'_>) {
    let product = entry.product.unwrap_or_default();
    let is_whole =
        !entry.is_damaged && !entry.is_certificate_refused && !draft.certificate.is_damaged;
    if entry.exists || !is_whole {
        return;
    }
    indicator(product, draft, reader);
    if product == SPONSOR {
        individual(entry, draft, reader);
    }
    usage(draft, reader);
}

fn indicator(product: &str, draft: &Draft, reader: &mut Reader<'_>) {
    let (Some(known), Some(given)) = (
        indicators(product),
        draft.certificate.common_name_indicator.get(),
    ) else {
        return;
    };
    if known.contains(&given.value) {
        return;
    }
    let words: Vec<String> = known
        .iter()
        .map(|known| format!("`{}`", known.word()))
        .collect();
    let message = format!(
        "the common name of {product} cannot be made of `{}`",
        given.value.word()
    );
    let problem = Problem::new("common_name_indicator", message)
        .at(given.here(), "not for this product")
        .help(format!("one of {}", words.join(", ")));
    reader.tell(problem);
}

/// The person is needed whatever the common name is made of, and has the names that it is made of.
fn individual(entry: &OrderEntry<'_>, draft: &Draft, reader: &mut Reader<'_>) {
    let given = match &draft.certificate.individual {
        Member::Refused(_) => return,
        Member::Absent => None,
        Member::Given(given) if given.value.is_damaged => return,
        Member::Given(given) => Some(given),
    };
    let nobody = Individual::default();
    let person = given.map_or(&nobody, |given| &given.value);
    let has_names = !person.first_name.is_absent() && !person.last_name.is_absent();
    let has_pseudonym = !person.pseudonym.is_absent();
    let by = draft.certificate.common_name_indicator.value();
    let (is_enough, needed) = match by {
        Some(Indicator::Person) => (has_names, "`first_name` and `last_name`"),
        Some(Indicator::Pseudonym) => (has_pseudonym, "`pseudonym`"),
        Some(Indicator::Email | Indicator::Organization) | None => (
            has_names || has_pseudonym,
            "`first_name` and `last_name`, or `pseudonym`",
        ),
    };
    if is_enough {
        return;
    }
    let place = match given {
        Some(given) => entry.place_of(Some(given.point)),
        None => entry.place_of(entry.certificate),
    };
    let mut message = format!("{SPONSOR} needs {needed} in `certificate.individual`");
    if let Some(by) = by {
        message = format!("{message} (`common_name_indicator: {}`)", by.word());
    }
    let problem = Problem::new("missing_member", message)
        .at(place, "in here")
        .help("add `individual: { first_name: NAME, last_name: NAME }` to `certificate`");
    reader.tell(problem);
}

fn usage(draft: &Draft, reader: &mut Reader<'_>) {
    let Some(given) = draft.certificate.usage_designation.get() else {
        return;
    };
    if given.value.primary_usage.is_absent() && !given.value.is_damaged {
        let message = "`usage_designation` needs `primary_usage`";
        let problem = Problem::new("missing_member", message)
            .at(Location::Key(given.point), "in here")
            .help(format!(
                "one of {}",
                USES.map(|word| format!("`{word}`")).join(", ")
            ));
        reader.tell(problem);
    }
}

/// What the CA ignores, or is in no document.
pub(super) fn warnings(entry: &OrderEntry<'_>, draft: &Draft) -> Vec<String> {
    let certificate = &draft.certificate;
    let mut warnings = Vec::new();
    if let Some(product) = entry.product
        && product != SPONSOR
        && !certificate.individual.is_absent()
    {
        warnings.push(format!(
            "`certificate.individual` is for {SPONSOR}; the CA does not use it for {}",
            shown(product)
        ));
    }
    let usage = certificate.usage_designation.value();
    let main = usage.and_then(|usage| usage.primary_usage.value());
    if let Some(main) = main.filter(|main| !USES.contains(&main.0.as_str())) {
        warnings.push(format!(
            "`primary_usage: {}` is in no document known here; it goes to the CA as it is. One of {}",
            shown(&main.0),
            USES.map(|word| format!("`{word}`")).join(", ")
        ));
    }
    warnings
}
