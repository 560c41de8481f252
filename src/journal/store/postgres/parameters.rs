//! What a connection is described by, from whichever place it comes. Main type: [`Parameters`].
//!
//! The first place that has a parameter decides, as in libpq: the URL, then the service file, then the
//! environment. What certplan cannot do as it is asked to is refused by its name, so that nobody relies on it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use tokio_postgres::Config;

/// Parameters that are used, with libpq's variable for each (PostgreSQL manual, 34.1.2 and 34.15).
pub(super) const USED: [(&str, Option<&str>); 29] = [
    ("application_name", Some("PGAPPNAME")),
    ("channel_binding", Some("PGCHANNELBINDING")),
    ("connect_timeout", Some("PGCONNECT_TIMEOUT")),
    ("dbname", Some("PGDATABASE")),
    ("fallback_application_name", None),
    ("host", Some("PGHOST")),
    ("hostaddr", Some("PGHOSTADDR")),
    ("keepalives", None),
    ("keepalives_idle", None),
    ("keepalives_interval", None),
    ("keepalives_retries", None),
    ("load_balance_hosts", Some("PGLOADBALANCEHOSTS")),
    ("options", Some("PGOPTIONS")),
    ("passfile", Some("PGPASSFILE")),
    ("password", Some("PGPASSWORD")),
    ("port", Some("PGPORT")),
    ("service", Some("PGSERVICE")),
    ("servicefile", Some("PGSERVICEFILE")),
    ("sslcert", Some("PGSSLCERT")),
    ("sslcertmode", Some("PGSSLCERTMODE")),
    ("sslkey", Some("PGSSLKEY")),
    ("sslmode", Some("PGSSLMODE")),
    ("sslnegotiation", Some("PGSSLNEGOTIATION")),
    ("sslrootcert", Some("PGSSLROOTCERT")),
    ("target_session_attrs", Some("PGTARGETSESSIONATTRS")),
    ("tcp_user_timeout", None),
    ("user", Some("PGUSER")),
    ("ssl_max_protocol_version", Some("PGSSLMAXPROTOCOLVERSION")),
    ("ssl_min_protocol_version", Some("PGSSLMINPROTOCOLVERSION")),
];

/// Those of them that the driver takes as they are.
const OF_THE_DRIVER: [&str; 18] = [
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

/// A parameter of libpq that certplan does not have.
pub(super) struct Missing {
    pub(super) name: &'static str,
    pub(super) variable: Option<&'static str>,
    /// Values that ask for nothing but what is so anyway.
    harmless: &'static [&'static str],
    /// What to do instead.
    instead: &'static str,
}

const fn missing(
    name: &'static str,
    variable: Option<&'static str>,
    harmless: &'static [&'static str],
    instead: &'static str,
) -> Missing {
    Missing {
        name,
        variable,
        harmless,
        instead,
    }
}

const NO_GSSAPI: &str =
    "GSSAPI is not supported: leave it out, and use a password or a client certificate";
const NO_LISTS: &str = "revocation lists are not read: leave it out";

pub(super) const MISSING: [Missing; 16] = [
    missing(
        "client_encoding",
        None,
        &["auto", "UTF8", "utf8", "UTF-8", "utf-8"],
        "it is always UTF8: leave it out",
    ),
    missing("gssdelegation", None, &["0"], NO_GSSAPI),
    missing(
        "gssencmode",
        Some("PGGSSENCMODE"),
        &["disable", "prefer"],
        NO_GSSAPI,
    ),
    missing("gsslib", None, &[], NO_GSSAPI),
    missing("krbsrvname", None, &[], NO_GSSAPI),
    missing(
        "require_auth",
        Some("PGREQUIREAUTH"),
        &[],
        "the ways to log in cannot be picked: leave it out, or demand SCRAM with `channel_binding=require`",
    ),
    missing(
        "requirepeer",
        Some("PGREQUIREPEER"),
        &[],
        "the owner of a socket is not checked: leave it out, and use a socket in a folder that only the server's user can write to",
    ),
    missing(
        "requiressl",
        Some("PGREQUIRESSL"),
        &["0", "1"],
        "TLS is always required: leave it out",
    ),
    missing("scram_client_key", None, &[], "use a password"),
    missing("scram_server_key", None, &[], "use a password"),
    missing(
        "sslcompression",
        Some("PGSSLCOMPRESSION"),
        &["0", "1"],
        "TLS is never compressed: leave it out",
    ),
    missing("sslcrl", Some("PGSSLCRL"), &[], NO_LISTS),
    missing("sslcrldir", Some("PGSSLCRLDIR"), &[], NO_LISTS),
    missing(
        "sslkeylogfile",
        None,
        &[],
        "keys of connections are never written down: leave it out",
    ),
    missing(
        "sslpassword",
        None,
        &[],
        "a key with a password cannot be read: `openssl pkey -in KEY -out NEW` writes one without, and `chmod 600 NEW` closes it",
    ),
    missing(
        "sslsni",
        Some("PGSSLSNI"),
        &["1"],
        "the host's name is always sent: leave it out",
    ),
];

/// Beginnings of variables that are about security: an unknown one may be a mistyped demand.
const GUARDED: [&str; 3] = ["PGSSL", "PGREQUIRE", "PGGSS"];
/// Those among them that have no effect where there is no GSSAPI.
const WITHOUT_EFFECT: [&str; 2] = ["PGGSSLIB", "PGGSSDELEGATION"];

/// Where a parameter comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    Url,
    /// A section of a service file, or a password file, in words.
    File(String),
    Variable(&'static str),
    /// What holds where nothing is said.
    Default(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url => formatter.write_str("the URL"),
            Self::File(what) => formatter.write_str(what),
            Self::Variable(name) => formatter.write_str(name),
            Self::Default(what) => formatter.write_str(what),
        }
    }
}

/// A value and where it comes from. The value may be a password.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) value: String,
    pub(super) origin: Origin,
}

/// The parameters of a connection, by name.
#[derive(Default, Clone)]
pub(super) struct Parameters(BTreeMap<String, Given>);

impl Parameters {
    /// Takes a parameter that no earlier place had. An empty value is none.
    ///
    /// Fails for one that cannot be used, by its name; never with its value, which may be a secret.
    pub(super) fn offer(&mut self, name: &str, value: &str, origin: Origin) -> Result<(), String> {
        // The driver has another name for it.
        let name = match name {
            "keepalives_count" => "keepalives_retries",
            name => name,
        };
        check_name(name, &origin)?;
        if value.is_empty() || self.0.contains_key(name) {
            return Ok(());
        }
        let value = checked(name, value, &origin)?;
        self.0.insert(name.to_owned(), Given { value, origin });
        Ok(())
    }

    pub(super) fn get(&self, name: &str) -> Option<&Given> {
        self.0.get(name)
    }

    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.get(name).map(|given| given.value.as_str())
    }

    /// The values of a list.
    pub(super) fn list(&self, name: &str) -> Vec<&str> {
        self.value(name)
            .map(|value| value.split(',').collect())
            .unwrap_or_default()
    }

    /// The driver's form of what it takes.
    pub(super) fn config(&self) -> Result<Config, String> {
        let pairs: Vec<String> = self
            .0
            .iter()
            .filter(|(name, _)| OF_THE_DRIVER.contains(&name.as_str()))
            .map(|(name, given)| pair(name, &given.value))
            .collect();
        Config::from_str(&pairs.join(" ")).map_err(|_| {
            "its parts do not go together: write `postgres://USER@HOST:PORT/DATABASE`".to_owned()
        })
    }
}

/// Refuses a variable that certplan does not know and that sounds like a demand.
pub(super) fn check_variable(name: &str) -> Result<(), String> {
    let is_known = || {
        USED.iter().any(|(_, variable)| *variable == Some(name))
            || MISSING.iter().any(|one| one.variable == Some(name))
            || WITHOUT_EFFECT.contains(&name)
    };
    if GUARDED.iter().any(|start| name.starts_with(start)) && !is_known() {
        return Err(format!(
            "{name} is unknown, and could be meant as a demand: unset it, or write it as docs/postgresql.md lists it"
        ));
    }
    Ok(())
}

/// `name='value'` of a connection string.
fn pair(name: &str, value: &str) -> String {
    let value = value.replace('\\', r"\\").replace('\'', r"\'");
    format!("{name}='{value}'")
}

/// What a message about a parameter begins with.
fn before(origin: &Origin) -> String {
    match origin {
        Origin::Url | Origin::Default(_) => String::new(),
        Origin::File(_) | Origin::Variable(_) => format!("{origin}: "),
    }
}

/// Refuses a name that libpq and certplan do not have. It may be a torn-off piece of a password.
fn check_name(name: &str, origin: &Origin) -> Result<(), String> {
    let is_used = USED.iter().any(|(used, _)| *used == name);
    if is_used || MISSING.iter().any(|one| one.name == name) {
        return Ok(());
    }
    let is_name = |char: char| char.is_ascii_lowercase() || char == '_';
    let what = if name.chars().all(is_name) && name.len() < 40 {
        format!("the option `{name}` is unknown")
    } else {
        "an option is unknown".to_owned()
    };
    Err(format!(
        "{}{what}: docs/postgresql.md lists those that can be used",
        before(origin)
    ))
}

fn checked(name: &str, value: &str, origin: &Origin) -> Result<String, String> {
    let from = before(origin);
    if let Some(missing) = MISSING.iter().find(|one| one.name == name) {
        if missing.harmless.contains(&value) {
            return Ok(value.to_owned());
        }
        return Err(format!(
            "{from}the option `{name}` cannot be used here: {}",
            missing.instead
        ));
    }
    // A session that can write is on the primary, and certplan needs one that can.
    let value = match (name, value) {
        ("target_session_attrs", "primary") => "read-write",
        ("target_session_attrs", "standby" | "prefer-standby") => {
            return Err(format!(
                "{from}`target_session_attrs` cannot ask for a standby: write `read-write`"
            ));
        }
        ("sslcertmode", "allow" | "disable") => value,
        ("sslcertmode", _) => {
            return Err(format!(
                "{from}`sslcertmode` is `allow` or `disable` here: whether the server asks for a certificate is not checked"
            ));
        }
        ("ssl_min_protocol_version", "TLSv1" | "TLSv1.1" | "TLSv1.2") => "TLSv1.2",
        ("ssl_min_protocol_version" | "ssl_max_protocol_version", "TLSv1.3") => value,
        ("ssl_max_protocol_version", "TLSv1.2") => value,
        ("ssl_min_protocol_version" | "ssl_max_protocol_version", _) => {
            return Err(format!("{from}`{name}` is `TLSv1.2` or `TLSv1.3` here"));
        }
        (_, value) => value,
    };
    let is_of_driver = OF_THE_DRIVER.contains(&name);
    if is_of_driver && Config::from_str(&pair(name, value)).is_err() {
        return Err(format!(
            "{from}the value of the option `{name}` cannot be used"
        ));
    }
    Ok(value.to_owned())
}
