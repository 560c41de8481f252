//! certplan as a user without rights: other processes of that user cannot look into it, and a state that it
//! may only read is refused before anything is sent.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::process::{Command, Stdio};

use serde_json::json;

use crate::rig::Rig;

/// The user `nobody` of most systems.
const NOBODY: u32 = 65_534;

/// A command as `nobody` where this is root's process, else as whoever this is; the folder is theirs.
fn without_rights(rig: &Rig, args: &[&str]) -> Command {
    let plain = rig.command(args);
    let mut command = if rustix::process::geteuid().is_root() {
        // The build's own folder may be closed to others.
        let copy = rig.path("certplan");
        if !copy.exists() {
            fs::copy(plain.get_program(), &copy).expect("a copy");
        }
        let mut command = Command::new("setpriv");
        let user = NOBODY.to_string();
        command.args(["--reuid", &user, "--regid", &user, "--clear-groups"]);
        command.arg(copy);
        command
    } else {
        Command::new(plain.get_program())
    };
    command
        .args(plain.get_args())
        .current_dir(rig.folder())
        .env_clear()
        .stdin(Stdio::null());
    for (name, value) in plain.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command
}

/// Gives everything in the folder to `nobody`; certplan trusts no files of strangers.
fn give_away(rig: &Rig) {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let mut folders = vec![rig.folder().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                chown(&path, Some(NOBODY), Some(NOBODY)).expect("a new owner");
            }
        }
        chown(&folder, Some(NOBODY), Some(NOBODY)).expect("a new owner");
    }
}

#[test]
fn row_115_other_processes_of_the_user_cannot_read_the_memory() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    give_away(&rig);
    rig.faults(
        json!([{ "match": { "method": "POST" }, "fault": "delay", "ms": 3000, "times": 1 }]),
    );
    let mut child = without_rights(&rig, &["apply", "--yes"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    rig.until("the order", || !rig.effects("order_created").is_empty());
    let process = format!("/proc/{}", child.id());
    let status = fs::read_to_string(format!("{process}/status")).expect("a status");
    let user = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    let user = user.and_then(|ids| ids.split_whitespace().next());
    if rustix::process::geteuid().is_root() {
        assert_eq!(user, Some("65534"), "{status}");
    }
    // Of a process that cannot be dumped these belong to root (proc(5)): nobody else opens them.
    for file in ["environ", "mem", "maps"] {
        let owner = fs::metadata(format!("{process}/{file}"))
            .expect("a file")
            .uid();
        assert_eq!(owner, 0, "{file}");
    }
    assert_eq!(child.wait().expect("an end").code(), Some(0));
}

#[test]
fn row_78_a_state_that_may_only_be_read_is_refused_before_anything_is_sent() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    rig.apply(&[], 0);
    rig.orders(&["ada", "bob"], "");
    give_away(&rig);
    let folder = rig.path(".certplan");
    let modes = |folder_mode: u32, file_mode: u32| {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            fs::set_permissions(path, Permissions::from_mode(file_mode)).expect("a mode");
        }
        fs::set_permissions(&folder, Permissions::from_mode(folder_mode)).expect("a mode");
    };
    let before = rig.changes().len();
    for (folder_mode, file_mode) in [
        (0o500, 0o400),
        (0o700, 0o400),
        (0o500, 0o600),
        (0o000, 0o600),
    ] {
        modes(folder_mode, file_mode);
        let output = without_rights(&rig, &["apply", "--yes"])
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{folder_mode:o} {file_mode:o}: {said}"
        );
        assert!(said.contains(".certplan"), "{said}");
        assert_eq!(rig.changes().len(), before, "{folder_mode:o} {file_mode:o}");
    }
    modes(0o700, 0o600);
    let output = without_rights(&rig, &["apply", "--yes"])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(rig.changes().len(), before + 1);
}
