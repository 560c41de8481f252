//! The folder of keys and certificates, with real folders, a CA of the test's own, and `openssl` as a second
//! reader where it is installed.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::FilesFolder;
use crate::model::ItemName;

mod ca;
mod chain;
mod contents;
mod csr;
mod keys;
mod links;
mod moved;
mod observe;
mod pending;
mod place;
mod program;
mod version;

/// A folder of keys and certificates below a folder that goes away.
fn folder() -> (TempDir, FilesFolder) {
    let above = tempfile::tempdir().unwrap();
    let folder = FilesFolder::make_or_open(&above.path().join("files"), None).unwrap();
    (above, folder)
}

fn name(text: &str) -> ItemName {
    text.parse().unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Makes folders that nobody else can write to, whatever the umask.
fn make_dirs(path: &Path) {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(path).unwrap();
}

/// The names in a folder, sorted.
fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// What `openssl` says and writes; `None` where it is not installed.
fn openssl(arguments: &[&str], input: &[u8]) -> Option<(bool, Vec<u8>)> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    Some((output.status.success(), output.stdout))
}
