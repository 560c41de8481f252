//! Every example is run against the sandbox; every command that an example or the README shows is one that exists.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use certplan::cli::Cli;
use clap::Parser;
use serde_json::{Value, json};

use crate::rig::Rig;

/// The example folders that are manifests: what `-f` names, how many orders they place and how many
/// certificates they revoke.
const MANIFESTS: [Example; 7] = [
    Example::new("web-server", "certplan.yaml", 1, 0),
    Example::new("staff-mail", "certplan.yaml", 2, 0),
    Example::new("first-order", "certplan.yaml", 2, 0),
    Example::new("leaver", "certplan.yaml", 0, 1),
    Example::new("replace-then-revoke", "certplan.yaml", 1, 3),
    Example::new("both-cas", "certplan.yaml", 0, 4),
    Example::new("folder", ".", 2, 1),
];

/// The files of commands, and how many commands of certplan each has.
const COMMANDS: [(&str, usize); 6] = [
    ("ci/github-actions.yml", 5),
    ("ci/gitlab-ci.yml", 5),
    ("cron/crontab", 3),
    ("kubernetes/cronjob.yml", 1),
    ("systemd/certplan.service", 1),
    ("systemd/certplan.timer", 0),
];

/// Every file of the examples. What a user left beside them is not one.
const FILES: [&str; 28] = [
    "both-cas/certplan.yaml",
    "both-cas/seed.json",
    "ci/github-actions.yml",
    "ci/gitlab-ci.yml",
    "cron/crontab",
    "first-order/certplan.yaml",
    "first-order/csr/locke-cole.csr",
    "first-order/csr/www.csr",
    "first-order/seed.json",
    "folder/accounts.yaml",
    "folder/csr/api.csr",
    "folder/csr/celes-chere.csr",
    "folder/people.yaml",
    "folder/seed.json",
    "folder/servers.yml",
    "kubernetes/cronjob.yml",
    "leaver/certplan.yaml",
    "leaver/seed.json",
    "replace-then-revoke/certplan.yaml",
    "replace-then-revoke/csr/shop.csr",
    "replace-then-revoke/seed.json",
    "staff-mail/certplan.yaml",
    "staff-mail/seed.json",
    "systemd/certplan.service",
    "systemd/certplan.timer",
    "web-server/certplan.yaml",
    "web-server/reload-nginx.sh",
    "web-server/seed.json",
];

struct Example {
    folder: &'static str,
    file: &'static str,
    orders: usize,
    revoked: usize,
}

impl Example {
    const fn new(folder: &'static str, file: &'static str, orders: usize, revoked: usize) -> Self {
        Self {
            folder,
            file,
            orders,
            revoked,
        }
    }

    /// From nothing to an empty plan, the way the README tells it.
    fn play(&self) {
        let rig = Rig::new();
        copy(self.folder, rig.folder());
        let seed = std::fs::read(rig.path("seed.json")).expect("a seed.json");
        rig.tell("seed", serde_json::from_slice(&seed).expect("JSON"));
        let file = ["-f", self.file];
        let run = |args: &[&str], code: i32| rig.certplan(&[args, &file].concat()).expect(code);

        run(&["validate"], 0);
        let plan = run(&["plan", "--detailed-exitcode", "--format", "json"], 2).json();
        assert_eq!(plan["summary"]["order"], self.orders, "{plan:#}");
        assert_eq!(plan["warnings"], Value::Array(Vec::new()), "{plan:#}");

        let mut rounds = 0;
        while rig.apply_once(&file) != 0 {
            rounds += 1;
            assert!(rounds < 6, "it never ends");
        }
        let plan = run(&["plan", "--detailed-exitcode", "--format", "json"], 0).json();
        let actions = plan["actions"].as_array().expect("actions");
        assert!(
            actions.iter().all(|action| action["action"] == "keep"),
            "{plan:#}"
        );
        assert_eq!(rig.effects("order_created").len(), self.orders);
        let revoked = revoked_certificates(&rig);
        assert_eq!(revoked, self.revoked, "{:#}", rig.ask("ledger"));
        run(&["history", "--verify"], 0);
    }
}

impl Rig {
    /// Applies, and approves at the CA what the report says to wait for. The exit code.
    fn apply_once(&self, file: &[&str]) -> i32 {
        let report = ["--report", "json=report.json", "--detailed-exitcode"];
        let apply = ["apply", "--yes", "--wait", "2s"];
        let ended = self.certplan(&[&apply[..], &report, file].concat());
        let code = ended.code.expect("a code");
        assert!(code == 0 || code == 2, "{ended:?}");
        let report = std::fs::read(self.path("report.json")).expect("a report");
        let report: Value = serde_json::from_slice(&report).expect("JSON");
        for action in report["actions"].as_array().expect("actions") {
            let request = action["request_id"].as_str();
            if let Some(id) = request.filter(|_| action["outcome"] == "waiting") {
                let id: u64 = id.parse().expect("a number");
                self.tell("approve", json!({ "request_id": id }));
            }
        }
        code
    }
}

/// How many certificates the two CAs were made to revoke, by the sandbox's ledger.
fn revoked_certificates(rig: &Rig) -> usize {
    let ledger = rig.ask("ledger");
    let mut ids = BTreeSet::new();
    for entry in ledger.as_array().expect("a list") {
        let effect = entry["effect"].as_str().unwrap_or_default();
        if effect.ends_with("_revoked") || effect == "revocation_requested" {
            for id in entry["ids"]["certificate_ids"]
                .as_array()
                .into_iter()
                .flatten()
            {
                ids.insert(format!("{} {id}", entry["provider"]));
            }
        }
    }
    ids.len()
}

#[test]
fn web_server_reaches_an_empty_plan() {
    play("web-server");
}

#[test]
fn staff_mail_reaches_an_empty_plan() {
    play("staff-mail");
}

#[test]
fn first_order_reaches_an_empty_plan() {
    play("first-order");
}

#[test]
fn leaver_reaches_an_empty_plan() {
    play("leaver");
}

#[test]
fn replace_then_revoke_reaches_an_empty_plan() {
    play("replace-then-revoke");
}

#[test]
fn both_cas_reach_an_empty_plan() {
    play("both-cas");
}

#[test]
fn folder_reaches_an_empty_plan() {
    play("folder");
}

fn play(folder: &str) {
    let example = MANIFESTS.iter().find(|example| example.folder == folder);
    example.expect("an example of that name").play();
}

#[test]
fn no_example_is_without_a_test() {
    let this = include_str!("examples.rs");
    for example in &MANIFESTS {
        let call = format!("play(\"{}\");", example.folder);
        assert!(this.contains(&call), "no test plays {}", example.folder);
    }
    let mut found: Vec<String> = FILES
        .iter()
        .filter(|file| {
            let folder = file.split('/').next().expect("a folder");
            !MANIFESTS.iter().any(|example| example.folder == folder)
        })
        .map(|file| (*file).to_owned())
        .collect();
    found.sort();
    let known: Vec<String> = COMMANDS
        .iter()
        .map(|(file, _)| (*file).to_owned())
        .collect();
    assert_eq!(found, known);
}

#[test]
fn case_32_the_files_of_the_examples_are_those_that_git_tracks() {
    let listed = std::process::Command::new("git")
        .args(["ls-files", "--", "."])
        .current_dir(examples())
        .output();
    // Outside of a checkout the list stands for itself.
    let tracked = match listed {
        Ok(listed) if listed.status.success() && !listed.stdout.is_empty() => {
            String::from_utf8(listed.stdout).expect("text")
        }
        _ => FILES.join("\n"),
    };
    let mut tracked: Vec<&str> = tracked.lines().collect();
    tracked.sort_unstable();
    let mut known = FILES.to_vec();
    known.sort_unstable();
    assert_eq!(known, tracked);
}

#[test]
fn no_example_holds_a_private_key() {
    for file in FILES {
        let text = std::fs::read_to_string(examples().join(file)).expect("text");
        assert!(!text.contains("PRIVATE KEY"), "{file}");
    }
}

#[test]
fn every_example_names_its_schema() {
    for example in &MANIFESTS {
        for file in own_files(example.folder) {
            if !file.ends_with(".yaml") && !file.ends_with(".yml") {
                continue;
            }
            let path = examples().join(example.folder).join(file);
            let text = std::fs::read_to_string(&path).expect("text");
            let schema = text
                .strip_prefix("# yaml-language-server: $schema=")
                .and_then(|rest| rest.lines().next())
                .unwrap_or_else(|| panic!("{file} has no schema line"));
            let schema = path.parent().expect("a parent").join(schema);
            assert!(schema.is_file(), "{} is no file", schema.display());
        }
    }
}

#[test]
fn every_command_in_the_ci_cron_and_systemd_files_exists() {
    for (file, count) in COMMANDS {
        let text = std::fs::read_to_string(examples().join(file)).expect(file);
        let lines = if file.ends_with(".yml") {
            let document: Value = serde_yaml::from_str(&text).expect(file);
            let mut lines = Vec::new();
            strings(&document, &mut lines);
            lines
        } else {
            text.lines().map(str::to_owned).collect()
        };
        let commands: Vec<Vec<String>> = lines.iter().flat_map(|line| commands(line)).collect();
        assert_eq!(commands.len(), count, "{file}: {commands:?}");
        for command in &commands {
            parses(file, command);
        }
    }
}

#[test]
fn a_plan_of_a_view_only_key_is_applied_with_the_other_one_as_in_the_ci_files() {
    let mut rig = Rig::new();
    copy("first-order", rig.folder());
    let orders_key = certplan::sandbox::Options::default().certcentral_key;
    let view_key = certplan::sandbox::Options::default().certcentral_view_key;
    rig.set("DIGICERT_API_KEY", &view_key);
    rig.certplan(&["plan", "--out", "plan.json"]).expect(0);
    assert_eq!(rig.changes().len(), 0);
    rig.set("DIGICERT_API_KEY", &orders_key);
    rig.certplan(&["apply", "plan.json", "--lock-timeout", "5m"])
        .expect(0);
    assert_eq!(rig.effects("order_created").len(), 2);
}

#[test]
fn the_program_of_the_web_server_reloads_nginx_once_its_files_are_there() {
    let mut rig = Rig::new();
    copy("web-server", rig.folder());
    rig.tell("options", json!({ "approval": "automatic" }));
    let path = std::env::var("PATH").unwrap_or_default();
    rig.set("PATH", &format!("{}:{path}", rig.path("bin").display()));
    let nginx = |test: &str| {
        rig.write(
            "bin/nginx",
            format!("#!/bin/sh\necho \"$@\" >> \"$HOME/nginx.log\"\n[ \"$1\" != -t ] || {test}\n"),
        );
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(rig.path("bin/nginx"), mode).expect("its owner");
    };
    let log = || std::fs::read_to_string(rig.home().join("nginx.log")).unwrap_or_default();
    let program = rig.path("reload-nginx.sh").display().to_string();
    let apply = [
        "apply",
        "--yes",
        "--wait",
        "20s",
        "--on-collected",
        &program,
    ];

    nginx("exit 1");
    let failed = rig.certplan(&apply).expect(1);
    assert!(
        failed
            .stdout
            .contains("the program of --on-collected failed"),
        "{}",
        failed.stdout
    );
    assert_eq!(
        log(),
        "-t -q\n",
        "a configuration that is not taken is not loaded"
    );
    nginx("exit 0");
    let done = rig.certplan(&apply).expect(0);
    assert!(
        done.stderr
            .contains("nginx reloaded for orders.www, certificate "),
        "{}",
        done.stderr
    );
    assert_eq!(log(), "-t -q\n-t -q\n-s reload\n");
    rig.certplan(&apply).expect(0);
    assert_eq!(log().lines().count(), 3, "nothing to do");
    let live = rig.path(".certplan/files/live/www");
    for file in ["privkey.pem", "fullchain.pem", "chain.pem"] {
        assert!(live.join(file).is_file(), "{file}");
    }
}

#[test]
fn the_staff_gets_one_file_and_a_passphrase_each() {
    let rig = Rig::new();
    copy("staff-mail", rig.folder());
    rig.tell("options", json!({ "approval": "automatic" }));
    rig.certplan(&["apply", "--yes", "--wait", "20s"]).expect(0);
    let mut passphrases = BTreeSet::new();
    for name in ["locke-cole", "terra-branford"] {
        let live = rig.path(&format!(".certplan/files/live/{name}"));
        assert!(
            std::fs::metadata(live.join("cert.p12"))
                .expect("a p12")
                .len()
                > 500
        );
        let passphrase = std::fs::read_to_string(live.join("p12.pass")).expect("a passphrase");
        assert_eq!(passphrase.trim_end().len(), 24, "{name}");
        passphrases.insert(passphrase);
    }
    assert_eq!(passphrases.len(), 2);
}

#[test]
fn the_demo_ends_well_and_leaves_nothing_behind() {
    let mut rig = Rig::new();
    let temporary = rig.path("tmp");
    std::fs::create_dir(&temporary).expect("a folder");
    rig.set("TMPDIR", temporary.to_str().expect("a path"));
    let ended = rig.certplan(&["demo"]).expect(0);
    let last = "Plan: 0 to order, 0 to renew, 0 to reissue, 0 to revoke, 0 to adopt, 0 to settle, 0 to collect, 0 waiting, 2 unchanged.";
    assert!(ended.stdout.contains(last), "{}", ended.stdout);
    let files = "\nfullchain.pem  privkey.pem\n";
    assert!(ended.stdout.contains(files), "{}", ended.stdout);
    let lines = ended.stdout.lines().count() + ended.stderr.lines().count();
    assert!(
        lines <= 70,
        "{lines} lines\n{}{}",
        ended.stdout,
        ended.stderr
    );
    let left = std::fs::read_dir(&temporary).expect("the folder").count();
    assert_eq!(left, 0, "the demo leaves files behind");
    assert_eq!(rig.changes().len(), 0, "the demo spoke to another sandbox");
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// The example's own files, whatever else lies beside them.
pub(crate) fn copy(example: &str, to: &Path) {
    for file in own_files(example) {
        let target = to.join(file);
        std::fs::create_dir_all(target.parent().expect("a parent")).expect("a folder");
        std::fs::copy(examples().join(example).join(file), &target).expect("a copy");
    }
}

fn own_files(example: &str) -> impl Iterator<Item = &'static str> {
    FILES.iter().filter_map(move |file| {
        let (folder, rest) = file.split_once('/')?;
        (folder == example).then_some(rest)
    })
}

/// Every text in a document.
fn strings(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.extend(text.lines().map(str::to_owned)),
        Value::Array(list) => list.iter().for_each(|one| strings(one, found)),
        Value::Object(map) => map.values().for_each(|one| strings(one, found)),
        _ => {}
    }
}

/// The commands of certplan in a line of a shell, a crontab or a unit file: their words.
pub(crate) fn commands(line: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut current: Option<Vec<String>> = None;
    let line = line.trim_start().trim_start_matches("ExecStart=");
    if line.starts_with('#') {
        return found;
    }
    let mut words = words(line).into_iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "&&" | "||" | "|" | ";" | "&" => found.extend(current.take()),
            // A redirection and its target.
            ">" | ">>" | "<" | "2>" => {
                words.next();
            }
            _ => match &mut current {
                Some(command) => command.push(word),
                None if word == "certplan" || word.ends_with("/certplan") => {
                    current = Some(vec![word]);
                }
                None => {}
            },
        }
    }
    found.extend(current);
    found
}

/// Words by blanks, quotes taken off. A variable is as good as its name.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ' | '\t') => words.extend(word.take()),
            (None, '#') if word.is_none() => break,
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Holds a command line against the parser of the real binary.
#[track_caller]
pub(crate) fn parses(place: &str, command: &[String]) {
    let words = command.iter().map(|word| match word.as_str() {
        "$PLAN_ID" => "sha256:0000000000000000000000000000000000000000000000000000000000000000",
        other => other,
    });
    if let Err(error) = Cli::try_parse_from(words) {
        use clap::error::ErrorKind::{DisplayHelp, DisplayVersion};
        assert!(
            matches!(error.kind(), DisplayHelp | DisplayVersion),
            "{place}: {command:?}\n{error}"
        );
    }
}
