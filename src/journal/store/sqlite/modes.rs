//! Who may change a journal's files, by their modes. The journal holds no secret: what others may only read
//! is accepted, and closed by the next run that holds the journal.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::process::{getegid, geteuid, getgroups};

use super::backup_names;
use crate::files::no_follow;

/// Which files beside a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beside {
    /// Those that SQLite keeps there.
    Sqlite,
    /// The lock, the note and the backups too.
    All,
}

/// Why a database is not trusted, and what to type.
pub(super) fn refusal(database: &Path, found: &Metadata) -> Option<String> {
    let fault = fault(found)?;
    Some(if found.mode() & 0o022 != 0 {
        format!("{fault}: `chmod 600 '{}'`", database.display())
    } else {
        format!("{fault}: run certplan as that user, or give the file to this one")
    })
}

/// The same of the files beside a database. What is no regular file is refused by whoever opens it.
pub(super) fn refusal_beside(database: &Path, which: Beside) -> Option<String> {
    files_beside(database, which).iter().find_map(|path| {
        let found = fs::symlink_metadata(path).ok()?;
        let why = found.is_file().then(|| refusal(path, &found)).flatten()?;
        Some(format!("`{}` beside it: {why}", path.display()))
    })
}

/// Why nothing is written to a folder: whoever may write to it can put another database in the place of
/// ours. In a sticky folder only its owner can; that is a warning.
pub(super) fn refusal_of_folder(folder: &Path) -> Option<String> {
    let found = fs::metadata(folder).ok()?;
    let fault = fault(&found)?;
    let shown = folder.display();
    if found.mode() & 0o022 != 0 && found.mode() & 0o1000 == 0 {
        return Some(format!(
            "its folder `{shown}`: {fault}: `chmod go-w '{shown}'`"
        ));
    }
    tracing::warn!(
        "the folder of the state, `{shown}`: {fault}; keep the state in a folder of your own"
    );
    None
}

/// Who else may change a journal, in words.
pub(super) fn who_may_change(database: &Path, folder: &Path) -> Vec<String> {
    let group = fs::symlink_metadata(database)
        .ok()
        .and_then(|found| group_that_may_change(&found))
        .map(|group| format!("the group {group} may change the state"));
    let fault = fs::metadata(folder)
        .ok()
        .and_then(|found| fault(&found))
        .map(|fault| format!("the folder of the state, `{}`: {fault}", folder.display()));
    group.into_iter().chain(fault).collect()
}

/// Closes a database and what is beside it. True where something was open.
pub(super) fn close_all(database: &Path) -> bool {
    let mut closed = false;
    for path in std::iter::once(database.to_owned()).chain(files_beside(database, Beside::All)) {
        // What cannot be changed is no worse than it was: nobody else can write it.
        closed |= close(&path).unwrap_or(false);
    }
    closed
}

fn files_beside(database: &Path, which: Beside) -> Vec<PathBuf> {
    let mut suffixes = vec!["-wal", "-shm", "-journal"];
    let mut backups = Vec::new();
    match which {
        Beside::Sqlite => {}
        Beside::All => {
            suffixes.extend([".lock", ".head"]);
            backups = backup_names::taken(database);
        }
    }
    let named = suffixes
        .into_iter()
        .map(|suffix| backup_names::beside(database, suffix));
    named.chain(backups).collect()
}

/// What is wrong with who may change a file or folder, if something is.
fn fault(found: &Metadata) -> Option<String> {
    if found.uid() != 0 && found.uid() != geteuid().as_raw() {
        return Some(format!("it belongs to another user ({})", found.uid()));
    }
    if found.mode() & 0o002 != 0 {
        return Some("others may write it".to_owned());
    }
    (found.mode() & 0o020 != 0 && !is_own_group(found.gid())).then(|| {
        format!(
            "the group {} may write it, and this process is not in it",
            group_name(found.gid())
        )
    })
}

/// The group beside the owner that may change a file or folder, and is one of ours.
fn group_that_may_change(found: &Metadata) -> Option<String> {
    (found.mode() & 0o020 != 0 && is_own_group(found.gid())).then(|| group_name(found.gid()))
}

/// Sets a file of ours that others or a foreign group may read back to 0600. True where it did.
fn close(path: &Path) -> io::Result<bool> {
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(no_follow())
        .open(path);
    let file: File = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let found = file.metadata()?;
    let foreign = if is_own_group(found.gid()) {
        0o007
    } else {
        0o077
    };
    let is_open = found.mode() & foreign != 0;
    if !found.is_file() || !is_open || found.uid() != geteuid().as_raw() {
        return Ok(false);
    }
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(true)
}

/// Whether a group is one of the process's own.
fn is_own_group(group: u32) -> bool {
    getegid().as_raw() == group
        || getgroups().is_ok_and(|groups| groups.iter().any(|own| own.as_raw() == group))
}

/// The name of a group where `/etc/group` has one, and else its number.
fn group_name(group: u32) -> String {
    let number = group.to_string();
    let known = fs::read_to_string("/etc/group").unwrap_or_default();
    known
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields.get(2) == Some(&number.as_str()))
        .and_then(|fields| fields.first().map(|name| (*name).to_owned()))
        .unwrap_or(number)
}
