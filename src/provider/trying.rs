//! What trying the assumptions of every CA has in common: a number of GETs that is never exceeded, and the
//! results. Main type: [`Trying`].

use serde_json::Value;

use super::http::Transport;
use super::reply::Reply;
use crate::model::{Assumption, Evidence, Finding, Tried};

/// The most GETs that trying the assumptions of an account takes.
pub const MOST_TRIES: u32 = 20;

/// The assumptions of an account while they are tried.
pub(super) struct Trying<'a> {
    transport: &'a Transport,
    left: u32,
    tried: Vec<Tried>,
}

/// An answer, as far as there is one.
pub(super) struct Seen {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl<'a> Trying<'a> {
    pub(super) fn new(transport: &'a Transport) -> Self {
        Self {
            transport,
            left: MOST_TRIES,
            tried: Vec::new(),
        }
    }

    /// One GET, sent once; `None` where there is no answer that could show anything, or no GET left.
    pub(super) async fn get(&mut self, path: &str) -> Option<Seen> {
        self.left = self.left.checked_sub(1)?;
        let reply: Reply = self
            .transport
            .read_once("try an assumption", path)
            .await
            .ok()?;
        // Over the limit, and what a proxy or a sick server answers.
        if matches!(reply.status, 408 | 429 | 500..) {
            return None;
        }
        let body: Value = reply.object().unwrap_or(Value::Null);
        Some(Seen {
            status: reply.status,
            body,
        })
    }

    /// Notes what one came to.
    pub(super) fn note(
        &mut self,
        assumption: &'static Assumption,
        finding: Finding,
        evidence: Evidence,
    ) {
        self.tried.push(Tried {
            assumption,
            finding,
            evidence,
        });
    }

    /// Notes whether one holds.
    pub(super) fn holds(
        &mut self,
        assumption: &'static Assumption,
        holds: bool,
        evidence: Evidence,
    ) {
        self.note(assumption, Finding::of(holds), evidence);
    }

    /// Notes that the account has nothing that would show one.
    pub(super) fn open(&mut self, assumption: &'static Assumption, why: &'static str) {
        self.note(assumption, Finding::NotTestable, Evidence::new(why));
    }

    /// Every assumption of the list in its order; those that nothing was noted of are not testable.
    pub(super) fn done(self, all: &'static [&'static Assumption]) -> Vec<Tried> {
        let mut tried = self.tried;
        all.iter()
            .copied()
            .map(|assumption| {
                let at = tried
                    .iter()
                    .position(|one| one.assumption.id == assumption.id);
                at.map(|at| tried.swap_remove(at)).unwrap_or_else(|| {
                    let why = if assumption.by_reads {
                        "no answer that would show it"
                    } else {
                        "only a change at the CA would show it"
                    };
                    Tried {
                        assumption,
                        finding: Finding::NotTestable,
                        evidence: Evidence::new(why),
                    }
                })
            })
            .collect()
    }
}

/// An id: a number, or text of digits.
pub(super) fn id(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => number.as_u64().map(|id| id.to_string()),
        Value::String(text) if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => {
            Some(text.clone())
        }
        _ => None,
    }
}

/// A list of an answer; what is missing or null has no rows.
pub(super) fn rows<'v>(body: &'v Value, member: &str) -> &'v [Value] {
    body.get(member)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}
