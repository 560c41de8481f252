//! What a plan without any call comes to: that nothing is to be done, or what waits and for whom.

use std::collections::BTreeMap;

use super::amounts::{count, counted};
use crate::model::Cause;
use crate::plan::{Action, Plan, Step};

/// The sentence above the last line of a plan that has no call to make.
pub(super) fn conclusion(plan: &Plan) -> String {
    let waiting: Vec<Whom> = plan.steps.iter().filter_map(waits_for).collect();
    let mut sentences = Vec::new();
    if !waiting.is_empty() {
        sentences.push(who_is_waited_for(&waiting));
    }
    if !plan.warnings.is_empty() {
        let warnings = counted(plan.warnings.len(), "warning", "warnings");
        sentences.push(format!("{warnings} above for a person to read."));
    }
    if plan.offline {
        sentences.push("The CA was not asked: this is what the journal knows.".to_owned());
    }
    if sentences.is_empty() {
        return "Nothing to do.".to_owned();
    }
    sentences.join(" ")
}

/// Who has to act before an item goes on, in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Whom {
    /// A person who changes the manifest or types a command.
    Decision,
    /// An outcome that is not known.
    Doubt,
    /// The manifest lacks a CSR.
    Csr,
    /// An administrator in the CA's console.
    Administrator,
    /// Whoever holds the domains.
    Domains,
    /// The recipient of the certificate.
    Recipient,
    /// An administrator or the CA: the CA does not say which.
    AdministratorOrCa,
    /// The CA, which validates, issues or revokes.
    Ca,
    /// Other entries of the manifest.
    Others,
    /// The next run goes on by itself.
    NextRun,
    /// The host that has the files folder.
    OtherHost,
}

impl Whom {
    fn words(self) -> &'static str {
        match self {
            Self::Decision => "for a person's decision",
            Self::Doubt => "for an unknown outcome to be settled",
            Self::Csr => "for a CSR",
            Self::Administrator => "for an administrator at the CA",
            Self::Domains => "for the validation of domains",
            Self::Recipient => "for the recipient",
            Self::AdministratorOrCa => "for an administrator or the CA",
            Self::Ca => "for the CA",
            Self::Others => "for other entries",
            Self::NextRun => "for the next run",
            Self::OtherHost => "for the host with the files folder",
        }
    }

    fn of(cause: &Cause) -> Self {
        match cause {
            Cause::Decision(_) => Self::Decision,
            Cause::Doubt => Self::Doubt,
            Cause::Csr => Self::Csr,
            Cause::Approval { .. } => Self::Administrator,
            Cause::Revocation { requests } if !requests.is_empty() => Self::Administrator,
            Cause::Validation { .. } => Self::Domains,
            Cause::Pickup => Self::Recipient,
            Cause::Pending { .. } | Cause::Reissue { granted: false, .. } => {
                Self::AdministratorOrCa
            }
            Cause::Issuance { .. }
            | Cause::Reissue { granted: true, .. }
            | Cause::Revocation { .. }
            | Cause::Revoking => Self::Ca,
            Cause::Dependency { .. } => Self::Others,
            Cause::NextRun { .. } => Self::NextRun,
            Cause::OtherHost { .. } => Self::OtherHost,
        }
    }
}

/// `None` for a step that waits for nobody.
fn waits_for(step: &Step) -> Option<Whom> {
    match step.standing.waits() {
        Some(cause) => Some(Whom::of(cause)),
        // A waiting step always has a cause; without one the next look at the CA tells.
        None => (step.action == Action::Wait).then_some(Whom::NextRun),
    }
}

fn who_is_waited_for(waiting: &[Whom]) -> String {
    let mut by: BTreeMap<Whom, usize> = BTreeMap::new();
    for whom in waiting {
        *by.entry(*whom).or_default() += 1;
    }
    let verb = if waiting.len() == 1 { "waits" } else { "wait" };
    let head = format!("{} {verb}", counted(waiting.len(), "item", "items"));
    match by.first_key_value() {
        Some((only, _)) if by.len() == 1 => format!("{head} {}.", only.words()),
        Some(_) | None => {
            let parts: Vec<String> = by
                .iter()
                .map(|(whom, number)| format!("{} {}", count(*number), whom.words()))
                .collect();
            format!("{head}: {}.", parts.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CertificateId, Decision, NextRun, Standing};
    use crate::plan::Warning;
    use crate::plan::tests::testing::{bare_step, plan_of};
    use crate::report::tests::samples::{PLAIN, text_of};
    use crate::report::{plan_markdown, plan_text};

    fn step(name: &str, action: Action, standing: Standing) -> Step {
        let mut step = bare_step(format!("orders.{name}").parse().unwrap(), action);
        step.standing = standing;
        step
    }

    fn waiting(name: &str, waits: Cause) -> Step {
        step(name, Action::Wait, Standing::Waiting { waits })
    }

    fn plan(steps: Vec<Step>) -> Plan {
        let mut plan = plan_of(steps);
        plan.warnings.clear();
        plan
    }

    #[test]
    fn whoever_is_waited_for_is_told_and_counted() {
        let request = || Some(crate::model::RequestId::from(1));
        let order = crate::model::OrderId::from(7);
        let all = [
            (
                Cause::Decision(Decision::Twin {
                    orders: vec![order.clone()],
                }),
                "a person's decision",
            ),
            (Cause::Doubt, "an unknown outcome"),
            (Cause::Csr, "a CSR"),
            (
                Cause::Approval { request: request() },
                "an administrator at the CA",
            ),
            (
                Cause::Revocation {
                    requests: vec![crate::model::RequestId::from(1)],
                },
                "an administrator at the CA",
            ),
            (
                Cause::Validation {
                    domains: Vec::new(),
                    request: None,
                },
                "the validation of domains",
            ),
            (Cause::Pickup, "the recipient"),
            (
                Cause::Pending { request: None },
                "an administrator or the CA",
            ),
            (Cause::Issuance { request: None }, "the CA"),
            (
                Cause::Revocation {
                    requests: Vec::new(),
                },
                "the CA",
            ),
            (Cause::Revoking, "the CA"),
            (
                Cause::Reissue {
                    request: request(),
                    granted: true,
                },
                "the CA",
            ),
            (Cause::Dependency { after: Vec::new() }, "other entries"),
            (
                Cause::NextRun {
                    with: NextRun::Read { order },
                },
                "the next run",
            ),
        ];
        for (cause, words) in &all {
            let said = conclusion(&plan(vec![waiting("a", cause.clone())]));
            assert!(
                said.starts_with(&format!("1 item waits for {words}")),
                "{said}"
            );
        }
        let steps = all
            .into_iter()
            .enumerate()
            .map(|(index, (cause, _))| waiting(&format!("a{index}"), cause));
        let said = conclusion(&plan(steps.collect()));
        assert!(
            said.starts_with(
                "14 items wait: 1 for a person's decision, 1 for an unknown outcome to be settled, 1 for a CSR, 2 for an administrator at the CA,"
            ),
            "{said}"
        );
    }

    #[test]
    fn nothing_to_do_stands_beside_nothing_that_is_open() {
        let kept = || {
            let standing = Standing::InForce {
                certificate: Some(CertificateId::from(1)),
                till: None,
                change: None,
            };
            step("kept", Action::Keep, standing)
        };
        let mut warned = plan(vec![kept()]);
        warned.warnings.push(Warning {
            address: None,
            message: "order 7 ends in 12 days".to_owned(),
        });
        let mut offline = plan(vec![kept()]);
        offline.offline = true;
        for (plan, idle) in [
            (plan(vec![kept()]), true),
            (plan(Vec::new()), true),
            (plan(vec![kept(), waiting("a", Cause::Revoking)]), false),
            // However the step is called: what stands in it is open.
            (
                plan(vec![step("a", Action::Keep, Standing::InDoubt)]),
                false,
            ),
            (warned, false),
            (offline, false),
        ] {
            let text = text_of(|out| plan_text(out, &plan, &PLAIN));
            let page = text_of(|out| plan_markdown(out, &plan));
            for shown in [text, page] {
                assert_eq!(shown.contains("Nothing to do."), idle, "{shown}");
                assert!(shown.contains(&conclusion(&plan)), "{shown}");
            }
        }
    }
}
