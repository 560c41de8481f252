//! What every output promises: the contract's lines and keys, the schemas, the same bytes for the same
//! plan.

use serde_json::Value;

use super::samples::{COLORED, PLAIN, entry, full_plan, full_report, history, text_of};
use crate::plan::tests::testing::{bare_step, order_step, plan_of};
use crate::plan::{Action, Plan};
use crate::report::*;

fn last_line(text: &str) -> &str {
    assert!(text.ends_with('\n'));
    text.lines().last().unwrap()
}

#[test]
fn the_last_line_of_a_plan_is_the_contracts() {
    let text = text_of(|out| plan_text(out, &full_plan(), &PLAIN));
    assert_eq!(
        last_line(&text),
        "Plan: 1 to order, 1 to renew, 1 to reissue, 1 to revoke, 1 to adopt, 1 to settle, 1 waiting, 1 unchanged."
    );
    let mut nothing = plan_of(vec![bare_step(
        "orders.kept".parse().unwrap(),
        Action::Keep,
    )]);
    nothing.warnings.clear();
    let text = text_of(|out| plan_text(out, &nothing, &PLAIN));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[lines.len() - 2..],
        [
            "Nothing to do.",
            "Plan: 0 to order, 0 to renew, 0 to reissue, 0 to revoke, 0 to adopt, 0 to settle, 0 waiting, 1 unchanged."
        ]
    );
}

#[test]
fn a_run_counts_revoked_certificates_first_and_everything_last() {
    let text = text_of(|out| run_text(out, &full_report(), &PLAIN));
    assert_eq!(
        text.lines().next().unwrap(),
        "Revoked 3 certificates. Asked for the revocation of 1 certificate."
    );
    assert_eq!(
        last_line(&text),
        "Applied: 2 completed, 1 waiting, 1 failed, 1 unknown, 1 skipped, 1 unchanged."
    );
    for command in [
        "certplan resolve orders.e --found ORDER_ID",
        "certplan resolve orders.e --not-placed",
        "certplan apply --target orders.d",
    ] {
        assert!(text.contains(command), "{text}");
    }
    let failed = text.find("invalid_csr").unwrap();
    assert!(failed < text.find("order 5").unwrap());
    let mut quiet = full_report();
    quiet.actions.retain(|action| action.revoked.is_empty());
    let text = text_of(|out| run_text(out, &quiet, &PLAIN));
    assert!(!text.contains("evo"), "{text}");
}

#[test]
fn the_cost_stands_right_above_the_last_line() {
    let mut plan = plan_of(vec![order_step("a"), order_step("b")]);
    plan.cost.seconds = 75.0;
    let cost_of = |plan: &Plan| -> Vec<String> {
        let text = text_of(|out| plan_text(out, plan, &PLAIN));
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines[lines.len() - 5..lines.len() - 1].to_vec()
    };
    assert_eq!(
        cost_of(&plan),
        [
            "API requests: 2 to digicert",
            "Time:         about 1 min 15 s under the rate limits",
            "Money:        2 × 175.00 = 350.00 USD",
            "Funds:        5,000.00 USD to spend in digicert",
        ]
    );
    plan.cost.money = None;
    assert_eq!(cost_of(&plan)[2], "Money:        not told by the CA");
    // A sum that the prices do not explain is not explained by them.
    plan.cost.money = Some(rust_decimal::Decimal::MAX);
    plan.steps[0].price = Some(rust_decimal::Decimal::MAX);
    assert_eq!(
        cost_of(&plan)[2],
        "Money:        79228162514264337593543950335.00 USD"
    );
}

#[test]
fn colour_is_written_only_when_asked_for() {
    let plain = text_of(|out| plan_text(out, &full_plan(), &PLAIN));
    assert!(!plain.contains('\u{1b}'));
    let colored = text_of(|out| plan_text(out, &full_plan(), &COLORED));
    assert!(colored.contains("\u{1b}[1m\u{1b}[31mThis plan revokes 3 certificates."));
    assert_eq!(anstream::adapter::strip_str(&colored).to_string(), plain);
}

#[test]
fn a_csr_and_long_bodies_are_folded_in_text_and_whole_in_json() {
    let plan = plan_of(vec![order_step("a")]);
    let text = text_of(|out| plan_text(out, &plan, &PLAIN));
    assert!(
        text.contains("POST /order/certificate/client_premium_sha2\n"),
        "{text}"
    );
    assert!(
        text.lines().all(|line| line.chars().count() < 200),
        "{text}"
    );
    assert!(!text.contains("MIICMIIC"), "{text}");
    let json = text_of(|out| plan_json(out, &plan));
    assert!(json.contains("MIICMIIC"));
}

fn check(schema: &Value, json: &str) {
    let validator = jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(schema)
        .unwrap();
    let value: Value = serde_json::from_str(json).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    // The schema can say no: it misses each key that is taken away.
    for key in value.as_object().unwrap().keys() {
        let mut less = value.clone();
        less.as_object_mut().unwrap().remove(key);
        assert!(!validator.is_valid(&less), "{key} is not required");
    }
}

#[test]
fn each_json_form_keeps_to_its_schema() {
    check(&plan_schema(), &text_of(|out| plan_json(out, &full_plan())));
    check(
        &plan_schema(),
        &text_of(|out| plan_json(out, &plan_of(Vec::new()))),
    );
    check(
        &report_schema(),
        &text_of(|out| run_json(out, &full_report())),
    );
    let mut whole = full_report();
    whole.stopped = None;
    check(&report_schema(), &text_of(|out| run_json(out, &whole)));
    check(
        &status_schema(),
        &text_of(|out| status_json(out, &[entry("a")])),
    );
}

#[test]
fn the_checked_in_schemas_are_what_the_code_generates() {
    for (name, schema) in [
        ("plan", plan_schema()),
        ("report", report_schema()),
        ("status", status_schema()),
    ] {
        let path = format!("{}/schemas/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
        let file: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(
            file, schema,
            "write it anew: certplan schema {name} > schemas/{name}.schema.json"
        );
    }
}

#[test]
fn json_has_the_contracts_keys_and_ids_are_strings() {
    let json: Value = serde_json::from_str(&text_of(|out| plan_json(out, &full_plan()))).unwrap();
    assert_eq!(json["format_version"], 1);
    assert_eq!(json["summary"]["settle"], 1);
    assert_eq!(json["summary"].as_object().unwrap().len(), 9);
    let revoke = &json["actions"][1];
    assert_eq!(revoke["address"], "revocations.leaver");
    assert_eq!(revoke["action"], "revoke");
    assert_eq!(revoke["after"], serde_json::json!(["orders.a"]));
    assert_eq!(revoke["order_id"], "98765");
    assert_eq!(revoke["revokes"][0]["certificate_id"], "1");
    assert_eq!(json["cost"]["money"], "175.00");
    assert_eq!(json["warnings"][0]["address"], "orders.gone");
    let json: Value = serde_json::from_str(&text_of(|out| run_json(out, &full_report()))).unwrap();
    assert_eq!(json["summary"]["kept"], 1);
    assert_eq!(json["actions"][0]["order_id"], "5");
    assert_eq!(json["actions"][0]["error"], Value::Null);
    assert_eq!(json["finished_at"], "2026-11-21T10:00:05.5Z");
    assert_eq!(json["stopped"], "interrupt");
}

#[test]
fn the_same_plan_gives_the_same_bytes_whenever_it_was_made() {
    let plan = full_plan();
    let mut later = plan.clone();
    later.made_at = "2030-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(
        text_of(|out| plan_json(out, &plan)),
        text_of(|out| plan_json(out, &later))
    );
    assert_eq!(
        text_of(|out| plan_markdown(out, &plan)),
        text_of(|out| plan_markdown(out, &later))
    );
}

#[test]
fn status_is_a_table_with_its_notes() {
    let mut waiting = entry("b");
    waiting.waiting_for = Some(super::samples::requested(12));
    waiting.certificate_id = None;
    waiting.days_left = None;
    waiting.note = Some("asked for twice".to_owned());
    let text = text_of(|out| status_text(out, &[entry("a"), waiting], &PLAIN));
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].contains("ADDRESS") && lines[0].ends_with("WAITS FOR"),
        "{text}"
    );
    assert!(
        lines[1].contains("orders.a") && lines[1].contains(" 12 "),
        "{text}"
    );
    assert!(lines[2].ends_with(" approval of request 12"), "{text}");
    assert_eq!(
        lines[0].find("WAITS FOR"),
        lines[2].find("an administrator"),
        "{text}"
    );
    assert!(text.contains("Note: orders.b: asked for twice\n"));
    assert_eq!(
        last_line(&text),
        "Status: 2 entries, 1 waiting, 1 with less than 30 days left."
    );
}

#[test]
fn history_is_one_line_for_each_fact() {
    let text = text_of(|out| history_text(out, &history("no answer"), &PLAIN));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(
        lines[2].contains("2026-11-21T10:00:00Z  (journal)  moved to no answer  (run no answer, "),
        "{text}"
    );
    assert!(
        lines[0].contains("2026-11-21T10:00:00Z  orders.a  doubted: no answer  (run no answer, "),
        "{text}"
    );
    let json: Value =
        serde_json::from_str(&text_of(|out| history_json(out, &history("no answer")))).unwrap();
    assert_eq!(json["facts"][1]["body"]["fact"], "adopted");
    assert_eq!(json["facts"][1]["seq"], 2);
    assert_eq!(json["facts"][2]["body"]["to"], "no answer");
    assert!(json["facts"][2]["address"].is_null());
}
