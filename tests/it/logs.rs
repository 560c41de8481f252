//! What `-v` says: every call, and nothing secret.

use serde_json::Value;

use crate::rig::Rig;

#[test]
fn verbose_names_each_call_and_no_key() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    let quiet = rig.certplan(&["apply", "--yes"]).expect(0).stderr;
    assert!(!quiet.contains("/user/me"), "{quiet}");

    let text = rig.certplan(&["apply", "--yes", "-v"]).expect(0).stderr;
    assert!(
        text.contains("GET /services/v2/order/certificate: 200"),
        "{text}"
    );
    for secret in ["sandbox-certcentral-key", "sandbox-ncloud-secret-key", "?"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[test]
fn log_lines_in_json_are_objects() {
    let rig = Rig::new();
    rig.orders(&["ada"], "");
    let json = ["plan", "-v", "--log-format", "json"];
    let text = rig.certplan(&json).expect(0).stderr;
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let called = |line: &Value| {
        line["fields"]["message"]
            .as_str()
            .is_some_and(|message| message.contains("/services/v2/"))
    };
    assert!(
        lines.iter().filter(|line| called(line)).count() > 1,
        "{text}"
    );
}
