//! Plans, runs and accounts of ten thousand: what is folded, what never is, and how large a page gets.

use super::samples::{PLAIN, action, entry, full_report, text_of};
use crate::apply::Outcome;
use crate::plan::tests::testing::{order_step, pin, plan_of, revoke_step, revoke_step_of};
use crate::plan::{Action, Breach, Warning};
use crate::report::*;

#[test]
fn deaths_come_first_and_are_never_folded_in_text() {
    let mut steps: Vec<_> = (0..10_000).map(|n| order_step(&format!("o{n}"))).collect();
    steps.push(revoke_step("r", 1_000));
    steps.extend((0..500).map(|n| revoke_step_of(&format!("r{n}"), 2_000 + n..=2_000 + n)));
    let text = text_of(|out| plan_text(out, &plan_of(steps), &PLAIN));
    assert!(text.contains("This plan revokes 1,500 certificates."));
    for number in 1..=1_000 {
        assert!(
            text.contains(&format!(" r-{number}@example.com\n")),
            "{number}"
        );
    }
    for number in 0..500 {
        assert!(text.contains(&format!("  - revocations.r{number}  (digicert)\n")));
    }
    assert!(text.rfind("revocations.r").unwrap() < text.find("orders.o0 ").unwrap());
    assert!(text.contains("  … and 9,800 more orders like these; --format json shows all\n"));
    assert!(text.contains("orders.o199 ") && !text.contains("orders.o200 "));
}

#[test]
fn a_plan_page_stays_small_lists_deaths_first_and_says_what_is_missing() {
    let mut steps: Vec<_> = (0..10_000).map(|n| order_step(&format!("o{n}"))).collect();
    steps.extend((0..500).map(|n| revoke_step_of(&format!("r{n}"), 2_000 + n..=2_000 + n)));
    let mut plan = plan_of(steps);
    let long = "ж\u{202e}`".repeat(2_000);
    plan.warnings = vec![
        Warning {
            address: None,
            message: long.clone(),
        };
        300
    ];
    plan.breaches = vec![
        Breach {
            rule: long.clone(),
            message: long.clone(),
        };
        300
    ];
    plan.cost.currency = Some(long);
    let page = text_of(|out| plan_markdown(out, &plan));
    assert!(page.len() < 60_000, "{}", page.len());
    let lines: Vec<&str> = page.lines().collect();
    assert_eq!(lines[0], "## certplan: 500 certificates will be revoked");
    let totals = "**Plan: 10000 to order, 0 to renew, 0 to reissue, 500 to revoke, 0 to adopt, 0 to settle, 0 waiting, 0 unchanged.**";
    assert_eq!(lines[2], totals);
    assert_eq!(*lines.last().unwrap(), totals);
    assert!(page.contains(&plan.plan_id.to_string()));
    let listed = page.matches("  * certificate `2").count();
    assert!(listed > 50, "{listed}");
    let left = format!(
        "**… and {} certificates that will be revoked are not shown",
        500 - listed
    );
    assert!(page.contains(&left), "{listed} listed");
    assert!(page.contains("more orders like these"));
    assert_eq!(
        page.matches("<details>").count(),
        page.matches("</details>").count()
    );
}

#[test]
fn a_full_page_still_tells_of_every_kind() {
    let mut steps: Vec<_> = (0..5_000)
        .map(|n| revoke_step(&format!("r{n}"), 1))
        .collect();
    for action in crate::report::summary::LISTED {
        for number in 0..300 {
            let mut step = order_step(&format!("{}-{number}", action.word()));
            step.action = action;
            step.reason = crate::model::Reason::OutcomeUnknown {
                kind: crate::model::OperationKind::Order,
                why: "`long` ".repeat(150).into(),
            };
            steps.push(step);
        }
    }
    let page = text_of(|out| plan_markdown(out, &plan_of(steps)));
    assert!(page.len() < 60_000, "{}", page.len());
    for kind in [
        "orders",
        "renewals",
        "reissues",
        "adoptions",
        "unknown outcomes",
        "collections",
        "waiting items",
    ] {
        assert!(page.contains(&format!(" more {kind} like these")), "{kind}");
    }
    assert_eq!(page.matches("<details>").count(), 7);
    assert_eq!(page.matches("</details>").count(), 7);
}

#[test]
fn a_page_with_room_lists_every_death() {
    let steps = (0..100).map(|n| revoke_step(&format!("r{n}"), 1)).collect();
    let page = text_of(|out| plan_markdown(out, &plan_of(steps)));
    assert_eq!(page.matches("  * certificate `1`").count(), 100);
    assert!(!page.contains('…'), "{page}");
}

#[test]
fn run_and_status_pages_stay_small() {
    let mut report = full_report();
    for number in 0..10_000 {
        let outcome = Outcome::ALL[number % Outcome::ALL.len()];
        let mut action = action(&format!("n{number}"), Action::Revoke, outcome);
        action.error = Some("x".repeat(500));
        action.revoked = vec![pin(number as u64, "name")];
        report.actions.push(action);
    }
    let page = text_of(|out| run_markdown(out, &report));
    assert!(page.len() < 60_000, "{}", page.len());
    assert!(page.contains("Unknown: a person must look"));
    assert!(page.contains("certplan resolve orders.e --found ORDER_ID"));
    assert!(page.starts_with("## certplan: Revoked 1,670 certificates."));
    assert!(page.ends_with(" unchanged.**\n"));
    let entries: Vec<_> = (0..10_000).map(|n| entry(&format!("n{n}"))).collect();
    let page = text_of(|out| status_markdown(out, &entries));
    assert!(page.len() < 60_000, "{}", page.len());
    assert!(page.contains("`certplan status --format json` shows all"));
    let listed = page.matches("\n| `orders.n").count();
    assert!(page.contains(&format!("… and {} more;", amounts::count(10_000 - listed))));
}
