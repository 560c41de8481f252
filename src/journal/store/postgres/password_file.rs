//! The password file, `.pgpass` (PostgreSQL manual, 34.16): [`look_up`].

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::files::read_bounded;

const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// Folders of the local socket: `localhost` in the file means them too.
const SOCKET_FOLDERS: [&str; 3] = ["/run/postgresql", "/var/run/postgresql", "/tmp"];

/// What a line must match.
pub(super) struct Wanted<'a> {
    /// The host's name, an address where it has none, or the folder of a socket.
    pub(super) host: &'a str,
    pub(super) port: &'a str,
    pub(super) database: &'a str,
    pub(super) user: &'a str,
}

/// Why the file gives no password. The text goes on after "the password file PATH".
pub(super) enum NoPassword {
    /// It is not there, or has no line that matches: nothing is wrong with it.
    Silent(String),
    /// It is there and was not used, as libpq would not use it either.
    Warned(String),
}

/// The password of the first line that matches. Nothing of the file is ever in a message.
pub(super) fn look_up(path: &Path, wanted: &Wanted<'_>) -> Result<String, NoPassword> {
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(NoPassword::Silent("is not there".to_owned()));
        }
        Err(error) => return Err(NoPassword::Warned(format!("cannot be read: {error}"))),
    };
    if found.is_file() && found.permissions().mode() & 0o077 != 0 {
        return Err(NoPassword::Warned(format!(
            "was not read, because group or others have access to it: `chmod 600 {}`",
            path.display()
        )));
    }
    let bytes =
        read_bounded(path, MOST_BYTES).map_err(|error| NoPassword::Warned(error.to_string()))?;
    let line = bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.starts_with(b"#"))
        .map(|line| fields(line.strip_suffix(b"\r").unwrap_or(line)))
        .find(|fields| wanted.is_met_by(fields));
    let Some(Field { text, .. }) = line.and_then(|fields| fields.into_iter().nth(4)) else {
        return Err(NoPassword::Silent(format!(
            "has no line for {}:{}:{}:{}",
            wanted.host, wanted.port, wanted.database, wanted.user
        )));
    };
    String::from_utf8(text).map_err(|_| {
        NoPassword::Warned("has a password that is not UTF-8 in the line that matches".to_owned())
    })
}

/// A part of a line, without its escapes.
#[derive(Default)]
struct Field {
    text: Vec<u8>,
    is_escaped: bool,
}

impl Field {
    fn matches(&self, text: &str) -> bool {
        self.text == text.as_bytes() || (self.text == b"*" && !self.is_escaped)
    }
}

/// The parts between colons. A backslash takes the byte behind it as it is.
fn fields(line: &[u8]) -> Vec<Field> {
    let mut fields = vec![Field::default()];
    let mut bytes = line.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte == b':' {
            fields.push(Field::default());
            continue;
        }
        let escaped = (byte == b'\\').then(|| bytes.next()).flatten();
        if let Some(field) = fields.last_mut() {
            field.is_escaped |= escaped.is_some();
            field.text.push(escaped.unwrap_or(byte));
        }
    }
    fields
}

impl Wanted<'_> {
    fn is_met_by(&self, fields: &[Field]) -> bool {
        let [host, port, database, user, _, ..] = fields else {
            return false;
        };
        let is_local = SOCKET_FOLDERS.contains(&self.host) && host.matches("localhost");
        (is_local || host.matches(self.host))
            && port.matches(self.port)
            && database.matches(self.database)
            && user.matches(self.user)
    }
}
