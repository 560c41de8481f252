//! A PostgreSQL server as `--state` names it, and connections to it. TLS is verified, always; only a
//! server on this machine may be talked to without.

use std::fmt;
use std::path::PathBuf;

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::environment::PgEnvironment;
use super::target::Target;
use super::tls::Tls;
use crate::journal::JournalError;
use crate::model::{Mask, Secret, Untrusted};

/// Names the tables: nothing else is on the search path.
const SEARCH_PATH: &str = "certplan, pg_temp";

/// Where a journal in PostgreSQL is. Shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct Server {
    pub(super) config: Config,
    pub(super) target: Target,
}

impl Server {
    /// Parses `postgres://USER@HOST:PORT/DATABASE?OPTIONS`; what it leaves out comes from the service
    /// file, the environment and the password file, as in libpq.
    pub(crate) fn parse(url: &str, environment: &PgEnvironment) -> Result<Self, String> {
        let (target, config) = Target::find(url, environment)?;
        Ok(Self { config, target })
    }

    /// What was not used, and why.
    pub(crate) fn warning(&self) -> Option<&str> {
        self.target.warning.as_deref()
    }

    /// Where each part of the connection comes from.
    pub(crate) fn sources(&self) -> &str {
        &self.target.sources
    }

    /// What an error means, and what to do about it.
    pub(crate) fn explained(&self, error: &Error) -> String {
        words(self, error)
    }

    /// What the server says, without the password that it may say back.
    pub(crate) fn without_password(&self, said: &str) -> String {
        let password = self.config.get_password().map(String::from_utf8_lossy);
        let password = password.map(|password| Secret::new(password.into_owned()));
        Mask::of(&password.iter().collect::<Vec<_>>()).covered(said)
    }

    /// As messages name it.
    pub(super) fn path(&self) -> PathBuf {
        PathBuf::from(&self.target.shown)
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
        let client = match &self.target.tls {
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
            Tls::Verified(trust) => {
                let tls = trust
                    .config()
                    .map_err(|why| self.unusable(format!("TLS cannot be set up: {why}")))?;
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
}

impl fmt::Display for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.target.shown)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Server({})", self.target.shown)
    }
}

/// Where the password comes from.
const PASSWORD: &str = "; put the password into PGPASSWORD, into ~/.pgpass, or into the URL in CERTPLAN_STATE (`postgres://USER:PASSWORD@HOST/DATABASE`)";

/// Where a client certificate comes from.
const CERTIFICATE: &str = "; name the client certificate and its key with `sslcert` and `sslkey` (PGSSLCERT, PGSSLKEY, or ~/.postgresql/postgresql.crt and .key)";

/// What an error means for the person at the keyboard.
pub(super) fn explain(server: &Server, error: &Error) -> JournalError {
    server.unusable(words(server, error))
}

/// What the server said, and what to do about it.
fn words(server: &Server, error: &Error) -> String {
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
        Some(code) if code.code().starts_with("28") && said.raw().contains("certificate") => {
            CERTIFICATE
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
    let file = match server.target.no_password.as_deref() {
        Some(why) if hint == PASSWORD => format!(" ({why})"),
        Some(_) | None => String::new(),
    };
    format!("{said}{hint}{file}")
}
