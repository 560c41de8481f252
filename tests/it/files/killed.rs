//! A run that is killed at each call that makes a key, a version or a link, and at each write of the journal
//! between them. Whatever was cut short: the key that services read opens the certificate beside it, no key
//! changes or goes away, one order is bought, and the next run leaves nothing unfinished behind.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Desk, P256, mode, named, names, openssl, www};
use crate::crash::tracing::{self, Traced};

const ALL: &str = "kinds: [cert, chain, fullchain, combined, p12]";
const P384: &str = "key: { generate: p-384 }";
const POLICY: &str = "policy: { doubt: { quiet_period: 1s, then: resend } }\n";
const APPLY: [&str; 3] = ["apply", "--yes", "-q"];
const KILL: &str = "signal=SIGKILL";

/// What there is before the run that is struck, and what that run is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Story {
    /// There is no folder, and `www` is ordered.
    FirstOfAll,
    /// There is a folder, and `www` is ordered.
    First,
    /// `www` is in force and gets another key.
    Reissue,
    /// Somebody changed a file of `www`.
    Drift,
}

impl Story {
    pub(super) fn prepared(self) -> Desk {
        let desk = Desk::new(P256, ALL);
        let says = |entries: &str| desk.rig.manifest(&format!("{POLICY}orders:\n{entries}"));
        match self {
            Self::FirstOfAll => says(&www(P256, ALL)),
            Self::First => {
                // An order of another name makes the folder, and is the positive control of look-ups.
                let zoe = named("zoe", &["zoe.example.com"], P256, "kinds: [cert]");
                says(&zoe);
                desk.apply(&[], 0);
                says(&format!("{zoe}{}", www(P256, ALL)));
            }
            Self::Reissue => {
                says(&www(P256, ALL));
                desk.apply(&[], 0);
                says(&www(P384, ALL));
            }
            Self::Drift => {
                says(&www(P256, ALL));
                desk.apply(&[], 0);
                fs::write(desk.version().join("cert.pem"), "changed").expect("written");
            }
        }
        desk
    }

    /// Orders and reissues that the CA's book shows in the end.
    fn bought(self) -> (usize, usize) {
        match self {
            Self::FirstOfAll | Self::Drift => (1, 0),
            Self::First => (2, 0),
            Self::Reissue => (1, 1),
        }
    }

    /// Services have files before, so they have files at every moment.
    pub(super) fn is_live(self) -> bool {
        matches!(self, Self::Reissue | Self::Drift)
    }
}

/// What services read fits together, whatever of it there is.
#[track_caller]
fn fits(desk: &Desk, what: &str) {
    let there = |file: &str| desk.live(file).exists();
    assert!(
        there("privkey.pem") && there("cert.pem"),
        "live/www leads to no pair: {what}"
    );
    if fs::read(desk.live("cert.pem")).expect("a file") == b"changed" {
        return;
    }
    desk.opens();
    let of_key = openssl(&["pkey", "-pubout", "-in"], &desk.live("privkey.pem"));
    let combined = desk.live("combined.pem");
    for args in [
        &["pkey", "-pubout", "-in"][..],
        &["x509", "-noout", "-pubkey", "-in"],
    ] {
        assert_eq!(openssl(args, &combined), of_key, "{args:?}: {what}");
    }
    let pass = fs::read_to_string(desk.live("p12.pass")).expect("a passphrase");
    let pass = format!("pass:{}", pass.trim_end());
    let args = ["pkcs12", "-nodes", "-passin", &pass, "-in"];
    desk.rig
        .write("p12.pem", openssl(&args, &desk.live("cert.p12")));
    let p12 = desk.rig.path("p12.pem");
    assert_eq!(
        openssl(&["pkey", "-pubout", "-in"], &p12),
        of_key,
        "p12: {what}"
    );
}

/// Everything in the folder that has the name of something unfinished.
fn unfinished(folder: &Path, found: &mut Vec<String>) {
    for name in names(folder) {
        let path = folder.join(&name);
        let is_draft = name.starts_with(".new-") || name.ends_with(".new");
        if is_draft || (name.starts_with(".certplan-files") && name != ".certplan-files") {
            found.push(path.display().to_string());
        }
        if fs::symlink_metadata(&path).expect("an entry").is_dir() {
            unfinished(&path, found);
        }
    }
}

/// What must hold right after the kill.
#[track_caller]
fn not_half_way(desk: &Desk, story: Story, what: &str) {
    desk.look_after_keys();
    let link = fs::symlink_metadata(desk.files.join("live/www")).is_ok();
    assert!(link || !story.is_live(), "live/www is gone: {what}");
    if link {
        fits(desk, what);
    }
}

/// What must hold once the next runs have done the rest.
#[track_caller]
fn made_good(desk: &Desk, story: Story, what: &str) {
    // The very next run that holds the journal leaves nothing unfinished.
    let mut ended = desk.rig.certplan(&["apply", "--yes"]);
    desk.look_after_keys();
    let mut left = Vec::new();
    unfinished(&desk.files, &mut left);
    assert_eq!(left, [""; 0], "left unfinished: {what}");
    for _ in 0..20 {
        let plan = ["plan", "--detailed-exitcode"];
        if ended.code == Some(0) && desk.rig.certplan(&plan).code == Some(0) {
            break;
        }
        let said = format!("{what}\n--- then\n{}\n{}", ended.stdout, ended.stderr);
        assert!(matches!(ended.code, Some(0 | 3)), "{said}");
        std::thread::sleep(std::time::Duration::from_millis(400));
        ended = desk.rig.certplan(&["apply", "--yes"]);
    }
    assert_eq!(ended.code, Some(0), "never settled: {what}");
    desk.look_after_keys();
    fits(desk, what);
    let served = desk.read("cert.pem");
    assert_ne!(served, b"changed", "{what}");
    assert_eq!(desk.bought(), story.bought(), "{what}");
    let twice = desk.names("pending/www");
    assert_eq!(twice, [""; 0], "a key is kept twice: {what}");
    for (path, wanted) in [
        ("", 0o700),
        ("live", 0o755),
        ("archive", 0o700),
        ("archive/www", 0o700),
        ("pending", 0o700),
        ("pending/www", 0o700),
        (".certplan-files", 0o644),
        (".gitignore", 0o644),
        ("live/www/privkey.pem", 0o600),
        ("live/www/cert.pem", 0o644),
    ] {
        let path = desk.files.join(path);
        let real = fs::canonicalize(&path).expect("a file");
        assert_eq!(mode(&real), wanted, "{}: {what}", path.display());
    }
    let ignored = fs::read_to_string(desk.files.join(".gitignore")).expect("a file");
    assert_eq!(ignored, "*\n", "{what}");
}

/// How a run is struck: with this fault at the call of this name and number, or not where there is no such number.
type Strike = fn(&Desk, (&str, &str), u64) -> Traced;

/// Whichever thread makes the call, from the first one of the run on.
pub(super) fn any_thread(desk: &Desk, fault: (&str, &str), number: u64) -> Traced {
    tracing::from_the_start(&desk.rig, &APPLY, fault, &number.to_string())
}

/// The thread that writes the files of a certificate, from the download on.
pub(super) fn of_the_version(desk: &Desk, fault: (&str, &str), number: u64) -> Traced {
    tracing::collect(&desk.rig, &APPLY, fault, &number.to_string())
}

/// The thread that writes the journal.
fn of_the_journal(desk: &Desk, (call, inject): (&str, &str), number: u64) -> Traced {
    let thread = tracing::JOURNAL;
    let strike = tracing::Strike {
        thread,
        call,
        inject,
    };
    tracing::run(&desk.rig, &APPLY, strike, &number.to_string())
}

/// Strikes a run at each of these calls on such a path in turn. How many there are at least stands beside them.
/// `check` looks at the run that was struck.
pub(super) fn each(
    story: Story,
    (strike, inject, path): (Strike, &str, &str),
    calls: &[(&str, usize)],
    check: impl Fn(&Desk, &Traced, &str) + Sync,
) {
    if !tracing::available() {
        return;
    }
    let desk = story.prepared();
    let names: Vec<&str> = calls.iter().map(|(call, _)| *call).collect();
    let unharmed = strike(&desk, (&names.join(","), inject), 9999);
    assert!(!unharmed.struck, "{}", unharmed.ended.stderr);
    desk.rig.faults(serde_json::json!([]));
    made_good(&desk, story, "nobody was struck");
    let mut points = Vec::new();
    for (call, least) in calls {
        let numbers = unharmed.calls(call, path);
        println!("{story:?}: {} calls of {call}", numbers.len());
        assert!(numbers.len() >= *least, "{call}: {numbers:?}");
        points.extend(numbers.into_iter().map(|number| (*call, number)));
    }
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some((call, number)) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let desk = story.prepared();
                    let traced = strike(&desk, (call, inject), *number);
                    let said = &traced.ended;
                    let what = format!(
                        "{story:?}, {call} {number}: {inject}\n{}\n{}",
                        said.stdout, said.stderr
                    );
                    assert!(traced.struck, "not struck: {what}");
                    check(&desk, &traced, &what);
                    not_half_way(&desk, story, &what);
                    desk.rig.faults(serde_json::json!([]));
                    made_good(&desk, story, &what);
                }
            });
        }
    });
}

fn each_killed(story: Story, (strike, path): (Strike, &str), calls: &[(&str, usize)]) {
    each(story, (strike, KILL, path), calls, |_, traced, what| {
        assert_eq!(traced.ended.code, None, "{what}");
    });
}

/// The folder, in the paths of calls.
pub(super) const FOLDER: &str = "/.certplan/files";

#[test]
fn killed_while_the_folder_is_made() {
    let calls = [("mkdir", 1), ("fchmod", 12), ("linkat", 2), ("unlinkat", 2)];
    each_killed(Story::FirstOfAll, (any_thread, FOLDER), &calls);
}

#[test]
fn killed_while_a_first_key_and_its_files_are_made() {
    let calls = [
        ("mkdirat", 3),
        ("linkat", 1),
        ("unlinkat", 4),
        ("renameat", 2),
        ("symlinkat", 1),
    ];
    each_killed(Story::First, (any_thread, FOLDER), &calls);
}

#[test]
fn killed_while_a_reissued_certificate_takes_the_place_of_one_that_is_served() {
    let calls = [
        ("linkat", 1),
        ("unlinkat", 4),
        ("renameat", 2),
        ("symlinkat", 1),
    ];
    each_killed(Story::Reissue, (any_thread, FOLDER), &calls);
}

#[test]
fn killed_while_a_changed_version_changes_places_with_a_new_one() {
    let calls = [
        ("mkdirat", 1),
        ("unlinkat", 1),
        ("renameat", 2),
        ("renameat2", 1),
        ("symlinkat", 1),
    ];
    each_killed(Story::Drift, (any_thread, FOLDER), &calls);
}

#[test]
fn killed_at_each_write_and_each_flush_of_a_version() {
    let calls = [("write", 7), ("fsync", 12)];
    each_killed(Story::Reissue, (of_the_version, FOLDER), &calls);
}

/// Between the key and the intent, between the answer and the files, between the switch and the fact of it.
#[test]
fn killed_at_each_fact_around_key_and_files() {
    for story in [Story::First, Story::Reissue] {
        each_killed(story, (of_the_journal, "state.db"), &[("fsync", 8)]);
    }
}
