//! The CSRs of orders: where each is read from, and whether it is for the names of its entry.

use std::path::Path;

use super::context::Context;
use super::csr::{Checked, Request, Source, check_all};
use super::raw;
use crate::model::Csr;
use crate::model::form::{At, Member, Problem, shown};

impl Context<'_> {
    /// Where a CSR is read from.
    pub(super) fn csr_source(&mut self, csr: At<raw::Csr>) -> Option<Source> {
        let here = csr.here();
        let raw::Csr {
            file,
            pem,
            is_damaged,
        } = csr.value;
        match (file, pem) {
            (Member::Given(file), Member::Absent) => Some(Source::File(At {
                value: file.value.0,
                point: file.point,
            })),
            (Member::Absent, Member::Given(pem)) => Some(Source::Pem(At {
                value: pem.value.0,
                point: pem.point,
            })),
            (Member::Absent, Member::Absent) if is_damaged => None,
            (Member::Absent, Member::Absent) => {
                self.problems.push(
                    Problem::new("bad_value", "`csr` has one of `file` and `pem`")
                        .at(here, "say one of them")
                        .help("write `csr: { file: PATH }`"),
                );
                None
            }
            (Member::Refused(_), Member::Absent) | (Member::Absent, Member::Refused(_)) => None,
            (Member::Given(_) | Member::Refused(_), Member::Given(_) | Member::Refused(_)) => {
                self.problems.push(
                    Problem::new("two_sources", "`csr` has both `file` and `pem`")
                        .at(here, "say one of them")
                        .help("write `csr: { file: PATH }`"),
                );
                None
            }
        }
    }

    /// Checks the CSRs of all orders: each with the position of its order. What is wrong with them is in
    /// the context.
    pub(super) fn check_csrs(&mut self) -> Vec<(usize, Csr)> {
        let requests = std::mem::take(&mut self.requests);
        let sources: Vec<(&Path, &Source)> = requests
            .iter()
            .map(|request| (self.folder(request.file), &request.source))
            .collect();
        let outcomes = check_all(&sources);
        let mut good = Vec::with_capacity(requests.len());
        for (request, outcome) in requests.iter().zip(outcomes) {
            let here = request.source.here();
            match outcome {
                Ok(checked) => match foreign(&checked, request) {
                    Some(problem) => self.problems.push(problem.at(here, "this CSR").help(
                        "is it the CSR of another entry? The CA takes the names from the entry",
                    )),
                    None => good.push((request.order, checked.csr)),
                },
                Err(refused) => self.problems.push(
                    Problem::new(refused.code, refused.message)
                        .at(here, "this CSR")
                        .maybe_help(refused.help.map(str::to_owned)),
                ),
            }
        }
        good
    }
}

/// The problem of a CSR that has names that its entry does not ask for.
fn foreign(checked: &Checked, request: &Request) -> Option<Problem> {
    let quoted = |names: Vec<&String>| {
        let names: Vec<String> = names
            .iter()
            .map(|name| format!("`{}`", shown(name)))
            .collect();
        names.join(", ")
    };
    let foreign: Vec<&String> = checked
        .names
        .iter()
        .filter(|name| request.names.binary_search(name).is_err())
        .collect();
    if foreign.is_empty() {
        return None;
    }
    let ours = if request.names.is_empty() {
        "no name".to_owned()
    } else {
        quoted(request.names.iter().collect())
    };
    Some(Problem::new(
        "csr_names",
        format!("the CSR is for {}, the entry for {ours}", quoted(foreign)),
    ))
}
