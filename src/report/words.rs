//! The only place where typed reasons become English: [`reason`] and [`cause`]. The words may hold text of a
//! CA as it came: whoever shows them makes them safe for the place.

use super::{move_words, renewal_words};
use crate::model::{
    Blocked, Cause, Decision, FileKind, NextRun, Part, PendingDomain, Reason, Untrusted,
};

/// Why a step is what it is, one line.
pub fn reason(reason: &Reason) -> String {
    match reason {
        Reason::AccountUnknown => "its account is not known".to_owned(),
        Reason::Interrupted { kind } => format!(
            "a run ended after it had written down this {} and before it knew the outcome",
            kind.word()
        ),
        Reason::OutcomeUnknown { kind, why } => {
            format!(
                "the outcome of an earlier {} is unknown: {}",
                kind.word(),
                why.raw()
            )
        }
        Reason::ForAPerson { kind, why } => {
            format!(
                "a person must settle an earlier {}: {}",
                kind.word(),
                why.raw()
            )
        }
        Reason::NothingThere => "nothing at the CA answers to this name".to_owned(),
        Reason::NotInJournal => "not in the journal; the CA was not asked".to_owned(),
        Reason::AskedAgain { at, message } => format!(
            "asked for again: the CA refused it on {} ({})",
            at.strftime("%Y-%m-%d"),
            message.raw()
        ),
        Reason::NextGeneration { generation, order } => {
            format!("generation {generation} takes the place of order {order}")
        }
        Reason::Twin { orders } => match orders.as_slice() {
            [one] => format!("order {one} is in force or waits for the same names"),
            many => format!(
                "orders {} are in force or wait for the same names",
                listed(many)
            ),
        },
        Reason::RenewedUnknown { order } => {
            format!("the CA shows no order {order}, which the entry renews")
        }
        Reason::RenewedAlready { order, by } => match by {
            Some(by) => format!("order {order} was renewed already, by order {by}"),
            None => format!("order {order} was renewed already"),
        },
        Reason::CarriesTag { order } => format!("order {order} carries our tag"),
        Reason::SeveralCarryTag { orders } => {
            format!("orders {} all carry this name's tag", listed(orders))
        }
        Reason::BoundElsewhere { order, address } => match address {
            Some(address) => {
                format!("order {order} carries this name's tag, but it is bound to {address}")
            }
            None => format!(
                "order {order} carries this name's tag, but it is bound to this name's earlier generation"
            ),
        },
        Reason::TaggedUnreadable { order } => {
            format!("order {order} carries this name's tag, but it could not be read")
        }
        Reason::TaggedDiffers { order, differences } => format!(
            "order {order} carries this name's tag, but it differs: {}",
            differences_of(differences)
        ),
        Reason::Moved { from } => format!("moved from {from}"),
        Reason::MoveTaken { from, order } => move_words::taken(from, order.as_ref()),
        Reason::MoveDiffers {
            from,
            order,
            differences,
        } => move_words::differs(from, order.as_ref(), &differences_of(differences)),
        Reason::Existing { order } => format!("the entry says that it stands for order {order}"),
        Reason::ExistingUnknown { order } => {
            format!("the CA shows no order {order}, which the entry says it stands for")
        }
        Reason::ExistingDiffers { order, differences } => format!(
            "order {order}, which the entry says it stands for, differs: {}",
            differences_of(differences)
        ),
        Reason::ExistingForeignTag { order, tag } => {
            format!(
                "order {order} carries {}, the tag of another entry",
                tag.raw()
            )
        }
        Reason::ExistingEnded { order, ending } => format!(
            "order {order}, which the entry says it stands for, is {}",
            ending.word()
        ),
        Reason::Requested { order, says } => match says {
            None => format!("order {order} is asked for, not issued"),
            Some(says) if says.known => {
                format!(
                    "order {order} is asked for, not issued (the CA says {})",
                    says.word.raw()
                )
            }
            Some(says) => format!(
                "order {order} is asked for, not issued (the CA says {}, which certplan does not know)",
                says.word.raw()
            ),
        },
        Reason::InForce { order } => format!("order {order} is in force"),
        Reason::CertificateDiffers { order, members } => match members.as_slice() {
            [] => format!("the names or the key in the manifest are not those of order {order}"),
            [one] => format!("{one} in the manifest is not that of order {order}"),
            many => format!(
                "{} in the manifest are not those of order {order}",
                many.join(", ")
            ),
        },
        Reason::NewKey { order } => format!("a new key for order {order}, by a reissue"),
        Reason::KeyMissing { order } => {
            format!("the private key of order {order} is not in the files folder")
        }
        Reason::OtherHost { folder } => {
            format!("it needs the files folder {folder}, which another host has")
        }
        Reason::NotCollected { serial } => {
            format!("serial {serial} is issued and not collected")
        }
        Reason::FilesChanged { files, since } => {
            let was = if files.len() == 1 { "was" } else { "were" };
            format!(
                "{} {was} changed since {}",
                file_names(files),
                since.strftime("%F")
            )
        }
        Reason::FilesMissing { files } => {
            let is = if files.len() == 1 { "is" } else { "are" };
            format!("{} {is} missing", file_names(files))
        }
        Reason::P12Strength { is, wanted } => format!(
            "cert.p12 is {}, and the entry asks for {}",
            is.word(),
            wanted.word()
        ),
        Reason::P12Passphrase => {
            "the passphrase of cert.p12 came from another place than the entry names".to_owned()
        }
        Reason::LinkChanged { serial } => {
            format!("`live` does not point to serial {serial}, which was collected")
        }
        Reason::ProgramFailed { at, why } => {
            format!("the program failed on {}: {}", at.strftime("%F"), why.raw())
        }
        Reason::NotDelivered { serial } => {
            format!("the program of --on-collected has not run for serial {serial}")
        }
        Reason::ReissueUnderWay { order } => format!("a reissue of order {order} is under way"),
        Reason::ReissueRejected { order } => {
            format!("an administrator refused the reissue of order {order}")
        }
        Reason::Renewal(renewal) => renewal_words::renewal(renewal),
        Reason::RanOut { order, till } => match till {
            Some(till) => format!("the certificate of order {order} ran out on {till}"),
            None => format!("the certificate of order {order} ran out"),
        },
        Reason::CertificateRevoked { order } => {
            format!("the certificate of order {order} was revoked, and the order is not over")
        }
        Reason::RevokedAsAsked { order } => {
            format!("order {order} is revoked, as the manifest asks")
        }
        Reason::Ended { order, ending } => format!("order {order} is {}", ending.word()),
        Reason::NoOrderYet { target } => format!(
            "{target} has no order at the CA yet: a later plan names the certificates that will die"
        ),
        Reason::OrderUnknown { order } => format!("the CA shows no order {order} to this key"),
        Reason::CertificateUnknown { order, scope } => {
            format!("order {order} has no {}", scope.words())
        }
        Reason::NotRead { order } => format!("order {order} was not read"),
        Reason::EarlierOrder { order, earlier } => {
            let earlier = match earlier.as_slice() {
                [] => String::new(),
                ids => format!(" ({})", listed(ids)),
            };
            format!(
                "the name stood for other orders{earlier} before order {order}, and the state does not know which one is meant"
            )
        }
        Reason::Revokes {
            order,
            whole,
            certificates,
        } => match (whole, certificates) {
            (true, 1) => format!("order {order} and its 1 certificate are in force"),
            (true, count) => format!("order {order} and its {count} certificates are in force"),
            (false, 1) => format!("1 certificate of order {order} is in force"),
            (false, count) => format!("{count} certificates of order {order} are in force"),
        },
        Reason::RevokesUnread { order } => format!(
            "not in the journal; the CA was not asked which certificates of order {order} are in force"
        ),
        Reason::ReissueFirst { order } => {
            format!("a reissue of order {order} is under way: the CA takes no revocation meanwhile")
        }
        Reason::Revoking { order } => format!("the CA is revoking order {order}"),
        Reason::RevocationRequested { order, part, more } => {
            let parts: Vec<&Part> = std::iter::once(part).chain(more).collect();
            let parts = some_of(&parts);
            format!("the revocation of {parts} of order {order} was asked for")
        }
        Reason::RequestOpen { order, .. } => {
            format!("a request to revoke order {order} or one of its certificates is already open")
        }
        Reason::Declined { order } => {
            format!("an administrator refused the revocation of order {order}")
        }
        Reason::UnlistedRefused {
            order,
            certificate,
            message,
        } => format!(
            "the CA refused to revoke certificate {certificate} of order {order}, which no list shows ({})",
            message.raw()
        ),
        Reason::ConfirmedButInForce { order } => format!(
            "the CA confirmed this revocation and shows certificates of order {order} in force"
        ),
        Reason::RevocationInForce => "the revocation is in force".to_owned(),
        Reason::RevokedEarlierOrder { order, now } => format!(
            "the revocation is in force for order {order}; order {now}, for which the name stands now, is not its target"
        ),
        Reason::NothingInForce { order } => format!("nothing of order {order} is in force"),
        Reason::NotIssuedYet { order } => format!("order {order} has no issued certificate yet"),
        Reason::JournalRevoked => "the journal has it as in force".to_owned(),
        Reason::JournalRequested => "the journal has it as asked for".to_owned(),
    }
}

/// What an item waits for, as it follows "waits for".
pub fn cause(cause: &Cause) -> String {
    match cause {
        Cause::Approval { request } => match request {
            Some(request) => format!("approval of request {request}"),
            None => "approval".to_owned(),
        },
        Cause::Validation { domains, .. } => {
            let domains: Vec<String> = domains.iter().map(domain).collect();
            format!("the validation of {}", domains.join(", "))
        }
        Cause::Pending { request } => match request {
            Some(request) => format!("approval of request {request}, validation or issuance"),
            None => "approval, validation or issuance".to_owned(),
        },
        Cause::Issuance { .. } => "validation or issuance".to_owned(),
        Cause::Pickup => "the recipient, who picks it up by e-mail".to_owned(),
        Cause::Csr => "a CSR".to_owned(),
        Cause::Reissue { request, granted } => match (request, granted) {
            (Some(request), false) => format!("the reissue, request {request}"),
            (Some(request), true) => {
                format!("validation or issuance of the reissue, request {request}")
            }
            (None, false) => "the reissue".to_owned(),
            (None, true) => "validation or issuance of the reissue".to_owned(),
        },
        Cause::Revocation { requests } => match requests.as_slice() {
            [] => "the CA".to_owned(),
            [one] => format!("an administrator's approval of request {one}"),
            several => format!(
                "an administrator's approval of requests {}",
                some_of(several)
            ),
        },
        Cause::Revoking => "the CA's revocation".to_owned(),
        Cause::Dependency { after } => {
            let after: Vec<String> = after.iter().map(blocked).collect();
            after.join(", ")
        }
        Cause::NextRun { with } => next_run(with),
        Cause::OtherHost { folder } => format!("the host with files folder {folder}"),
        Cause::Doubt => "the outcome of an earlier call".to_owned(),
        Cause::Decision(decision) => self::decision(decision),
    }
}

/// The first ones, then the number of the others.
fn some_of<T: ToString>(all: &[T]) -> String {
    const SHOWN: usize = 5;
    let first = listed(all.get(..SHOWN).unwrap_or(all));
    match all.len().saturating_sub(SHOWN) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

fn domain(domain: &PendingDomain) -> String {
    let name = domain.name.raw();
    let method = domain.method.as_ref().map(Untrusted::raw);
    let token = domain.token.as_ref().map(Untrusted::raw);
    match (method, token) {
        (Some(method), Some(token)) => format!("{name} by {method}: {token}"),
        (Some(method), None) => format!("{name} by {method}"),
        (None, Some(token)) => format!("{name}: {token}"),
        (None, None) => name.to_owned(),
    }
}

fn differences_of(differences: &[Untrusted]) -> String {
    let raw: Vec<&str> = differences.iter().map(Untrusted::raw).collect();
    raw.join("; ")
}

fn blocked(blocked: &Blocked) -> String {
    let after = &blocked.after;
    let words = format!("{} ({})", after.address, after.until.word());
    match &blocked.because {
        Some(because) => format!("{words}: {}", reason(because)),
        None => words,
    }
}

fn next_run(with: &NextRun) -> String {
    match with {
        NextRun::AskAgain => "the next run, which asks again".to_owned(),
        NextRun::Target { address } => format!("the next plan, once {address} has an order"),
        NextRun::Left => "a later run (--at-most)".to_owned(),
        NextRun::AfterRefusal => "tomorrow's run, which asks again".to_owned(),
        NextRun::Decided => "the next plan: what it waited for has been decided".to_owned(),
        NextRun::Certificate { order } => format!("a certificate of order {order}"),
        NextRun::Read { order } => format!("the next run, which reads order {order} again"),
    }
}

/// What a person has to decide, and what to type.
pub fn decision(decision: &Decision) -> String {
    match decision {
        Decision::Ended { generation, .. }
        | Decision::CertificateRevoked { generation }
        | Decision::ReissueRejected { generation }
        | Decision::Declined { generation } => format!("`generation: {generation}`"),
        Decision::Twin { orders } => match orders.as_slice() {
            [one] => format!("`existing_order_id: {one}`, or `allow_similar: true`"),
            several => format!(
                "`existing_order_id` with one of {}, or `allow_similar: true`",
                listed(several)
            ),
        },
        Decision::TwoOrders { .. } => {
            "all but one of them to be canceled at the CA, then `certplan import`".to_owned()
        }
        Decision::Differs { order } => {
            format!("the entry to be corrected, or `certplan import` of order {order}")
        }
        Decision::ForeignTag { order } => {
            format!("a decision for whom order {order} is: `certplan import`")
        }
        Decision::UnknownOrder { order } => {
            format!("the right id: the CA shows no order {order} to this key")
        }
        Decision::Renewed { order, by } => match by {
            Some(by) => format!(
                "`existing_order_id: {by}`, or the entry without the renewal of order {order}"
            ),
            None => format!("the entry without the renewal of order {order}"),
        },
        Decision::UnknownCertificate { order } => {
            format!("the right scope: order {order} has no such certificate")
        }
        Decision::EarlierOrder {
            order, generation, ..
        } => format!("`generation: {generation}`, if order {order} is to be revoked"),
        Decision::Renewal(needs) => renewal_words::needs(*needs),
        Decision::MissingKey { address } => format!(
            "the files folder with its key, or `certplan apply --rekey {address}`, which makes a new one by a reissue"
        ),
        Decision::MoveTaken { address } => move_words::remedy(address),
        Decision::MoveDiffers { from } => {
            format!("the entry to be corrected, or the line with {from} taken out of `moved`")
        }
        Decision::ConfirmedButInForce { order, .. } => {
            format!(
                "a look at order {order}: the CA confirmed its revocation and shows it in force"
            )
        }
    }
}

fn file_names(files: &[FileKind]) -> String {
    let names: Vec<&str> = files.iter().map(|kind| kind.file_name()).collect();
    names.join(", ")
}

fn listed<T: ToString>(ids: &[T]) -> String {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    ids.join(", ")
}
