//! `apply --ping`: a call at the start, one at the end, and no trace of the URL.

use serde_json::json;

use super::listener::{Answer, Listener};
use crate::crash::tracing::signal;
use crate::rig::Rig;

/// The part of the URL that is as good as a password.
const TOKEN: &str = "5e0a-secret-token";

fn lines(listener: &Listener) -> Vec<String> {
    let calls = listener.calls().into_iter();
    calls.map(|call| call.line).collect()
}

#[test]
fn a_success_is_told_at_the_start_and_at_the_end() {
    let mut rig = Rig::new();
    rig.orders(&["ada"], "");
    let listener = Listener::new(Answer::Status(200));
    rig.set(
        "CERTPLAN_PING_URL",
        &listener.url(&format!("/{TOKEN}?create=1")),
    );
    rig.certplan(&["apply", "--yes"]).expect(0);
    let calls = listener.calls();
    let told: Vec<(&str, &str)> = calls
        .iter()
        .map(|call| (call.line.as_str(), call.body.as_str()))
        .collect();
    let (start, end) = (
        format!("post /{TOKEN}/start?create=1"),
        format!("post /{TOKEN}?create=1"),
    );
    let outcome =
        "certplan apply: exit code 0; done 0, waiting 1, failed 0, unknown 0, skipped 0, kept 0";
    assert_eq!(
        told,
        [(start.as_str(), "certplan apply"), (end.as_str(), outcome)]
    );

    // What waits is no failure; other commands call nobody.
    rig.certplan(&["apply", "--yes", "--detailed-exitcode"])
        .expect(2);
    assert_eq!(lines(&listener), [start, end]);
    rig.certplan(&["plan"]).expect(0);
    rig.certplan(&["status"]).expect(0);
    assert_eq!(listener.calls(), []);
}

#[test]
fn a_failure_is_told_with_its_exit_code() {
    let mut rig = Rig::new();
    let listener = Listener::new(Answer::Status(204));
    rig.set(
        "CERTPLAN_PING_URL",
        "http://127.0.0.1:9/the-flag-goes-first",
    );
    let url = listener.url(&format!("/{TOKEN}/"));
    let apply = ["apply", "--yes", "--ping", &url];
    let fail = |code: i32| {
        let ended = rig.certplan(&apply).expect(code);
        assert!(!ended.stderr.contains("the ping"), "{}", ended.stderr);
        let calls = listener.calls();
        let told: Vec<&str> = calls.iter().map(|call| call.line.as_str()).collect();
        assert_eq!(
            told,
            [
                format!("post /{TOKEN}/start"),
                format!("post /{TOKEN}/fail")
            ]
        );
        assert!(
            calls[1]
                .body
                .starts_with(&format!("certplan apply: exit code {code}"))
        );
        assert!(!calls[1].head.contains("referer"), "{}", calls[1].head);
    };
    rig.manifest("orders: 7\n");
    fail(1);
    rig.orders(&["ada"], "policy: { max_orders: 0 }\n");
    fail(5);
    rig.orders(&["ada"], "");
    rig.faults(json!([{ "match": { "method": "POST" }, "fault": "cut_before", "times": 1 }]));
    fail(3);
}

#[test]
fn a_signal_is_told_as_a_failure() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    let listener = Listener::new(Answer::Status(200));
    let url = listener.url("/u");
    let run = rig.spawn(&["apply", "--yes", "--wait", "10m", "--ping", &url]);
    assert_eq!(listener.next().line, "post /u/start");
    rig.until("the order is placed", || {
        rig.effects("order_created").len() == 1
    });
    signal(run.id(), "TERM");
    let ended = run.wait_with_output().expect("an end");
    assert_eq!(ended.status.code(), Some(143));
    let last = listener.next();
    assert_eq!(last.line, "post /u/fail");
    assert!(
        last.body.starts_with("certplan apply: exit code 143"),
        "{}",
        last.body
    );
}

#[test]
fn a_watcher_that_is_not_well_changes_nothing_but_a_warning() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    let elsewhere = Listener::new(Answer::Status(200));
    let target = elsewhere.url("/stolen");
    for (answer, said) in [
        (Answer::Status(500), "the answer is 500"),
        (Answer::RedirectTo(target), "the answer is 302"),
        (Answer::Silence, "no answer within 5 s"),
    ] {
        let listener = Listener::new(answer);
        let url = listener.url(&format!("/{TOKEN}"));
        for more in [&[][..], &["-vvv", "--log-format", "json"]] {
            let mut args = vec!["apply", "--yes", "--ping", &url];
            args.extend(more);
            let ended = rig.certplan(&args).expect(0);
            for which in ["start", "end"] {
                let warning = format!("the ping at the {which} failed: {said}");
                assert!(
                    ended.stderr.contains(&warning),
                    "{warning}: {}",
                    ended.stderr
                );
            }
            let all = format!("{}{}", ended.stdout, ended.stderr);
            assert!(!all.contains(TOKEN), "{all}");
            assert_eq!(listener.calls().len(), 2);
        }
    }
    let closed = format!("http://127.0.0.1:9/{TOKEN}");
    let ended = rig
        .certplan(&["apply", "--yes", "--ping", &closed])
        .expect(0);
    assert!(ended.stderr.contains("no connection"), "{}", ended.stderr);
    assert!(!ended.stderr.contains(TOKEN), "{}", ended.stderr);
    assert_eq!(elsewhere.calls(), []);
    assert_eq!(rig.effects("order_created").len(), 1);
}

#[test]
fn a_url_that_cannot_be_used_is_a_wrong_command_line_and_is_not_shown() {
    let mut rig = Rig::new();
    rig.orders(&["ada"], "");
    for url in [
        format!("http://watch.example/{TOKEN}"),
        format!("https://user:{TOKEN}@watch.example/"),
        TOKEN.to_owned(),
    ] {
        let ended = rig.certplan(&["apply", "--yes", "--ping", &url]).expect(64);
        assert!(ended.stderr.contains("--ping"), "{}", ended.stderr);
        assert!(!ended.stderr.contains(TOKEN), "{}", ended.stderr);
    }
    assert!(rig.changes().is_empty());
    let help = rig.certplan(&["apply", "--help"]).expect(0).stdout;
    assert!(help.contains("CERTPLAN_PING_URL") && !help.contains(TOKEN));
    // Set and empty is not set.
    rig.set("CERTPLAN_PING_URL", "");
    let ended = rig.certplan(&["apply", "--yes"]).expect(0);
    assert!(!ended.stderr.contains("the ping"), "{}", ended.stderr);
}
