//! The vocabulary of certplan. Imports nothing of the other modules.
//!
//! Facts and plans are stored as JSON, so the types here derive serde: a stored form that is kept by
//! hand beside each type would be a second truth. What a CA sends or is sent has its own types in
//! [`crate`]'s provider modules, never these.

mod adoption;
mod asked;
mod assumption;
mod attempt;
mod authority;
mod batch;
mod batch_digest;
mod ca_clock;
mod carriers;
mod cause;
mod collected;
mod collecting;
mod digest;
mod duration;
mod entry;
mod exchange;
mod fact;
mod file_kind;
mod files_id;
mod files_wanted;
pub mod form;
mod ids;
mod item;
mod key_kind;
mod known_carriers;
mod labels;
mod live_order;
mod live_state;
mod mask;
mod matching;
mod members;
mod moment;
mod moved;
mod names;
mod observed;
mod observed_files;
mod operation;
mod order;
mod ordering;
mod past_order;
mod pause;
mod pending_domain;
mod reason;
mod record;
mod recorded;
mod refused;
mod renew;
mod renewal_reason;
mod replaced;
mod request_preview;
mod revocation;
mod revocation_reason;
mod secret;
mod secret_source;
mod seen;
mod serial_number;
mod standing;
mod succession;
mod transition;
mod untrusted;
mod valid_till;
mod waits;

#[cfg(test)]
mod tests;

pub use adoption::{Adoption, other_key};
pub use asked::{Asked, Differing};
pub use assumption::{Assumption, Evidence, Finding, KnownOrders, Tried};
pub use attempt::Attempt;
pub use authority::{Authority, CredentialMember, RateLimit, Region, ScopeKind};
pub use batch::{Account, Batch, Doubt, DoubtRule, Move, Policy, Provider};
pub use ca_clock::{CaClock, ca_day, duration_words};
pub use carriers::Carriers;
pub use cause::{Blocked, Cause, Decision, NextRun};
pub use collected::{Collected, Delivery};
pub use digest::{Digest, DigestInProgress};
pub use duration::{BadDuration, duration, meant_duration};
pub use entry::{Entry, JournalFact, JournalFactBody};
pub use fact::{Fact, FactBody, IllegalFact};
pub use file_kind::FileKind;
pub use files_id::FilesId;
pub use files_wanted::{P12Strength, Passphrase, WantedFiles, WantedKey};
pub use ids::{
    AccountName, Address, BadName, CertificateId, ItemName, KeyId, OrderId, RequestId, RunId,
    SerialNumber, Tag, TagParts,
};
pub use item::{After, Item, Milestone, SourceLine, Wanted};
pub use key_kind::KeyKind;
pub use labels::Labels;
pub use live_order::{LiveOrder, PendingReissue, RefusedReissue, Took};
pub use live_state::{Ending, LiveState, PartState};
pub use mask::Mask;
pub use matching::{
    Sameness, differences, extra_addresses, extra_names, is_as_wanted, may_be, missing_names,
    other_members, same_names, shares_a_name,
};
pub use members::Members;
pub use moment::{BootTime, Moment, age};
pub use moved::{Followed, follow, renamed, take};
pub use names::{is_host, normal_name, sent_name};
pub use observed::{
    BudgetWindow, CertificateKind, CertificateState, Identity, KeyFacts, KeyStatus, Observed,
    ObservedAccount, ObservedCertificate, ObservedOrder, ObservedRequest, OrderStatus, RequestKind,
    RequestStatus, Stage, StatusChange, TagLookup, Traffic,
};
pub use observed_files::{LiveLink, ObservedFiles, ObservedName, ObservedVersion, PendingKey};
pub use operation::{
    CertificatePin, Operation, OperationKind, OrderOperation, Part, ReissueOperation, RevokeCall,
    RevokeOperation, RevokeScope, Why,
};
pub use order::{CertificateRequest, Csr, Order, RenewalOf};
pub use past_order::{EndedRenewal, PastOrder, RenewalReissue};
pub use pause::{TOLD_PAUSE, clock_after, pause_end};
pub use pending_domain::PendingDomain;
pub use reason::{Reason, StatusWord};
pub use record::{Failure, OpenOperation, Phase, Record, Records, RequestedParts, Target};
pub use recorded::{FactLog, Recorded, intend};
pub use refused::rejected_reissue;
pub use renew::{DueBy, Ends, Lead, Renew, RenewRoute, Route};
pub use renewal_reason::{RenewalNeeds, RenewalReason};
pub use replaced::{ReplacedCertificate, ReplacedCertificates};
pub use request_preview::RequestPreview;
pub use revocation::{Revocation, RevocationTarget, Scope};
pub use revocation_reason::RevocationReason;
pub use secret::{Secret, is_like_a_key};
pub use secret_source::SecretSource;
pub use seen::{live_state, seen, seen_of};
pub use standing::{Change, Standing};
pub use untrusted::Untrusted;
pub use valid_till::{NotADay, ValidTill};
pub use waits::requested;
