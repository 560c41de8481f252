//! The CSRs of orders: where each is read from, and whether it is for the names of its entry.

use std::path::Path;

use super::context::{Context, Warning};
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
            ignore_names: _,
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
            let checked = outcome.map_err(|refused| {
                Problem::new(refused.code, refused.message)
                    .at(here, "this CSR")
                    .maybe_help(refused.help.map(str::to_owned))
            });
            match checked.and_then(|checked| self.accepted(request, checked)) {
                Ok(csr) => good.push((request.order, csr)),
                Err(problem) => self.problems.push(problem),
            }
        }
        good
    }

    /// A CSR that is for its entry. What is odd about it is a warning.
    fn accepted(&mut self, request: &Request, checked: Checked) -> Result<Csr, Problem> {
        let mut warn = |message: String| {
            self.warnings.push(Warning {
                location: request.location.clone(),
                address: request.address.clone(),
                message: format!("`{}`: {message}", request.address),
                is_found_by_plans: false,
            });
        };
        if let Some(signature) = &checked.unchecked {
            warn(format!(
                "the signature of its CSR, {signature}, cannot be checked here; the CA will"
            ));
        }
        if request.ignores_names {
            return Ok(checked.csr);
        }
        let asked = &checked.names.asked;
        let is_ours = |name: &&String| request.names.binary_search(name).is_ok();
        let more: Vec<&String> = asked.iter().filter(|name| !is_ours(name)).collect();
        let has_common = || {
            let mut known = asked.iter().chain(&checked.names.addresses);
            known.any(|name| is_ours(&name))
        };
        if more.is_empty() {
            return Ok(checked.csr);
        }
        let ours = quoted(request.names.iter());
        if !has_common() {
            let ours = if ours.is_empty() { "no name" } else { &ours };
            let what = format!("the CSR is for {}, the entry for {ours}", quoted(more));
            let problem = Problem::new("csr_names", what).at(request.source.here(), "this CSR");
            return Err(problem.help(
                "is it the CSR of another entry? If it is right, for its key alone, write `ignore_names: true` \
                 beside it: the CA takes the names from the entry",
            ));
        }
        warn(format!(
            "its CSR also names {}: the certificate will not, for the CA is asked for {ours}",
            quoted(more)
        ));
        Ok(checked.csr)
    }
}

/// Names for a message. A list of thousands is cut.
fn quoted<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    const SHOWN: usize = 20;
    let mut names = names.into_iter();
    let mut words: Vec<String> = names
        .by_ref()
        .take(SHOWN)
        .map(|name| format!("`{}`", shown(name)))
        .collect();
    let rest = names.count();
    if rest > 0 {
        words.push(format!("{rest} more"));
    }
    words.join(", ")
}
