//! Tells a path from an address that was mistyped: [`looks_like_address`].
//!
//! A mistyped address that is taken for a path becomes a folder whose name holds a password, and an empty
//! journal in it. A path that only looks like an address has another spelling, with `./` in front.

use strsim::damerau_levenshtein;

/// Schemes that people mistype. The slashes behind them are what is left of `://`.
const SCHEMES: [&str; 3] = ["postgres", "postgresql", "file"];

/// Parameters of a connection string (PostgreSQL manual, 34.1.2) that say where and who.
const KEYWORDS: [&str; 14] = [
    "host",
    "hostaddr",
    "port",
    "dbname",
    "database",
    "user",
    "username",
    "password",
    "passfile",
    "service",
    "servicefile",
    "options",
    "sslmode",
    "sslrootcert",
];

/// What a text looks like that is to be a path: the words go on after "it looks like". Never a part of the
/// text, which may hold a password. `None` for a path.
pub fn looks_like_address(text: &str) -> Option<&'static str> {
    if text.chars().any(char::is_control) {
        return Some("text with line breaks or other control characters");
    }
    if text.trim() != text {
        return Some("text with a blank at one end");
    }
    let has_user = |text: &str| text.contains('@');
    if ["./", "../"].iter().any(|start| text.starts_with(start)) {
        return None;
    }
    if let Some(rest) = text.strip_prefix('/') {
        let is_address = has_user(text) && (rest.starts_with('/') || rest.contains("://"));
        return is_address.then_some("an address with something in front");
    }
    if is_connection_string(text) {
        return Some("a connection string of `keyword=value` pairs");
    }
    let first = text.split('/').next().unwrap_or_default();
    if first.contains([':', '@']) {
        return Some("an address");
    }
    let (before, behind) = text.split_once("//")?;
    let names_user = text.split('/').any(|segment| {
        segment
            .split_once('@')
            .is_some_and(|(user, _)| user.contains(':'))
    });
    (names_user || has_user(behind) || is_nearly_a_scheme(before)).then_some("an address")
}

fn is_nearly_a_scheme(text: &str) -> bool {
    let lower = text.to_lowercase();
    lower.starts_with("postgre")
        || SCHEMES
            .iter()
            .any(|scheme| damerau_levenshtein(&lower, scheme) <= scheme.len() / 4)
}

/// libpq takes blanks around the `=`, and quotes around a value.
fn is_connection_string(text: &str) -> bool {
    text.match_indices('=').any(|(at, _)| {
        let before = text.get(..at).unwrap_or_default().trim_end();
        let word = before
            .rsplit(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ';' | '&' | '?'))
            .next()
            .unwrap_or_default();
        KEYWORDS.contains(&word.to_lowercase().as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::looks_like_address;

    #[test]
    fn a_mistyped_address_is_told_from_a_path() {
        for text in [
            "postgres:/u:hidden@h/db",
            "postgres:u:hidden@h/db",
            "postgres:",
            " postgres://u:hidden@h/db",
            "postgres://u:hidden@h/db ",
            "postgres://u:hidden@h/db\n",
            "\tstate.db",
            "postgres//u:hidden@h/db",
            "postgres//h/db",
            "posgres//h/db",
            "Postgresql//h/db",
            "postgres;//h/db",
            "file//srv/state.db",
            "u:hidden@h:5432/db",
            "u@h/db",
            "h:5432/db",
            "//u:hidden@h/db",
            "/postgres://u:hidden@h/db",
            "\"postgres://u:hidden@h/db\"",
            "'postgres//u:hidden@h/db'",
            "<postgres://u:hidden@h/db>",
            "jdbc:postgresql://h/db",
            "mysql:db",
            "C:\\state.db",
            "host=h password=hidden",
            "host = h password = hidden",
            "password='hidden word' host=h",
            "HOST=h",
            "service=pki",
            "dbname=pki",
            "'host=h password=hidden'",
            "\"host=h password=hidden\"",
            "application_name=x host=/run/postgresql",
            "Server=h;Database=pki;Password=hidden",
        ] {
            assert!(looks_like_address(text).is_some(), "{text:?}");
        }
    }

    #[test]
    fn a_path_is_a_path() {
        for text in [
            "state.db",
            ".certplan/state.db",
            "sub/my.db",
            "sub//my.db",
            "sub/2026-11-28T10:00.db",
            "sub/team@home.db",
            "./a:b.db",
            "./host=h/state.db",
            "../postgres:/x",
            "/var/lib/certplan/state.db",
            "/srv/a:b/host=c/state@d.db",
            "//srv/state.db",
            "my state.db",
            "rest=5/state.db",
            "postgres/state.db",
            "postgres",
            "profile//state.db",
            "odd/1://x",
        ] {
            assert_eq!(looks_like_address(text), None, "{text:?}");
        }
    }
}
