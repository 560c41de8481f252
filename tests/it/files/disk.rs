//! A disk that fails at each call that makes a key or a version: the run says which place failed, what services read
//! stays as it was, and the next run goes on. And the order in which things get to the disk, so that a power cut
//! finds no switch without its key.

use std::collections::BTreeSet;
use std::fs;

use super::Desk;
use super::killed::{FOLDER, Story, any_thread, each, of_the_version};
use crate::crash::tracing::{self, Traced};

/// The run failed, said where, and changed nothing that services read.
fn is_told(told: &[&str], desk: &Desk, traced: &Traced, what: &str) {
    assert_eq!(traced.ended.code, Some(1), "{what}");
    let said = format!("{}{}", traced.ended.stdout, traced.ended.stderr);
    let flat = said.replace(['\n', '│'], " ");
    assert!(flat.contains("/files"), "no place: {what}");
    assert!(
        told.iter().any(|told| flat.contains(told)),
        "{told:?}: {what}"
    );
    let _ = desk;
}

#[test]
fn a_disk_that_is_full_at_any_write_of_a_version_switches_nothing() {
    let fault = (of_the_version as _, "error=ENOSPC", FOLDER);
    each(
        Story::Reissue,
        fault,
        &[("write", 7)],
        |desk, traced, what| {
            is_told(&["no room"], desk, traced, what);
            assert!(what.contains("df "), "{what}");
        },
    );
}

#[test]
fn a_disk_that_cannot_flush_switches_nothing_that_is_not_on_it() {
    let fault = (of_the_version as _, "error=EIO", FOLDER);
    each(
        Story::Reissue,
        fault,
        &[("fsync", 12)],
        |desk, traced, what| {
            if traced.ended.code != Some(0) {
                is_told(&["Input/output error"], desk, traced, what);
            }
        },
    );
}

#[test]
fn a_folder_that_becomes_read_only_in_the_middle_is_told() {
    let calls = [
        ("mkdirat", 3),
        ("linkat", 1),
        ("renameat", 2),
        ("symlinkat", 1),
    ];
    let fault = (any_thread as _, "error=EROFS", FOLDER);
    each(Story::First, fault, &calls, |desk, traced, what| {
        is_told(&["Read-only file system"], desk, traced, what);
    });
}

/// What a call did, as far as the disk is concerned.
#[derive(Debug, Default)]
struct Unsynced {
    /// Files that were written, and folders in which a name changed, since they were last brought to the disk.
    places: BTreeSet<String>,
}

/// The path behind the first handle of a line of the tracer.
fn handle(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once('<')?;
    rest.split_once('>').map(|(path, _)| path)
}

impl Unsynced {
    fn take(&mut self, line: &str) {
        let Some((call, _)) = line.split_once('(') else {
            return;
        };
        let call = call.rsplit(' ').next().unwrap_or_default();
        let mut dirty = |path: &str| {
            self.places.insert(path.to_owned());
        };
        match (call, handle(line)) {
            ("mkdir", _) => {
                if let Some(path) = line.split('"').nth(1)
                    && let Some((above, _)) = path.rsplit_once('/')
                {
                    dirty(above);
                }
            }
            (
                "mkdirat" | "linkat" | "renameat" | "renameat2" | "symlinkat" | "write",
                Some(path),
            ) => dirty(path),
            ("fsync", Some(path)) => {
                self.places.remove(path);
            }
            _ => {}
        }
    }
}

/// Nothing of a key or a version may be missing on the disk when the journal names it, or when services are led
/// to it.
#[test]
fn whatever_is_named_is_on_the_disk_first() {
    if !tracing::available() {
        return;
    }
    for story in [Story::FirstOfAll, Story::Reissue, Story::Drift] {
        let desk = story.prepared();
        let calls = "mkdir,mkdirat,linkat,renameat,renameat2,symlinkat,write,fsync,pwrite64";
        let traced = any_thread(&desk, (calls, "signal=SIGKILL"), 9999);
        assert_eq!(traced.ended.code, Some(0), "{}", traced.ended.stderr);
        let mut unsynced = Unsynced::default();
        let mut named = 0;
        for line in traced
            .log
            .lines()
            .filter(|line| !line.contains("ENOENT") && !line.contains("EEXIST"))
        {
            let is_journal = line.contains("pwrite64(") && line.contains("state.db-wal");
            let is_switch = line.contains("renameat(") && line.contains("/files/live>");
            if is_journal || is_switch {
                let live = desk.files.join("live").display().to_string();
                let open: Vec<&String> = unsynced
                    .places
                    .iter()
                    .filter(|place| place.contains(FOLDER) || desk.files.starts_with(place))
                    .filter(|place| !is_switch || **place != live)
                    .collect();
                assert!(open.is_empty(), "{story:?}: {open:?} before {line}");
                named += usize::from(is_switch);
            }
            if line.contains(FOLDER) {
                unsynced.take(line);
            }
            if line.contains("fsync(") {
                unsynced.take(line);
            }
        }
        assert_eq!(named, 1, "{story:?}");
        assert!(fs::read_link(desk.files.join("live/www")).is_ok());
    }
}
