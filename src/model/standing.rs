//! Where an item stands, and what it waits for: [`Standing`]. This is the one answer to both questions.
//! `plan`, `apply`, `status`, metrics, reports and exit codes read it; nothing else works it out.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::cause::{Cause, Decision};
use super::ids::CertificateId;
use super::item::Milestone;
use super::live_order::LiveOrder;
use super::live_state::{Ending, LiveState, PartState};
use super::observed::ObservedOrder;
use super::record::{Phase, Record};
use super::seen::{is_past, live_state};
use super::valid_till::ValidTill;
use super::waits::{reissue, requested};

/// Where an item stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// No order stands for the name.
    Absent,
    /// Nothing was asked for yet, and something must happen first.
    Waiting {
        /// What.
        waits: Cause,
    },
    /// The order was asked for, and nothing of it is in force.
    Requested {
        /// What it waits for.
        waits: Cause,
    },
    /// The CA shows a certificate of the order that is issued, not revoked and not run out.
    InForce {
        /// The certificate.
        certificate: Option<CertificateId>,
        /// Its last day.
        till: Option<ValidTill>,
        /// Why it is not, or not yet, what the entry asks for; `None` when it is.
        change: Option<Change>,
    },
    /// The order is not over, and no certificate of it is in force.
    Lapsed {
        /// True when the certificate was revoked alone; otherwise it ran out.
        revoked: bool,
        /// Its last day.
        till: Option<ValidTill>,
        /// What a person has to decide, if they have to.
        waits: Option<Cause>,
    },
    /// The order is over.
    Ended {
        /// How it ended.
        ending: Ending,
        /// What a person has to decide, if they have to.
        waits: Option<Cause>,
    },
    /// The outcome of an order or a revocation is not known.
    InDoubt,
    /// The outcome is not known, and only a person can settle it.
    Parked,
    /// The revocation was not asked for.
    NotRevoked,
    /// The revocation was asked for, and is not in force.
    RevocationRequested {
        /// What it waits for.
        waits: Cause,
    },
    /// An administrator refused the revocation.
    Declined {
        /// What a person has to decide.
        waits: Cause,
    },
    /// Nothing of what the entry revokes is in force.
    Revoked,
}

/// What keeps a certificate in force from being what the entry asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The entry asks for something else; a reissue is due.
    Due,
    /// A reissue is under way.
    UnderWay {
        /// What it waits for.
        waits: Cause,
    },
    /// The outcome of a reissue is not known.
    InDoubt,
    /// The outcome of a reissue is not known, and only a person can settle it.
    Parked,
    /// An administrator refused the reissue.
    Refused {
        /// What a person has to decide.
        waits: Cause,
    },
    /// The certificate is what the entry asks for, and its renewal waits.
    Renewal {
        /// What it waits for.
        waits: Cause,
    },
    /// The certificate is what the entry asks for, and its private key is not here.
    KeyMissing {
        /// What a person has to decide.
        waits: Cause,
    },
}

static DOUBT: Cause = Cause::Doubt;

impl Standing {
    /// Where an order stands: by what the journal knows, and by what the CA shows where it was read.
    ///
    /// `asks_for_more` says that the entry asks for another certificate than the journal has as asked for.
    pub fn of_order(
        record: Option<&Record>,
        seen: Option<&ObservedOrder>,
        asks_for_more: bool,
        today: Date,
    ) -> Self {
        let open = record.and_then(|record| record.open.as_ref());
        let parked = open.map(|open| matches!(open.phase, Phase::Parked { .. }));
        let Some(live) = record.and_then(|record| record.live.as_ref()) else {
            return match (parked, seen) {
                (Some(true), _) => Self::Parked,
                (Some(false), _) => Self::InDoubt,
                // An order that is about to be bound.
                (None, Some(seen)) => {
                    let state = live_state(seen, today);
                    let till = seen.valid_till;
                    Self::of_state(&state, None, Some(seen), (till, today))
                }
                (None, None) => Self::Absent,
            };
        };
        let till = seen.and_then(|seen| seen.valid_till).or(live.valid_till);
        let state = match seen {
            Some(seen) => live_state(seen, today),
            None if live.state == LiveState::Issued && is_past(till, today) => LiveState::Lapsed,
            None => live.state.clone(),
        };
        let mut standing = Self::of_state(&state, Some(live), seen, (till, today));
        match &mut standing {
            Self::InForce { change, .. } => match parked {
                Some(true) => *change = Some(Change::Parked),
                Some(false) => *change = Some(Change::InDoubt),
                None if change.is_none() && asks_for_more => *change = Some(Change::Due),
                None => {}
            },
            // The next generation of an order that is over is in doubt.
            _ => match parked {
                Some(true) => return Self::Parked,
                Some(false) => return Self::InDoubt,
                None => {}
            },
        }
        let successor = record.and_then(|record| record.successor.as_deref());
        match successor.filter(|_| parked.is_none()) {
            Some(successor) => standing.with_renewal(requested(Some(successor), None)),
            None => standing,
        }
    }

    /// The same, where a renewal of the order waits: what is in force stays in force.
    pub fn with_renewal(mut self, cause: Cause) -> Self {
        match &mut self {
            Self::InForce { change, .. } => *change = Some(Change::Renewal { waits: cause }),
            Self::Lapsed { waits, .. } | Self::Ended { waits, .. } => *waits = Some(cause),
            Self::Absent
            | Self::Waiting { .. }
            | Self::Requested { .. }
            | Self::InDoubt
            | Self::Parked
            | Self::NotRevoked
            | Self::RevocationRequested { .. }
            | Self::Declined { .. }
            | Self::Revoked => {}
        }
        self
    }

    fn of_state(
        state: &LiveState,
        live: Option<&LiveOrder>,
        seen: Option<&ObservedOrder>,
        (till, today): (Option<ValidTill>, Date),
    ) -> Self {
        let next = live.map_or(1, |live| live.generation).saturating_add(1);
        let certificate = seen
            .and_then(|seen| seen.certificate_id.clone())
            .or_else(|| live.and_then(|live| live.certificate_id.clone()));
        match state {
            LiveState::Requested => Self::Requested {
                waits: requested(live, seen),
            },
            LiveState::Reissuing if seen.is_some_and(|seen| seen.certificate_revoked) => {
                Self::Requested {
                    waits: reissue(live, seen),
                }
            }
            LiveState::Reissuing => Self::InForce {
                certificate,
                till,
                change: Some(Change::UnderWay {
                    waits: reissue(live, seen),
                }),
            },
            LiveState::Issued => Self::InForce {
                change: live
                    .filter(|live| is_under_way(live, certificate.as_ref()))
                    .map(|_| Change::UnderWay {
                        waits: reissue(live, seen),
                    }),
                certificate,
                till,
            },
            LiveState::Lapsed => {
                // The journal does not keep which of the two it was; a date that has passed tells.
                let revoked = seen.map_or(!is_past(till, today), |seen| seen.certificate_revoked);
                Self::Lapsed {
                    revoked,
                    till,
                    waits: revoked.then_some(Cause::Decision(Decision::CertificateRevoked {
                        generation: next,
                    })),
                }
            }
            LiveState::Ended(ending) => Self::Ended {
                ending: *ending,
                waits: Some(Cause::Decision(Decision::Ended {
                    ending: *ending,
                    generation: next,
                })),
            },
        }
    }

    /// Where a revocation stands, by what its calls came to. `None` is a call that was not made.
    pub fn of_parts<'a>(
        parts: impl IntoIterator<Item = Option<&'a PartState>>,
        generation: u32,
    ) -> Self {
        let (mut requests, mut waits, mut missing, mut declined) =
            (Vec::new(), false, false, false);
        for part in parts {
            match part {
                None => missing = true,
                Some(PartState::Declined) => declined = true,
                Some(PartState::Requested { request_id }) => {
                    waits = true;
                    requests.extend(request_id.clone());
                }
                Some(PartState::Revoked) => {}
            }
        }
        if declined {
            let generation = generation.saturating_add(1);
            let waits = Cause::Decision(Decision::Declined { generation });
            Self::Declined { waits }
        } else if waits {
            let waits = Cause::Revocation { requests };
            Self::RevocationRequested { waits }
        } else if missing {
            Self::NotRevoked
        } else {
            Self::Revoked
        }
    }

    /// How far the item has come in what its entry asks for now; `None` when nothing may build on it.
    pub fn reached(&self) -> Option<Milestone> {
        match self {
            Self::InForce {
                change: None | Some(Change::KeyMissing { .. } | Change::Renewal { .. }),
                ..
            } => Some(Milestone::Issued),
            Self::InForce {
                change: Some(_), ..
            }
            | Self::Requested { .. }
            | Self::RevocationRequested { .. } => Some(Milestone::Submitted),
            Self::Revoked => Some(Milestone::Revoked),
            Self::Absent
            | Self::Waiting { .. }
            | Self::Lapsed { .. }
            | Self::Ended { .. }
            | Self::InDoubt
            | Self::Parked
            | Self::NotRevoked
            | Self::Declined { .. } => None,
        }
    }

    /// What the item waits for; `None` when it waits for nothing.
    pub fn waits(&self) -> Option<&Cause> {
        match self {
            Self::Waiting { waits }
            | Self::Requested { waits }
            | Self::RevocationRequested { waits }
            | Self::Declined { waits } => Some(waits),
            Self::InForce { change, .. } => match change {
                Some(
                    Change::UnderWay { waits }
                    | Change::Refused { waits }
                    | Change::Renewal { waits }
                    | Change::KeyMissing { waits },
                ) => Some(waits),
                Some(Change::InDoubt | Change::Parked) => Some(&DOUBT),
                Some(Change::Due) | None => None,
            },
            Self::Lapsed { waits, .. } | Self::Ended { waits, .. } => waits.as_ref(),
            Self::InDoubt | Self::Parked => Some(&DOUBT),
            Self::Absent | Self::NotRevoked | Self::Revoked => None,
        }
    }

    /// The last day of the certificate, whether it is in force or ran out; `None` where there is none.
    pub fn ends(&self) -> Option<ValidTill> {
        match self {
            Self::InForce { till, .. } | Self::Lapsed { till, .. } => *till,
            Self::Absent
            | Self::Waiting { .. }
            | Self::Requested { .. }
            | Self::Ended { .. }
            | Self::InDoubt
            | Self::Parked
            | Self::NotRevoked
            | Self::RevocationRequested { .. }
            | Self::Declined { .. }
            | Self::Revoked => None,
        }
    }

    /// The last day of a certificate in force; `None` when none is.
    pub fn in_force_till(&self) -> Option<ValidTill> {
        match self {
            Self::InForce { till, .. } => *till,
            Self::Absent
            | Self::Waiting { .. }
            | Self::Requested { .. }
            | Self::Lapsed { .. }
            | Self::Ended { .. }
            | Self::InDoubt
            | Self::Parked
            | Self::NotRevoked
            | Self::RevocationRequested { .. }
            | Self::Declined { .. }
            | Self::Revoked => None,
        }
    }

    /// One word, for `status`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Absent => "not-ordered",
            Self::Waiting { .. } => "waiting",
            Self::Requested {
                waits: Cause::Reissue { .. },
            } => "reissue-pending",
            Self::Requested { .. } => "pending",
            Self::InForce { change, .. } => match change {
                None
                | Some(
                    Change::Due
                    | Change::Refused { .. }
                    | Change::Renewal { .. }
                    | Change::KeyMissing { .. },
                ) => "issued",
                Some(Change::UnderWay { .. }) => "reissue-pending",
                Some(Change::InDoubt) => "in-doubt",
                Some(Change::Parked) => "parked",
            },
            Self::Lapsed { revoked: true, .. } => "certificate-revoked",
            Self::Lapsed { revoked: false, .. } => "expired",
            Self::Ended { ending, .. } => ending.word(),
            Self::InDoubt => "in-doubt",
            Self::Parked => "parked",
            Self::NotRevoked => "not-requested",
            Self::RevocationRequested { .. } => "requested",
            Self::Declined { .. } => "declined",
            Self::Revoked => "revoked",
        }
    }
}

/// True for a reissue that the CA took and that the order does not show. One that was refused and is still
/// what the entry asks for is told apart by the plan.
fn is_under_way(live: &LiveOrder, certificate: Option<&CertificateId>) -> bool {
    let pending = live.change.as_ref();
    // Assumption `reissue-new-id`: a reissue brings another certificate id.
    pending.is_some_and(|pending| certificate.is_none() || certificate == pending.from.as_ref())
}
