//! What can happen between two looks at a batch.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Longer than no order is under way (`LATE`), and than the index lags (`LAG`).
pub(super) const QUIET_PERIOD: &str = "1500ms";
pub(super) const QUIET: u64 = 1500;
/// How late a call takes effect whose sender has gone.
const LATE: u64 = 400;
/// The longest time that the look-up by tag lags behind.
pub(super) const LAG: u64 = 600;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    CutBefore,
    CutAfter,
    ErrorBefore,
    ErrorAfter,
    Truncated,
    Empty,
    WrongTypes,
    Html,
    Late,
    LookUpRefused,
    ReadsFail,
}

impl Lost {
    /// The rule for the sandbox: after `skip` such requests, `times` of them.
    pub(super) fn rule(self, skip: u8, times: u8) -> Value {
        let change = json!({ "provider": "certcentral", "method": "POST" });
        let look_up = json!({ "method": "GET", "path_contains": "/order/alternate/" });
        let (matching, fault) = match self {
            Self::CutBefore => (change, "cut_before"),
            Self::CutAfter => (change, "cut_after"),
            Self::ErrorBefore => (change, "error_before"),
            Self::ErrorAfter => (change, "error_after"),
            Self::Truncated => (change, "truncate"),
            Self::Empty => (change, "empty"),
            Self::WrongTypes => (change, "wrong_types"),
            Self::Html => (change, "html"),
            Self::Late => (change, "delay"),
            Self::LookUpRefused => (look_up, "forbidden"),
            Self::ReadsFail => (json!({ "method": "GET" }), "error_before"),
        };
        let mut rule = json!({ "match": matching, "fault": fault, "skip": skip, "times": times });
        if self == Self::Late {
            rule["ms"] = json!(LATE);
            rule["late"] = json!(true);
        }
        rule
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Command {
    /// One `apply` to its end.
    Apply,
    /// One more order in the manifest, and one `apply` that is killed after so many milliseconds; its calls
    /// are slow, so that some are under way.
    Kill(u64),
    /// One more order in the manifest, and one `apply` whose requests go wrong, those of the revocation in
    /// the same way; so do those of later runs.
    Lose { how: Lost, skip: u8, times: u8 },
    /// The look-up by tag and the lists show an order so many milliseconds late.
    Lag(u64),
    /// One entry asks for another unit: a reissue where it is in force.
    Unit(usize),
    /// An administrator approves everything that waits.
    Approve,
    /// An administrator refuses an order.
    Reject(usize),
    /// Somebody changes an order's product in the console.
    Edit(usize),
    /// Somebody cancels an order in the console; the entry's generation is raised.
    Renew(usize),
    /// One of the tool's own backups is put back.
    Restore(usize),
    /// The state is deleted.
    Delete,
    /// The state is moved to another place.
    Move,
    /// A person settles what is unknown about an entry.
    Resolve(usize),
    /// The revocation by id names the other one of two orders from now on.
    Retarget,
    /// A revocation of the first entry, by its name, is written, or raised.
    Gone,
    /// Somebody revokes the certificate of an entry's order in the console, and not the order.
    KillCertificate(usize),
    /// An administrator refuses the reissue of an entry's order.
    RejectReissue(usize),
    /// Somebody orders in the console what the next entry asks for; that entry comes, and one `apply`.
    Twin,
    /// A twin is taken over, or bought beside.
    Answer { take_over: bool },
    /// The wall clock is set so many hours ahead.
    Clock(i8),
    /// The host is started anew.
    Reboot,
}

/// A policy, and what happens under it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sequence {
    /// `then: resend` instead of `then: ask`.
    pub(super) resend: bool,
    /// The revocation by id waits until the second entry is issued.
    pub(super) gated: bool,
    pub(super) commands: Vec<Command>,
}

pub(super) fn sequences() -> impl Strategy<Value = Sequence> {
    (any::<bool>(), any::<bool>(), vec(command(), 3..12)).prop_map(|(resend, gated, commands)| {
        Sequence {
            resend,
            gated,
            commands,
        }
    })
}

fn command() -> impl Strategy<Value = Command> {
    let entry = || 0_usize..6;
    prop_oneof![
        5 => Just(Command::Apply),
        5 => (20_u64..900).prop_map(Command::Kill),
        6 => (lost(), 0_u8..3, 1_u8..3)
            .prop_map(|(how, skip, times)| Command::Lose { how, skip, times }),
        1 => (0_u64..=LAG).prop_map(Command::Lag),
        2 => entry().prop_map(Command::Unit),
        2 => Just(Command::Approve),
        1 => entry().prop_map(Command::Reject),
        1 => entry().prop_map(Command::Edit),
        2 => entry().prop_map(Command::Renew),
        2 => (0_usize..10).prop_map(Command::Restore),
        2 => Just(Command::Delete),
        3 => Just(Command::Move),
        2 => entry().prop_map(Command::Resolve),
        2 => Just(Command::Retarget),
        3 => Just(Command::Gone),
        2 => (0_usize..3).prop_map(Command::KillCertificate),
        1 => entry().prop_map(Command::RejectReissue),
        2 => Just(Command::Twin),
        1 => any::<bool>().prop_map(|take_over| Command::Answer { take_over }),
        2 => prop_oneof![Just(-24_i8), Just(-1), Just(0), Just(1), Just(24)].prop_map(Command::Clock),
        1 => Just(Command::Reboot),
    ]
}

fn lost() -> impl Strategy<Value = Lost> {
    prop_oneof![
        3 => Just(Lost::CutBefore),
        3 => Just(Lost::CutAfter),
        1 => Just(Lost::ErrorBefore),
        2 => Just(Lost::ErrorAfter),
        1 => Just(Lost::Truncated),
        1 => Just(Lost::Empty),
        1 => Just(Lost::WrongTypes),
        1 => Just(Lost::Html),
        2 => Just(Lost::Late),
        1 => Just(Lost::LookUpRefused),
        1 => Just(Lost::ReadsFail),
    ]
}
