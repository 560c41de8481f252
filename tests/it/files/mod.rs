//! Private keys and certificates as files: made, collected, watched and handed to programs. The real binary
//! works against the sandbox, and openssl reads what it made.

mod disk;
mod drift;
mod faults;
mod full;
mod gone;
mod killed;
mod lost;
mod manifests;
mod moved;
mod nginx;
mod orders;
mod places;
mod programs;
mod runs;
mod secrets;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::rig::{Ended, Rig, action};

/// The address of the one order.
const WWW: &str = "orders.www";

/// A rig whose one order has a key and files, with what was seen of the private keys after each run.
struct Desk {
    rig: Rig,
    /// Where keys and certificates are.
    files: PathBuf,
    /// Each private key file that was seen.
    seen: RefCell<BTreeMap<PathBuf, Vec<u8>>>,
}

/// The entry of `www`: what its key and its files say.
fn www(key: &str, files: &str) -> String {
    named("www", &["www.example.com", "example.com"], key, files)
}

/// An entry for these names. Without text for the files it has none.
fn named(name: &str, names: &[&str], key: &str, files: &str) -> String {
    let files = match files {
        "" => String::new(),
        files => format!("files: {{ {files} }}, "),
    };
    format!(
        "  {name}: {{ product: ssl_multi_domain, {files}order_validity: {{ years: 1 }}, certificate: {{ \
         common_name: \"{}\", dns_names: [{}], signature_hash: sha256, server_platform: {{ id: 2 }}, {key} }} }}\n",
        names[0],
        names.join(", ")
    )
}

const P256: &str = "key: { generate: p-256 }";
const FULL: &str = "kinds: [cert, chain, fullchain]";

impl Desk {
    /// A sandbox that approves at once and whose certificates are downloaded, and a manifest with `www`.
    fn new(key: &str, files: &str) -> Self {
        let rig = Rig::new();
        let habits = json!({ "certificate_chain": "missing" });
        rig.tell(
            "options",
            json!({ "approval": "automatic", "habits": habits }),
        );
        rig.manifest(&format!("orders:\n{}", www(key, files)));
        let files = rig.path(".certplan/files");
        Self {
            rig,
            files,
            seen: RefCell::default(),
        }
    }

    /// A usual one, of which everything is done.
    #[track_caller]
    fn collected() -> Self {
        let desk = Self::new(P256, FULL);
        desk.apply(&[], 0);
        desk
    }

    /// Says something else of `www`.
    fn rewrite(&self, key: &str, files: &str) {
        self.rig.manifest(&format!("orders:\n{}", www(key, files)));
    }

    /// Runs a command, and looks after the keys.
    #[track_caller]
    fn run(&self, args: &[&str]) -> Ended {
        let ended = self.rig.certplan(args);
        self.look_after_keys();
        ended
    }

    /// `apply --yes` with its report.
    #[track_caller]
    fn apply(&self, more: &[&str], code: i32) -> Value {
        let report = self.rig.apply(more, code);
        self.look_after_keys();
        report
    }

    /// What is to be done about `www`.
    #[track_caller]
    fn planned(&self) -> Value {
        let ended = self.run(&["plan", "--format", "json"]).expect(0);
        action(&ended.json(), WWW).clone()
    }

    /// The word of the action, and why.
    #[track_caller]
    fn word(&self) -> (String, String) {
        let planned = self.planned();
        let text = |member: &str| planned[member].as_str().unwrap_or_default().to_owned();
        (text("action"), text("reason_code"))
    }

    /// Fails unless there is nothing to do.
    #[track_caller]
    fn is_settled(&self) {
        assert_eq!(self.word().0, "keep");
        self.run(&["plan", "--detailed-exitcode"]).expect(0);
    }

    /// Fails unless files are to be made again, for this reason.
    #[track_caller]
    fn is_to_collect(&self, reason: &str) {
        assert_eq!(self.word(), ("collect".to_owned(), reason.to_owned()));
        self.run(&["plan", "--detailed-exitcode"]).expect(2);
    }

    /// A file that services read.
    fn live(&self, file: &str) -> PathBuf {
        self.files.join("live/www").join(file)
    }

    /// The folder that `live/www` names.
    #[track_caller]
    fn version(&self) -> PathBuf {
        let target = fs::read_link(self.files.join("live/www")).expect("a link");
        let target = target.to_str().expect("text").to_owned();
        let below = target.strip_prefix("../").expect("a link to the archive");
        self.files.join(below)
    }

    #[track_caller]
    fn read(&self, file: &str) -> Vec<u8> {
        fs::read(self.live(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    /// Orders that were bought, and reissues, by the CA's own book.
    fn bought(&self) -> (usize, usize) {
        let changes = self.rig.changes();
        let count = |what: &dyn Fn(&str) -> bool| {
            let paths = changes.iter().filter_map(|entry| entry["path"].as_str());
            paths.filter(|path| what(path)).count()
        };
        let reissues = count(&|path| path.ends_with("/reissue"));
        let orders = count(&|path| path.contains("/order/certificate/ssl_"));
        (orders, reissues)
    }

    /// How often a certificate was downloaded.
    fn downloads(&self) -> usize {
        let ledger = self.rig.ask("ledger");
        let entries = ledger.as_array().expect("a list").iter();
        let paths = entries.filter_map(|entry| entry["path"].as_str());
        paths.filter(|path| path.contains("/download/")).count()
    }

    /// The names in one of the folder's folders.
    fn names(&self, folder: &str) -> Vec<String> {
        names(&self.files.join(folder))
    }

    /// What a person removed is not missed.
    fn forget(&self) {
        self.seen.borrow_mut().clear();
    }

    /// No private key changes its bytes, and none goes away but a pending one that is in a version now.
    #[track_caller]
    fn look_after_keys(&self) {
        let mut now = BTreeMap::new();
        private_keys(&self.files, &mut now);
        for (path, bytes) in self.seen.borrow().iter() {
            if now.get(path) == Some(bytes) {
                continue;
            }
            let place = |path: &Path| path.strip_prefix(&self.files).expect("below").to_owned();
            let moved = now.iter().any(|(other, found)| {
                let is_version = place(other).starts_with("archive");
                let is_changed = other.to_string_lossy().contains(".changed-");
                found == bytes && is_version && (is_changed || place(path).starts_with("pending"))
            });
            assert!(moved, "the key {} is gone or was changed", path.display());
            assert!(
                !(now.contains_key(path) && place(path).starts_with("pending")),
                "the pending key {} was overwritten",
                path.display()
            );
        }
        self.seen.borrow_mut().extend(now);
        let (files, mut there) = (self.files.clone(), BTreeMap::new());
        private_keys(&files, &mut there);
        self.seen
            .borrow_mut()
            .retain(|path, _| there.contains_key(path));
    }

    /// openssl opens the certificate that services read with the key beside it, and follows its chain.
    #[track_caller]
    fn opens(&self) {
        let of_key = openssl(&["pkey", "-pubout", "-in"], &self.live("privkey.pem"));
        for file in ["cert.pem", "fullchain.pem"] {
            if self.live(file).exists() {
                let args = ["x509", "-noout", "-pubkey", "-in"];
                assert_eq!(openssl(&args, &self.live(file)), of_key, "{file}");
            }
        }
    }
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.to_str().expect("text").to_owned())
        .collect();
    names.sort();
    names
}

fn private_keys(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for name in names(folder) {
        let path = folder.join(&name);
        let is = fs::symlink_metadata(&path).expect("an entry");
        // What a killed run left half done is nobody's key yet.
        if name.starts_with(".new-") {
            continue;
        }
        if is.is_dir() {
            private_keys(&path, found);
        } else if is.is_file() && (name == "privkey.pem" || name.ends_with(".key")) {
            found.insert(path.clone(), fs::read(&path).expect("a key"));
        }
    }
}

/// What openssl prints about a file.
#[track_caller]
fn openssl(args: &[&str], file: &Path) -> String {
    let output = Command::new("openssl").args(args).arg(file).output();
    let output = output.expect("openssl runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn mode(path: &Path) -> u32 {
    let found = fs::symlink_metadata(path);
    let found = found.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    found.permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

/// The outcome of `www` in a report.
fn outcome(report: &Value) -> String {
    action(report, WWW)["outcome"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}
