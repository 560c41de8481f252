//! Programs: which may be started, and how they end.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::{make_dirs, set_mode};
use crate::files::program::{Outcome, Program, ProgramError, Run, inherited};

/// A script in a folder of its own that nobody else can write to.
fn script(body: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap().join("program");
    write(&path, body);
    (folder, path)
}

fn write(path: &Path, body: &str) {
    fs::write(path, format!("#!/bin/sh\n{body}\n")).unwrap();
    set_mode(path, 0o700);
}

/// How it ends, and what it writes.
async fn run_with(path: &Path, run: Run<'_>) -> (Outcome, Vec<String>) {
    run_opened(&Program::open(path).unwrap(), run).await
}

async fn run_opened(program: &Program, run: Run<'_>) -> (Outcome, Vec<String>) {
    let mut lines = Vec::new();
    let outcome = program
        .run(run, &mut |line: &str| lines.push(line.to_owned()))
        .await;
    (outcome, lines)
}

fn run(env: &[(OsString, OsString)]) -> Run<'_> {
    Run {
        env,
        stdin: None,
        timeout: Duration::from_secs(60),
    }
}

fn env() -> Vec<(OsString, OsString)> {
    inherited(std::iter::empty())
}

#[tokio::test]
async fn each_end_is_told_apart() {
    for (body, expected, words) in [
        ("exit 0", Outcome::Ok, "exit code 0"),
        ("exit 3", Outcome::Exit(3), "exit code 3"),
        ("kill -9 $$", Outcome::Signal(9), "ended by signal 9"),
    ] {
        let (_folder, path) = script(body);
        let (outcome, lines) = run_with(&path, run(&env())).await;
        assert_eq!(outcome, expected, "{lines:?}");
        assert_eq!(outcome.to_string(), words);
    }
}

#[tokio::test]
async fn a_program_without_a_script_is_started_too() {
    let path = Path::new("/bin/true");
    let (outcome, _) = run_with(path, run(&env())).await;
    assert_eq!(outcome, Outcome::Ok);
}

#[tokio::test]
async fn it_has_the_environment_that_it_was_given_and_no_more() {
    let (_folder, path) = script("/usr/bin/env; echo \"args: $#\"; /bin/cat");
    let variables = [
        ("PATH", "/usr/bin:/bin"),
        ("HOME", "/nowhere"),
        ("LANG", "C"),
        ("TZ", "UTC"),
        ("CERTPLAN_DIGICERT_KEY", "canary"),
        ("LD_PRELOAD", "canary"),
    ];
    let mut env = inherited(
        variables
            .map(|(name, value)| (name.into(), value.into()))
            .into_iter(),
    );
    env.push(("CERTPLAN_ADDRESS".into(), "orders.www".into()));
    let (outcome, lines) = run_with(&path, run(&env)).await;
    assert_eq!(outcome, Outcome::Ok);
    let mut own: Vec<&str> = lines
        .iter()
        .map(String::as_str)
        // What a shell makes itself.
        .filter(|line| {
            !["PWD=", "_=", "SHLVL=", "OLDPWD="]
                .iter()
                .any(|start| line.starts_with(start))
        })
        .collect();
    own.sort_unstable();
    let expected = [
        "CERTPLAN_ADDRESS=orders.www",
        "HOME=/nowhere",
        "LANG=C",
        "PATH=/usr/bin:/bin",
        "TZ=UTC",
        "args: 0",
    ];
    assert_eq!(own, expected);
    let without = inherited(std::iter::empty());
    assert_eq!(without.len(), 1);
    assert_eq!(without[0].0, "PATH");
}

#[tokio::test]
async fn it_reads_standard_input_as_far_as_it_wants() {
    let env = env();
    let long = vec![b'x'; 4 << 20];
    for (body, expected) in [("wc -c | tr -d ' '", "4194304"), ("echo done", "done")] {
        let (_folder, path) = script(body);
        let (outcome, lines) = run_with(
            &path,
            Run {
                stdin: Some(long.clone()),
                ..run(&env)
            },
        )
        .await;
        assert_eq!((outcome, lines), (Outcome::Ok, vec![expected.to_owned()]));
    }
}

#[tokio::test]
async fn its_output_is_safe_and_bounded_and_never_stops_it() {
    let body = "printf 'a\\033[31mred\\r\\n'; printf 'to stderr\\n' >&2; printf '\\377 last'";
    let (_folder, path) = script(body);
    let (outcome, lines) = run_with(&path, run(&env())).await;
    assert_eq!(outcome, Outcome::Ok);
    assert_eq!(lines, ["a\\u{1b}[31mred", "to stderr", "\u{fffd} last"]);
    let (_folder, path) = script("yes 0123456 | head -c 10000000; exit 4");
    let (outcome, lines) = run_with(&path, run(&env())).await;
    assert_eq!(outcome, Outcome::Exit(4));
    let told = format!("({} more bytes are not shown)", 10_000_000 - (64 << 10));
    assert_eq!(lines.last(), Some(&told));
    assert_eq!(lines.len(), (64 << 10) / 8 + 1);
}

#[tokio::test]
async fn what_does_not_end_in_time_is_stopped_with_all_that_it_started() {
    let env = env();
    let short = || Run {
        timeout: Duration::from_millis(300),
        ..run(&env)
    };
    let (folder, path) = script("sleep 600 & echo $! > \"$(dirname \"$PLACE\")/pid\"; wait");
    let mut with_place = env.clone();
    with_place.push(("PLACE".into(), path.clone().into()));
    let (outcome, _) = run_with(
        &path,
        Run {
            env: &with_place,
            ..short()
        },
    )
    .await;
    assert_eq!(outcome, Outcome::TimedOut);
    let pid = fs::read_to_string(folder.path().join("pid")).unwrap();
    let is_gone = |pid: &str| {
        let state = fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        state.map_or(true, |state| state.contains(") Z "))
    };
    assert!(is_gone(&pid));
    // One that does not listen, with a child that does not listen either.
    let deaf = "trap '' TERM; (trap '' TERM; exec sleep 600) & echo $! > \"$(dirname \"$PLACE\")/pid\"; while :; do sleep 1; done";
    write(&path, deaf);
    let (outcome, _) = run_with(
        &path,
        Run {
            env: &with_place,
            ..short()
        },
    )
    .await;
    assert_eq!(outcome, Outcome::TimedOut);
    let pid = fs::read_to_string(folder.path().join("pid")).unwrap();
    while !is_gone(&pid) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn it_is_in_a_process_group_of_its_own() {
    let (_folder, path) = script("cut -d ' ' -f 5 /proc/$$/stat; echo $$");
    let (_, lines) = run_with(&path, run(&env())).await;
    assert_eq!(lines[0], lines[1]);
}

#[tokio::test]
async fn what_it_leaves_running_is_not_waited_for() {
    let (_folder, path) = script("sleep 600 & echo $!");
    let (outcome, lines) = run_with(&path, run(&env())).await;
    assert_eq!(outcome, Outcome::Ok);
    let left: i32 = lines[0].parse().unwrap();
    let left = rustix::process::Pid::from_raw(left).unwrap();
    // It is still there: nobody waited for it, and nobody stopped it.
    rustix::process::kill_process(left, rustix::process::Signal::KILL).unwrap();
}

#[tokio::test]
async fn another_program_in_its_place_is_not_started() {
    let (folder, path) = script("echo first");
    let program = Program::open(&path).unwrap();
    let other = folder.path().join("other");
    write(&other, "echo second");
    fs::rename(&other, &path).unwrap();
    let (_, lines) = run_opened(&program, run(&env())).await;
    assert_eq!(lines, ["first"]);
    fs::remove_file(&path).unwrap();
    let (_, lines) = run_opened(&program, run(&env())).await;
    assert_eq!(lines, ["first"]);
}

#[tokio::test]
async fn one_that_was_opened_to_others_since_is_not_started() {
    let (_folder, path) = script("exit 0");
    let program = Program::open(&path).unwrap();
    set_mode(&path, 0o777);
    let (outcome, _) = run_opened(&program, run(&env())).await;
    let Outcome::CouldNotStart(why) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(why.contains("can be written by others"), "{why}");
}

#[tokio::test]
async fn one_that_the_system_cannot_start_says_why() {
    let (_folder, path) = script("");
    for (text, said) in [
        ("#!/no/such/interpreter\n", "interpreter"),
        ("no program at all\n", "Exec format error"),
    ] {
        fs::write(&path, text).unwrap();
        let (outcome, _) = run_with(&path, run(&env())).await;
        let Outcome::CouldNotStart(why) = outcome else {
            panic!("{text}: {outcome:?}");
        };
        assert!(why.contains(said), "{why}");
    }
}

fn why(path: &Path) -> String {
    let error = Program::open(path).unwrap_err();
    assert_eq!(error.code(), "certplan::files::program");
    error.to_string()
}

#[test]
fn only_a_regular_file_with_an_absolute_path_is_a_program() {
    let (folder, path) = script("exit 0");
    let said = why(Path::new("program"));
    assert!(said.contains("has no absolute path; write `/"), "{said}");
    for other in [folder.path(), Path::new("/"), Path::new("/dev/null")] {
        let error = Program::open(other).unwrap_err();
        assert!(
            matches!(
                error,
                ProgramError::NotRegular { .. } | ProgramError::Writable { .. }
            ),
            "{error}"
        );
    }
    let pipe = folder.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
    assert!(why(&pipe).contains("is not a regular file"));
    assert!(why(&folder.path().join("none")).contains("No such file"));
    assert!(why(&path.join("below")).contains("Not a directory"));
    let round = folder.path().join("round");
    symlink("round", &round).unwrap();
    assert!(why(&round).contains("Too many levels"), "{}", why(&round));
    set_mode(&path, 0o600);
    let said = why(&path);
    assert!(said.contains("`chmod u+x "), "{said}");
}

#[test]
fn what_others_can_write_to_is_refused_on_the_whole_way() {
    let (folder, _) = script("exit 0");
    let top = folder.path().canonicalize().unwrap();
    let inner = top.join("a/b");
    make_dirs(&inner);
    let path = inner.join("program");
    write(&path, "exit 0");
    assert!(Program::open(&path).is_ok());
    for (at, open) in [
        (path.clone(), 0o720),
        (path.clone(), 0o702),
        (inner.clone(), 0o770),
        (top.join("a"), 0o707),
        (top.clone(), 0o777),
    ] {
        let before = super::mode(&at);
        set_mode(&at, open);
        let said = why(&path);
        assert!(
            said.contains(&format!("`chmod go-w {}`", at.display())),
            "{said}"
        );
        set_mode(&at, before);
    }
    // Sticky is enough where the folder is root's.
    set_mode(&inner, 0o1777);
    let is_root = rustix::process::geteuid().is_root();
    assert_eq!(Program::open(&path).is_ok(), is_root);
    set_mode(&inner, 0o700);
    assert!(Program::open(&path).is_ok());
}

#[test]
fn a_link_is_followed_and_the_folders_that_it_leads_through_count() {
    let (folder, path) = script("exit 0");
    let top = folder.path().canonicalize().unwrap();
    let open = top.join("open");
    make_dirs(&open);
    let inside = open.join("program");
    write(&inside, "exit 0");
    for (link, target) in [
        ("direct", path.clone()),
        ("relative", PathBuf::from("program")),
        ("up", PathBuf::from("open/../program")),
        ("through", inside.clone()),
    ] {
        let link = top.join(link);
        symlink(&target, &link).unwrap();
        assert!(Program::open(&link).is_ok(), "{}", link.display());
    }
    set_mode(&open, 0o777);
    assert!(Program::open(&top.join("direct")).is_ok());
    for link in ["through", "up"] {
        assert!(
            why(&top.join(link)).contains("can be written by others"),
            "{link}"
        );
    }
}

#[test]
fn what_belongs_to_another_user_is_refused() {
    let (folder, path) = script("exit 0");
    let top = folder.path().canonicalize().unwrap();
    let link = top.join("link");
    symlink(&path, &link).unwrap();
    // Only root can give things away.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let other = Some(65_534);
    std::os::unix::fs::lchown(&link, other, None).unwrap();
    assert!(why(&link).contains("belongs to another user"));
    std::os::unix::fs::chown(&path, other, None).unwrap();
    assert!(why(&path).contains(&format!("`chown root {}`", path.display())));
    std::os::unix::fs::chown(&path, Some(0), None).unwrap();
    std::os::unix::fs::chown(&top, other, None).unwrap();
    assert!(why(&path).contains("belongs to another user"));
}
