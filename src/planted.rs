//! Bugs on purpose: they show that the tests can see the bugs that matter.
//!
//! Compiled only with the feature `planted-bugs`, never into a release build. `CERTPLAN_PLANTED=NAME`
//! picks one; each is what a sensible person might have written. Most stand in a wrapper around an account
//! ([`act`]), the journal ([`journal`]), its store ([`store`]) or the policy ([`policy`]), put on where these are opened. What
//! only the code below those can do wrong is a single statement there. `tests/planted.rs` has a scenario
//! for each.

#[cfg(not(debug_assertions))]
compile_error!("the feature `planted-bugs` is for tests: it must not be in a release build");

mod act;
mod journal;
mod store;

use std::sync::Arc;
use std::time::Duration;

use reqwest::ClientBuilder;
use reqwest::redirect::Policy as RedirectPolicy;

use crate::journal::Journal;
use crate::journal::store::FactStore;
use crate::model::{Address, Ends, OrderId, Part, Policy, Tag, TagParts};
use crate::provider::Act;

/// True when this bug was picked.
pub(crate) fn is(bug: &str) -> bool {
    std::env::var_os("CERTPLAN_PLANTED").is_some_and(|picked| picked == bug)
}

/// An account with its bugs.
pub(crate) fn act(inner: Arc<dyn Act>) -> Arc<dyn Act> {
    Arc::new(act::PlantedAct::around(inner))
}

/// A journal with its bugs.
pub(crate) fn journal(inner: Arc<dyn Journal>) -> Arc<dyn Journal> {
    Arc::new(journal::PlantedJournal::around(inner))
}

/// The store of a journal with its bugs.
pub(crate) fn store(inner: Box<dyn FactStore>) -> Box<dyn FactStore> {
    if is("ack_before_commit") {
        Box::new(store::AckBeforeCommit::around(inner))
    } else {
        inner
    }
}

/// `forget_quiet_period`: nothing found is proof at once.
pub(crate) fn policy(mut policy: Policy) -> Policy {
    if is("forget_quiet_period") {
        policy.doubt.quiet_period = Duration::ZERO;
    }
    policy
}

/// The tag of an order that does not exist, for `trust_first_look`.
fn no_ones_tag() -> Option<Tag> {
    let address: Address = "orders.nobody".parse().ok()?;
    Some(Tag::derive(TagParts {
        provider: "planted",
        endpoint: "",
        account: &"nobody".parse().ok()?,
        address: &address,
        generation: 1,
        renews: None,
    }))
}

/// `follow_redirects`: as HTTP clients do when nobody tells them otherwise.
pub(crate) fn follow_redirects(builder: ClientBuilder) -> ClientBuilder {
    if is("follow_redirects") {
        builder.redirect(RedirectPolicy::limited(10))
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

/// `buys_a_paid_year`: an order counts as over with its certificate, so another one is bought while it is paid.
/// `before_not_cut`: a lead is taken as it is written, however short the certificate lives.
pub(crate) fn ends(mut ends: Ends) -> Ends {
    if is("buys_a_paid_year") {
        ends.order = ends.certificate;
    }
    if is("before_not_cut") {
        ends.lifetime = Some(i64::from(u16::MAX));
    }
    ends
}

/// `tag_without_renews`: a renewal carries the tag of the order that it follows.
pub(crate) fn renews(renews: Option<&OrderId>) -> Option<&OrderId> {
    renews.filter(|_| !is("tag_without_renews"))
}
