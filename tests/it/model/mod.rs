//! The protocol, model-checked with the same `Record::next` that the journal uses.
//!
//! Two items, two processes, kills, power cuts, calls that arrive late, are refused or vanish, answers
//! that are lost, a tag index that lags: every state that these can lead to is looked at. The protocol
//! must hold in each; with one of its rules taken away the search must find how it breaks, or the
//! search proves nothing.
//!
//! A plain `cargo test` searches two attempts and two crashes, `CERTPLAN_MODEL=full` three of each (some
//! minutes). `-- --nocapture` shows the number of states and the shortest way to each break.
//!
//! What the model takes for granted: the quiet period is longer than any late delivery and any lag of
//! the tag index. What it leaves out: the content of requests, time, and more than two items.

mod books;
mod clock;
mod invariants;
mod journal;
mod life;
mod protocol;
mod search;
mod state;
mod world;

use invariants::{
    ALL_DONE, DONE_AFTER_CRASH, INTENT_FIRST, LEGAL, NO_ORPHAN, ONE_ORDER, REPLACED_FIRST,
    SENT_AGAIN,
};
use journal::Kind;
use protocol::{Protocol, Settle, Variant};
use search::{Found, Milestone, search};

/// The protocol of certplan with `doubt.then: resend`: a lock that cannot outlive its holder, an intent
/// on the disk before each call, a quiet period before a doubt is given up.
fn protocol() -> Protocol {
    Protocol {
        items: [Kind::Order, Kind::Order],
        intent_first: true,
        synced_commits: true,
        blind_retry: false,
        settle: Settle::QuietPeriod,
        settles_first: true,
        lease: false,
        unique_tag: false,
        refused_again_is_doubt: false,
        http_stack_resends: false,
        blind_key: false,
        positive_control: true,
        waits_for_issue: true,
        crashes: if full() { 3 } else { 2 },
        attempts: if full() { 3 } else { 2 },
    }
}

fn full() -> bool {
    std::env::var("CERTPLAN_MODEL").is_ok_and(|size| size == "full")
}

fn order_then_revocation() -> Protocol {
    Protocol {
        items: [Kind::Order, Kind::Revocation],
        ..protocol()
    }
}

fn show(name: &str, found: &Found<protocol::Move>) {
    println!("{name}: {} states", found.states);
    for (invariant, way) in &found.broken {
        println!("  {invariant}\n    {way:?}");
    }
}

/// Searches every state: no invariant is broken, nothing is stuck, and what should happen happens.
#[track_caller]
fn holds(name: &str, rules: Protocol, sights: &[&str]) {
    let found = search(&Variant::new(rules), Milestone::Exhausted);
    show(name, &found);
    assert!(found.broken.is_empty(), "{name}: {:#?}", found.broken);
    for sight in sights {
        assert!(found.sights.contains(sight), "{name}: never seen: {sight}");
    }
}

/// The search finds how a variant breaks.
#[track_caller]
fn breaks(name: &str, rules: Protocol, wanted: &[&'static str]) {
    let found = search(&Variant::new(rules), Milestone::Broken(wanted));
    show(name, &found);
    for invariant in wanted {
        assert!(
            found.broken.contains_key(invariant),
            "{name}: {} states, and this was never broken: {invariant}",
            found.states
        );
    }
}

#[test]
fn sending_again_after_the_quiet_period_is_safe_under_a_lock_that_dies_with_its_holder() {
    let sights = [ALL_DONE, DONE_AFTER_CRASH, SENT_AGAIN];
    holds("V3", protocol(), &sights);
    holds("V3 with a revocation", order_then_revocation(), &sights);
}

#[test]
fn asking_a_person_after_the_quiet_period_is_safe() {
    let rules = Protocol {
        settle: Settle::Person,
        ..protocol()
    };
    holds("ask", rules, &[ALL_DONE, DONE_AFTER_CRASH, SENT_AGAIN]);
}

#[test]
fn never_sending_again_is_safe_even_under_a_lease() {
    let rules = Protocol {
        settle: Settle::Never,
        lease: true,
        ..protocol()
    };
    holds("V6", rules, &[ALL_DONE, DONE_AFTER_CRASH]);
}

#[test]
fn a_ca_that_refuses_a_second_tag_makes_a_lease_safe_when_that_refusal_is_doubt() {
    let rules = Protocol {
        lease: true,
        unique_tag: true,
        refused_again_is_doubt: true,
        // The largest of the searches by far.
        crashes: if full() { 2 } else { 1 },
        attempts: 2,
        ..protocol()
    };
    holds("V5a", rules, &[ALL_DONE, DONE_AFTER_CRASH, SENT_AGAIN]);
}

#[test]
fn a_positive_control_makes_a_key_that_cannot_see_the_orders_safe() {
    let rules = Protocol {
        blind_key: true,
        ..protocol()
    };
    holds("V10 with control", rules, &[ALL_DONE]);
}

#[test]
fn the_journal_itself_refuses_an_intent_over_an_open_doubt() {
    let rules = Protocol {
        settles_first: false,
        ..protocol()
    };
    breaks("an intent over a doubt", rules, &[LEGAL]);
}

#[test]
fn each_rule_is_needed() {
    let variants: [(&str, Protocol, &[&'static str]); 9] = [
        (
            "V0 no intent",
            Protocol {
                intent_first: false,
                ..protocol()
            },
            &[ONE_ORDER, NO_ORPHAN, INTENT_FIRST],
        ),
        (
            "V1 blind retry",
            Protocol {
                blind_retry: true,
                ..protocol()
            },
            &[ONE_ORDER, NO_ORPHAN],
        ),
        (
            "V2 a look-up is trusted at once",
            Protocol {
                settle: Settle::AtOnce,
                ..protocol()
            },
            &[ONE_ORDER, NO_ORPHAN],
        ),
        (
            "V4 a lease and sending again",
            Protocol {
                lease: true,
                ..protocol()
            },
            &[ONE_ORDER],
        ),
        (
            "V5 a unique tag, and the refusal of the second call taken for the first one's",
            Protocol {
                lease: true,
                unique_tag: true,
                ..protocol()
            },
            &[NO_ORPHAN],
        ),
        (
            "V7 commits that are not synced",
            Protocol {
                synced_commits: false,
                ..protocol()
            },
            &[ONE_ORDER, INTENT_FIRST],
        ),
        (
            "V8 revoked when the replacement is merely taken",
            Protocol {
                waits_for_issue: false,
                ..order_then_revocation()
            },
            &[REPLACED_FIRST],
        ),
        (
            "V9 the HTTP library sends again",
            Protocol {
                http_stack_resends: true,
                ..protocol()
            },
            &[ONE_ORDER, INTENT_FIRST],
        ),
        (
            "V10 a key that cannot see the order, without a control",
            Protocol {
                blind_key: true,
                positive_control: false,
                ..protocol()
            },
            &[ONE_ORDER, NO_ORPHAN],
        ),
    ];
    for (name, rules, wanted) in variants {
        breaks(name, rules, wanted);
    }
}
