//! Which server, database and role a URL and its surroundings name together. Main type: [`Target`].

use std::net::IpAddr;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use super::environment::PgEnvironment;
use super::parameters::{Origin, Parameters};
use super::password_file::{self, NoPassword, Wanted};
use super::tls::{Tls, Trust};
use super::{service_file, url};

const CONNECT: Duration = Duration::from_secs(10);
/// A server that is silent for longer is gone.
const SILENCE: Duration = Duration::from_secs(20);

const DEFAULT_PORT: &str = "5432";
const NO_HOST: &str =
    "it names no host: write `postgres://USER@HOST:PORT/DATABASE`, or set PGHOST or a service";

/// What need not be encoded in a URL.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The target of a connection, and what is told of it. Without the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) tls: Tls,
    /// The URL of what is connected to, without password.
    pub(super) shown: String,
    /// Where each part comes from, in words.
    pub(super) sources: String,
    /// Why the password file gave no password.
    pub(super) no_password: Option<String>,
    /// What was left aside, and somebody should put right.
    pub(super) warning: Option<String>,
}

impl Target {
    /// Merges the sources as libpq does: the URL, the service file, the environment, the password file.
    pub(super) fn find(url: &str, environment: &PgEnvironment) -> Result<(Self, Config), String> {
        let mut parameters = url::read(url)?;
        service_file::fill(&mut parameters, environment)?;
        environment.fill(&mut parameters)?;
        defaults(&mut parameters)?;
        check_hosts(&parameters)?;
        let tls = tls(&parameters, environment)?;
        let (no_password, warning) = match password(&mut parameters, environment)? {
            None => (None, None),
            Some(NoPassword::Silent(why)) => (Some(why), None),
            Some(NoPassword::Warned(why)) => (Some(why.clone()), Some(why)),
        };
        let target = Self {
            shown: shown(&parameters),
            sources: sources(&parameters, &tls),
            no_password,
            warning,
            tls,
        };
        let config = config(&parameters, &target.tls)?;
        Ok((target, config))
    }
}

/// What holds where nothing is said: the user of this process, and the database of its name.
fn defaults(parameters: &mut Parameters) -> Result<(), String> {
    parameters.offer("port", DEFAULT_PORT, Origin::Default("the default"))?;
    if parameters.get("user").is_none() {
        let user = whoami::username()
            .map_err(|_| "it names no user: write `postgres://USER@HOST:PORT/DATABASE`")?;
        let origin = Origin::Default("the name of this process's user");
        parameters.offer("user", &user, origin)?;
    }
    let user = parameters.value("user").unwrap_or_default().to_owned();
    parameters.offer("dbname", &user, Origin::Default("the user's name"))?;
    let fallback = parameters.value("fallback_application_name");
    let name = fallback.unwrap_or("certplan").to_owned();
    parameters.offer("application_name", &name, Origin::Default("certplan"))
}

fn check_hosts(parameters: &Parameters) -> Result<(), String> {
    let hosts = parameters.list("host");
    let addresses = parameters.list("hostaddr");
    let ports = parameters.list("port");
    if hosts.is_empty() && addresses.is_empty() {
        return Err(NO_HOST.to_owned());
    }
    if hosts.contains(&"") {
        return Err("one of its hosts has no name".to_owned());
    }
    if hosts.iter().any(|host| host.starts_with('@')) {
        return Err("an abstract socket cannot be used: name the socket's folder".to_owned());
    }
    if !hosts.is_empty() && !addresses.is_empty() && hosts.len() != addresses.len() {
        return Err(format!(
            "`host` and `hostaddr` go together one by one: {} and {} are given",
            hosts.len(),
            addresses.len()
        ));
    }
    let count = hosts.len().max(addresses.len());
    if ports.len() > 1 && ports.len() != count {
        return Err(format!(
            "`port` is one, or one for each host: {} are given for {count}",
            ports.len()
        ));
    }
    Ok(())
}

/// Where the connections go: the address where there is one, else the host.
fn ends(parameters: &Parameters) -> Vec<&str> {
    let addresses = parameters.list("hostaddr");
    if addresses.is_empty() {
        parameters.list("host")
    } else {
        addresses
    }
}

fn is_socket(end: &&str) -> bool {
    end.starts_with('/')
}

fn is_local(end: &&str) -> bool {
    is_socket(end)
        || *end == "localhost"
        || end
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// `disable` is for this machine alone. Every other word means `verify-full`, and a socket has no TLS.
fn tls(parameters: &Parameters, environment: &PgEnvironment) -> Result<Tls, String> {
    let ends = ends(parameters);
    let from = match parameters.get("sslmode").map(|given| &given.origin) {
        Some(origin @ (Origin::File(_) | Origin::Variable(_))) => format!("{origin}: "),
        Some(Origin::Url | Origin::Default(_)) | None => String::new(),
    };
    match parameters.value("sslmode") {
        Some("disable") if ends.iter().all(is_local) => return Ok(Tls::Off),
        Some("disable") => {
            return Err(format!(
                "{from}`sslmode` is `disable` only for a server of this machine: leave it out, and the server's certificate is verified"
            ));
        }
        None | Some("require" | "verify-ca" | "verify-full" | "prefer" | "allow") => {}
        Some(_) => {
            return Err(format!(
                "{from}`sslmode` is `verify-full`, or `disable` for this machine"
            ));
        }
    }
    if ends.iter().all(is_socket) {
        return Ok(Tls::Off);
    }
    if ends.iter().any(is_socket) {
        return Err("sockets and other hosts do not go together: a socket has no TLS".to_owned());
    }
    let names = parameters.list("host");
    if names.is_empty() || names.iter().any(is_socket) {
        return Err(
            "the server's certificate is verified for its name, and `hostaddr` is none: name the host too, with `host` or PGHOST"
                .to_owned(),
        );
    }
    Ok(Tls::Verified(Trust::of(parameters, environment)))
}

/// Takes the password from the password file where nothing else has one. Why there is none.
fn password(
    parameters: &mut Parameters,
    environment: &PgEnvironment,
) -> Result<Option<NoPassword>, String> {
    if parameters.get("password").is_some() {
        return Ok(None);
    }
    let named = parameters.value("passfile").map(Into::into);
    let Some(path) = named.or_else(|| environment.own_file(".pgpass")) else {
        return Ok(None);
    };
    let whole = |why: String| format!("the password file {} {why}", path.display());
    let mut found: Vec<Result<String, NoPassword>> = Vec::new();
    let names = match parameters.list("host") {
        names if names.is_empty() => parameters.list("hostaddr"),
        names => names,
    };
    let ports = parameters.list("port");
    for (at, host) in names.iter().enumerate() {
        let port = ports.get(at).or(ports.first());
        let wanted = Wanted {
            host,
            port: port
                .filter(|port| !port.is_empty())
                .unwrap_or(&DEFAULT_PORT),
            database: parameters.value("dbname").unwrap_or_default(),
            user: parameters.value("user").unwrap_or_default(),
        };
        found.push(password_file::look_up(&path, &wanted));
    }
    let mut passwords = found.iter().map(|one| one.as_ref().ok());
    let first = passwords.next().flatten().cloned();
    // The driver sends one password to whichever host answers: none may get another's.
    if passwords.any(|password| password != first.as_ref()) {
        return Err(whole(
            "has not the same password for each of the hosts: give them one, or name one host"
                .to_owned(),
        ));
    }
    if let Some(password) = first {
        let origin = Origin::File(path.display().to_string());
        parameters.offer("password", &password, origin)?;
        return Ok(None);
    }
    Ok(found
        .into_iter()
        .find_map(Result::err)
        .map(|why| match why {
            NoPassword::Silent(why) => NoPassword::Silent(whole(why)),
            NoPassword::Warned(why) => NoPassword::Warned(whole(why)),
        }))
}

fn config(parameters: &Parameters, tls: &Tls) -> Result<Config, String> {
    let mut config = parameters.config()?;
    config.ssl_mode(match tls {
        Tls::Off => SslMode::Disable,
        Tls::Verified(_) => SslMode::Require,
    });
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE);
    }
    if parameters.get("keepalives_idle").is_none() {
        config.keepalives_idle(SILENCE);
    }
    Ok(config)
}

/// What is connected to, as it can be typed anywhere on this host.
fn shown(parameters: &Parameters) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
    let (names, addresses) = (parameters.list("host"), parameters.list("hostaddr"));
    let (ends, address) = if names.is_empty() {
        (addresses, String::new())
    } else if addresses.is_empty() {
        (names, String::new())
    } else {
        (names, format!("?hostaddr={}", addresses.join(",")))
    };
    let ports = parameters.list("port");
    let hosts: Vec<String> = ends
        .iter()
        .enumerate()
        .map(|(at, end)| {
            let name = if end.contains(':') {
                format!("[{end}]")
            } else {
                encoded(end)
            };
            let port = ports.get(at).or(ports.first());
            let port = port.filter(|port| !port.is_empty());
            format!("{name}:{}", port.unwrap_or(&DEFAULT_PORT))
        })
        .collect();
    format!(
        "postgres://{}@{}/{}{address}",
        encoded(parameters.value("user").unwrap_or_default()),
        hosts.join(","),
        encoded(parameters.value("dbname").unwrap_or_default())
    )
}

fn sources(parameters: &Parameters, tls: &Tls) -> String {
    let parts = [
        ("host", "host"),
        ("hostaddr", "address"),
        ("port", "port"),
        ("user", "user"),
        ("dbname", "database"),
        ("password", "password"),
        ("options", "options"),
    ];
    let mut told: Vec<String> = parts
        .iter()
        .filter_map(|(name, word)| {
            let given = parameters.get(name)?;
            Some(format!("{word} from {}", given.origin))
        })
        .collect();
    if parameters.get("password").is_none() {
        told.push("no password".to_owned());
    }
    told.push(match tls {
        Tls::Off => "without TLS, on this machine".to_owned(),
        Tls::Verified(trust) => trust.words(),
    });
    told.join(", ")
}
