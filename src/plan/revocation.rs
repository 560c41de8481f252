//! The decision table for a revocation: which certificates will die, and whether to ask.

use super::Action;
use super::make::{Decision, Inputs};
use super::order::settle;
use crate::model::{
    Address, CertificateKind, CertificatePin, CertificateState, FactBody, Item, ObservedAccount,
    ObservedCertificate, ObservedOrder, ObservedRequest, Operation, OrderId, OrderStatus, Part,
    PartState, Provider, Record, RequestKind, RequestStatus, Revocation, RevocationTarget,
    RevokeOperation, RevokeScope, Scope, SerialNumber, Until,
};

/// What is known of a revocation's target.
pub(super) enum Answered<'a> {
    /// The order has no id yet.
    NoOrder,
    /// It must be read in full first.
    Ask(OrderId),
    /// The CA says that it does not exist, or this key may not see it.
    Invisible(OrderId),
    /// It was read, with every certificate.
    Known(&'a ObservedOrder, Vec<ObservedCertificate>),
}

/// The order that a revocation is about, if it is known.
pub(super) fn target_id(inputs: &Inputs<'_>, revocation: &Revocation) -> Option<OrderId> {
    match &revocation.target {
        RevocationTarget::OrderId(id) => Some(id.clone()),
        RevocationTarget::Order(name) => inputs
            .records
            .get(&Address::Order(name.clone()))
            .and_then(|record| record.live.as_ref())
            .map(|live| live.order_id.clone()),
    }
}

/// What is known of the target, and what must be read.
///
/// The list is enough for a whole order that has neither duplicates nor reissues: its one certificate
/// stands in the list. Everything else is read order by order.
pub(super) fn standing<'a>(
    inputs: &Inputs<'_>,
    revocation: &Revocation,
    account: &'a ObservedAccount,
) -> Answered<'a> {
    let Some(id) = target_id(inputs, revocation) else {
        return Answered::NoOrder;
    };
    if let Some(listed) = account.orders.get(&id) {
        if let Some(certificates) = &listed.certificates {
            return Answered::Known(listed, certificates.clone());
        }
        let alone = listed.duplicates == Some(0) && listed.reissues == Some(0);
        let plain = matches!(listed.status, OrderStatus::Issued | OrderStatus::Revoked);
        if alone
            && plain
            && revocation.scope == Scope::Order
            && let Some(certificate) = only_certificate(listed)
        {
            return Answered::Known(listed, vec![certificate]);
        }
    }
    match account.details.get(&id) {
        None => Answered::Ask(id),
        Some(None) => Answered::Invisible(id),
        Some(Some(detail)) => {
            let certificates = detail.certificates.clone().unwrap_or_default();
            Answered::Known(detail, certificates)
        }
    }
}

/// The one certificate of an order without duplicates and reissues, as the list shows it.
fn only_certificate(listed: &ObservedOrder) -> Option<ObservedCertificate> {
    Some(ObservedCertificate {
        id: listed.certificate_id.clone()?,
        serial_number: Some(listed.serial_number.clone()?),
        names: listed.names.clone(),
        valid_till: listed.valid_till.clone(),
        state: if listed.status == OrderStatus::Revoked {
            CertificateState::Revoked
        } else {
            CertificateState::Issued
        },
        kind: CertificateKind::Original,
    })
}

/// A certificate as a plan pins it.
pub(super) fn pin(certificate: &ObservedCertificate) -> CertificatePin {
    CertificatePin {
        certificate_id: certificate.id.clone(),
        serial_number: certificate.serial_number.clone(),
        names: certificate.names.clone(),
        valid_till: certificate.valid_till.clone(),
        kind: certificate.kind,
    }
}

/// Decides one revocation.
pub(super) fn decide_revocation(
    inputs: &Inputs<'_>,
    item: &Item,
    revocation: &Revocation,
) -> Decision {
    let record = inputs.records.get(&item.address);
    let mut decision = decide(inputs, item, revocation, record);
    if decision.step.order_id.is_none() {
        decision.step.order_id = target_id(inputs, revocation);
    }
    decision
}

fn decide(
    inputs: &Inputs<'_>,
    item: &Item,
    revocation: &Revocation,
    record: Option<&Record>,
) -> Decision {
    let Some(account) = inputs.observed.accounts.get(&item.account) else {
        return decide_offline(inputs, item, revocation, record);
    };
    let (order, certificates) = match standing(inputs, revocation, account) {
        Answered::Known(order, certificates) => (order, certificates),
        Answered::NoOrder => return no_order(item, revocation),
        Answered::Ask(id) => {
            let reason = format!("order {id} was not read");
            return Decision::new(item, Action::Wait, reason.clone()).warn(reason);
        }
        Answered::Invisible(id) => {
            let reason = format!("the CA shows no order {id} to this key");
            return Decision::new(item, Action::Wait, reason.clone())
                .warn(format!("{reason}: check the id and the key's permissions"));
        }
    };
    let selected = select(revocation, &certificates);
    let dying: Vec<&ObservedCertificate> = selected
        .iter()
        .copied()
        .filter(|one| one.state == CertificateState::Issued)
        .collect();
    let operation = operation(revocation, order, &dying);

    if let Some(open) = record.and_then(|record| record.open.as_ref()) {
        let mut decision = settle(item, open);
        decision.step.operation = Some(Operation::Revoke(Box::new(operation)));
        return decision;
    }
    let mut decision = settled(
        inputs, item, revocation, order, &selected, &dying, record, account,
    );
    if decision.step.action == Action::Revoke {
        decision.step.revokes.clone_from(&operation.pins);
        decision.step.certificate_id = match operation.pins.as_slice() {
            [only] => Some(only.certificate_id.clone()),
            _ => None,
        };
        decision.step.operation = Some(Operation::Revoke(Box::new(operation)));
    }
    decision.step.order_id = Some(order.id.clone());
    decision
}

/// The decision when no earlier call is open.
#[expect(
    clippy::too_many_arguments,
    reason = "one row of the table needs all of its columns"
)]
fn settled(
    inputs: &Inputs<'_>,
    item: &Item,
    revocation: &Revocation,
    order: &ObservedOrder,
    selected: &[&ObservedCertificate],
    dying: &[&ObservedCertificate],
    record: Option<&Record>,
    account: &ObservedAccount,
) -> Decision {
    let id = &order.id;
    let in_force = selected.iter().any(|one| {
        matches!(
            one.state,
            CertificateState::Revoked | CertificateState::RevocationPending
        )
    });
    let pending_at_ca = selected
        .iter()
        .any(|one| one.state == CertificateState::RevocationPending)
        || order.status == OrderStatus::RevocationPending;
    let news = part_news(record, revocation, selected, order, account);

    if selected.is_empty() && order.status != OrderStatus::Revoked {
        let reason = format!("order {id} has no {}", scope_words(&revocation.scope));
        return Decision::new(item, Action::Wait, reason.clone()).warn(reason);
    }
    if dying.is_empty() {
        let mut decision = if pending_at_ca {
            let mut decision =
                Decision::new(item, Action::Wait, format!("the CA is revoking order {id}"));
            decision.step.waits_for = Some("the CA's revocation".to_owned());
            decision.step.reached = Some(Until::Submitted);
            decision
        } else if in_force || order.status == OrderStatus::Revoked {
            let mut decision = Decision::new(item, Action::Keep, "the revocation is in force");
            decision.step.reached = Some(Until::Revoked);
            decision
        } else {
            nothing_in_force(item, order, selected)
        };
        decision.step.news = news;
        return decision;
    }
    if let Some(mut decision) = asked_for(inputs, item, revocation, order, record, account) {
        decision.step.news = news;
        return decision;
    }
    let count = dying.len();
    let certificates = if count == 1 {
        "1 certificate"
    } else {
        "certificates"
    };
    let reason = match revocation.scope {
        Scope::Order if count == 1 => format!("order {id} and its 1 certificate are in force"),
        Scope::Order => format!("order {id} and its {count} certificates are in force"),
        _ if count == 1 => format!("{certificates} of order {id} is in force"),
        _ => format!("{count} {certificates} of order {id} are in force"),
    };
    let mut decision = Decision::new(item, Action::Revoke, reason);
    decision.step.news = news;
    if let Some(failure) = record.and_then(|record| record.failure.as_ref()) {
        decision = decision.warn(format!(
            "the CA refused this revocation on {}: {}",
            failure.at.strftime("%Y-%m-%d"),
            failure.message
        ));
    }
    decision
}

fn nothing_in_force(
    item: &Item,
    order: &ObservedOrder,
    selected: &[&ObservedCertificate],
) -> Decision {
    let id = &order.id;
    let over = matches!(
        order.status,
        OrderStatus::Rejected | OrderStatus::Canceled | OrderStatus::Expired
    ) || selected.iter().all(|one| {
        matches!(
            one.state,
            CertificateState::Expired | CertificateState::Failed
        )
    });
    if over {
        let mut decision = Decision::new(
            item,
            Action::Keep,
            format!("nothing of order {id} is in force"),
        );
        decision.step.reached = Some(Until::Revoked);
        decision
    } else {
        let reason = format!("order {id} has no issued certificate yet");
        let mut decision = Decision::new(item, Action::Wait, reason.clone());
        decision.step.waits_for = Some(format!("a certificate of order {id}"));
        decision.warn(format!(
            "{reason}: an order that is still open is withdrawn at the CA, not revoked"
        ))
    }
}

/// The decision when the revocation was already asked for: by us or by somebody else.
fn asked_for(
    inputs: &Inputs<'_>,
    item: &Item,
    revocation: &Revocation,
    order: &ObservedOrder,
    record: Option<&Record>,
    account: &ObservedAccount,
) -> Option<Decision> {
    let id = &order.id;
    let ours = record.filter(|record| {
        !record.parts.is_empty() && record.parts_generation >= revocation.generation
    });
    let requests = open_requests(order, account);
    if let Some(record) = ours {
        for (part, state) in &record.parts {
            let PartState::Requested { request_id } = state else {
                continue;
            };
            let known = request_id
                .as_ref()
                .and_then(|id| find_request(order, account, id));
            if known.is_some_and(|request| request.status == RequestStatus::Rejected) {
                return Some(declined(item, revocation, id));
            }
            let mut decision = Decision::new(
                item,
                Action::Wait,
                format!("the revocation of {part} of order {id} was asked for"),
            );
            decision.step.waits_for = Some(match request_id {
                Some(request) => format!("an administrator's approval of request {request}"),
                None => "the CA".to_owned(),
            });
            decision.step.request_id.clone_from(request_id);
            decision.step.reached = Some(Until::Submitted);
            return Some(decision);
        }
        if record
            .parts
            .values()
            .any(|state| *state == PartState::Declined)
        {
            return Some(declined(item, revocation, id));
        }
    }
    let central = inputs
        .batch
        .accounts
        .get(&item.account)
        .is_some_and(|account| matches!(account.provider, Provider::CertCentral { .. }));
    if central && let Some(request) = requests.first() {
        let mut decision = Decision::new(
            item,
            Action::Wait,
            format!("a request to revoke order {id} or one of its certificates is already open"),
        );
        decision.step.waits_for = Some(format!(
            "an administrator's decision on request {}",
            request.id
        ));
        decision.step.request_id = Some(request.id.clone());
        decision.step.reached = Some(Until::Submitted);
        return Some(decision);
    }
    None
}

fn declined(item: &Item, revocation: &Revocation, id: &OrderId) -> Decision {
    let reason = format!("an administrator refused the revocation of order {id}");
    let next = revocation.generation + 1;
    let mut decision = Decision::new(item, Action::Wait, reason.clone());
    decision.step.waits_for = Some(format!("`generation: {next}`"));
    decision.warn(format!(
        "{reason}; it is not asked for again until the entry says `generation: {next}`"
    ))
}

fn find_request<'a>(
    order: &'a ObservedOrder,
    account: &'a ObservedAccount,
    id: &crate::model::RequestId,
) -> Option<&'a ObservedRequest> {
    order
        .requests
        .iter()
        .flatten()
        .chain(account.revocation_requests.iter().flatten())
        .find(|request| request.id == *id)
}

fn open_requests<'a>(
    order: &'a ObservedOrder,
    account: &'a ObservedAccount,
) -> Vec<&'a ObservedRequest> {
    let waits = |request: &&ObservedRequest| {
        request.kind == RequestKind::Revoke
            && matches!(
                request.status,
                RequestStatus::Pending | RequestStatus::Submitted
            )
    };
    let listed = account
        .revocation_requests
        .iter()
        .flatten()
        .filter(|request| request.order_id.as_ref() == Some(&order.id));
    order
        .requests
        .iter()
        .flatten()
        .chain(listed)
        .filter(waits)
        .collect()
}

/// What the read shows about calls of this revocation that the journal has as requested.
fn part_news(
    record: Option<&Record>,
    revocation: &Revocation,
    selected: &[&ObservedCertificate],
    order: &ObservedOrder,
    account: &ObservedAccount,
) -> Vec<FactBody> {
    let Some(record) = record else {
        return Vec::new();
    };
    let mut news = Vec::new();
    for (part, state) in &record.parts {
        let PartState::Requested { request_id } = state else {
            continue;
        };
        let revoked = match part {
            Part::Order => {
                order.status == OrderStatus::Revoked
                    || (!selected.is_empty()
                        && revocation.scope == Scope::Order
                        && selected
                            .iter()
                            .all(|one| one.state == CertificateState::Revoked))
            }
            Part::Certificate(id) => {
                order.status == OrderStatus::Revoked
                    || selected
                        .iter()
                        .any(|one| one.id == *id && one.state == CertificateState::Revoked)
            }
        };
        let refused = request_id
            .as_ref()
            .and_then(|id| find_request(order, account, id))
            .is_some_and(|request| request.status == RequestStatus::Rejected);
        let state = match (revoked, refused) {
            (true, _) => PartState::Revoked,
            (false, true) => PartState::Declined,
            (false, false) => continue,
        };
        news.push(FactBody::SeenPart {
            part: part.clone(),
            state,
        });
    }
    news
}

/// The certificates that a scope names, whatever their state.
fn select<'a>(
    revocation: &Revocation,
    certificates: &'a [ObservedCertificate],
) -> Vec<&'a ObservedCertificate> {
    certificates
        .iter()
        .filter(|one| match &revocation.scope {
            Scope::Order => true,
            Scope::CertificateId(id) => one.id == *id,
            Scope::SerialNumber(serial) => one
                .serial_number
                .as_ref()
                .is_some_and(|known| same_serial(known, serial)),
            Scope::Duplicates => one.kind == CertificateKind::Duplicate,
            Scope::CertificateNo(number) => one.id.as_str() == number.to_string(),
        })
        .collect()
}

/// Serial numbers agree whatever their case, colons and leading zeros.
fn same_serial(one: &SerialNumber, other: &SerialNumber) -> bool {
    let plain = |serial: &SerialNumber| {
        let text: String = serial
            .as_str()
            .chars()
            .filter(|c| c.is_ascii_hexdigit())
            .collect();
        text.trim_start_matches('0').to_ascii_lowercase()
    };
    plain(one) == plain(other)
}

fn scope_words(scope: &Scope) -> String {
    match scope {
        Scope::Order => "certificate".to_owned(),
        Scope::CertificateId(id) => format!("certificate {id}"),
        Scope::SerialNumber(serial) => format!("certificate with serial number {serial}"),
        Scope::Duplicates => "duplicates".to_owned(),
        Scope::CertificateNo(number) => format!("certificate number {number}"),
    }
}

fn operation(
    revocation: &Revocation,
    order: &ObservedOrder,
    dying: &[&ObservedCertificate],
) -> RevokeOperation {
    let mut pins: Vec<CertificatePin> = dying.iter().map(|one| pin(one)).collect();
    pins.sort();
    RevokeOperation {
        order_id: order.id.clone(),
        product: order.product.clone(),
        scope: match revocation.scope {
            Scope::Order => RevokeScope::Order,
            _ => RevokeScope::Certificates,
        },
        reason: revocation.reason,
        comments: revocation.comments.clone(),
        skip_approval: revocation.skip_approval,
        generation: revocation.generation,
        pins,
    }
}

fn no_order(item: &Item, revocation: &Revocation) -> Decision {
    let name = match &revocation.target {
        RevocationTarget::Order(name) => format!("orders.{name}"),
        RevocationTarget::OrderId(id) => id.to_string(),
    };
    let mut decision = Decision::new(
        item,
        Action::Wait,
        format!(
            "{name} has no order at the CA yet: a later plan names the certificates that will die"
        ),
    );
    decision.step.waits_for = Some(name);
    decision
}

/// Without the CA nothing can be pinned: the plan says what the journal knows.
fn decide_offline(
    inputs: &Inputs<'_>,
    item: &Item,
    revocation: &Revocation,
    record: Option<&Record>,
) -> Decision {
    if let Some(open) = record.and_then(|record| record.open.as_ref()) {
        return settle(item, open);
    }
    let parts = record.map(|record| &record.parts);
    if parts.is_some_and(|parts| {
        !parts.is_empty() && parts.values().all(|state| *state == PartState::Revoked)
    }) {
        return Decision::new(item, Action::Keep, "the journal has it as in force");
    }
    if parts.is_some_and(|parts| !parts.is_empty()) {
        return Decision::new(item, Action::Wait, "the journal has it as asked for");
    }
    match target_id(inputs, revocation) {
        None => no_order(item, revocation),
        Some(id) => {
            let mut decision = Decision::new(
                item,
                Action::Revoke,
                format!(
                    "not in the journal; the CA was not asked which certificates of order {id} are in force"
                ),
            );
            decision.step.order_id = Some(id);
            decision
        }
    }
}
