//! `--metrics FILE`: what stands in it, when it is written, and when it is not.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use certplan::sandbox::{Approval, Options, RateLimits};
use serde_json::json;

use super::exposition::Page;
use crate::crash::tracing::signal;
use crate::rig::{ACCOUNTS, Rig};

const FILE: &str = "certplan.prom";
const SUCCESS: &str = "certplan_last_success_timestamp_seconds";

#[track_caller]
fn page(rig: &Rig) -> Page {
    Page::read(&fs::read_to_string(rig.path(FILE)).expect("a metrics file"))
}

fn now() -> f64 {
    jiff::Timestamp::now().as_millisecond() as f64 / 1000.0
}

#[test]
fn an_apply_tells_what_it_did_and_what_waits() {
    let rig = Rig::new();
    let accounts = ACCOUNTS.replace("requests: 100000, per: 1s", "requests: 1000, per: 5m");
    assert_ne!(accounts, ACCOUNTS);
    let order = &rig.seed(json!({ "certcentral": 1 }))[0];
    let rest = format!(
        "revocations:\n  old: {{ order_id: {order}, scope: order, reason: superseded, comments: x }}\n  later: {{ order: ada, scope: order, reason: superseded, comments: x, after: [{{ order: bob, until: issued }}] }}\n"
    );
    rig.orders(&["ada", "bob"], &rest);
    let manifest = fs::read_to_string(rig.path("certplan.yaml")).expect("a manifest");
    rig.write("certplan.yaml", manifest.replace(ACCOUNTS, &accounts));
    rig.faults(json!([{ "match": { "method": "GET" }, "fault": "rate_limit", "retry_after": 0, "times": 2 }]));

    let before = now();
    let binary = env!("CARGO_BIN_EXE_certplan");
    let mut shell = Command::new("sh");
    let script = format!("umask 077; exec {binary} apply --yes --metrics {FILE}");
    let mut command = rig.command(&[]);
    shell.args(["-c", &script]).current_dir(rig.folder());
    shell.env_clear().envs(
        command
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))),
    );
    let ended = shell.output().expect("the binary runs");
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");

    let page = page(&rig);
    let manifest = rig.path("certplan.yaml");
    let manifest = manifest.to_str().expect("UTF-8").to_owned();
    assert_eq!(page.identity(), ("apply".to_owned(), manifest));
    let mode = fs::metadata(rig.path(FILE))
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o644);
    assert_eq!(page.value("certplan_exit_code", &[]), 0.0);
    let ended = page.value(SUCCESS, &[]);
    assert!(before - 1.0 <= ended && ended <= now() + 1.0, "{ended}");
    assert_eq!(
        page.value("certplan_last_run_timestamp_seconds", &[]),
        ended
    );
    let outcomes = |word| page.value("certplan_actions", &[("outcome", word)]);
    assert_eq!(
        (outcomes("waiting"), outcomes("done"), outcomes("failed")),
        (4.0, 0.0, 0.0)
    );
    let planned = |word| page.value("certplan_planned_actions", &[("action", word)]);
    assert_eq!((planned("order"), planned("keep")), (2.0, 0.0));

    let waiting = |cause| page.value("certplan_waiting_items", &[("cause", cause)]);
    assert_eq!(waiting("pending") + waiting("approval"), 2.0);
    assert_eq!((waiting("revocation"), waiting("dependency")), (1.0, 1.0));
    assert_eq!((waiting("doubt"), waiting("decision")), (0.0, 0.0));
    for (labels, since) in page.of("certplan_waiting_since_timestamp_seconds") {
        assert!(
            since >= before - 2.0 && since <= now(),
            "{labels:?} {since}"
        );
    }
    let all: f64 = page
        .of("certplan_waiting_items")
        .map(|(_, count)| count)
        .sum();
    assert_eq!(all, 4.0);

    let account = [("account", "digicert")];
    let requests = page.value("certplan_requests", &account);
    let ledger = rig.ask("ledger");
    let entries = ledger.as_array().expect("a list").iter();
    let seen = entries
        .filter(|entry| entry["provider"] == "certcentral")
        .count();
    assert_eq!(requests, seen as f64);
    assert_eq!(page.value("certplan_rate_limited_requests", &account), 2.0);
    let window = [("account", "digicert"), ("window", "300s")];
    assert_eq!(page.value("certplan_budget_requests", &window), 1000.0);
    assert_eq!(
        page.value("certplan_budget_left_requests", &window),
        1000.0 - requests
    );
    let history = rig
        .certplan(&["history", "--format", "json"])
        .expect(0)
        .json();
    let facts = history["facts"].as_array().expect("facts").len();
    assert_eq!(page.value("certplan_journal_serial", &[]), facts as f64);
}

#[test]
fn a_failed_run_writes_too_and_keeps_the_last_success() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    let apply = ["apply", "--yes", "--metrics", FILE];
    rig.faults(json!([{ "match": {}, "fault": "forbidden" }]));
    rig.certplan(&apply).expect(1);
    let first = page(&rig);
    assert_eq!(first.value(SUCCESS, &[]), 0.0);
    assert_eq!(first.value("certplan_exit_code", &[]), 1.0);
    assert!(first.lacks("certplan_actions") && first.lacks("certplan_waiting_items"));
    assert!(first.value("certplan_requests", &[("account", "digicert")]) > 0.0);

    rig.faults(json!([]));
    rig.certplan(&apply).expect(0);
    let success = page(&rig).value(SUCCESS, &[]);
    assert!(success > 0.0);
    rig.manifest("orders: 7\n");
    rig.certplan(&apply).expect(1);
    let last = page(&rig);
    assert_eq!(last.value(SUCCESS, &[]), success);
    assert!(last.value("certplan_last_run_timestamp_seconds", &[]) > success);
    assert!(last.lacks("certplan_requests") && last.lacks("certplan_journal_serial"));

    // Another command's success is not this one's, and what is no metrics file tells nothing.
    rig.certplan(&["plan", "--metrics", FILE]).expect(1);
    assert_eq!(page(&rig).value(SUCCESS, &[]), 0.0);
    for text in [
        &b"\xff\xfe\x00"[..],
        b"",
        format!("{SUCCESS}{{}} 1e400\n").as_bytes(),
    ] {
        rig.write(FILE, text);
        rig.certplan(&apply).expect(1);
        assert_eq!(page(&rig).value(SUCCESS, &[]), 0.0);
    }
}

#[test]
fn a_run_that_a_signal_stops_writes_too() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    let apply = ["apply", "--yes", "--metrics", FILE];
    rig.certplan(&apply).expect(0);
    let success = page(&rig).value(SUCCESS, &[]);
    let stop = |args: &[&str], holds: &dyn Fn() -> bool| {
        let run = rig.spawn(args);
        rig.until("the run is under way", holds);
        signal(run.id(), "TERM");
        let ended = run.wait_with_output().expect("an end");
        assert_eq!(ended.status.code(), Some(143), "{ended:?}");
        let page = page(&rig);
        assert_eq!(page.value("certplan_exit_code", &[]), 143.0);
        page
    };
    let reads = rig.reads();
    let mut waits = apply.to_vec();
    waits.extend(["--wait", "10m"]);
    let page = stop(&waits, &|| rig.reads() > reads + 3);
    assert_eq!(page.value(SUCCESS, &[]), success);
    assert_eq!(
        page.value("certplan_waiting_items", &[("cause", "pending")])
            + page.value("certplan_waiting_items", &[("cause", "approval")]),
        1.0
    );

    rig.faults(json!([{ "match": { "method": "GET" }, "fault": "delay", "ms": 60_000 }]));
    for command in ["plan", "status"] {
        let reads = rig.reads();
        let page = stop(&[command, "--metrics", FILE], &|| rig.reads() > reads);
        assert_eq!(page.identity().0, command);
        assert_eq!(page.value(SUCCESS, &[]), 0.0);
    }
}

#[test]
fn certificates_in_force_are_counted_and_the_next_hundred_named() {
    let rig = Rig::with(Options {
        approval: Approval::Automatic,
        rate_limits: RateLimits::Off,
        ..Options::default()
    });
    let entries: String = (0..105)
        .map(|number| {
            let validity = if number < 3 { "validity_days: 20" } else { "validity_years: 1" };
            format!("  www-{number:03}:\n    product: ssl_basic\n    certificate: {{ common_name: www-{number}.example.com, signature_hash: sha256, csr: {{ file: www-{number}.csr }} }}\n    {validity}\n")
        })
        .collect();
    for number in 0..105 {
        let csr = crate::rig::csr(&format!("www-{number}.example.com"));
        rig.write(&format!("www-{number}.csr"), csr);
    }
    rig.manifest(&format!("orders:\n{entries}"));
    rig.certplan(&["apply", "--yes", "--wait", "1m"]).expect(0);
    // The answers to the orders do not say when the certificates run out: the next run reads it.
    rig.certplan(&["apply", "--yes", "--metrics", FILE])
        .expect(0);
    let after_apply = page(&rig);
    rig.certplan(&["status", "--metrics", FILE]).expect(0);
    let after_status = page(&rig);
    let status = rig
        .certplan(&["status", "--format", "json"])
        .expect(0)
        .json();
    let mut ends: Vec<(f64, String)> = status["entries"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|entry| {
            let day = entry["valid_till"].as_str().expect("a day");
            let end: jiff::Timestamp = format!("{day}T23:59:59Z").parse().expect("a time");
            (
                end.as_second() as f64,
                entry["address"].as_str().expect("an address").to_owned(),
            )
        })
        .collect();
    ends.sort_by(|one, other| one.partial_cmp(other).expect("numbers"));
    let account = [("account", "digicert")];
    for page in [&after_apply, &after_status] {
        let named: Vec<(f64, String)> = page
            .of("certplan_certificate_not_after_timestamp_seconds")
            .map(|(labels, end)| (end, labels["address"].clone()))
            .collect();
        assert_eq!(named, ends[..100]);
        let first = page.value(
            "certplan_certificate_not_after_min_timestamp_seconds",
            &account,
        );
        assert_eq!(first, ends[0].0);
        let below = |le: &str| {
            let labels = [("account", "digicert"), ("le", le)];
            page.value("certplan_certificates_time_left_seconds_bucket", &labels)
        };
        let short = |days: u32| below(&(days * 86_400).to_string());
        assert_eq!(
            (short(0), short(14), short(30), below("+Inf")),
            (0.0, 0.0, 3.0, 105.0)
        );
    }
    assert_eq!(
        after_apply.value("certplan_waiting_items", &[("cause", "pending")]),
        0.0
    );
}

#[test]
fn a_doubt_and_an_order_that_ended_outside_wait_for_people() {
    let rig = Rig::new();
    rig.orders(&["ada", "bob"], "");
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "cut_before", "times": 1 }]));
    rig.certplan(&["apply", "--yes", "--metrics", FILE])
        .expect(3);
    let doubt = |page: &Page| page.value("certplan_waiting_items", &[("cause", "doubt")]);
    assert_eq!(doubt(&page(&rig)), 1.0);
    rig.tell("reject", json!({ "all": true }));
    rig.certplan(&["plan", "--metrics", FILE]).expect(0);
    let page = page(&rig);
    assert_eq!(doubt(&page), 1.0);
    assert!(
        page.value(
            "certplan_waiting_since_timestamp_seconds",
            &[("cause", "doubt")]
        ) > 0.0
    );
    assert_eq!(
        page.value("certplan_waiting_items", &[("cause", "decision")]),
        1.0
    );
}

#[test]
fn a_place_that_takes_no_file_is_a_warning() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    fs::create_dir(rig.path("folder")).expect("a folder");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        rig.path("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .expect("a pipe");
    for place in [
        "none/certplan.prom",
        "folder",
        "pipe",
        "/dev/full",
        "certplan.yaml/x",
    ] {
        for command in ["plan", "status"] {
            let ended = rig.certplan(&[command, "--metrics", place]).expect(0);
            assert!(
                ended.stderr.contains("the metrics file"),
                "{place}: {}",
                ended.stderr
            );
        }
    }
    let ended = rig
        .certplan(&["apply", "--yes", "--metrics", "none/x"])
        .expect(0);
    assert!(
        ended.stderr.contains("warning: the metrics file none/x"),
        "{}",
        ended.stderr
    );
    assert_eq!(rig.effects("order_created").len(), 1);
    let left: Vec<_> = fs::read_dir(rig.folder())
        .expect("a folder")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.contains(".tmp"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_strange_path_is_one_label() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    let name = "a \"b\" \\ c\nd ü.yaml";
    fs::copy(rig.path("certplan.yaml"), rig.path(name)).expect("a copy");
    rig.certplan(&["plan", "-f", name, "--metrics", FILE])
        .expect(0);
    let path = rig.path(name);
    assert_eq!(page(&rig).identity().1, path.to_str().expect("UTF-8"));
}
