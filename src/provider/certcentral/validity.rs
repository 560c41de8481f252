//! How long an order is valid: said once, and within what the CA takes (CertCentral's pages
//! on ordering TLS and client certificates, and on the end of plans of 4 to 6 years).

use jiff::civil;

use super::form::{Draft, Terms, Validity};
use super::product::Family;
use crate::model::form::{At, Date, Location, Member, OrderEntry, Problem, Reader, Whole};

/// The longest validity of a family of products.
#[derive(Debug, Clone, Copy)]
pub(super) struct Longest {
    /// What is valid for so long.
    what: &'static str,
    pub(super) years: i64,
    pub(super) days: i64,
    /// Where the number of days comes from.
    days_from: &'static str,
}

impl Longest {
    /// Of a family; nothing where the documents name no limit.
    pub(super) fn of(family: Family) -> Option<Self> {
        // A day is at most 825 days ahead, and years are 1 or 2: the page on ordering client certificates.
        let client = Self {
            what: "a client certificate",
            years: 2,
            days: 825,
            days_from: "",
        };
        // More than 3 years is refused since 2023-10-31: the page on the end of plans of 4 to 6 years. In
        // days it is ours: 3 years with a leap day.
        let public_tls = Self {
            what: "an order of public TLS",
            years: 3,
            days: 1096,
            days_from: " (certplan's count of 3 years)",
        };
        if family.is_client() {
            return Some(client);
        }
        family.is_public_tls().then_some(public_tls)
    }
}

/// Checks everything that an order says about its validity.
pub(super) fn check(
    entry: &OrderEntry<'_>,
    draft: &Draft,
    family: Family,
    reader: &mut Reader<'_>,
) {
    said_once(entry, draft, family, reader);
    let terms = &draft.terms;
    // An order that exists was taken by the CA, when its rules may have been others.
    let longest = Longest::of(family).filter(|_| !entry.exists);
    // Nor does its last day, which comes and goes, buy anything.
    let today = (!entry.exists).then_some(entry.today);
    years(terms.validity_years.get(), longest, reader);
    days(terms.validity_days.get(), longest, reader);
    date(terms.custom_expiration_date.get(), longest, today, reader);
    for (name, member) in [
        ("order_validity", &terms.order_validity),
        (
            "certificate.cert_validity",
            &draft.certificate.cert_validity,
        ),
    ] {
        let Some(given) = member.get() else { continue };
        let validity = &given.value;
        let said = [
            &validity.years.point(),
            &validity.days.point(),
            &validity.custom_expiration_date.point(),
        ];
        let said = said.into_iter().flatten().count();
        if said != 1 && !validity.is_damaged {
            let problem = Problem::new(
                "two_validities",
                format!("`{name}` has exactly one of `years`, `days`, `custom_expiration_date`"),
            );
            reader.tell(problem.at(given.key(), "here"));
        }
        years(validity.years.get(), longest, reader);
        days(validity.days.get(), longest, reader);
        date(
            validity.custom_expiration_date.get(),
            longest,
            today,
            reader,
        );
    }
    if !entry.exists {
        inside_the_order(draft, entry.today, reader);
    }
}

/// How long something is valid, in the words of the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    Years(i64),
    Days(i64),
    Until(civil::Date),
}

impl Length {
    fn of(
        years: &Member<Whole<1, 10>>,
        days: &Member<Whole<1, 4000>>,
        date: &Member<Date>,
    ) -> Option<Self> {
        match (years.value(), days.value(), date.value()) {
            (Some(years), None, None) => Some(Self::Years(years.0)),
            (None, Some(days), None) => Some(Self::Days(days.0)),
            (None, None, Some(date)) => Some(Self::Until(date.0)),
            _ => None,
        }
    }

    fn of_validity(validity: &Validity) -> Option<Self> {
        Self::of(
            &validity.years,
            &validity.days,
            &validity.custom_expiration_date,
        )
    }

    fn of_order(terms: &Terms) -> Option<Self> {
        match terms.order_validity.value() {
            Some(validity) => Self::of_validity(validity),
            None => Self::of(
                &terms.validity_years,
                &terms.validity_days,
                &terms.custom_expiration_date,
            ),
        }
    }

    /// Whether it is surely longer than another one. A year has 365 or 366 days.
    fn is_longer(self, than: Self, today: civil::Date) -> bool {
        let ahead = |date: civil::Date| {
            today
                .until(date)
                .map_or(0, |span| i64::from(span.get_days()))
        };
        match (self, than) {
            (Self::Years(mine), Self::Years(theirs)) | (Self::Days(mine), Self::Days(theirs)) => {
                mine > theirs
            }
            (Self::Years(mine), Self::Days(theirs)) => mine * 365 > theirs,
            (Self::Days(mine), Self::Years(theirs)) => mine > theirs * 366,
            (Self::Until(mine), Self::Until(theirs)) => mine > theirs,
            (Self::Until(mine), Self::Days(theirs)) => ahead(mine) > theirs,
            (Self::Until(mine), Self::Years(theirs)) => ahead(mine) > theirs * 366,
            // The day comes nearer, and the entry of an order in force would become wrong by itself.
            (Self::Years(_) | Self::Days(_), Self::Until(_)) => false,
        }
    }

    fn words(self) -> String {
        match self {
            Self::Years(1) => "1 year".to_owned(),
            Self::Years(years) => format!("{years} years"),
            Self::Days(1) => "1 day".to_owned(),
            Self::Days(days) => format!("{days} days"),
            Self::Until(date) => format!("until {date}"),
        }
    }
}

/// `cert_validity` is the validity of the certificate inside the order's (the page on ordering TLS).
fn inside_the_order(draft: &Draft, today: civil::Date, reader: &mut Reader<'_>) {
    let Some(given) = draft.certificate.cert_validity.get() else {
        return;
    };
    let (Some(certificate), Some(order)) = (
        Length::of_validity(&given.value),
        Length::of_order(&draft.terms),
    ) else {
        return;
    };
    if certificate.is_longer(order, today) {
        let message = format!(
            "the certificate would be valid longer ({}) than its order ({})",
            certificate.words(),
            order.words()
        );
        let problem = Problem::new("cert_validity", message)
            .at(given.key(), "longer than the order")
            .help("shorten `cert_validity`, or leave it out: then the CA decides");
        reader.tell(problem);
    }
}

fn said_once(entry: &OrderEntry<'_>, draft: &Draft, family: Family, reader: &mut Reader<'_>) {
    let terms = &draft.terms;
    let years = terms.validity_years.get().map(At::key);
    let date = terms.custom_expiration_date.get().map(At::key);
    let newer = terms.order_validity.get().map(At::key);
    let days = terms.validity_days.get().map(At::key);
    let ways = [
        ("validity_years", years),
        ("custom_expiration_date", date),
        ("order_validity", newer),
        ("validity_days", days),
    ];
    let mut given = ways.iter().filter_map(|(_, key)| key.clone());
    let Some(first) = given.next() else {
        let is_damaged = entry.is_damaged || terms.is_damaged;
        if family != Family::Unknown && !is_damaged && !terms.says_validity() {
            let problem = Problem::new(
                "missing_validity",
                "the order does not say how long it is valid",
            )
            .at(entry.place_of(None), "in this entry")
            .help("add `validity_years: 1` or `custom_expiration_date: YYYY-MM-DD`");
            reader.tell(problem);
        }
        return;
    };
    let others: Vec<Location> = given.collect();
    if others.is_empty() {
        return;
    }
    let names: Vec<String> = ways
        .iter()
        .filter(|(_, key)| key.is_some())
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    let mut problem = Problem::new(
        "two_validities",
        format!(
            "an order says its validity once, not by {}",
            names.join(" and ")
        ),
    )
    .at(first, "here")
    .help("keep one of them");
    for other in others {
        problem = problem.at(other, "and here");
    }
    reader.tell(problem);
}

fn years(given: Option<&At<Whole<1, 10>>>, longest: Option<Longest>, reader: &mut Reader<'_>) {
    let (Some(years), Some(longest)) = (given, longest) else {
        return;
    };
    if years.value.0 > longest.years {
        let Longest {
            what, years: most, ..
        } = longest;
        let problem = Problem::new(
            "validity",
            format!("{what} is valid for at most {most} years"),
        )
        .at(years.here(), "here")
        .help(format!("write a number from 1 to {most}"));
        reader.tell(problem);
    }
}

fn days(given: Option<&At<Whole<1, 4000>>>, longest: Option<Longest>, reader: &mut Reader<'_>) {
    let (Some(days), Some(longest)) = (given, longest) else {
        return;
    };
    if days.value.0 > longest.days {
        let Longest {
            what,
            days: most,
            days_from,
            ..
        } = longest;
        let message = format!("{what} is valid for at most {most} days{days_from}");
        reader.tell(Problem::new("validity", message).at(days.here(), "here"));
    }
}

fn date(
    given: Option<&At<Date>>,
    longest: Option<Longest>,
    today: Option<civil::Date>,
    reader: &mut Reader<'_>,
) {
    if let (Some(given), Some(today)) = (given, today)
        && let Some((message, help)) = wrong_day(given.value.0, longest, today)
    {
        let problem = Problem::new("bad_date", message).at(given.here(), "here");
        reader.tell(problem.help(help));
    }
}

/// What is wrong with the last day of validity, and what to write.
fn wrong_day(
    date: civil::Date,
    longest: Option<Longest>,
    today: civil::Date,
) -> Option<(String, String)> {
    let ahead = i64::from(today.until(date).ok()?.get_days());
    if ahead <= 0 {
        return Some((
            format!("{date} is not in the future"),
            format!("today is {today}"),
        ));
    }
    let Longest {
        what,
        days,
        days_from,
        ..
    } = longest?;
    if ahead > days {
        let last = today.checked_add(jiff::Span::new().days(days)).ok()?;
        return Some((
            format!("{date} is {ahead} days ahead; {what} ends within {days}{days_from}"),
            format!("the last possible day is {last}"),
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const TODAY: civil::Date = date(2026, 11, 21);

    #[test]
    fn a_date_is_in_the_future_and_near_enough() {
        let wrong = |day, family| wrong_day(day, Longest::of(family), TODAY).is_some();
        assert!(wrong(date(2026, 11, 21), Family::Unknown));
        assert!(!wrong(date(2026, 11, 22), Family::Client));
        assert!(!wrong(date(2029, 2, 23), Family::Client));
        assert!(wrong(date(2029, 2, 24), Family::Client));
        assert!(!wrong(date(2029, 2, 24), Family::PublicTls));
        for family in [Family::PublicTls, Family::DomainTls] {
            assert!(!wrong(date(2029, 11, 21), family));
            assert!(wrong(date(2029, 11, 22), family));
        }
        assert!(!wrong(date(2036, 1, 1), Family::PrivateTls));
    }

    #[test]
    fn a_certificate_is_not_longer_than_its_order() {
        use Length::{Days, Until, Years};
        for (certificate, order, is_longer) in [
            (Days(365), Days(90), true),
            (Days(90), Days(90), false),
            (Days(91), Days(90), true),
            (Years(2), Years(1), true),
            (Years(1), Years(1), false),
            (Years(1), Days(364), true),
            (Years(1), Days(365), false),
            (Days(366), Years(1), false),
            (Days(367), Years(1), true),
            (Until(date(2027, 6, 2)), Until(date(2027, 6, 1)), true),
            (Until(date(2027, 6, 1)), Until(date(2027, 6, 1)), false),
            (Until(date(2026, 12, 22)), Days(30), true),
            (Until(date(2026, 12, 21)), Days(30), false),
            (Until(date(2027, 11, 23)), Years(1), true),
            (Until(date(2027, 11, 22)), Years(1), false),
            (Days(4000), Until(date(2027, 6, 1)), false),
        ] {
            assert_eq!(
                certificate.is_longer(order, TODAY),
                is_longer,
                "{certificate:?} in {order:?}"
            );
        }
    }
}
