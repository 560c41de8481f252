//! The options of a `postgres://` URL: which ones are known, and what to say of the others.

use std::str::FromStr;

use tokio_postgres::Config;

/// Options that the driver takes as they are.
const TAKEN: [&str; 18] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "options",
    "password",
    "port",
    "sslnegotiation",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];
/// Options of libpq that have no effect here, with what to do instead.
const NOT_HERE: [(&str, &str); 11] = [
    ("passfile", "put the password into PGPASSWORD"),
    (
        "service",
        "write host, port, user and database into the URL",
    ),
    (
        "sslcert",
        "client certificates are not supported: use a password",
    ),
    (
        "sslkey",
        "client certificates are not supported: use a password",
    ),
    (
        "sslpassword",
        "client certificates are not supported: use a password",
    ),
    ("sslcrl", "revocation lists are not supported: leave it out"),
    (
        "sslcrldir",
        "revocation lists are not supported: leave it out",
    ),
    ("gssencmode", "GSSAPI is not supported: leave it out"),
    ("krbsrvname", "GSSAPI is not supported: use a password"),
    ("keepalives_count", "it is `keepalives_retries` here"),
    ("require_auth", "it is not supported: leave it out"),
];

/// Refuses the first option that cannot be used, by its name. Its value may be a secret, and so may a name that
/// belongs to a password with `?` in it.
pub(super) fn check(options: &[&str]) -> Result<(), String> {
    let is_torn = options.iter().any(|option| option.contains('@'));
    if is_torn {
        return Err("`?` in a user name or a password is written %3F, and `@` is %40".to_owned());
    }
    for option in options {
        let (name, _) = option.split_once('=').unwrap_or((option, ""));
        if let Some((_, instead)) = NOT_HERE.iter().find(|(known, _)| *known == name) {
            return Err(format!(
                "the option `{name}` cannot be used here: {instead}"
            ));
        }
        if !TAKEN.contains(&name) {
            let is_name = |char: char| char.is_ascii_lowercase() || char == '_';
            let shown = if name.chars().all(is_name) && name.len() < 40 {
                format!("the option `{name}` is unknown")
            } else {
                "an option is unknown".to_owned()
            };
            return Err(format!(
                "{shown}: docs/postgresql.md lists those that can be used"
            ));
        }
        if Config::from_str(&format!("postgres://host?{option}")).is_err() {
            return Err(format!("the value of the option `{name}` cannot be used"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_used_is_named_without_its_value() {
        for (option, said) in [
            ("sslcert=/hunter2", "`sslcert` cannot be used here"),
            ("service=hunter2", "`service` cannot be used here"),
            ("passfile=hunter2", "PGPASSWORD"),
            ("sslmod=hunter2", "`sslmod` is unknown"),
            ("hunter2", "an option is unknown"),
            (
                "connect_timeout=hunter2",
                "value of the option `connect_timeout`",
            ),
            ("port=hunter2", "value of the option `port`"),
            ("target_session_attrs=hunter2", "`target_session_attrs`"),
            ("word@db/state", "%3F"),
        ] {
            let error = check(&[option]).unwrap_err();
            assert!(error.contains(said), "{option}: {error}");
            assert!(!error.contains("hunter2"), "{option}: {error}");
        }
        let good = [
            "connect_timeout=3",
            "options=-csearch_path%3Dx",
            "application_name=pki",
        ];
        assert_eq!(check(&good), Ok(()));
    }
}
