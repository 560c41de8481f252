//! Signals, closed pipes, terminals.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::process::{Child, Stdio};

use serde_json::json;

use crate::crash::tracing::signal;
use crate::crash::truth::{
    exactly_once, header, known, manifest, order_calls, orders_by_tag, recover,
};
use crate::rig::Rig;

const DOUBT: &str = "{ quiet_period: 1s, then: resend }";
const NAMES: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];

fn twelve() -> Rig {
    let rig = Rig::new();
    manifest(&rig, &header(2, DOUBT), &NAMES, "");
    rig
}

fn ended(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().expect("an end");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), text)
}

#[test]
fn row_07_a_signal_starts_nothing_new_and_what_is_in_flight_is_recorded() {
    for (name, code) in [("INT", 130), ("TERM", 143), ("HUP", 143)] {
        let rig = twelve();
        rig.faults(json!([{ "match": { "method": "POST" }, "fault": "delay", "ms": 500 }]));
        let run = rig.spawn(&["apply", "--yes"]);
        rig.until("the third call", || order_calls(&rig) >= 3);
        signal(run.id(), name);
        let (exit, text) = ended(run);
        assert_eq!(exit, Some(code), "SIG{name}: {text}");
        rig.faults(json!([]));
        let placed = orders_by_tag(&rig).len();
        assert!(placed < NAMES.len(), "SIG{name} stopped nothing");
        assert_eq!(known(&rig).len(), placed, "SIG{name}: not all is recorded");
        assert_eq!(rig.plan(&[])["summary"]["settle"], 0, "SIG{name}");
        rig.apply(&[], 0);
        exactly_once(&rig, NAMES.len(), name);
    }
}

#[test]
fn a_hangup_that_was_ignored_at_the_start_stays_ignored() {
    let rig = twelve();
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "delay", "ms": 300 }]));
    let ignoring = ["-c", "trap '' HUP; exec \"$@\"", "sh"];
    let run = rig
        .command_under("sh", &ignoring, &["apply", "--yes"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("a shell");
    rig.until("the third call", || order_calls(&rig) >= 3);
    signal(run.id(), "HUP");
    let (exit, text) = ended(run);
    assert_eq!(exit, Some(0), "{text}");
    exactly_once(&rig, NAMES.len(), "nohup");
}

#[test]
fn a_signal_while_a_run_waits_for_the_ca_is_the_exit_code() {
    let rig = twelve();
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let before = rig.reads();
        let run = rig.spawn(&["apply", "--yes", "--wait", "10m"]);
        // A plan reads the user, the orders, the requests and the funds; what comes then are looks at what waits.
        rig.until("the polling", || {
            order_calls(&rig) >= NAMES.len() && rig.reads() > before + 5
        });
        signal(run.id(), name);
        let (exit, text) = ended(run);
        assert_eq!(exit, Some(code), "SIG{name}: {text}");
    }
    exactly_once(&rig, NAMES.len(), "two signals while it waited");
}

#[test]
fn row_08_a_second_signal_ends_the_run_at_once_and_the_next_one_goes_on() {
    let rig = twelve();
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "delay", "ms": 600_000 }]));
    let run = rig.spawn(&["apply", "--yes"]);
    rig.until("the second call", || order_calls(&rig) == 2);
    signal(run.id(), "TERM");
    std::thread::sleep(std::time::Duration::from_millis(300));
    signal(run.id(), "INT");
    let (exit, text) = ended(run);
    assert_eq!(exit, Some(130), "{text}");
    rig.faults(json!([]));
    recover(&rig, "after two signals");
    exactly_once(&rig, NAMES.len(), "after two signals");
}

#[test]
fn a_signal_before_anything_is_sent_ends_the_run_at_once() {
    let rig = twelve();
    // Held up while it reads, and then while it waits for the state.
    rig.faults(json!([{ "fault": "delay", "ms": 600_000 }]));
    let reading = rig.spawn(&["apply", "--yes"]);
    rig.until("the first run holds the state", || {
        std::fs::read_to_string(rig.path(".certplan/state.db.lock"))
            .is_ok_and(|note| note.contains("apply"))
    });
    let waiting = rig.spawn(&["apply", "--yes", "--lock-timeout", "1h"]);
    std::thread::sleep(std::time::Duration::from_millis(300));
    for (run, name, code) in [(waiting, "TERM", 143), (reading, "INT", 130)] {
        signal(run.id(), name);
        let (exit, text) = ended(run);
        assert_eq!(exit, Some(code), "{text}");
    }
    assert_eq!(rig.changes().len(), 0);
}

#[test]
fn an_interrupt_at_the_question_ends_the_run_and_nothing_is_sent() {
    let rig = twelve();
    let command = rig.command(&["apply"]);
    let mut terminal = std::process::Command::new("script");
    terminal
        .args([
            "-qec",
            &format!("{} apply", command.get_program().display()),
            "/dev/null",
        ])
        .current_dir(rig.folder())
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    for (name, value) in command.get_envs() {
        terminal.env(name, value.expect("a value"));
    }
    let mut terminal = match terminal.spawn() {
        Ok(terminal) => terminal,
        Err(error) => {
            let ci = std::env::var_os("CI").is_some_and(|value| value == "true");
            assert!(!ci, "script (util-linux) is missing: {error}");
            println!("not shown here: script (util-linux) is missing");
            return;
        }
    };
    let mut screen = terminal.stdout.take().expect("a pipe");
    let mut shown = Vec::new();
    let mut some = [0; 1024];
    while !String::from_utf8_lossy(&shown).contains("Carry this plan out?") {
        let read = screen.read(&mut some).expect("a screen");
        assert!(read > 0, "{}", String::from_utf8_lossy(&shown));
        shown.extend_from_slice(&some[..read]);
    }
    let mut keys = terminal.stdin.take().expect("a pipe");
    keys.write_all(b"\x03").expect("a key");
    keys.flush().expect("a key");
    std::thread::spawn(move || std::io::copy(&mut screen, &mut std::io::sink()));
    assert_eq!(terminal.wait().expect("an end").code(), Some(130));
    drop(keys);
    assert_eq!(rig.changes().len(), 0);
}

#[test]
fn row_10_a_process_that_was_stopped_keeps_the_state_until_it_goes_on() {
    let rig = twelve();
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "delay", "ms": 300 }]));
    let run = rig.spawn(&["apply", "--yes"]);
    rig.until("the second call", || order_calls(&rig) >= 2);
    signal(run.id(), "STOP");
    rig.certplan(&["apply", "--yes"]).expect(4);
    signal(run.id(), "CONT");
    let (exit, text) = ended(run);
    assert_eq!(exit, Some(0), "{text}");
    exactly_once(&rig, NAMES.len(), "stopped and continued");
}

#[test]
fn row_09_nobody_reads_and_the_run_is_complete_all_the_same() {
    let full = || {
        OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("a device")
    };
    for form in [
        "head",
        "closed",
        "full",
        "no stderr",
        "full stderr",
        "nothing",
    ] {
        let rig = twelve();
        let mut command = rig.command(&["apply", "--yes", "--report", "json=report.json"]);
        match form {
            "full" => drop(command.stdout(full())),
            "full stderr" => drop(command.stdout(full()).stderr(full())),
            _ => drop(command.stdout(Stdio::piped()).stderr(Stdio::piped())),
        }
        let code = if ["closed", "no stderr", "nothing"].contains(&form) {
            let closed = match form {
                "closed" => ">&-",
                "no stderr" => "2>&-",
                _ => "<&- >&- 2>&-",
            };
            let mut shell = std::process::Command::new("sh");
            shell
                .args(["-c", &format!("exec \"$0\" \"$@\" {closed}")])
                .arg(command.get_program())
                .args(command.get_args())
                .current_dir(rig.folder())
                .env_clear();
            for (name, value) in command.get_envs() {
                shell.env(name, value.expect("a value"));
            }
            shell.status().expect("a shell").code()
        } else {
            let mut child = command.spawn().expect("the binary runs");
            // Closed before a byte was written to it.
            drop(child.stdout.take());
            drop(child.stderr.take());
            child.wait().expect("an end").code()
        };
        assert_eq!(code, Some(0), "{form}");
        exactly_once(&rig, NAMES.len(), form);
        let report = std::fs::read_to_string(rig.path("report.json")).expect("a report");
        assert!(report.contains("\"waiting\": 12"), "{form}: {report}");
    }
}

#[test]
fn reading_commands_do_not_mind_a_closed_pipe() {
    let rig = twelve();
    rig.apply(&[], 0);
    for args in [
        &["plan"][..],
        &["plan", "--format", "json"],
        &["status"],
        &["history"],
        &["history", "--verify"],
        &["doctor"],
        &["schema"],
        &["man"],
        &["completions", "bash"],
        &["--help"],
        &["validate"],
    ] {
        let mut child = rig.spawn(args);
        drop(child.stdout.take());
        let (exit, text) = ended(child);
        assert_eq!(exit, Some(0), "{args:?}: {text}");
        assert!(!text.contains("panicked"), "{args:?}: {text}");
        let full = OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("a device");
        let output = rig
            .command(args)
            .stdout(full)
            .output()
            .expect("the binary runs");
        let text = String::from_utf8_lossy(&output.stderr);
        assert_ne!(output.status.code(), Some(101), "{args:?}: {text}");
        assert!(!text.contains("panicked"), "{args:?}: {text}");
    }
}
