//! How long an order is valid: said once, and within what the CA takes (CertCentral's pages
//! on ordering TLS and client certificates).

use jiff::civil;

use super::form::Draft;
use super::product::Family;
use crate::model::form::{At, Date, Location, OrderEntry, Problem, Reader, Whole};

/// How far ahead the last day of a client certificate may be.
const CLIENT_DAYS: i64 = 825;

/// Checks everything that an order says about its validity.
pub(super) fn check(
    entry: &OrderEntry<'_>,
    draft: &Draft,
    family: Family,
    reader: &mut Reader<'_>,
) {
    said_once(entry, draft, family, reader);
    let terms = &draft.terms;
    let client = family.is_client();
    years(terms.validity_years.get(), client, reader);
    days(terms.validity_days.get(), client, reader);
    date(
        terms.custom_expiration_date.get(),
        client,
        entry.today,
        reader,
    );
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
        years(validity.years.get(), client, reader);
        days(validity.days.get(), client, reader);
        date(
            validity.custom_expiration_date.get(),
            client,
            entry.today,
            reader,
        );
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

fn years(given: Option<&At<Whole<1, 10>>>, client: bool, reader: &mut Reader<'_>) {
    if let Some(years) = given.filter(|years| client && years.value.0 > 2) {
        let problem = Problem::new("validity", "a client certificate is valid for 1 or 2 years")
            .at(years.here(), "here")
            .help("write 1 or 2");
        reader.tell(problem);
    }
}

fn days(given: Option<&At<Whole<1, 4000>>>, client: bool, reader: &mut Reader<'_>) {
    if let Some(days) = given.filter(|days| client && days.value.0 > CLIENT_DAYS) {
        let message = format!("a client certificate is valid for at most {CLIENT_DAYS} days");
        reader.tell(Problem::new("validity", message).at(days.here(), "here"));
    }
}

fn date(given: Option<&At<Date>>, client: bool, today: civil::Date, reader: &mut Reader<'_>) {
    if let Some(given) = given
        && let Some((message, help)) = wrong_day(given.value.0, client, today)
    {
        let problem = Problem::new("bad_date", message).at(given.here(), "here");
        reader.tell(problem.help(help));
    }
}

/// What is wrong with the last day of validity, and what to write.
fn wrong_day(date: civil::Date, client: bool, today: civil::Date) -> Option<(String, String)> {
    let ahead = i64::from(today.until(date).ok()?.get_days());
    if ahead <= 0 {
        return Some((
            format!("{date} is not in the future"),
            format!("today is {today}"),
        ));
    }
    if client && ahead > CLIENT_DAYS {
        let last = today
            .checked_add(jiff::Span::new().days(CLIENT_DAYS))
            .ok()?;
        return Some((
            format!("{date} is {ahead} days ahead; a client certificate ends within {CLIENT_DAYS}"),
            format!("the last possible day is {last}"),
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_date_is_in_the_future_and_near_enough() {
        let today = date(2026, 11, 21);
        let wrong = |day, client| wrong_day(day, client, today).is_some();
        assert!(wrong(date(2026, 11, 21), false));
        assert!(!wrong(date(2026, 11, 22), true));
        assert!(!wrong(date(2029, 2, 23), true));
        assert!(wrong(date(2029, 2, 24), true));
        assert!(!wrong(date(2029, 2, 24), false));
    }
}
