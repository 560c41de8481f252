//! A `postgres://` URL as parameters (PostgreSQL manual, 34.1.1.2): [`read`].

use std::str::FromStr;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

use super::parameters::{Origin, Parameters};

const FORM: &str = "it is not a PostgreSQL URL: write `postgres://USER@HOST:PORT/DATABASE`";

/// The parts that the URL has. Errors never repeat what was typed, which may hold a password.
pub(super) fn read(url: &str) -> Result<Parameters, String> {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    if query.contains('@') {
        return Err("`?` in a user name or a password is written %3F, and `@` is %40".to_owned());
    }
    let mut parameters = Parameters::default();
    // Of a name that stands twice the last one counts, and it counts before what stands in front.
    let options: Vec<&str> = query.split('&').filter(|one| !one.is_empty()).collect();
    for option in options.iter().rev() {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let (name, value) = (decoded(name)?, decoded(value)?);
        if !option.contains('=') {
            return Err(format!(
                "{}: write `NAME=VALUE` behind the `?`",
                unnamed(&name)
            ));
        }
        // The name that JDBC has for it.
        match (name.as_str(), value.as_str()) {
            ("ssl", "true") => parameters.offer("sslmode", "require", Origin::Url)?,
            _ => parameters.offer(&name, &value, Origin::Url)?,
        }
    }
    // The driver takes the URL apart. Its message may repeat what was typed.
    let config = Config::from_str(base).map_err(|_| FORM.to_owned())?;
    let password = match config.get_password() {
        Some(bytes) => std::str::from_utf8(bytes)
            .map_err(|_| "the password does not hold UTF-8: percent-encode its UTF-8 bytes")?,
        None => "",
    };
    for (name, value) in [
        ("user", config.get_user().unwrap_or_default()),
        ("password", password),
        ("dbname", config.get_dbname().unwrap_or_default()),
        ("host", &hosts(&config)?),
        ("port", &ports(base, &config)),
    ] {
        parameters.offer(name, value, Origin::Url)?;
    }
    Ok(parameters)
}

fn hosts(config: &Config) -> Result<String, String> {
    let names: Vec<&str> = config
        .get_hosts()
        .iter()
        .map(|host| match host {
            Host::Tcp(name) => Ok(name.as_str()),
            Host::Unix(path) => path
                .to_str()
                .ok_or_else(|| "the folder of the socket does not hold UTF-8".to_owned()),
        })
        .collect::<Result<_, _>>()?;
    if names.len() > 1 && names.contains(&"") {
        return Err("one of its hosts has no name".to_owned());
    }
    Ok(names.join(","))
}

/// The ports that were written. The driver puts 5432 where none was, and a single host without one takes
/// it from elsewhere; among several hosts libpq has the default too.
fn ports(base: &str, config: &Config) -> String {
    let authority = base.split_once("//").map_or(base, |(_, rest)| rest);
    let hosts = authority
        .split_once('@')
        .map_or(authority, |(_, rest)| rest);
    let hosts = hosts.split('/').next().unwrap_or_default();
    let behind = hosts.rsplit(']').next().unwrap_or_default();
    let is_written = behind
        .split_once(':')
        .is_some_and(|(_, port)| !port.is_empty());
    let ports = config.get_ports();
    if ports.len() < 2 && !is_written {
        return String::new();
    }
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    ports.join(",")
}

fn decoded(text: &str) -> Result<String, String> {
    percent_decode_str(text)
        .decode_utf8()
        .map(|text| text.into_owned())
        .map_err(|_| "an option does not hold UTF-8".to_owned())
}

/// An option without a value: its name may be a secret that was torn off.
fn unnamed(name: &str) -> String {
    let mut probe = Parameters::default();
    match probe.offer(name, "x", Origin::Url) {
        Ok(()) => format!("the option `{name}` has no value"),
        Err(why) if why.starts_with("the option") => format!("the option `{name}` has no value"),
        Err(_) => "an option has no value".to_owned(),
    }
}
