//! What a CA or a manifest may say, and that none of it leaves the place that it is given.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;

use super::samples::{COLORED, PLAIN, entry, full_plan, full_report, history, text_of};
use crate::apply::RunReport;
use crate::model::{
    AccountName, Cause, CertificateId, CertificatePin, OperationKind, OrderId, PendingDomain,
    Reason, RequestId, RunId, SerialNumber, Standing, Untrusted,
};
use crate::plan::Plan;
use crate::plan::tests::testing::change;
use crate::report::phrase::is_safe;
use crate::report::phrase::tests::{hostile, outside_code};
use crate::report::*;

/// A plan in which every free text is hostile.
fn hostile_plan(text: &str) -> Plan {
    let mut plan = full_plan();
    let account: AccountName = serde_json::from_value(Value::from(text)).unwrap();
    for step in &mut plan.steps {
        step.account = account.clone();
        step.reason = Reason::OutcomeUnknown {
            kind: OperationKind::Order,
            why: Untrusted::new(text),
        };
        step.standing = hostile_standing(text);
        step.order_id = Some(OrderId::from(text));
        step.certificate_id = Some(CertificateId::from(text));
        step.request_id = Some(RequestId::from(text));
        step.changes = vec![change(text, Some(text), Some(text))];
        for request in &mut step.requests {
            request.method = text.to_owned();
            request.path = text.to_owned();
            request.body = serde_json::json!({ text: [text] })
                .as_object()
                .unwrap()
                .into();
        }
        for pin in &mut step.revokes {
            *pin = CertificatePin {
                certificate_id: CertificateId::from(text),
                serial_number: Some(SerialNumber::from(text)),
                names: vec![text.to_owned(), text.to_owned()],
                valid_till: None,
                kind: pin.kind,
            };
        }
    }
    for warning in &mut plan.warnings {
        warning.message = text.to_owned();
    }
    for breach in &mut plan.breaches {
        breach.rule = text.to_owned();
        breach.message = text.to_owned();
    }
    plan.cost.currency = Some(text.to_owned());
    plan.cost.requests = BTreeMap::from([(account.clone(), 1)]);
    plan.cost.funds = BTreeMap::from([(account, rust_decimal::Decimal::ONE)]);
    plan
}

/// Waits for what a CA calls by hostile names.
fn hostile_standing(text: &str) -> Standing {
    let domain = PendingDomain {
        name: Untrusted::new(text),
        method: Some(Untrusted::new(text)),
        token: Some(Untrusted::new(text)),
    };
    let waits = Cause::Validation {
        domains: vec![domain],
        request: Some(RequestId::from(text)),
    };
    Standing::Requested { waits }
}

fn hostile_report(text: &str) -> RunReport {
    let mut report = full_report();
    report.run_id = RunId::from(text);
    for action in &mut report.actions {
        action.order_id = Some(OrderId::from(text));
        action.error = Some(text.to_owned());
        action.standing = hostile_standing(text);
        for pin in &mut action.revoked {
            pin.names = vec![text.to_owned()];
            pin.serial_number = Some(SerialNumber::from(text));
        }
    }
    for warning in &mut report.warnings {
        warning.message = text.to_owned();
    }
    report
}

fn hostile_entry(text: &str) -> StatusEntry {
    StatusEntry {
        labels: crate::model::Labels::default(),
        reason: Reason::Twin {
            orders: vec![OrderId::from(text)],
        },
        order_id: Some(OrderId::from(text)),
        certificate_id: Some(CertificateId::from(text)),
        request_id: Some(RequestId::from(text)),
        waiting_for: hostile_standing(text).waits().cloned(),
        note: Some(text.to_owned()),
        ..entry("a")
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_datum_reaches_a_terminal_raw(text in hostile()) {
        let plan = hostile_plan(&text);
        let report = hostile_report(&text);
        let entries = [hostile_entry(&text)];
        let outputs = [
            text_of(|out| plan_text(out, &plan, &PLAIN)),
            text_of(|out| run_text(out, &report, &PLAIN)),
            text_of(|out| status_text(out, &entries, &PLAIN)),
            text_of(|out| history_text(out, &history(&text), &PLAIN)),
            text_of(|out| plan_json(out, &plan)),
            text_of(|out| run_json(out, &report)),
            text_of(|out| status_json(out, &entries)),
            text_of(|out| history_json(out, &history(&text))),
            anstream::adapter::strip_str(&text_of(|out| plan_text(out, &plan, &COLORED))).to_string(),
        ];
        for output in &outputs {
            for line in output.lines() {
                prop_assert!(line.chars().all(is_safe), "{:?}", line);
                prop_assert!(!line.starts_with(':') && !line.starts_with("##"), "{:?}", line);
            }
        }
        // Nothing is lost on the way: JSON holds the raw text.
        let json: Value = serde_json::from_str(&outputs[4]).unwrap();
        let reason = json["actions"][0]["reason"].as_str().unwrap_or_default();
        prop_assert!(reason.ends_with(text.as_str()), "{:?}", reason);
        let lines = |plan: &Plan| text_of(|out| plan_text(out, plan, &PLAIN)).lines().count();
        prop_assert_eq!(lines(&plan), lines(&hostile_plan("plain")));
    }

    #[test]
    fn no_datum_leaves_its_code_span(text in hostile()) {
        let words = |text: &str| -> [String; 3] {
            let page = |markdown: String| {
                assert!(markdown.len() < 60_000);
                assert!(markdown.lines().all(|line| line.chars().all(is_safe)));
                outside_code(&markdown).split_whitespace().collect::<String>()
            };
            [
                page(text_of(|out| plan_markdown(out, &hostile_plan(text)))),
                page(text_of(|out| run_markdown(out, &hostile_report(text)))),
                page(text_of(|out| status_markdown(out, &[hostile_entry(text)]))),
            ]
        };
        prop_assert_eq!(words(&text), words("plain"));
    }
}
