//! Where the journal is: the value of `--state`, parsed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use percent_encoding::percent_decode_str;

use super::JournalError;

/// Where a journal is: a file of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    path: PathBuf,
}

impl Location {
    /// A journal in a file. Use this for paths that are not written by people (the default below the
    /// manifest's folder); `--state` is parsed with [`FromStr`].
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The database, as it was written.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(formatter)
    }
}

/// A path, `file:PATH` or `file:///PATH` (RFC 8089: percent-encoded). [`JournalError::Unusable`] for
/// every other URL.
impl FromStr for Location {
    type Err = JournalError;

    fn from_str(text: &str) -> Result<Self, JournalError> {
        let refuse = |why: &str| JournalError::Unusable {
            // A URL may carry a password after its scheme.
            path: text.split("://").next().unwrap_or_default().into(),
            why: why.to_owned(),
        };
        if text.is_empty() {
            return Err(refuse("the path is empty"));
        }
        if let Some(rest) = text.strip_prefix("file:") {
            return file_url(rest).map(Self::file).map_err(refuse);
        }
        match text.split_once("://") {
            Some(("postgres" | "postgresql", _)) => Err(refuse(
                "a state in PostgreSQL is not offered yet: give a path",
            )),
            Some((scheme, _)) if is_scheme(scheme) => {
                Err(refuse("only a path or a `file:` URL is known"))
            }
            _ => Ok(Self::file(text)),
        }
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

/// RFC 3986 section 3.1.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
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
            assert_eq!(location.path(), Path::new(path), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_file_is_refused_without_its_password() {
        for text in [
            "",
            "postgres://user:hunter2@db/state",
            "postgresql://db/state",
            "https://x.example/state.db",
            "file://elsewhere/state.db",
            "file:",
            "file:a.db?mode=ro",
            "file:%00",
        ] {
            let error = text.parse::<Location>().unwrap_err();
            assert!(matches!(error, JournalError::Unusable { .. }), "{text}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        let error = "postgres://h/d".parse::<Location>().unwrap_err();
        assert!(error.to_string().contains("not offered yet"), "{error}");
    }
}
