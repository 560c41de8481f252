//! Why a step of a plan is what it is: [`Reason`], one variant for each sentence that is shown. The words
//! are made elsewhere, in one place.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::file_kind::FileKind;
use super::files_id::FilesId;
use super::files_wanted::P12Strength;
use super::ids::{Address, CertificateId, OrderId, RequestId, SerialNumber};
use super::live_state::Ending;
use super::operation::{OperationKind, Part};
use super::renewal_reason::RenewalReason;
use super::revocation::Scope;
use super::untrusted::Untrusted;
use super::valid_till::ValidTill;

/// Why a step is what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Reason {
    /// The manifest has no account of that name.
    AccountUnknown,

    /// A run ended between an intent and its outcome.
    Interrupted { kind: OperationKind },
    /// An earlier call's outcome is unknown.
    OutcomeUnknown { kind: OperationKind, why: Untrusted },
    /// An earlier call's outcome is unknown, and only a person can settle it.
    ForAPerson { kind: OperationKind, why: Untrusted },

    /// Nothing at the CA answers to the name.
    NothingThere,
    /// The journal does not know the name, and the CA was not asked.
    NotInJournal,
    /// The CA refused an earlier call; it is asked again.
    AskedAgain { at: Timestamp, message: Untrusted },
    /// A later generation takes the place of an order that ended.
    NextGeneration { generation: u32, order: OrderId },
    /// The account has orders for the same names and product.
    Twin { orders: Vec<OrderId> },
    /// The CA shows no order with the id that the entry renews.
    RenewedUnknown { order: OrderId },
    /// The order that the entry renews was renewed already.
    RenewedAlready { order: OrderId, by: Option<OrderId> },

    /// One order carries the name's tag and is what the entry asks for.
    CarriesTag { order: OrderId },
    /// Several orders carry the name's tag.
    SeveralCarryTag { orders: Vec<OrderId> },
    /// The order that carries the name's tag stands for another name.
    BoundElsewhere {
        order: OrderId,
        address: Option<Address>,
    },
    /// The order that carries the name's tag could not be read.
    TaggedUnreadable { order: OrderId },
    /// The order that carries the name's tag differs from what the entry asks for.
    TaggedDiffers {
        order: OrderId,
        differences: Vec<Untrusted>,
    },

    /// The entry had another name: what the journal has of that one goes on under the new one.
    Moved { from: Address },
    /// The entry cannot take the record of its earlier name, as it has one of its own.
    MoveTaken {
        from: Address,
        order: Option<OrderId>,
    },
    /// The order of the earlier name is not what the entry asks for.
    MoveDiffers {
        from: Address,
        order: Option<OrderId>,
        differences: Vec<Untrusted>,
    },

    /// The entry names this order as the one that it stands for.
    Existing { order: OrderId },
    /// The CA shows no order with the id that the entry names.
    ExistingUnknown { order: OrderId },
    /// The order that the entry names differs from what the entry asks for.
    ExistingDiffers {
        order: OrderId,
        differences: Vec<Untrusted>,
    },
    /// The order that the entry names carries another entry's tag.
    ExistingForeignTag { order: OrderId, tag: Untrusted },
    /// The order that the entry names is over.
    ExistingEnded { order: OrderId, ending: Ending },

    /// The order was asked for and is not issued.
    Requested {
        order: OrderId,
        says: Option<StatusWord>,
    },
    /// The order is in force as the entry asks for it.
    InForce { order: OrderId },
    /// The certificate that the entry asks for is not that of the order. The members that differ are named where
    /// they are known.
    CertificateDiffers {
        order: OrderId,
        #[serde(default)]
        members: Vec<String>,
    },
    /// A new key is asked for, because the private key of the order's certificate is not here.
    NewKey { order: OrderId },
    /// The private key of the order's certificate is not in the files folder.
    KeyMissing { order: OrderId },
    /// What the entry asks for needs the files folder of the journal, and another host has it.
    OtherHost { folder: FilesId },
    /// The certificate is issued, and its files are not in the files folder.
    NotCollected { serial: SerialNumber },
    /// Files in the files folder are not what was collected.
    FilesChanged {
        files: Vec<FileKind>,
        since: Timestamp,
    },
    /// Files that the entry asks for were never made.
    FilesMissing { files: Vec<FileKind> },
    /// `cert.p12` is encrypted in another way than the entry asks for.
    P12Strength {
        is: P12Strength,
        wanted: P12Strength,
    },
    /// The passphrase of `cert.p12` came from another place than the entry names.
    P12Passphrase,
    /// `live` does not point to the certificate that was collected.
    LinkChanged { serial: SerialNumber },
    /// The program that runs after a collection did not end well.
    ProgramFailed { at: Timestamp, why: Untrusted },
    /// The program did not run for the certificate that was collected.
    NotDelivered { serial: SerialNumber },
    /// A reissue is under way.
    ReissueUnderWay { order: OrderId },
    /// An administrator refused the reissue.
    ReissueRejected { order: OrderId },
    /// The order is renewed, or why it is not.
    Renewal(RenewalReason),
    /// The order's certificate ran out.
    RanOut {
        order: OrderId,
        till: Option<ValidTill>,
    },
    /// The order's only certificate was revoked; the order itself is not over.
    CertificateRevoked { order: OrderId },
    /// The order, or its certificate, is revoked because the manifest asks for that.
    RevokedAsAsked { order: OrderId },
    /// The order is over.
    Ended { order: OrderId, ending: Ending },

    /// The target has no order yet.
    NoOrderYet { target: Address },
    /// The CA shows no such order to this key.
    OrderUnknown { order: OrderId },
    /// The order has no such certificate.
    CertificateUnknown { order: OrderId, scope: Scope },
    /// The order could not be read.
    NotRead { order: OrderId },
    /// The name stood for other orders before, and the journal does not know which one was meant.
    EarlierOrder {
        order: OrderId,
        earlier: Vec<OrderId>,
    },
    /// Certificates of the order are in force.
    Revokes {
        order: OrderId,
        whole: bool,
        certificates: u32,
    },
    /// The journal does not know of the revocation, and the CA was not asked.
    RevokesUnread { order: OrderId },
    /// A reissue of the order is under way: CertCentral takes no revocation meanwhile.
    ReissueFirst { order: OrderId },
    /// The CA carries the revocation out.
    Revoking { order: OrderId },
    /// The revocation was asked for.
    RevocationRequested {
        order: OrderId,
        part: Part,
        /// The other certificates of the same revocation that were asked for.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        more: Vec<Part>,
    },
    /// Somebody else asked for a revocation of the order or of one of its certificates.
    RequestOpen { order: OrderId, request: RequestId },
    /// An administrator refused the revocation.
    Declined { order: OrderId },
    /// The CA refused to revoke a certificate that no list shows.
    UnlistedRefused {
        order: OrderId,
        certificate: CertificateId,
        message: Untrusted,
    },
    /// The CA confirmed the revocation and shows certificates in force.
    ConfirmedButInForce { order: OrderId },
    /// The revocation is in force.
    RevocationInForce,
    /// The revocation is in force for the order that it was planned for; the name stands for another now.
    RevokedEarlierOrder { order: OrderId, now: OrderId },
    /// Nothing of the order is in force.
    NothingInForce { order: OrderId },
    /// The order has no issued certificate yet.
    NotIssuedYet { order: OrderId },
    /// The journal has the revocation as in force; the CA was not asked.
    JournalRevoked,
    /// The journal has the revocation as asked for; the CA was not asked.
    JournalRequested,
}

/// The CA's own word for a status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusWord {
    /// The word.
    pub word: Untrusted,
    /// Whether certplan knows it.
    pub known: bool,
}

impl Reason {
    /// The stable word of JSON (`reason_code`).
    pub fn code(&self) -> &'static str {
        match self {
            Self::AccountUnknown => "account_unknown",
            Self::Interrupted { .. } => "interrupted",
            Self::OutcomeUnknown { .. } => "outcome_unknown",
            Self::ForAPerson { .. } => "for_a_person",
            Self::NothingThere => "nothing_there",
            Self::NotInJournal => "not_in_journal",
            Self::AskedAgain { .. } => "asked_again",
            Self::NextGeneration { .. } => "next_generation",
            Self::Twin { .. } => "twin",
            Self::RenewedUnknown { .. } => "renewed_unknown",
            Self::RenewedAlready { .. } => "renewed_already",
            Self::CarriesTag { .. } => "carries_tag",
            Self::SeveralCarryTag { .. } => "several_carry_tag",
            Self::BoundElsewhere { .. } => "bound_elsewhere",
            Self::TaggedUnreadable { .. } => "tagged_unreadable",
            Self::TaggedDiffers { .. } => "tagged_differs",
            Self::Moved { .. } => "moved",
            Self::MoveTaken { .. } => "move_taken",
            Self::MoveDiffers { .. } => "move_differs",
            Self::Existing { .. } => "existing",
            Self::ExistingUnknown { .. } => "existing_unknown",
            Self::ExistingDiffers { .. } => "existing_differs",
            Self::ExistingForeignTag { .. } => "existing_foreign_tag",
            Self::ExistingEnded { .. } => "existing_ended",
            Self::Requested { .. } => "requested",
            Self::InForce { .. } => "in_force",
            Self::CertificateDiffers { .. } => "certificate_differs",
            Self::NewKey { .. } => "new_key",
            Self::KeyMissing { .. } => "key_missing",
            Self::OtherHost { .. } => "other_host",
            Self::NotCollected { .. } => "not_collected",
            Self::FilesChanged { .. } => "files_changed",
            Self::FilesMissing { .. } => "files_missing",
            Self::P12Strength { .. } => "p12_strength",
            Self::P12Passphrase => "p12_passphrase",
            Self::LinkChanged { .. } => "link_changed",
            Self::ProgramFailed { .. } => "program_failed",
            Self::NotDelivered { .. } => "not_delivered",
            Self::ReissueUnderWay { .. } => "reissue_under_way",
            Self::ReissueRejected { .. } => "reissue_rejected",
            Self::Renewal(renewal) => renewal.code(),
            Self::RanOut { .. } => "ran_out",
            Self::CertificateRevoked { .. } => "certificate_revoked",
            Self::RevokedAsAsked { .. } => "revoked_as_asked",
            Self::Ended { .. } => "ended",
            Self::NoOrderYet { .. } => "no_order_yet",
            Self::OrderUnknown { .. } => "order_unknown",
            Self::CertificateUnknown { .. } => "certificate_unknown",
            Self::NotRead { .. } => "not_read",
            Self::EarlierOrder { .. } => "earlier_order",
            Self::Revokes { .. } => "revokes",
            Self::RevokesUnread { .. } => "revokes_unread",
            Self::ReissueFirst { .. } => "reissue_first",
            Self::Revoking { .. } => "revoking",
            Self::RevocationRequested { .. } => "revocation_requested",
            Self::RequestOpen { .. } => "request_open",
            Self::Declined { .. } => "declined",
            Self::UnlistedRefused { .. } => "unlisted_refused",
            Self::ConfirmedButInForce { .. } => "confirmed_but_in_force",
            Self::RevocationInForce => "revocation_in_force",
            Self::RevokedEarlierOrder { .. } => "revoked_earlier_order",
            Self::NothingInForce { .. } => "nothing_in_force",
            Self::NotIssuedYet { .. } => "not_issued_yet",
            Self::JournalRevoked => "journal_revoked",
            Self::JournalRequested => "journal_requested",
        }
    }
}
