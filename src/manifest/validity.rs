//! How long an order is valid: said once, and within what the CA takes (CertCentral's pages
//! on ordering TLS and client certificates).

use jiff::civil::Date;
use serde_json::Value;

use super::product::Family;
use super::rules::{Body, Broken};
use super::wording::shown;

/// How far ahead the last day of a client certificate may be.
const CLIENT_DAYS: i64 = 825;

/// Checks everything that an order says about its validity.
pub(super) fn check(body: &Body<'_>, family: Family, broken: &mut Vec<Broken>) {
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

fn join(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
