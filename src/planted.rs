//! Bugs on purpose: they show that the tests can see the bugs that matter.
//!
//! Compiled only with the feature `planted-bugs`, never into a release build. `CERTPLAN_PLANTED=NAME`
//! picks one; each is what a sensible person might have written. The hooks are single statements
//! elsewhere; `tests/planted.rs` has a scenario for each.

#[cfg(not(debug_assertions))]
compile_error!("the feature `planted-bugs` is for tests: it must not be in a release build");

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::ClientBuilder;
use reqwest::redirect::Policy;
use tokio::sync::oneshot;

use crate::journal::JournalError;
use crate::model::{Address, Doubt, FactBody, OrderOperation, Part, Tag, TagParts};
use crate::plan::Step;
use crate::provider::{ErrorKind, ProviderError, Verdict};

/// True when this bug was picked.
pub(crate) fn is(bug: &str) -> bool {
    std::env::var_os("CERTPLAN_PLANTED").is_some_and(|picked| picked == bug)
}

/// `lease_as_lock`: a lease is trusted like a lock of the operating system.
pub(crate) fn lease_as_lock(leased: bool) -> bool {
    leased && !is("lease_as_lock")
}

/// `no_intent`: an intent is recorded together with the outcome.
pub(crate) fn no_intent(address: &Address, bodies: Vec<FactBody>) -> Vec<FactBody> {
    static HELD: Mutex<BTreeMap<Address, Vec<FactBody>>> = Mutex::new(BTreeMap::new());
    if !is("no_intent") {
        return bodies;
    }
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    if matches!(bodies.as_slice(), [FactBody::Intended(_)]) {
        held.insert(address.clone(), bodies);
        return Vec::new();
    }
    let mut whole = held.remove(address).unwrap_or_default();
    whole.extend(bodies);
    whole
}

/// `blind_retry`: a lost answer is taken for a call that was not sent. `server_error_is_failure`: a 5xx
/// is taken for a refusal.
pub(crate) fn verdict(mut error: ProviderError) -> ProviderError {
    if is("blind_retry") && error.verdict == Verdict::InDoubt {
        error.verdict = Verdict::NotSent;
    }
    if is("server_error_is_failure") && error.kind == ErrorKind::Server {
        error.verdict = Verdict::Rejected;
    }
    error
}

/// `tag_per_attempt`: each attempt carries a tag of its own.
pub(crate) fn tag_per_attempt(
    step: &Step,
    operation: &OrderOperation,
    attempts: u32,
) -> OrderOperation {
    let mut operation = operation.clone();
    if is("tag_per_attempt") {
        operation.tag = Tag::derive(TagParts {
            provider: "certcentral",
            endpoint: operation.tag.as_str(),
            account: &step.account,
            address: &step.address,
            generation: attempts,
        });
    }
    operation
}

/// `forget_quiet_period`: nothing found is proof at once.
pub(crate) fn forget_quiet_period(mut doubt: Doubt) -> Doubt {
    if is("forget_quiet_period") {
        doubt.quiet_period = Duration::ZERO;
    }
    doubt
}

/// `trust_first_look`: one look-up is enough, and needs no positive control.
pub(crate) fn trust_first_look(control: Option<bool>, looks: u32) -> (Option<bool>, u32) {
    if is("trust_first_look") {
        (Some(true), u32::MAX)
    } else {
        (control, looks)
    }
}

/// `adopt_without_match`: whatever carries the tag is ours.
pub(crate) fn adopt_without_match(differences: &mut Vec<String>) {
    if is("adopt_without_match") {
        differences.clear();
    }
}

/// `follow_redirects`: as HTTP clients do when nobody tells them otherwise.
pub(crate) fn follow_redirects(builder: ClientBuilder) -> ClientBuilder {
    if is("follow_redirects") {
        builder.redirect(Policy::limited(10))
    } else {
        builder
    }
}

/// `whole_order_revoke`: one certificate is revoked by revoking its order.
pub(crate) fn whole_order_revoke(part: &Part) -> &Part {
    static ORDER: Part = Part::Order;
    if is("whole_order_revoke") {
        &ORDER
    } else {
        part
    }
}

/// `zero_certificate_no`: a number that was never set. ncloud revokes the whole order for 0.
pub(crate) fn zero_certificate_no(number: u64) -> u64 {
    if is("zero_certificate_no") { 0 } else { number }
}

/// `ack_before_commit`: facts are acknowledged before they are on the disk, which is slow.
pub(crate) fn ack_before_commit(
    replies: Vec<oneshot::Sender<Result<(), JournalError>>>,
) -> Vec<oneshot::Sender<Result<(), JournalError>>> {
    if !is("ack_before_commit") {
        return replies;
    }
    for reply in replies {
        // Who asked may be gone.
        let _ = reply.send(Ok(()));
    }
    std::thread::sleep(Duration::from_secs(5));
    Vec::new()
}

/// `panic_after_intent`, `panic_after_answer`: a defect nobody thought of. It waits until other calls are
/// under way.
pub(crate) async fn panic_at(place: &str) {
    if is(place) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        std::panic::panic_any("planted");
    }
}
