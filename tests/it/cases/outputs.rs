//! Case 26: where results go. A link, a pipe or a device is written into and stays what it is; a result that
//! nobody can read is a failure.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{FileTypeExt, symlink};
use std::process::{Command, Stdio};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::Value;

use super::{automatic, manifest, person};
use crate::rig::{Ended, Rig};

fn one_person() -> Rig {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[person("ada", "Ada", "")], &[]);
    rig
}

fn pipe(rig: &Rig, name: &str) {
    let mode = Mode::RUSR | Mode::WUSR;
    mknodat(CWD, rig.path(name), FileType::Fifo, mode, 0).expect("a pipe");
}

#[track_caller]
fn is_report(text: &str) {
    let report: Value =
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(report["format_version"], 1);
}

/// A command whose standard output takes no byte.
fn into_a_full_disk(rig: &Rig, args: &[&str]) -> Ended {
    let full = OpenOptions::new().write(true).open("/dev/full");
    let mut command = rig.command(args);
    command
        .stdout(full.expect("a device"))
        .stderr(Stdio::piped());
    Ended::new(command.output().expect("the binary runs"))
}

#[test]
fn case_26_a_link_is_written_through_and_stays_a_link() {
    let rig = one_person();
    fs::create_dir(rig.path("store")).expect("a folder");
    for name in ["report.json", "report.md", "metrics.prom"] {
        symlink(format!("store/{name}"), rig.path(name)).expect("a link");
    }
    rig.write("store/report.json", "an old report");
    rig.write("store/metrics.prom", "");
    // The file of `report.md` is not there yet.
    let reports = [
        "--report",
        "json=report.json",
        "--report",
        "markdown=report.md",
    ];
    let apply = ["apply", "--yes", "--metrics", "metrics.prom"];
    rig.certplan(&[&apply[..], &reports].concat()).expect(0);
    for name in ["report.json", "report.md", "metrics.prom"] {
        let link = fs::symlink_metadata(rig.path(name)).expect("a link");
        assert!(link.is_symlink(), "{name} was replaced");
    }
    let read = |name: &str| fs::read_to_string(rig.path(name)).expect("a file");
    is_report(&read("store/report.json"));
    assert!(read("store/report.md").contains("orders.ada"));
    assert!(read("store/metrics.prom").contains("certplan_"));
}

#[test]
fn case_26_the_reader_of_a_pipe_gets_the_whole_file() {
    let rig = one_person();
    pipe(&rig, "pipe");
    for (args, says) in [
        (
            &["apply", "--yes", "--report", "json=pipe"][..],
            "format_version",
        ),
        (&["plan", "--metrics", "pipe"], "certplan_"),
    ] {
        let path = rig.path("pipe");
        let reader = std::thread::spawn(move || fs::read_to_string(path).expect("text"));
        rig.certplan(args).expect(0);
        let read = reader.join().expect("the reader ends");
        assert!(read.contains(says), "{args:?}: {read}");
        let found = fs::symlink_metadata(rig.path("pipe")).expect("still there");
        assert!(found.file_type().is_fifo(), "{args:?} replaced the pipe");
    }
}

#[test]
fn case_26_a_pipe_that_nobody_reads_and_a_full_device_lose_the_report() {
    let rig = one_person();
    pipe(&rig, "pipe");
    for place in ["pipe", "/dev/full"] {
        let report = format!("json={place}");
        let ended = rig
            .certplan(&["apply", "--yes", "--report", &report])
            .expect(1);
        assert!(ended.stderr.contains(place), "{}", ended.stderr);
    }
    // What was bought is noted all the same.
    assert_eq!(rig.plan(&[])["summary"]["keep"], 1);
}

#[test]
fn case_26_a_report_on_standard_output_stands_there_alone() {
    let rig = one_person();
    for name in ["-", "/dev/stdout", "/dev/fd/1"] {
        let report = format!("json={name}");
        let ended = rig
            .certplan(&["apply", "--yes", "--report", &report])
            .expect(0);
        is_report(&ended.stdout);
        assert!(ended.stderr.contains("Applied:"), "{}", ended.stderr);
        assert!(!rig.path("-").exists(), "a file called -");
    }
    // Beside a file, and where text goes to nobody.
    let both = [
        "apply",
        "--yes",
        "--report",
        "markdown=-",
        "--report",
        "json=r.json",
    ];
    let ended = rig.certplan(&[&both[..], &["--quiet"]].concat()).expect(0);
    assert!(ended.stdout.starts_with("## "), "{}", ended.stdout);
    assert!(!ended.stderr.contains("Applied:"), "{}", ended.stderr);
    is_report(&fs::read_to_string(rig.path("r.json")).expect("a file"));
    let twice = [
        "apply",
        "--yes",
        "--report",
        "markdown=-",
        "--report",
        "json=-",
    ];
    rig.certplan(&twice).expect(64);
    for args in [&["plan", "--out", "-"][..], &["plan", "--metrics", "-"]] {
        let ended = rig.certplan(args).expect(64);
        assert!(ended.stderr.contains("./-"), "{}", ended.stderr);
    }
}

#[test]
fn case_26_a_report_keeps_what_its_standard_output_had() {
    let rig = one_person();
    let binary = rig.command(&[]);
    let script = "echo first; \"$0\" apply --yes --report json=/dev/stdout; echo last";
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(binary.get_program());
    shell.current_dir(rig.folder()).env_clear();
    for (name, value) in binary.get_envs() {
        shell.env(name, value.expect("a value"));
    }
    let out = fs::File::create(rig.path("out")).expect("a file");
    let ended = shell.stdout(out).stderr(Stdio::piped()).output();
    assert!(ended.expect("a shell").status.success());
    let text = fs::read_to_string(rig.path("out")).expect("text");
    let report = text
        .strip_prefix("first\n")
        .and_then(|text| text.strip_suffix("last\n"));
    is_report(report.unwrap_or_else(|| panic!("{text}")));
}

#[test]
fn case_26_a_result_that_nobody_can_read_is_a_failure() {
    let rig = one_person();
    for args in [
        &["validate"][..],
        &["plan"],
        &["plan", "--format", "json", "--detailed-exitcode"],
        &["status"],
        &["import", "--all", "--account", "digicert"],
        &["schema"],
        &["man"],
        &["completions", "bash"],
        &["--help"],
        &["--version"],
        &["apply", "--yes"],
        &["apply", "--yes", "--report", "json=-"],
        &["history"],
        &["history", "--verify"],
        &["doctor"],
    ] {
        let ended = into_a_full_disk(&rig, args);
        assert_eq!(ended.code, Some(1), "{args:?}: {}", ended.stderr);
    }
    // The report is in its file.
    into_a_full_disk(&rig, &["apply", "--yes", "--report", "json=r.json"]).expect(0);
    // What was asked for was done, and can be read anywhere else.
    into_a_full_disk(&rig, &["forget", "orders.ada", "--yes"]).expect(0);
    assert!(into_a_full_disk(&rig, &["plan", "--allow-orders", "none"]).code == Some(64));
}
