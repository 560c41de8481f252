//! `--log-format json`: standard error is JSON lines and nothing else, and they tell the run.

use serde_json::{Value, json};

use crate::rig::Rig;

#[track_caller]
fn objects(stderr: &str) -> Vec<Value> {
    let parsed = stderr.lines().map(|line| {
        let value: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for member in ["timestamp", "level", "target", "fields"] {
            assert!(!value[member].is_null(), "{member} in {line}");
        }
        value
    });
    parsed.collect()
}

#[test]
fn every_line_of_every_kind_of_end_is_an_object() {
    let rig = Rig::new();
    rig.orders(&["ada", "bob"], "");
    rig.faults(json!([
        { "match": { "method": "POST" }, "fault": "error_before", "status": 400, "times": 1 }
    ]));
    let args = ["apply", "--yes", "--log-format", "json"];
    let lines = objects(&rig.certplan(&args).stderr);
    let step = |address: &str| {
        let fields = lines.iter().map(|line| &line["fields"]);
        fields
            .into_iter()
            .find(|fields| fields["address"] == address)
            .unwrap_or_else(|| panic!("no {address} in {lines:#?}"))
    };
    let outcomes = [step("orders.ada"), step("orders.bob")].map(|fields| {
        assert_eq!(
            (&fields["action"], &fields["account"]),
            (&json!("order"), &json!("digicert"))
        );
        fields["outcome"].as_str().expect("an outcome")
    });
    assert_eq!(
        outcomes.iter().filter(|one| **one == "waiting").count(),
        1,
        "{outcomes:?}"
    );
    let says = |word: &str| {
        let mut fields = lines.iter().map(|line| &line["fields"]);
        fields.any(|fields| fields["message"] == word)
    };
    assert!(
        says("the run begins") && says("the run is over"),
        "{lines:#?}"
    );
    // Nothing of single calls without `-v`.
    assert!(
        lines.iter().all(|line| line["target"] == "certplan::run"),
        "{lines:#?}"
    );

    rig.faults(json!([{ "match": {}, "fault": "forbidden" }]));
    let errors = objects(&rig.certplan(&["plan", "-v", "--log-format", "json"]).stderr);
    assert!(
        errors.iter().any(|line| line["level"] == "ERROR"),
        "{errors:#?}"
    );
    assert!(
        errors
            .iter()
            .any(|line| line["target"] == "certplan::provider::call_log")
    );
    rig.manifest("orders: 7\n");
    let ended = rig.certplan(&["plan", "--log-format", "json"]).expect(1);
    assert_eq!(objects(&ended.stderr).len(), 1, "{}", ended.stderr);
    let quiet = rig
        .certplan(&["plan", "-q", "--log-format", "json"])
        .expect(1);
    assert_eq!(objects(&quiet.stderr).len(), 1, "{}", quiet.stderr);
}
