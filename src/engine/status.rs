//! Where each order and revocation stands, entry by entry: [`StatusEntry`].

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use super::journal_view::JournalView;
use super::plan::Planned;
use crate::model::{
    Address, Cause, CertificateId, Labels, OrderId, Reason, RequestId, SerialNumber, Standing,
    ValidTill, ca_day,
};
use crate::plan::Step;

/// Where one order or revocation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusEntry {
    /// The item.
    pub address: Address,
    /// What people note of it.
    pub labels: Labels,
    /// One word: the CA's, or the journal's where the CA was not asked.
    pub state: &'static str,
    /// Why the plan has it so.
    pub reason: Reason,
    /// The order.
    pub order_id: Option<OrderId>,
    /// The certificate.
    pub certificate_id: Option<CertificateId>,
    /// The request that an administrator decides.
    pub request_id: Option<RequestId>,
    /// The serial number of the certificate.
    pub serial_number: Option<SerialNumber>,
    /// That of the certificate in the files folder.
    pub collected_serial: Option<SerialNumber>,
    /// The last day of validity.
    pub valid_till: Option<ValidTill>,
    /// Whole days until then; negative when it is over.
    pub days_left: Option<i64>,
    /// The last day of the order, where the CA shows it.
    pub order_valid_till: Option<ValidTill>,
    /// When it is due to be renewed, where the entry asks for that.
    pub renew_due: Option<Timestamp>,
    /// Its renewal that is not issued.
    pub successor_order_id: Option<OrderId>,
    /// What it waits for.
    pub waiting_for: Option<Cause>,
    /// What a person should know.
    pub note: Option<String>,
}

/// One entry for each step of a plan, by address.
pub fn status(planned: &Planned) -> Vec<StatusEntry> {
    let Planned {
        known,
        observed,
        plan,
    } = planned;
    let today = |account| {
        let observed = observed.accounts.get(account);
        ca_day(observed.and_then(|observed| observed.clock), known.now)
    };
    let mut entries: BTreeMap<&Address, StatusEntry> = plan
        .steps
        .iter()
        .map(|step| (&step.address, entry(step, known, today(&step.account))))
        .collect();
    for warning in &plan.warnings {
        let Some(address) = &warning.address else {
            continue;
        };
        if let Some(entry) = entries.get_mut(address) {
            let note = entry.note.get_or_insert_default();
            if !note.is_empty() {
                note.push_str("; ");
            }
            note.push_str(&warning.message);
        }
    }
    entries.into_values().collect()
}

fn entry(step: &Step, known: &JournalView, today: Date) -> StatusEntry {
    let valid_till = match &step.standing {
        standing @ (Standing::InForce { .. } | Standing::Lapsed { .. }) => standing.ends(),
        Standing::Ended { .. } | Standing::InDoubt | Standing::Parked => known
            .records
            .get(&step.address)
            .and_then(|record| record.live.as_ref())
            .and_then(|live| live.valid_till),
        Standing::Absent
        | Standing::Waiting { .. }
        | Standing::Requested { .. }
        | Standing::NotRevoked
        | Standing::RevocationRequested { .. }
        | Standing::Declined { .. }
        | Standing::Revoked => None,
    };
    let record = known.records.get(&step.address);
    let live = record.and_then(|record| record.live.as_ref());
    StatusEntry {
        address: step.address.clone(),
        labels: step.labels.clone(),
        state: step.state(),
        reason: step.reason.clone(),
        order_id: step.order_id.clone(),
        certificate_id: step.certificate_id.clone(),
        request_id: step.request_id.clone(),
        serial_number: live.and_then(|live| live.serial_number.clone()),
        collected_serial: live
            .and_then(|live| live.collected.as_ref())
            .map(|collected| collected.serial_number.clone()),
        valid_till,
        order_valid_till: step
            .renewal
            .as_deref()
            .and_then(|renewal| renewal.order_valid_till),
        renew_due: step.renewal.as_deref().map(|renewal| renewal.due),
        successor_order_id: record
            .and_then(|record| record.successor.as_ref())
            .map(|successor| successor.order_id.clone()),
        days_left: valid_till.map(|till| till.days_left(today)),
        waiting_for: step.standing.waits().cloned(),
        note: None,
    }
}
