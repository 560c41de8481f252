//! Power cuts: the journal as the disk has it at a moment of a running `apply`, and nothing of what the
//! process or the kernel still held.
//!
//! `CERTPLAN_CUTS=500` makes it longer (24 cuts of each kind without it); `CERTPLAN_SEED` repeats it.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use super::random::{Draws, number};
use super::tracing::signal;
use super::truth::{exactly_once, header, known, manifest, recover};
use crate::rig::Rig;

const NAMES: usize = 80;
const CUTS_OF_ONE: u64 = 8;
const DOUBT: &str = "{ quiet_period: 1s, then: resend }";

/// A batch whose orders take a while each, so that a cut comes between them.
fn batch() -> Rig {
    let rig = Rig::new();
    let names: Vec<String> = (0..NAMES).map(|number| format!("n{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    manifest(&rig, &header(2, DOUBT), &names, "");
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "delay", "ms": 10 }]));
    rig
}

/// Runs `apply` for a while, stops it, lets `save` keep what the disk has, and kills it. Returns the order
/// ids that the user had seen by then; `None` when the run ended first.
fn cut(rig: &Rig, draws: &mut Draws, save: impl FnOnce()) -> Option<BTreeSet<String>> {
    let mut child = rig
        .command(&["apply", "--yes"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut stderr = child.stderr.take().expect("a pipe");
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let listener = std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(read @ 1..) = stderr.read(&mut bytes) {
            heard.lock().expect("a lock").extend(&bytes[..read]);
        }
    });
    if draws.below(4) > 0 {
        // Otherwise the start of a run would be cut more often than what comes after it.
        while told.lock().expect("a lock").is_empty() {
            if child.try_wait().expect("a child").is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    std::thread::sleep(Duration::from_millis(draws.below(250)));
    let ended = child.try_wait().expect("a child").is_some();
    if !ended {
        signal(child.id(), "STOP");
        // What was told before it stopped is read, and what was on its way to the disk is there.
        std::thread::sleep(Duration::from_millis(30));
    }
    let shown = String::from_utf8_lossy(&told.lock().expect("a lock")).into_owned();
    save();
    // A run that has ended cannot be killed any more.
    let _ = child.kill();
    child.wait().expect("an end");
    listener.join().expect("a listener");
    (!ended).then(|| ids(&shown))
}

/// The ids in lines like `[1/4] order orders.ada: waiting (order 70000001, ...)`.
fn ids(shown: &str) -> BTreeSet<String> {
    let mut words = shown.split(|letter: char| !letter.is_ascii_alphanumeric());
    let mut ids = BTreeSet::new();
    while let Some(word) = words.next() {
        if word == "order"
            && let Some(id) = words.next()
            && id.len() == 8
            && id.bytes().all(|byte| byte.is_ascii_digit())
        {
            ids.insert(id.to_owned());
        }
    }
    ids
}

fn bound(rig: &Rig) -> BTreeSet<String> {
    known(rig).into_values().collect()
}

/// How much the cuts of a test met.
#[derive(Debug, Default)]
struct Met {
    cuts: u64,
    shown: usize,
}

/// Cuts runs of batch after batch; `strike` does one cut and says what the user had seen, and whether the
/// journal must hold all of it right away.
fn each_cut(
    seed: u64,
    cuts: u64,
    mut start: impl FnMut(&mut Rig),
    mut strike: impl FnMut(&Rig, &mut Draws) -> Option<(BTreeSet<String>, Durable)>,
) -> Met {
    let mut draws = Draws(seed);
    let mut met = Met::default();
    while met.cuts < cuts {
        let mut rig = batch();
        start(&mut rig);
        let mut seen = BTreeSet::new();
        for _ in 0..CUTS_OF_ONE {
            let Some((shown, durable)) = strike(&rig, &mut draws) else {
                break;
            };
            met.cuts += 1;
            met.shown += shown.len();
            if durable == Durable::Yes {
                let lost: Vec<_> = shown.difference(&bound(&rig)).cloned().collect();
                assert!(
                    lost.is_empty(),
                    "CERTPLAN_SEED={seed}: shown and lost: {lost:?}"
                );
            }
            seen.extend(shown);
        }
        rig.faults(json!([]));
        let what = format!("CERTPLAN_SEED={seed}");
        recover(&rig, &what);
        exactly_once(&rig, NAMES, &what);
        let lost: Vec<_> = seen.difference(&bound(&rig)).cloned().collect();
        assert!(lost.is_empty(), "{what}: never found again: {lost:?}");
    }
    println!("CERTPLAN_SEED={seed}: {met:?}");
    assert!(met.shown > 0, "no cut came after an order was shown");
    met
}

/// Whether what was flushed is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durable {
    Yes,
    /// The disk lied, or tore its last sector.
    No,
}

/// A file system of its own in a file. What the kernel has not written to it is not in a copy of the file.
struct Disk {
    folder: TempDir,
    image: PathBuf,
    copies: u32,
}

fn ran(program: &str, args: &[&str]) -> bool {
    let output = Command::new(program).args(args).output();
    output.is_ok_and(|output| output.status.success())
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

impl Disk {
    /// `None` where this user may not mount, or there are no loop devices.
    fn new() -> Option<Self> {
        let folder = TempDir::new().expect("a folder");
        let image = folder.path().join("image-0");
        std::fs::create_dir(folder.path().join("mounted")).expect("a folder");
        let file = std::fs::File::create(&image).expect("a file");
        // Sparse: the journal wants 64 MiB free.
        file.set_len(160 << 20).expect("a length");
        let disk = Self {
            folder,
            image,
            copies: 0,
        };
        let there = ran("mkfs.ext4", &["-q", "-F", text(&disk.image)]) && disk.mount();
        there.then_some(disk)
    }

    fn mounted(&self) -> PathBuf {
        self.folder.path().join("mounted")
    }

    fn mount(&self) -> bool {
        let at = self.mounted();
        ran("mount", &["-o", "loop", text(&self.image), text(&at)])
    }

    /// Keeps the image as it is now, for `come_back`.
    fn keep(&mut self) {
        self.copies += 1;
        let copy = self.folder.path().join(format!("image-{}", self.copies));
        let args = ["--sparse=always", text(&self.image), text(&copy)];
        assert!(ran("cp", &args), "cp {args:?}");
    }

    /// Takes the file system away and mounts the copy, as after a restart.
    fn come_back(&mut self) {
        assert!(ran("umount", &[text(&self.mounted())]), "umount");
        std::fs::remove_file(&self.image).expect("the image");
        self.image = self.folder.path().join(format!("image-{}", self.copies));
        assert!(self.mount(), "mount");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = ran("umount", &["-l", text(&self.mounted())]);
    }
}

#[test]
fn row_14_after_a_power_cut_the_journal_holds_every_order_that_was_shown() {
    let Some(disk) = Disk::new() else {
        println!("not shown here: mounting a file system in a file needs root and loop devices");
        return;
    };
    drop(disk);
    let disk = std::cell::RefCell::new(None);
    let met = each_cut(
        number("CERTPLAN_SEED", 20_261_122),
        number("CERTPLAN_CUTS", 24),
        |rig| {
            // The one before is taken away first.
            *disk.borrow_mut() = None;
            let fresh = Disk::new().expect("a disk");
            rig.set("CERTPLAN_STATE", text(&fresh.mounted().join("state.db")));
            *disk.borrow_mut() = Some(fresh);
        },
        |rig, draws| {
            let mut disk = disk.borrow_mut();
            let disk = disk.as_mut().expect("a disk");
            let shown = cut(rig, draws, || disk.keep());
            disk.come_back();
            Some((shown?, Durable::Yes))
        },
    );
    assert!(met.cuts >= 24, "{met:?}");
}

#[test]
fn row_15_a_disk_that_loses_or_tears_the_end_of_the_log_leads_to_nothing_twice() {
    const FILES: [&str; 3] = ["state.db", "state.db-wal", "state.db-shm"];
    let kept = TempDir::new().expect("a folder");
    let met = each_cut(
        number("CERTPLAN_SEED", 20_261_122),
        number("CERTPLAN_CUTS", 24),
        |_| {},
        |rig, draws| {
            let folder = rig.path(".certplan");
            let shown = cut(rig, draws, || {
                for file in FILES {
                    let _ = std::fs::remove_file(kept.path().join(file));
                    let _ = std::fs::copy(folder.join(file), kept.path().join(file));
                }
            })?;
            for file in FILES {
                let _ = std::fs::remove_file(folder.join(file));
                let _ = std::fs::copy(kept.path().join(file), folder.join(file));
            }
            let log = folder.join("state.db-wal");
            let Ok(mut bytes) = std::fs::read(&log) else {
                return Some((shown, Durable::Yes));
            };
            let length = bytes.len();
            let durable = match draws.below(4) {
                0 => Durable::Yes,
                // A suffix is gone, at any byte.
                1 => {
                    let gone = draws.below(u64::try_from(length + 1).expect("a length"));
                    bytes.truncate(length - usize::try_from(gone).expect("a length"));
                    Durable::No
                }
                // The last sector was not written, or half of it.
                form => {
                    let torn = if form == 2 { 512 } else { 256 };
                    bytes[length.saturating_sub(torn)..].fill(0);
                    Durable::No
                }
            };
            std::fs::write(&log, bytes).expect("a log");
            if draws.below(2) == 0 {
                let _ = std::fs::remove_file(folder.join("state.db-shm"));
            }
            Some((shown, durable))
        },
    );
    assert!(met.cuts >= 24, "{met:?}");
}
