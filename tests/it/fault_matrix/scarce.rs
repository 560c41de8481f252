//! Too little memory, too few file descriptors: what does not fit is not sent, or found again.

use std::process::Command;

use crate::crash::truth::{RESEND, exactly_once, header, manifest, orders_by_tag, recover};
use crate::rig::Rig;

const NAMES: usize = 30;

fn batch() -> Rig {
    let rig = Rig::new();
    let names: Vec<String> = (0..NAMES).map(|number| format!("n{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    manifest(&rig, &header(4, RESEND), &names, "");
    rig
}

/// `apply` under a limit of the shell's `ulimit`; its exit code.
fn apply_under(rig: &Rig, limit: &str) -> Option<i32> {
    let plain = rig.command(&["apply", "--yes", "-q"]);
    let mut command = Command::new("timeout");
    command
        .args([
            "60",
            "sh",
            "-c",
            &format!("ulimit {limit}; exec \"$0\" \"$@\""),
        ])
        .arg(plain.get_program())
        .args(plain.get_args())
        .current_dir(rig.folder())
        .env_clear();
    for (name, value) in plain.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    let code = command.output().expect("a shell").status.code();
    assert_ne!(code, Some(124), "the run hangs under {limit}");
    code
}

#[test]
fn row_11_a_run_that_gets_no_more_memory_is_like_one_that_was_killed() {
    let rig = batch();
    let mut ends = Vec::new();
    // Data and stack in KiB, from too little to start to more than enough.
    for kib in (4..60).map(|step| step * 1024) {
        ends.push(apply_under(&rig, &format!("-d {kib}")));
        if ends.last() == Some(&Some(0)) {
            break;
        }
    }
    println!("{ends:?}, {} orders", orders_by_tag(&rig).len());
    assert!(
        ends.iter().filter(|end| **end != Some(0)).count() >= 3,
        "{ends:?}"
    );
    recover(&rig, "with enough memory");
    exactly_once(&rig, NAMES, "too little memory");
}

#[test]
fn row_112_a_run_without_file_descriptors_sends_nothing_twice() {
    let rig = batch();
    let mut ends = Vec::new();
    for descriptors in 4..40 {
        let end = apply_under(&rig, &format!("-n {descriptors}"));
        ends.push(end);
        if end == Some(0) {
            break;
        }
    }
    println!("{ends:?}, {} orders", orders_by_tag(&rig).len());
    assert!(
        ends.iter().filter(|end| **end != Some(0)).count() >= 3,
        "{ends:?}"
    );
    recover(&rig, "with enough descriptors");
    exactly_once(&rig, NAMES, "too few descriptors");
}
