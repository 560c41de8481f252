//! The order that a name stands for: [`LiveOrder`], with the reissue that is under way.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::asked::Asked;
use super::collected::Collected;
use super::digest::Digest;
use super::fact::FactBody;
use super::ids::{CertificateId, OrderId, RequestId, SerialNumber, Tag};
use super::live_state::LiveState;
use super::past_order::{EndedRenewal, RenewalReissue};
use super::pending_domain::PendingDomain;
use super::replaced::ReplacedCertificate;
use super::valid_till::{self, ValidTill};

/// The order that a name stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveOrder {
    /// The CA's id.
    pub order_id: OrderId,
    /// The request that an administrator decides.
    pub request_id: Option<RequestId>,
    /// The primary certificate.
    pub certificate_id: Option<CertificateId>,
    /// Its serial number.
    pub serial_number: Option<SerialNumber>,
    /// Its last day.
    #[serde(default, deserialize_with = "valid_till::lenient")]
    pub valid_till: Option<ValidTill>,
    /// Where it stood when it was last seen.
    pub state: LiveState,
    /// The manifest's generation it answers to.
    pub generation: u32,
    /// The tag it carries, where that is known.
    pub tag: Option<Tag>,
    /// The digest of the certificate's content that was asked for; absent for an adopted order whose
    /// content the CA does not show.
    pub certificate: Option<Digest>,
    /// The digest of the terms, likewise.
    pub terms: Option<Digest>,
    /// What it was asked for, member by member, or what it showed when it was adopted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Box<Asked>>,
    /// The key of the CSR that it was last issued for, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Digest>,
    /// What is in the files folder of it. Boxed, as many orders have no files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collected: Option<Box<Collected>>,
    /// When the CA took it, or when it was adopted.
    pub since: Timestamp,
    /// True once the request of a waiting order is known to be granted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub approved: bool,
    /// Domains that the CA wants to see validated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validation: Vec<PendingDomain>,
    /// A reissue that the CA took and that is not issued. Boxed, as few of many orders have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Box<PendingReissue>>,
    /// The last reissue that an administrator refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Box<RefusedReissue>>,
    /// The last reissue that was issued to bring a later end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewal: Option<RenewalReissue>,
    /// The last renewal order that ended without a certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewal_ended: Option<Box<EndedRenewal>>,
    /// How long the last certificate took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took: Option<Took>,
    /// True where it was found at the CA, and no call of this journal had placed it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub found: bool,
}

/// How long a certificate took, from the CA's word that it was taken until a read showed it issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Took {
    /// In seconds.
    pub seconds: i64,
    /// When it was seen issued.
    pub at: Timestamp,
}

impl LiveOrder {
    /// An order that the CA has just taken, or that was just found.
    pub(super) fn new(order_id: OrderId, generation: u32, since: Timestamp) -> Self {
        Self {
            order_id,
            request_id: None,
            certificate_id: None,
            serial_number: None,
            valid_till: None,
            state: LiveState::Requested,
            generation,
            tag: None,
            certificate: None,
            terms: None,
            asked: None,
            key: None,
            collected: None,
            since,
            approved: false,
            validation: Vec::new(),
            change: None,
            refused: None,
            renewal: None,
            renewal_ended: None,
            took: None,
            found: false,
        }
    }

    /// Takes what a read shows. Returns the certificate in force whose place another one took.
    pub(super) fn take_seen(
        &mut self,
        seen: &FactBody,
        at: Timestamp,
    ) -> Result<Option<(CertificateId, ReplacedCertificate)>, &'static str> {
        let FactBody::Seen {
            state,
            certificate_id,
            serial_number,
            valid_till,
            ..
        } = seen
        else {
            return Err("it is no read");
        };
        let replaced = self.replaced_by(certificate_id.as_ref());
        self.see(state, certificate_id.as_ref(), at);
        // What is known of one certificate says nothing of another.
        if certificate_id.is_some() && *certificate_id != self.certificate_id {
            self.certificate_id.clone_from(certificate_id);
            self.serial_number = None;
            self.valid_till = None;
        }
        self.serial_number = serial_number.clone().or(self.serial_number.take());
        self.valid_till = valid_till.or(self.valid_till);
        Ok(replaced)
    }

    /// The certificate that is known, where it is in force and a read shows another one in its place.
    pub(super) fn replaced_by(
        &self,
        shown: Option<&CertificateId>,
    ) -> Option<(CertificateId, ReplacedCertificate)> {
        let in_force = matches!(self.state, LiveState::Issued | LiveState::Reissuing);
        let known = self.certificate_id.as_ref();
        let id = known.filter(|id| in_force && shown.is_some_and(|shown| shown != *id))?;
        let known = ReplacedCertificate {
            serial_number: self.serial_number.clone(),
            valid_till: self.valid_till,
        };
        Some((id.clone(), known))
    }

    /// Takes the state that a read shows. A reissue ends when another certificate is in force, or with its
    /// order.
    fn see(&mut self, state: &LiveState, certificate_id: Option<&CertificateId>, at: Timestamp) {
        let took = |since: Timestamp| Took {
            seconds: at.duration_since(since).as_secs(),
            at,
        };
        if self.state == LiveState::Requested && *state == LiveState::Issued && !self.found {
            self.took = Some(took(self.since));
        }
        self.state = state.clone();
        match state {
            LiveState::Issued | LiveState::Lapsed => {
                self.validation.clear();
                let another = certificate_id.is_some()
                    && certificate_id
                        != self.change.as_ref().and_then(|change| change.from.as_ref());
                if let Some(change) = self.change.take_if(|_| another) {
                    self.took = Some(took(change.since));
                    self.renewal = change.renewal.or(self.renewal);
                    self.certificate = change.certificate;
                    self.key = change.public_key;
                    if let Some(later) = &change.asked {
                        let asked = self
                            .asked
                            .take()
                            .map_or_else(Asked::unknown, |asked| *asked);
                        self.asked = Some(Box::new(asked.with_certificate_of(later)));
                    }
                    self.generation = self.generation.max(change.generation);
                    self.request_id = None;
                }
            }
            LiveState::Ended(_) => {
                self.change = None;
                self.validation.clear();
            }
            LiveState::Requested | LiveState::Reissuing => {}
        }
    }
}

/// A reissue that the CA took and that is not issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingReissue {
    /// The digest of the content that was asked for.
    pub certificate: Option<Digest>,
    /// The key of the CSR that was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<Digest>,
    /// The certificate that was in force before. Assumption `reissue-new-id`: a reissue brings another id, so an order that
    /// still shows this one is not reissued, whatever its status says.
    pub from: Option<CertificateId>,
    /// What was asked for, member by member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Box<Asked>>,
    /// The manifest's generation that asked for it.
    pub generation: u32,
    /// When the CA took it.
    pub since: Timestamp,
    /// The end that it is to bring further, where it renews.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewal: Option<RenewalReissue>,
}

/// A reissue that an administrator refused. It is not asked for again until the entry asks for something
/// else or its generation is raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedReissue {
    /// The digest of the content that was asked for.
    pub certificate: Option<Digest>,
    /// The manifest's generation that asked for it.
    pub generation: u32,
    /// When the refusal was seen.
    pub at: Timestamp,
}
