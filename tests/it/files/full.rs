//! A disk that is full at each of the points where something is written: nothing is switched half way.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::{Desk, P256, names};
use crate::rig::Ended;

const ALL: &str = "kinds: [cert, chain, fullchain, combined, p12]";

/// Runs `apply` with its folder on a disk of so many KiB that holds what `from` holds; what the disk holds
/// afterwards is put into the second folder. `None` where this user cannot mount one.
fn on_a_small_disk(desk: &Desk, kib: u32, from: &Path, to: &Path) -> Option<Ended> {
    fs::create_dir_all(desk.rig.path("disk")).expect("a mount point");
    let script = format!(
        "mount -t tmpfs -o size={kib}k,mode=700 none '{disk}' || exit 99
         cp -a '{from}/.' '{disk}/' || exit 98
         \"$0\" \"$@\"; code=$?
         rm -rf '{to}'; mkdir -m 700 '{to}' && cp -a '{disk}/.' '{to}/' || exit 97
         exit $code",
        disk = desk.rig.path("disk").display(),
        from = from.display(),
        to = to.display(),
    );
    let disk = desk.rig.path("disk");
    let args = [
        "apply",
        "--yes",
        "--files-dir",
        disk.to_str().expect("text"),
    ];
    let mut command = desk
        .rig
        .command_under("unshare", &["-m", "sh", "-c", &script], &args);
    let ended = Ended::new(command.output().expect("unshare runs"));
    (ended.code != Some(99)).then_some(ended)
}

fn can_mount() -> bool {
    let script = "mount -t tmpfs -o size=16k none /mnt";
    let tried = Command::new("unshare")
        .args(["-m", "sh", "-c", script])
        .output();
    tried.is_ok_and(|output| output.status.success())
}

#[test]
fn a_disk_that_fills_up_at_any_point_of_a_collection_leaves_live_as_it_was() {
    if !can_mount() {
        return;
    }
    let desk = Desk::new(P256, ALL);
    desk.rig.tell("options", json!({ "approval": "required" }));
    desk.apply(&[], 0);
    let key = desk.names("pending/www").remove(0);
    let key = fs::read(desk.files.join("pending/www").join(key)).expect("a key");
    desk.rig.approve_all();
    let after = desk.rig.path("after");
    let (mut full, mut is_done) = (0, false);
    for kib in (12..=80).step_by(4) {
        let ended = on_a_small_disk(&desk, kib, &desk.files, &after).expect("a disk");
        let said = format!("{}{}", ended.stdout, ended.stderr);
        let kept = names(&after.join("archive/www"));
        if ended.code == Some(0) {
            is_done = true;
            break;
        }
        assert_eq!(ended.code, Some(1), "{kib}: {said}");
        let flat = said.replace(['\n', '│'], " ");
        assert!(flat.contains("no room"), "{kib}: {said}");
        assert!(flat.contains("df "), "{kib}: {said}");
        assert!(!after.join("live/www").exists(), "{kib}");
        assert!(
            kept.iter().all(|name| name.starts_with(".new-")),
            "{kib}: {kept:?}"
        );
        let pending = names(&after.join("pending/www")).remove(0);
        let there = fs::read(after.join("pending/www").join(pending)).expect("a key");
        assert_eq!(there, key, "{kib}");
        full += 1;
    }
    assert!(is_done && full > 3, "{full}");
    let opened = fs::canonicalize(after.join("live/www/privkey.pem")).expect("a key");
    assert_eq!(fs::read(opened).expect("a key"), key);
    assert_eq!(desk.bought(), (1, 0));
}

#[test]
fn a_disk_without_room_for_a_key_buys_nothing() {
    if !can_mount() {
        return;
    }
    let desk = Desk::new(P256, ALL);
    let (empty, after) = (desk.rig.path("empty"), desk.rig.path("after"));
    fs::create_dir(&empty).expect("a folder");
    let mut full = 0;
    for kib in [4, 8, 12] {
        let ended = on_a_small_disk(&desk, kib, &empty, &after).expect("a disk");
        let said = format!("{}{}", ended.stdout, ended.stderr);
        if desk.bought().0 > 0 {
            break;
        }
        assert_eq!(ended.code, Some(1), "{kib}: {said}");
        let flat = said.replace(['\n', '│'], " ");
        assert!(
            flat.contains("no room") && flat.contains("df "),
            "{kib}: {said}"
        );
        assert_eq!(names(&after.join("pending/www")), [""; 0], "{kib}");
        full += 1;
        // Another disk, another folder: what the journal knows of the first one goes with it.
        fs::remove_dir_all(desk.rig.path(".certplan")).expect("removed");
    }
    assert!(full > 0);
}
