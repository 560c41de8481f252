//! A PostgreSQL server as `--state` names it, and connections to it. TLS is verified, always; only a
//! server on this machine may be talked to without.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::options;
use crate::journal::JournalError;
use crate::model::{Mask, Secret, Untrusted};

const CONNECT: Duration = Duration::from_secs(10);
/// A server that is silent for longer is gone.
const SILENCE: Duration = Duration::from_secs(20);

/// Names the tables: nothing else is on the search path.
const SEARCH_PATH: &str = "certplan, pg_temp";

/// Where a journal in PostgreSQL is. Shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct Server {
    config: Config,
    tls: Tls,
    shown: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Tls {
    /// The certificate is verified for the host's name: against the roots of the system, or against those
    /// of this PEM file alone.
    Verified(Option<PathBuf>),
    /// A server of this machine.
    Off,
}

impl Server {
    /// Parses `postgres://USER@HOST:PORT/DATABASE?OPTIONS` (PostgreSQL manual, 34.1.1.2). Of `sslmode`,
    /// `disable` is for this machine alone and every other word means `verify-full`; `sslrootcert` names a
    /// PEM file.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let (base, options) = url.split_once('?').unwrap_or((url, ""));
        let mut root = None;
        let mut mode = None;
        let mut others: Vec<&str> = Vec::new();
        for option in options.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("sslmode", word)) => mode = Some(word),
                Some(("sslrootcert", path)) => {
                    let path = percent_decode_str(path)
                        .decode_utf8()
                        .map_err(|_| "`sslrootcert` does not hold UTF-8")?;
                    root = Some(PathBuf::from(path.as_ref()));
                }
                _ => others.push(option),
            }
        }
        options::check(&others)?;
        let config = Config::from_str(&format!("{base}?{}", others.join("&")));
        // Its message may repeat what was typed, a password included.
        let mut config = config.map_err(|_| {
            "it is not a PostgreSQL URL: write `postgres://USER@HOST:PORT/DATABASE`".to_owned()
        })?;
        if config.get_hosts().is_empty() {
            return Err("it names no host: write `postgres://USER@HOST:PORT/DATABASE`".to_owned());
        }
        let sockets = config.get_hosts().iter().all(is_socket);
        let tls = match mode {
            Some("disable") if config.get_hosts().iter().all(is_local) => Tls::Off,
            Some("disable") => {
                return Err("`sslmode=disable` is for a server of this machine alone".to_owned());
            }
            None | Some("require" | "verify-ca" | "verify-full" | "prefer" | "allow")
                if sockets =>
            {
                Tls::Off
            }
            None | Some("require" | "verify-ca" | "verify-full" | "prefer" | "allow") => {
                Tls::Verified(root)
            }
            Some(_) => {
                return Err("`sslmode` is `verify-full`, or `disable` for this machine".to_owned());
            }
        };
        config
            .ssl_mode(if tls == Tls::Off {
                SslMode::Disable
            } else {
                SslMode::Require
            })
            .tcp_user_timeout(SILENCE)
            .keepalives_idle(SILENCE)
            .application_name("certplan");
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        let shown = shown(&config);
        Ok(Self { config, tls, shown })
    }

    /// With a password for a URL that has none.
    pub(in crate::journal) fn or_password(&mut self, password: Option<String>) {
        if self.config.get_password().is_none()
            && let Some(password) = password
        {
            self.config.password(password);
        }
    }

    /// What the server says, without the password that it may say back.
    pub(crate) fn without_password(&self, said: &str) -> String {
        let password = self.config.get_password().map(String::from_utf8_lossy);
        let password = password.map(|password| Secret::new(password.into_owned()));
        Mask::of(&password.iter().collect::<Vec<_>>()).covered(said)
    }

    /// As messages name it.
    pub(super) fn path(&self) -> PathBuf {
        PathBuf::from(&self.shown)
    }

    pub(super) fn unusable(&self, why: impl Into<String>) -> JournalError {
        JournalError::Unusable {
            path: self.path(),
            why: why.into(),
        }
    }

    pub(super) fn corrupt(&self, why: impl fmt::Display) -> JournalError {
        JournalError::Corrupt {
            path: self.path(),
            why: format!("{why}; restore the database from its last backup"),
        }
    }

    /// A new connection, with the tables of certplan alone on its search path.
    pub(crate) async fn connect(&self) -> Result<Client, JournalError> {
        let client = match &self.tls {
            Tls::Off => {
                let (client, connection) = self
                    .config
                    .connect(NoTls)
                    .await
                    .map_err(|error| explain(self, &error))?;
                // Its error also reaches the call that is waiting.
                tokio::spawn(async move { drop(connection.await) });
                client
            }
            Tls::Verified(root) => {
                let tls = self.tls_config(root.as_deref())?;
                let (client, connection) = self
                    .config
                    .connect(MakeRustlsConnect::new(tls))
                    .await
                    .map_err(|error| explain(self, &error))?;
                tokio::spawn(async move { drop(connection.await) });
                client
            }
        };
        client
            .batch_execute(&format!(
                "SET search_path TO {SEARCH_PATH};
                 SET client_min_messages TO warning;
                 SET default_transaction_isolation TO 'read committed';
                 SET statement_timeout TO '60s';
                 SET idle_in_transaction_session_timeout TO '10s'"
            ))
            .await
            .map_err(|error| explain(self, &error))?;
        Ok(client)
    }

    fn tls_config(&self, root: Option<&Path>) -> Result<ClientConfig, JournalError> {
        let fail = |why: String| self.unusable(format!("TLS cannot be set up: {why}"));
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| fail(error.to_string()))?;
        let Some(root) = root else {
            return Ok(builder
                .with_platform_verifier()
                .map_err(|error| fail(error.to_string()))?
                .with_no_client_auth());
        };
        let mut store = RootCertStore::empty();
        let read = CertificateDer::pem_file_iter(root)
            .map_err(|error| fail(format!("`sslrootcert` {}: {error}", root.display())))?;
        for certificate in read {
            certificate
                .map_err(|error| error.to_string())
                .and_then(|certificate| store.add(certificate).map_err(|error| error.to_string()))
                .map_err(|why| fail(format!("`sslrootcert` {}: {why}", root.display())))?;
        }
        if store.is_empty() {
            return Err(fail(format!(
                "`sslrootcert` {} holds no certificate",
                root.display()
            )));
        }
        Ok(builder.with_root_certificates(store).with_no_client_auth())
    }
}

impl fmt::Display for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.shown)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Server({})", self.shown)
    }
}

fn is_socket(host: &Host) -> bool {
    matches!(host, Host::Unix(_))
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .trim_matches(['[', ']'])
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        }
        Host::Unix(_) => true,
    }
}

fn shown(config: &Config) -> String {
    let user = config
        .get_user()
        .map(|user| format!("{user}@"))
        .unwrap_or_default();
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(at, host)| {
            let name = match host {
                Host::Tcp(name) => name.clone(),
                Host::Unix(path) => path.display().to_string(),
            };
            let ports = config.get_ports();
            match ports.get(at).or(ports.first()) {
                Some(port) => format!("{name}:{port}"),
                None => name,
            }
        })
        .collect();
    let database = config.get_dbname().unwrap_or_default();
    format!("postgres://{user}{}/{database}", hosts.join(","))
}

/// Where the password comes from.
const PASSWORD: &str = "; put the password into PGPASSWORD, or into the URL in CERTPLAN_STATE (`postgres://USER:PASSWORD@HOST/DATABASE`)";

/// What an error means for the person at the keyboard.
pub(super) fn explain(server: &Server, error: &Error) -> JournalError {
    let said = match error.as_db_error() {
        Some(said) => said.message().to_owned(),
        None => match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    };
    let said = Untrusted::new(server.without_password(&said));
    let hint = match error.code() {
        Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
            "; the role lacks a right: its grants are needed again after an update of certplan (docs/postgresql.md)"
        }
        Some(code) if code.code().starts_with("28") => PASSWORD,
        None if said.raw().contains("password missing") => PASSWORD,
        None if said.raw().contains("invalid peer certificate") => {
            "; an authority of your own is named with `?sslrootcert=FILE` in the URL, and the host with the name that its certificate has"
        }
        None if said.raw().contains("TLS was not offered")
            || said.raw().contains("does not support TLS") =>
        {
            "; turn on `ssl` at the server: only a server of this machine may be without it (`?sslmode=disable`)"
        }
        Some(code) if *code == SqlState::READ_ONLY_SQL_TRANSACTION => {
            "; the server, the database or the role only reads: give the primary's address, and look at `default_transaction_read_only`"
        }
        Some(code) if *code == SqlState::UNDEFINED_TABLE || *code == SqlState::UNDEFINED_COLUMN => {
            "; its tables are not those of this certplan: type `certplan migrate` as the owner, or use a database of its own"
        }
        Some(code) if *code == SqlState::INVALID_CATALOG_NAME => {
            "; make the database first: `createdb --owner OWNER NAME`"
        }
        // A statement was made ready in one session and looked for in another.
        Some(code)
            if *code == SqlState::INVALID_SQL_STATEMENT_NAME
                || *code == SqlState::DUPLICATE_PSTATEMENT =>
        {
            "; a pooler in transaction mode stands between: connect to the server itself, or pool by session"
        }
        _ => "",
    };
    server.unusable(format!("{said}{hint}"))
}
