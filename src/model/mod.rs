//! The vocabulary of certplan. Imports nothing of the other modules.
//!
//! Facts and plans are stored as JSON, so the types here derive serde: a stored form that is kept by
//! hand beside each type would be a second truth. What a CA sends or is sent has its own types in
//! [`crate`]'s provider modules, never these.

mod batch;
mod digest;
mod fact;
mod ids;
mod look;
mod members;
mod observed;
mod operation;
mod record;
#[cfg(test)]
mod record_test;
mod revocation_reason;
mod secret;
mod transition;
mod untrusted;

pub use batch::{
    Account, After, Batch, CertificateRequest, Csr, Doubt, DoubtRule, Item, Milestone, Order,
    Place, Policy, Provider, RateLimit, Region, Revocation, RevocationTarget, Scope, SecretSource,
    Wanted,
};
pub use digest::{Digest, DigestInProgress};
pub use fact::{Attempt, Fact, FactBody, IllegalFact};
pub use ids::{
    AccountName, Address, BadName, CertificateId, ItemName, KeyId, OrderId, RequestId, RunId,
    SerialNumber, Tag, TagParts,
};
pub use look::Look;
pub use members::Members;
pub use observed::{
    BudgetWindow, CertificateKind, CertificateState, Identity, KeyFacts, KeyStatus, Observed,
    ObservedAccount, ObservedCertificate, ObservedOrder, ObservedRequest, OrderStatus, RequestKind,
    RequestStatus, StatusChange, TagLookup, Traffic,
};
pub use operation::{
    CertificatePin, Operation, OperationKind, OrderOperation, Part, ReissueOperation, RenewalOf,
    RequestPreview, RevokeCall, RevokeOperation, RevokeScope,
};
pub use record::{
    Ending, Failure, LiveOrder, LiveState, OpenOperation, PartState, Phase, Record, Records,
};
pub use revocation_reason::RevocationReason;
pub use secret::Secret;
pub use untrusted::Untrusted;
