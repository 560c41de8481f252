//! Faults at the N-th system call of one thread, with `strace`: the one that writes the journal, or the one
//! that speaks with the CA.
//!
//! Calls are counted for each thread apart, so the tracer is attached to one thread: a count over all of
//! them would strike the set-up alone.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::rig::{Ended, Rig};

/// True when `strace` is here; in CI its absence is a failure, elsewhere it is told.
pub(super) fn available() -> bool {
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
pub(super) struct Traced {
    pub(super) ended: Ended,
    /// The fault struck.
    pub(super) struck: bool,
}

/// The threads that matter, by their names. One worker speaks with the CA; the main thread waits.
pub(super) const JOURNAL: &str = "journal";
pub(super) const WIRE: &str = "tokio-rt-worker";

/// A fault and where it strikes, in the words of strace (`signal=SIGKILL`, `error=EIO`).
#[derive(Debug, Clone, Copy)]
pub(super) struct Strike<'a> {
    pub(super) thread: &'a str,
    pub(super) call: &'a str,
    pub(super) inject: &'a str,
}

/// Runs `apply` with a fault at the `when`-th call.
pub(super) fn apply(rig: &Rig, strike: Strike<'_>, when: &str) -> Traced {
    let args = ["apply", "--yes", "-q", "--report", "json=traced.json"];
    run(rig, &args, strike, when)
}

/// Runs a command that reads the CA after it has opened the journal, with a fault at the `when`-th call.
pub(super) fn run(rig: &Rig, args: &[&str], strike: Strike<'_>, when: &str) -> Traced {
    let Strike {
        thread,
        call,
        inject,
    } = strike;
    // The first read is held up until the tracer is in place.
    rig.faults(json!([{ "fault": "delay", "ms": 300, "times": 1 }]));
    let mut child = rig
        .command(args)
        .env("TMPDIR", rig.folder())
        .env("TOKIO_WORKER_THREADS", "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let thread = thread_of(&mut child, thread);
    signal(child.id(), "STOP");
    let log = rig.path("strace.log");
    let mut tracer = Command::new("strace")
        .args(["-p", &thread.to_string(), "-o"])
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
    Traced {
        ended: Ended {
            code: status.code(),
            stdout: String::from_utf8_lossy(&out).into_owned(),
            stderr: String::from_utf8_lossy(&err).into_owned(),
        },
        struck: struck(&log, status.code().is_none()),
    }
}

fn struck(log: &Path, killed: bool) -> bool {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    killed || text.contains("INJECTED")
}

pub(crate) fn signal(process: u32, name: &str) {
    let sent = Command::new("kill")
        .args([format!("-{name}"), process.to_string()])
        .status();
    assert!(sent.is_ok_and(|status| status.success()), "kill -{name}");
}

/// The first thread of this name, once it is there.
fn thread_of(child: &mut Child, wanted: &str) -> u32 {
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
        if let Some(id) = ids.min() {
            return id;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "the thread {wanted} never came"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
}
