//! Where the journal is: the value of `--state`, parsed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use percent_encoding::percent_decode_str;

use super::address::looks_like_address;
use super::notes::NotePaths;
use super::store::postgres::PgEnvironment;
use super::store::{postgres, sqlite};
use super::{JournalError, Server};

/// Where a journal is, and where this host notes how far it had come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    pub(super) kind: Kind,
    notes: Option<PathBuf>,
}

/// What a journal is kept in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file of this machine, as it was written.
    File(PathBuf),
    /// A database that several hosts share.
    Postgres(Box<Server>),
}

impl Location {
    /// A journal in a file. Use this for paths that are not written by people (the default below the
    /// manifest's folder); `--state` is parsed with [`FromStr`].
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self {
            kind: Kind::File(path.into()),
            notes: None,
        }
    }

    /// Parses the value of `--state`. What a `postgres://` URL leaves out comes from the environment, as in
    /// libpq.
    ///
    /// # Errors
    ///
    /// A text that names no journal.
    pub fn parse(text: &str, environment: &PgEnvironment) -> Result<Self, LocationError> {
        if text.is_empty() {
            return Err(LocationError("the path is empty".to_owned()));
        }
        if ["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| text.starts_with(scheme))
            && text.trim() == text
        {
            let server = Server::parse(text, environment).map_err(LocationError)?;
            return Ok(Self {
                kind: Kind::Postgres(Box::new(server)),
                notes: None,
            });
        }
        let encoded = text.strip_prefix("file:").filter(|_| text.trim() == text);
        if let Some(rest) = encoded {
            return file_url(rest)
                .map(Self::file)
                .map_err(|why| LocationError(why.to_owned()));
        }
        match looks_like_address(text) {
            Some(what) => Err(LocationError(format!(
                "it looks like {what}, and is none that is known: write `postgres://USER@HOST/DATABASE`, or a path, with `./` in front where it looks like something else"
            ))),
            None => Ok(Self::file(text)),
        }
    }

    /// What of a server's surroundings was not used, and why.
    pub fn warning(&self) -> Option<&str> {
        self.server().and_then(Server::warning)
    }

    /// Where the parts of a server's address come from, in words.
    pub fn sources(&self) -> Option<&str> {
        self.server().map(Server::sources)
    }

    /// With the folder in which this host notes how far journals had come. It is made if need be.
    #[must_use]
    pub fn noting_in(mut self, folder: PathBuf) -> Self {
        self.notes = Some(folder);
        self
    }

    /// The folder that the journal is in, where it is in one.
    pub fn folder(&self) -> Option<&Path> {
        match &self.kind {
            Kind::File(path) => path.parent(),
            Kind::Postgres(_) => None,
        }
    }

    /// Who else may change the journal where it is in a file, in words.
    ///
    /// # Errors
    ///
    /// A folder that cannot be used.
    pub fn who_may_change(&self) -> Result<Vec<String>, JournalError> {
        match &self.kind {
            Kind::File(path) => sqlite::who_may_change(path),
            Kind::Postgres(_) => Ok(Vec::new()),
        }
    }

    /// The server that the journal is on, where it is on one.
    pub fn server(&self) -> Option<&Server> {
        match &self.kind {
            Kind::File(_) => None,
            Kind::Postgres(server) => Some(server),
        }
    }

    /// Its name as it can be typed anywhere on this host: a path is absolute.
    pub fn full_name(&self) -> String {
        match &self.kind {
            Kind::File(path) => std::path::absolute(path)
                .unwrap_or_else(|_| path.clone())
                .display()
                .to_string(),
            Kind::Postgres(server) => server.to_string(),
        }
    }

    /// True where both lead to one store, however they are spelled.
    pub(super) async fn is_same(&self, other: &Self) -> Result<bool, JournalError> {
        match (&self.kind, &other.kind) {
            (Kind::File(ours), Kind::File(theirs)) => Ok(sqlite::is_same(ours, theirs)?),
            (Kind::Postgres(ours), Kind::Postgres(theirs)) => Ok(ours == theirs
                || postgres::whereabouts(ours)
                    .await?
                    .is_same(&postgres::whereabouts(theirs).await?)),
            (Kind::File(_), Kind::Postgres(_)) | (Kind::Postgres(_), Kind::File(_)) => Ok(false),
        }
    }

    /// Where the notes of the journal are.
    pub(super) fn notes(&self) -> Result<NotePaths, JournalError> {
        Ok(NotePaths {
            folder: self.notes.clone(),
            beside: match &self.kind {
                Kind::File(path) => sqlite::note_beside(path)?,
                Kind::Postgres(_) => None,
            },
        })
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::File(path) => path.display().fmt(formatter),
            Kind::Postgres(server) => server.fmt(formatter),
        }
    }
}

/// Why a text names no journal. It never repeats the text, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LocationError(String);

/// A path, `file:PATH` or `file:///PATH` (RFC 8089: percent-encoded), `postgres://` or
/// `postgresql://`, whatever the environment says.
impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        Self::parse(text, &PgEnvironment::default())
    }
}

fn file_url(rest: &str) -> Result<PathBuf, &'static str> {
    let encoded = match rest.strip_prefix("//") {
        None => rest,
        Some(after) => {
            let path = after.strip_prefix("localhost").unwrap_or(after);
            if !path.starts_with('/') {
                return Err("a `file:` URL names a file of this machine: `file:///PATH`");
            }
            path
        }
    };
    if encoded.contains(['?', '#']) {
        return Err("a `file:` URL has no options here; write `?` as %3F and `#` as %23");
    }
    let path = percent_decode_str(encoded)
        .decode_utf8()
        .map_err(|_| "the `file:` URL does not hold UTF-8")?;
    if path.is_empty() || path.contains('\0') {
        return Err("the `file:` URL holds no path");
    }
    Ok(PathBuf::from(path.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_and_a_file_url_name_a_file() {
        for (text, path) in [
            (".certplan/state.db", ".certplan/state.db"),
            ("/var/lib/certplan/state.db", "/var/lib/certplan/state.db"),
            ("file:state.db", "state.db"),
            ("file:///srv/a%20b.db", "/srv/a b.db"),
            ("file://localhost/srv/a.db", "/srv/a.db"),
            ("odd/1://x", "odd/1://x"),
        ] {
            let location: Location = text.parse().unwrap();
            assert_eq!(location, Location::file(path), "{text}");
        }
    }

    #[test]
    fn what_is_neither_is_refused_without_its_password() {
        for text in [
            "",
            "mysql://user:hunter2@db/state",
            "https://x.example/state.db",
            "file://elsewhere/state.db",
            "file:",
            "file:a.db?mode=ro",
            "file:%00",
            "postgres://user:hunter2@db:port/state",
            "postgres://user:hunter2@db/state?sslmode=disable",
            "postgres://user:hunter2@db/state?sslmode=sometimes",
            "postgres://user:hunter2@db/state?unknown=1",
            "postgres://",
            "postgres:/user:hunter2@db/state",
            " postgres://user:hunter2@db/state",
            "postgres://user:hunter2@db/state\n",
            "postgres//user:hunter2@db/state",
            "host=db user=user password=hunter2",
            " file:a.db",
        ] {
            let error = text.parse::<Location>().unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_server_is_shown_without_its_password() {
        let location: Location = "postgres://certplan:hunter2@db.example:6432/pki?sslmode=require"
            .parse()
            .unwrap();
        assert!(location.server().is_some());
        for shown in [location.to_string(), format!("{location:?}")] {
            assert!(!shown.contains("hunter2"), "{shown}");
            assert!(shown.contains("db.example:6432"), "{shown}");
        }
    }
}
