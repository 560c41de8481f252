//! The vocabulary of certplan. Imports nothing of the other modules.
//!
//! Facts and plans are stored as JSON, so the types here derive serde: a stored form that is kept by
//! hand beside each type would be a second truth. What a CA sends or is sent has its own types in
//! [`crate`]'s provider modules, never these.

mod adoption;
mod authority;
mod batch;
mod batch_digest;
mod cause;
mod digest;
mod entry;
mod fact;
pub mod form;
mod ids;
mod matching;
mod members;
mod moment;
mod names;
mod observed;
mod operation;
mod reason;
mod record;
#[cfg(test)]
mod record_test;
mod recorded;
mod revocation_reason;
mod secret;
mod standing;
mod transition;
mod untrusted;
mod valid_till;

pub use adoption::Adoption;
pub use authority::{Authority, CredentialMember, RateLimit, Region, ScopeKind};
pub use batch::{
    Account, After, Batch, CertificateRequest, Csr, Doubt, DoubtRule, Item, Milestone, Order,
    Policy, Provider, Revocation, RevocationTarget, Scope, SecretSource, SourceLine, Wanted,
};
pub use cause::{Blocked, Cause, Decision, NextRun, PendingDomain};
pub use digest::{Digest, DigestInProgress};
pub use entry::{Entry, JournalFact, JournalFactBody};
pub use fact::{Attempt, Fact, FactBody, IllegalFact};
pub use ids::{
    AccountName, Address, BadName, CertificateId, ItemName, KeyId, OrderId, RequestId, RunId,
    SerialNumber, Tag, TagParts,
};
pub use matching::{Sameness, differences, extra_names, may_be, missing_names, same_names};
pub use members::Members;
pub use moment::{BootTime, Moment, age};
pub use names::{is_host, normal_name};
pub use observed::{
    BudgetWindow, CertificateKind, CertificateState, Identity, KeyFacts, KeyStatus, Observed,
    ObservedAccount, ObservedCertificate, ObservedOrder, ObservedRequest, OrderStatus, RequestKind,
    RequestStatus, Stage, StatusChange, TagLookup, Traffic,
};
pub use operation::{
    CertificatePin, Operation, OperationKind, OrderOperation, Part, ReissueOperation, RenewalOf,
    RequestPreview, RevokeCall, RevokeOperation, RevokeScope,
};
pub use reason::{Reason, StatusWord};
pub use record::{
    Ending, Failure, LiveOrder, LiveState, OpenOperation, PartState, PendingReissue, Phase, Record,
    Records, RefusedReissue, RequestedParts, Target,
};
pub use recorded::{FactLog, Recorded, intend};
pub use revocation_reason::RevocationReason;
pub use secret::Secret;
pub use standing::{Change, Standing, live_state, seen};
pub use untrusted::Untrusted;
pub use valid_till::{NotADay, ValidTill};
