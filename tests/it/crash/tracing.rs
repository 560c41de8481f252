//! Faults at the N-th system call of one thread, with `strace`: the one that writes the journal, or the one
//! that speaks with the CA.
//!
//! Calls are counted for each thread apart, so the tracer is attached to one thread: a count over all of
//! them would strike the set-up alone.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::rig::{Ended, Rig};

/// True when `strace` is here; in CI its absence is a failure, elsewhere it is told.
pub(crate) fn available() -> bool {
    let there = Command::new("strace")
        .arg("-V")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    let ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(there || !ci, "strace is missing: apt-get install strace");
    if !there {
        println!("not shown here: strace is missing (apt-get install strace)");
    }
    there
}

/// How a traced run ended.
pub(crate) struct Traced {
    pub(crate) ended: Ended,
    /// The fault struck.
    pub(crate) struck: bool,
    /// What the tracer wrote, with the paths behind handles.
    pub(crate) log: String,
}

impl Traced {
    /// The calls of this name whose line has this text, each by its number among those of its thread.
    pub(crate) fn calls(&self, name: &str, text: &str) -> BTreeSet<u64> {
        let mut of_threads: BTreeMap<&str, u64> = BTreeMap::new();
        let mut found = BTreeSet::new();
        let call = format!("{name}(");
        for line in self.log.lines() {
            let (thread, made) = line
                .split_once(' ')
                .filter(|(thread, _)| thread.bytes().all(|byte| byte.is_ascii_digit()))
                .unwrap_or(("", line));
            if made.trim_start().starts_with(&call) {
                let number = of_threads.entry(thread).or_default();
                *number += 1;
                if line.contains(text) {
                    found.insert(*number);
                }
            }
        }
        found
    }
}

/// The threads that matter, by their names. One worker speaks with the CA; the main thread waits.
pub(crate) const JOURNAL: &str = "journal";
pub(crate) const WIRE: &str = "tokio-rt-worker";

/// A fault and where it strikes, in the words of strace (`signal=SIGKILL`, `error=EIO`).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Strike<'a> {
    pub(crate) thread: &'a str,
    pub(crate) call: &'a str,
    pub(crate) inject: &'a str,
}

/// Runs `apply` with a fault at the `when`-th call.
pub(super) fn apply(rig: &Rig, strike: Strike<'_>, when: &str) -> Traced {
    let args = ["apply", "--yes", "-q", "--report", "json=traced.json"];
    run(rig, &args, strike, when)
}

/// Runs a command that reads the CA after it has opened the journal, with a fault at the `when`-th call.
pub(crate) fn run(rig: &Rig, args: &[&str], strike: Strike<'_>, when: &str) -> Traced {
    // The first read is held up until the tracer is in place.
    rig.faults(json!([{ "fault": "delay", "ms": 300, "times": 1 }]));
    let mut child = spawned(rig, args);
    let (thread, _) = threads_of(&mut child, strike.thread);
    watched(rig, child, thread, (strike, when))
}

/// Runs `apply` with a fault at the `when`-th call that makes the files of a certificate: the download is held up
/// until the tracer is on the thread that made the key, which writes the files as well.
pub(crate) fn collect(
    rig: &Rig,
    args: &[&str],
    (call, inject): (&str, &str),
    when: &str,
) -> Traced {
    let download = "/download/";
    rig.faults(json!([{ "match": { "path_contains": download }, "fault": "delay", "ms": 400, "times": 1 }]));
    let downloads = || {
        let ledger = rig.ask("ledger");
        let entries = ledger.as_array().expect("a list").iter();
        let paths = entries.filter_map(|entry| entry["path"].as_str());
        paths.filter(|path| path.contains(download)).count()
    };
    let before = downloads();
    let mut child = spawned(rig, args);
    rig.until("the download", || downloads() > before);
    let (_, thread) = threads_of(&mut child, WIRE);
    let strike = Strike {
        thread: WIRE,
        call,
        inject,
    };
    watched(rig, child, thread, (strike, when))
}

/// Runs a command from its first call on, with a fault at the `when`-th of any of its threads.
pub(crate) fn from_the_start(
    rig: &Rig,
    args: &[&str],
    (call, inject): (&str, &str),
    when: &str,
) -> Traced {
    let log = log(rig);
    let (trace, inject) = (
        format!("trace={call}"),
        format!("inject={call}:{inject}:when={when}"),
    );
    let before = ["-f", "-y", "-o", text(&log), "-e", &trace];
    let before = [&before[..], &["-e", &inject]].concat();
    let mut command = rig.command_under("strace", &before, args);
    let output = command.env("TOKIO_WORKER_THREADS", "1").output();
    let ended = Ended::new(output.expect("strace runs"));
    traced(&log, ended)
}

fn log(rig: &Rig) -> PathBuf {
    rig.path("strace.log")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

fn spawned(rig: &Rig, args: &[&str]) -> Child {
    rig.command(args)
        .env("TMPDIR", rig.folder())
        .env("TOKIO_WORKER_THREADS", "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs")
}

/// Strikes one thread of a run, and waits for its end.
fn watched(rig: &Rig, mut child: Child, thread: u32, (strike, when): (Strike<'_>, &str)) -> Traced {
    let Strike { call, inject, .. } = strike;
    signal(child.id(), "STOP");
    let log = log(rig);
    let mut tracer = Command::new("strace")
        .args(["-y", "-p", &thread.to_string(), "-o"])
        .arg(&log)
        .args(["-e", &format!("trace={call}")])
        .args(["-e", &format!("inject={call}:{inject}:when={when}")])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("strace runs");
    let mut said = String::new();
    let mut lines = BufReader::new(tracer.stderr.take().expect("a pipe"));
    while !said.contains("attached") {
        let read = lines.read_line(&mut said).expect("strace speaks");
        assert!(read > 0, "strace could not attach: {said}");
    }
    signal(child.id(), "CONT");
    let mut stdout = child.stdout.take().expect("a pipe");
    let mut stderr = child.stderr.take().expect("a pipe");
    let (mut out, mut err) = (Vec::new(), Vec::new());
    stdout.read_to_end(&mut out).expect("output");
    stderr.read_to_end(&mut err).expect("output");
    let status = child.wait().expect("an end");
    tracer.wait().expect("an end");
    let ended = Ended {
        code: status.code(),
        stdout: String::from_utf8_lossy(&out).into_owned(),
        stderr: String::from_utf8_lossy(&err).into_owned(),
    };
    traced(&log, ended)
}

fn traced(log: &Path, ended: Ended) -> Traced {
    let log = std::fs::read_to_string(log).unwrap_or_default();
    Traced {
        struck: ended.code.is_none() || log.contains("INJECTED"),
        ended,
        log,
    }
}

pub(crate) fn signal(process: u32, name: &str) {
    let sent = Command::new("kill")
        .args([format!("-{name}"), process.to_string()])
        .status();
    assert!(sent.is_ok_and(|status| status.success()), "kill -{name}");
}

/// The first and the last thread of this name, once there is one.
fn threads_of(child: &mut Child, wanted: &str) -> (u32, u32) {
    let tasks = format!("/proc/{}/task", child.id());
    let begun = Instant::now();
    loop {
        let tasks = std::fs::read_dir(&tasks).into_iter().flatten().flatten();
        let found = tasks.filter(|task| {
            let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
            // The kernel keeps fifteen letters.
            name.trim() == &wanted[..wanted.len().min(15)]
        });
        let ids = found.filter_map(|task| task.file_name().to_str()?.parse().ok());
        let ids: Vec<u32> = ids.collect();
        if let (Some(first), Some(last)) = (ids.iter().min(), ids.iter().max()) {
            return (*first, *last);
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "the thread {wanted} never came"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
}
