//! A long story with random keys, all logs on; afterwards no key is anywhere.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use certplan::sandbox::{Options, RateLimits};
use serde_json::json;
use tempfile::TempDir;

use super::canary::Canary;
use super::parrot::{Heard, Parrot};
use crate::rig::{ACCOUNTS, Ended, Rig, csr};

/// A rig whose three keys are canaries, with every log on.
pub(super) struct Aviary {
    pub(super) rig: Rig,
    pub(super) keys: [Canary; 3],
}

impl Aviary {
    pub(super) fn new() -> Self {
        let keys = [Canary::new(), Canary::new(), Canary::new()];
        let [first, second, third] = &keys;
        let mut rig = Rig::with(Options {
            rate_limits: RateLimits::Off,
            ncloud_revoke_delay: Duration::from_millis(100),
            certcentral_key: first.key().to_owned(),
            ncloud_access_key: second.key().to_owned(),
            ncloud_secret_key: third.key().to_owned(),
            ..Options::default()
        });
        rig.set("RUST_LOG", "trace");
        rig.set("RUST_BACKTRACE", "full");
        Self { rig, keys }
    }

    /// Runs a command with every log on; no key may be told.
    #[track_caller]
    pub(super) fn run(&self, args: &[&str]) -> Ended {
        let mut all = vec!["-vvv", "--log-format", "json"];
        all.extend(args);
        let ended = self.rig.certplan(&all);
        for key in &self.keys {
            key.not_told(&ended, &args.join(" "));
        }
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
        ended
    }

    /// No file below the folder or the home holds a key.
    #[track_caller]
    fn nothing_is_kept(&self) {
        for key in &self.keys {
            assert!(key.not_kept(self.rig.folder()) > 2);
            assert!(key.not_kept(self.rig.home()) > 0);
        }
    }
}

#[test]
fn no_key_is_in_any_output_or_file() {
    let aviary = Aviary::new();
    let rig = &aviary.rig;
    let seeded =
        rig.seed(json!({ "certcentral": 2, "ncloud_orders": 1, "ncloud_order_ids": ["1"] }));
    rig.orders(
        &["ada", "bob"],
        &format!(
            "revocations:\n  gone: {{ order_id: {}, scope: order, reason: superseded, comments: x }}\n  shop: {{ account: navercloud, order_id: '1', scope: order, reason: superseded }}\n",
            seeded[0]
        ),
    );
    aviary.run(&["validate"]).expect(0);
    aviary.run(&["validate", "--format", "json"]).expect(0);
    aviary.run(&["doctor"]).expect(0);
    for format in ["text", "json", "markdown"] {
        aviary.run(&["plan", "--format", format]).expect(0);
    }
    aviary.run(&["plan", "--out", "plan.json"]).expect(0);
    aviary
        .run(&[
            "apply",
            "plan.json",
            "--report",
            "json=r.json",
            "--report",
            "markdown=r.md",
        ])
        .expect(0);
    aviary.run(&["plan", "--offline"]).expect(0);
    for args in [
        &["status"][..],
        &["status", "--format", "json"],
        &["history"],
        &["history", "--format", "json"],
        &["history", "--verify"],
        &["import", "--all", "--account", "digicert"],
    ] {
        aviary.run(args).expect(0);
    }
    aviary.nothing_is_kept();

    // The ways that go wrong.
    rig.write("cleo.csr", csr("cleo"));
    rig.orders(&["ada", "bob", "cleo"], "");
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "cut_before", "times": 1 }]));
    aviary
        .run(&[
            "apply",
            "--yes",
            "--report",
            "json=r2.json",
            "--report",
            "markdown=r2.md",
        ])
        .expect(3);
    aviary.run(&["resolve", "orders.cleo"]);
    aviary.run(&["resolve", "orders.cleo", "--not-placed", "--yes"]);
    for fault in [
        "unauthorized",
        "forbidden",
        "html",
        "wrong_types",
        "truncate",
        "redirect",
    ] {
        rig.faults(json!([{ "match": {}, "fault": fault }]));
        for args in [&["plan"][..], &["apply", "--yes"], &["status"], &["doctor"]] {
            aviary.run(args);
        }
    }
    rig.faults(json!([]));
    aviary.run(&["import", "orders.cleo", &seeded[1]]);
    aviary.run(&[
        "apply",
        "--yes",
        "--endpoint",
        "digicert=http://127.0.0.1:9/services/v2",
    ]);
    aviary.run(&[
        "apply",
        "--yes",
        "--endpoint",
        "digicert=https://127.0.0.1:9/services/v2",
    ]);
    aviary.run(&["apply", "gone.json"]);
    rig.write(".certplan/state.db", "damaged");
    aviary.run(&["plan"]);
    aviary.nothing_is_kept();
}

#[test]
fn a_key_from_a_file_is_in_no_output_either() {
    let mut aviary = Aviary::new();
    let outside = TempDir::new().expect("a folder");
    let file = outside.path().join("key");
    fs::write(&file, format!("{}\r\n", aviary.keys[0].key())).expect("a file");
    fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("a mode");
    aviary.rig.unset("DIGICERT_API_KEY");
    aviary.rig.orders(&["ada"], "");
    let text = fs::read_to_string(aviary.rig.path("certplan.yaml")).expect("the manifest");
    let text = text.replace(
        "{ env: DIGICERT_API_KEY }",
        &format!("{{ file: \"{}\" }}", file.display()),
    );
    aviary.rig.write("certplan.yaml", text);
    aviary
        .run(&["apply", "--yes", "--report", "json=r.json"])
        .expect(0);
    // Two keys in one file are no key: said without showing them.
    fs::write(
        &file,
        aviary.keys[0].key().repeat(2) + "\n" + aviary.keys[1].key(),
    )
    .expect("a file");
    for args in [&["plan"][..], &["doctor"], &["apply", "--yes"]] {
        aviary.run(args).expect(1);
    }
    aviary.nothing_is_kept();
}

#[test]
fn a_key_in_the_wrong_place_of_a_manifest_is_never_shown() {
    let aviary = Aviary::new();
    let canary = &aviary.keys[0];
    // As YAML: the key holds a double quote.
    let key = format!("'{}'", canary.key());
    for accounts in [
        format!("digicert: {{ provider: certcentral, api_key: {key} }}"),
        format!("digicert: {{ provider: certcentral, api_key: {{ env: {key} }} }}"),
        format!("digicert: {{ provider: certcentral, api_key: {{ value: {key} }} }}"),
        format!("digicert: {{ provider: certcentral, api_key: {{ env: K, {key}: x }} }}"),
        format!("digicert: {{ provider: certcentral, api_key: [ {key} ] }}"),
        format!(
            "digicert:\n    provider: certcentral\n    api_key: |\n      {}",
            canary.key()
        ),
        format!(
            "digicert:\n    provider: certcentral\n    api_key: >-\n      {}",
            canary.key()
        ),
        format!("digicert: {{ provider: certcentral, api_key: &a {key} }}"),
        format!("digicert: {{ provider: certcentral, apikey: {key} }}"),
        format!("digicert: {{ provider: certcentral, api-key: {key}, region: mars }}"),
        format!("digicert: {{ provider: certcentral, api_key: {key}, api_key: {key} }}"),
        format!("naver: {{ provider: ncloud, access_key: {key}, secret_key: {key} }}"),
        format!(
            "naver: {{ provider: ncloud, access_key: {{ env: A }}, secret_key: {{ secret: {key} }} }}"
        ),
        format!("naver: {{ provider: certcentral, access_key: {key}, secret_key: {key} }}"),
        format!("digicert: {{ provider: certcentral, api_key: {key}"),
    ] {
        let manifest = format!("version: 1\naccounts:\n  {accounts}\n");
        // Written elsewhere, so that the folder can be searched as well.
        let outside = TempDir::new().expect("a folder");
        let file = outside.path().join("m.yaml");
        fs::write(&file, &manifest).expect("a file");
        let file = file.to_str().expect("text");
        for args in [
            &["validate", "-f", file][..],
            &["validate", "--format", "json", "-f", file],
            &["plan", "-f", file],
            &["doctor", "-f", file],
            &["apply", "--yes", "-f", file],
        ] {
            let ended = aviary.run(args);
            assert_eq!(
                ended.code,
                Some(1),
                "{manifest}\n{}{}",
                ended.stdout,
                ended.stderr
            );
        }
    }
}

/// The request's keys, as a server without manners says them back.
fn echo(heard: &Heard) -> String {
    let key = format!(
        "{}{}",
        heard.header("x-dc-devkey"),
        heard.header("x-ncp-iam-access-key")
    );
    assert_ne!(key, "", "a request without a key");
    key
}

/// A server that says the key back wherever it can.
fn echoing(reads: u16, changes: u16) -> Parrot {
    Parrot::new(Box::new(move |heard| {
        let key = echo(heard);
        let status = if heard.method == "GET" {
            reads
        } else {
            changes
        };
        // Both APIs' shapes at once.
        let row = json!({
            "id": 1, "status": "issued", "alternative_order_id": key, "product": { "name_id": key },
            "certificate": { "id": 2, "common_name": key, "dns_names": [key], "serial_number": key },
            "orderId": "1", "certificateNo": 1, "commonName": key, "statusCode": key,
        });
        let body = json!({
            "errors": [{ "code": "bad_header", "message": key }],
            "error": { "errorCode": "210", "message": key, "details": key },
            "id": 1, "username": key, "first_name": key, "last_name": key, "email": key,
            "account_id": "1", "status": key, "name": key,
            "orders": if reads == 200 { json!([row]) } else { json!([]) },
            "certificates": [row], "page": { "total": 1, "limit": 1000, "offset": 0 },
            "certificateList": [row], "totalRows": 1, "returnCode": key, "returnMessage": key,
            "requests": [{ "id": 3, "status": key }],
        });
        let list = json!({ "orders": [row], "page": { "total": 1 } });
        let body = match status {
            // An order is not placed while requests wait that cannot be read.
            200 if heard.path.contains("/request?") => json!({ "requests": [] }),
            200 if heard.path.contains("offset=") => list,
            _ => body,
        };
        // Some servers write a slash as `\/`.
        let text = body.to_string();
        (
            status,
            if status == 400 {
                text.replace('/', "\\/")
            } else {
                text
            },
        )
    }))
}

/// Plays some commands against a server that says every key back; how often it was asked for a change.
fn play_with_an_echo(reads: u16, changes: u16, commands: &[&[&str]]) -> usize {
    let mut aviary = Aviary::new();
    let server = echoing(reads, changes);
    let rig = &mut aviary.rig;
    rig.set("CERTPLAN_ENDPOINT_DIGICERT", &server.url("/services/v2"));
    rig.set("CERTPLAN_ENDPOINT_NAVERCLOUD", &server.url("/api/v2"));
    rig.orders(&["ada"], "");
    rig.write(
        "ncloud.yaml",
        format!("{ACCOUNTS}revocations:\n  shop: {{ account: navercloud, order_id: '1', scope: order, reason: superseded }}\n"),
    );
    for args in commands {
        aviary.run(args);
    }
    let heard = server.heard();
    assert!(!heard.is_empty(), "nothing was asked");
    for key in &aviary.keys {
        key.not_kept(aviary.rig.folder());
        for heard in &heard {
            assert_eq!(key.found_in(heard.path.as_bytes()), None, "{heard:?}");
        }
    }
    // The secret key signs and is never sent.
    for heard in &heard {
        let headers = format!("{:?}", heard.headers);
        assert_eq!(aviary.keys[2].found_in(headers.as_bytes()), None);
    }
    heard.iter().filter(|heard| heard.method != "GET").count()
}

#[test]
fn a_server_that_echoes_the_headers_gets_no_key_shown_or_kept() {
    for status in [400, 403] {
        let sent = play_with_an_echo(
            status,
            status,
            &[
                &["plan"],
                &["plan", "-f", "ncloud.yaml"],
                &["apply", "--yes"],
                &["apply", "--yes", "-f", "ncloud.yaml"],
                &["status"],
                &["doctor"],
                &["import", "orders.ada", "1"],
            ],
        );
        assert_eq!(sent, 0);
    }
    play_with_an_echo(500, 500, &[&["plan"]]);
    for changes in [400, 500, 200] {
        let sent = play_with_an_echo(
            200,
            changes,
            &[
                &["plan"],
                &["plan", "--format", "json", "--out", "plan.json"],
                &["plan", "-f", "ncloud.yaml"],
                &[
                    "apply",
                    "--yes",
                    "--report",
                    "json=r.json",
                    "--report",
                    "markdown=r.md",
                ],
                &["status"],
                &["doctor"],
                &["history"],
                &["import", "orders.ada", "1"],
                &["import", "--all", "--account", "digicert"],
            ],
        );
        assert_eq!(sent, 1, "no change was tried");
    }
}

#[test]
fn row_115_the_process_shows_no_key_and_leaves_no_core() {
    let aviary = Aviary::new();
    let rig = &aviary.rig;
    rig.orders(&["ada"], "");
    rig.faults(
        json!([{ "match": { "method": "POST" }, "fault": "delay", "ms": 3000, "times": 1 }]),
    );
    let mut child = rig.spawn(&["apply", "--yes"]);
    rig.until("the order", || !rig.effects("order_created").is_empty());
    let of =
        |file: &str| fs::read(format!("/proc/{}/{file}", child.id())).expect("a file of /proc");
    let limits = String::from_utf8(of("limits")).expect("text");
    let core: Vec<&str> = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max core file size"))
        .expect("the limit")
        .split_whitespace()
        .collect();
    assert_eq!(core[..2], ["0", "0"]);
    let command_line = of("cmdline");
    for key in &aviary.keys {
        assert_eq!(key.found_in(&command_line), None);
    }
    let children = of(&format!("task/{}/children", child.id()));
    assert_eq!(children, b"", "certplan starts nothing");
    assert_eq!(child.wait().expect("ends").code(), Some(0));
}

#[test]
fn case_12_a_key_that_is_pasted_where_an_id_belongs_is_never_shown() {
    let aviary = Aviary::new();
    aviary.rig.orders(&["ada"], "");
    // Shown as it is where it is no key: what a person mistyped helps to find it.
    let shown = aviary.rig.certplan(&["import", "orders.ada", "7000x"]);
    assert!(shown.stderr.contains("7000x"), "{}", shown.stderr);
    let key = aviary.keys[0].key();
    for args in [
        &["import", "orders.ada", key][..],
        &["resolve", "orders.ada", "--found", key],
        &["history", "--run", key],
    ] {
        aviary.run(args).expect(64);
    }
    let outside = TempDir::new().expect("a folder");
    let file = outside.path().join("m.yaml");
    let key = format!("'{key}'");
    for entry in [
        format!("orders: {{ a: {{ product: x, organization: {{ id: {key} }} }} }}"),
        format!("orders: {{ a: {{ product: x, renewal_of_order_id: {key} }} }}"),
        format!("revocations: {{ a: {{ order_id: {key}, scope: {{ certificate_id: {key} }} }} }}"),
    ] {
        fs::write(&file, format!("{ACCOUNTS}{entry}\n")).expect("a file");
        let file = file.to_str().expect("text");
        let ended = aviary.run(&["validate", "-f", file]).expect(1);
        assert!(
            ended.stderr.contains("_id") || ended.stderr.contains("id:"),
            "{}",
            ended.stderr
        );
        aviary
            .run(&["validate", "--format", "json", "-f", file])
            .expect(1);
    }
}
