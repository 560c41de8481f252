//! The journal for people and scripts: what, when, which run, which ids.

use std::io;

use serde::Serialize;

use super::details;
use super::phrase::Phrase;
use super::terminal::{Terminal, Tone};
use super::{HistoryLine, Style, safe_json};
use crate::model::{Entry, FactBody, JournalFactBody, LiveState, PartState};

/// Writes one line for each fact, oldest first.
pub fn history_text(
    out: &mut dyn io::Write,
    facts: &[HistoryLine],
    style: &Style,
) -> io::Result<()> {
    let mut terminal = Terminal::new(out, style);
    for line in facts {
        let entry = &line.entry;
        let begun = Phrase::of(format!("{:>6}  {}  ", line.seq, entry.at()));
        let (about, said, tone) = match entry {
            Entry::Item(fact) => (
                begun.datum(&fact.address),
                told(&fact.body),
                tone(&fact.body),
            ),
            Entry::Journal(fact) => (begun.own("(journal)"), moved(&fact.body), Tone::Notice),
        };
        let phrase = about
            .own(format!("  {}", entry.word()))
            .then(said)
            .own("  (run ")
            .datum(entry.run())
            .own(format!(", {})", line.hash.short()));
        terminal.line(tone, &phrase)?;
    }
    Ok(())
}

/// Writes `{"format_version": 1, "facts": [..]}`; a fact's content is as the journal keeps it.
pub fn history_json(out: &mut dyn io::Write, facts: &[HistoryLine]) -> io::Result<()> {
    let facts = facts
        .iter()
        .map(|line| FactDocument {
            seq: line.seq,
            at: line.entry.at().to_string(),
            run_id: line.entry.run().to_string(),
            address: line.entry.item().map(|fact| fact.address.to_string()),
            account: line.entry.item().map(|fact| fact.account.to_string()),
            body: match &line.entry {
                Entry::Item(fact) => Body::Item(&fact.body),
                Entry::Journal(fact) => Body::Journal(&fact.body),
            },
            hash: line.hash.to_string(),
        })
        .collect();
    safe_json::write(
        out,
        &HistoryDocument {
            format_version: 1,
            facts,
        },
    )
}

#[derive(Serialize)]
struct HistoryDocument<'a> {
    format_version: u32,
    facts: Vec<FactDocument<'a>>,
}

#[derive(Serialize)]
struct FactDocument<'a> {
    seq: u64,
    at: String,
    run_id: String,
    /// `null` for a fact about the journal itself, and so is the account.
    address: Option<String>,
    account: Option<String>,
    /// Has the member `fact` with the fact's word; the others depend on it.
    body: Body<'a>,
    hash: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Body<'a> {
    Item(&'a FactBody),
    Journal(&'a JournalFactBody),
}

fn tone(body: &FactBody) -> Tone {
    match body {
        FactBody::Refused { .. } | FactBody::Parked { .. } | FactBody::ReissueRejected { .. } => {
            Tone::Danger
        }
        FactBody::Doubted { .. } | FactBody::HookFailed { .. } => Tone::Notice,
        FactBody::Intended(_)
        | FactBody::Unsent { .. }
        | FactBody::Accepted { .. }
        | FactBody::Adopted { .. }
        | FactBody::Requested { .. }
        | FactBody::Revoked
        | FactBody::LookedUp
        | FactBody::Dead { .. }
        | FactBody::DecidedNotPlaced { .. }
        | FactBody::Seen { .. }
        | FactBody::SeenPart { .. }
        | FactBody::Targeted { .. }
        | FactBody::Exchanged { .. }
        | FactBody::Collected { .. }
        | FactBody::Delivered { .. }
        | FactBody::Carriers { .. }
        | FactBody::Forgotten { .. }
        | FactBody::Released { .. }
        | FactBody::Moved { .. } => Tone::Plain,
    }
}

/// The other place of a journal that was moved.
fn moved(body: &JournalFactBody) -> Phrase {
    match body {
        JournalFactBody::Moved { to } => Phrase::of(" to ").datum(to),
        JournalFactBody::TakenOver { from } => Phrase::of(" from ").datum(from),
    }
}

/// What a fact says beside its word, with a leading `: ` unless it says nothing.
fn told(body: &FactBody) -> Phrase {
    let said = match body {
        FactBody::Intended(attempt) => {
            let mut phrase =
                Phrase::of(format!("{} number {}", attempt.kind.word(), attempt.number));
            if let Some(part) = &attempt.part {
                phrase = phrase.own(" of ").datum(part);
            }
            if let Some(order) = &attempt.order_id {
                phrase = phrase.own(", order ").datum(order);
            }
            if let Some(tag) = &attempt.tag {
                phrase = phrase.own(", tag ").datum(tag);
            }
            phrase
        }
        FactBody::Unsent { why } | FactBody::Doubted { why, .. } | FactBody::Parked { why } => {
            Phrase::of_datum(why.raw())
        }
        FactBody::Refused { code, message } => match code {
            Some(code) => Phrase::of_datum(code.raw()).own(": ").datum(message.raw()),
            None => Phrase::of_datum(message.raw()),
        },
        FactBody::Accepted {
            order_id,
            request_id,
            certificate_id,
            ..
        } => ids(Some(order_id), certificate_id.as_ref(), request_id.as_ref()),
        FactBody::Adopted {
            order_id,
            certificate_id,
            evidence,
            ..
        } => ids(Some(order_id), certificate_id.as_ref(), None::<&String>)
            .own("; ")
            .datum(evidence.raw()),
        FactBody::Requested { request_id } => {
            ids(None::<&String>, None::<&String>, request_id.as_ref())
        }
        FactBody::Revoked | FactBody::LookedUp => Phrase::new(),
        FactBody::Dead { evidence } | FactBody::DecidedNotPlaced { evidence } => {
            Phrase::of_datum(evidence.raw())
        }
        FactBody::Seen {
            state,
            certificate_id,
            valid_till,
            ..
        } => {
            let mut phrase = Phrase::of(match state {
                LiveState::Requested => "requested",
                LiveState::Issued => "issued",
                LiveState::Reissuing => "reissuing",
                LiveState::Lapsed => "lapsed",
                LiveState::Ended(ending) => ending.word(),
            });
            if let Some(id) = certificate_id {
                phrase = phrase.own(", certificate ").datum(id);
            }
            if let Some(day) = valid_till {
                phrase = phrase.own(", valid till ").datum(day);
            }
            phrase
        }
        FactBody::Targeted { order_id, .. } => match order_id {
            Some(order_id) => Phrase::of("order ").datum(order_id),
            None => Phrase::of("no order: the name stood for several"),
        },
        FactBody::ReissueRejected { request_id } => match request_id {
            Some(request_id) => Phrase::of("request ").datum(request_id),
            None => Phrase::new(),
        },
        FactBody::Exchanged {
            certificate_id,
            certificate,
            ..
        } => Phrase::of("outside, certificate ")
            .datum(certificate_id)
            .own(match certificate {
                Some(_) => ", which is what the entry asks for",
                None => "",
            }),
        FactBody::Collected {
            serial_number,
            files,
            ..
        } => {
            let names: Vec<&str> = files.keys().map(|kind| kind.file_name()).collect();
            Phrase::of("serial ")
                .datum(serial_number)
                .own(format!(": {}", names.join(", ")))
        }
        FactBody::Delivered { serial_number } => Phrase::of("serial ").datum(serial_number),
        FactBody::HookFailed { serial_number, why } => Phrase::of("serial ")
            .datum(serial_number)
            .own(": ")
            .datum(why.raw()),
        FactBody::Carriers { orders } if orders.is_empty() => {
            Phrase::of("no other order carries its tag")
        }
        FactBody::Carriers { orders } => {
            let ids: Vec<String> = orders.iter().map(ToString::to_string).collect();
            Phrase::of("its tag is carried by order ").datum(ids.join(", "))
        }
        FactBody::Forgotten { order_id } => Phrase::of("order ").datum(order_id),
        FactBody::Released { order_id, to } => Phrase::of("order ")
            .datum(order_id)
            .own(", now of ")
            .datum(to),
        FactBody::Moved { from } => Phrase::of("from ").datum(from),
        FactBody::SeenPart { part, state, .. } => Phrase::of_datum(part).own(match state {
            PartState::Requested { .. } => " is requested",
            PartState::Revoked => " is revoked",
            PartState::Declined => " was declined",
        }),
    };
    if said.is_empty() {
        said
    } else {
        Phrase::of(": ").then(said)
    }
}

fn ids<O: ToString, C: ToString, R: ToString>(
    order: Option<&O>,
    certificate: Option<&C>,
    request: Option<&R>,
) -> Phrase {
    details::ids(
        order.map(ToString::to_string),
        certificate.map(ToString::to_string),
        request.map(ToString::to_string),
    )
    .unwrap_or_default()
}
