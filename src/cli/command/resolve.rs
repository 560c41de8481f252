//! `certplan resolve`: a person settles an action whose outcome is unknown.

use std::io;

use crate::apply::Evidence;
use crate::cli::args::{Common, ResolveArgs};
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::cli::workspace;
use crate::engine::{
    self, Consent, Durable, Findings, Judge, Notice, ResolveRequest, Resolved, Tell, Verdict,
};
use crate::model::{Address, ObservedOrder, OpenOperation, Untrusted};

pub(super) async fn run(
    common: &Common,
    args: &ResolveArgs,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let workspace = workspace::load(common, None, output)?;
    let found = args.found.clone().map(Verdict::Found);
    let request = ResolveRequest {
        address: args.address.clone(),
        verdict: found.or(args.not_placed.then_some(Verdict::NotPlaced)),
        lock_timeout: args.lock_timeout,
    };
    let mut bench = Bench { args, output };
    let Durable {
        result: resolved,
        closed,
    } = engine::resolve(&workspace, &request, &mut bench).await?;
    let address = &args.address;
    let mut exit = Exit::Done;
    match resolved {
        Resolved::Bound(id) => {
            output.result(|out| writeln!(out, "{address}: bound to order {id}."));
        }
        Resolved::Request(id) => {
            output.result(|out| writeln!(out, "{address}: settled as request {id}."));
        }
        Resolved::NotPlaced => {
            output.result(|out| writeln!(out, "{address}: settled as not placed."));
        }
        Resolved::OpenPurchase => {
            output.hint(&format!(
                "To settle it: `certplan resolve {address} --found ID`, or `certplan resolve {address} --not-placed`."
            ));
            exit = Exit::Person;
        }
        Resolved::OpenChange => {
            output.hint(&format!(
                "The next apply settles it by reading. By hand: `certplan resolve {address} --found REQUEST_ID`, or `certplan resolve {address} --not-placed`."
            ));
            exit = Exit::Person;
        }
    }
    closed?;
    Ok(exit)
}

/// The person before the terminal.
struct Bench<'a> {
    args: &'a ResolveArgs,
    output: &'a mut Output,
}

impl Tell for Bench<'_> {
    fn tell(&self, notice: Notice) {
        self.output.tell(notice);
    }
}

impl Judge for Bench<'_> {
    fn sees(&mut self, findings: Findings<'_>) {
        let address = &self.args.address;
        self.output.result(|out| match findings {
            Findings::Purchase { open, evidence } => show(out, address, open, evidence),
            Findings::Change(id, None) => {
                writeln!(out, "The CA shows no order {id} to this key.")
            }
            Findings::Change(_, Some(order)) => show_order(out, order),
        });
    }

    fn gives_up(&mut self, word: &str) -> Consent {
        if self.output.can_ask() {
            let typed = self.output.ask(&format!(
                "After this the next apply orders again. If the CA still takes the first one, it is bought twice.\nType {word} to go on:"
            ));
            if typed.as_deref() == Some(word) {
                Consent::Given
            } else {
                Consent::Withheld
            }
        } else if self.args.yes {
            Consent::Given
        } else {
            Consent::NobodyToAsk
        }
    }
}

fn show(
    out: &mut dyn io::Write,
    address: &Address,
    open: &OpenOperation,
    evidence: &Evidence,
) -> io::Result<()> {
    let since = open.since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    writeln!(
        out,
        "{}: {} intended at {since}, attempt {}, tag {}.",
        address,
        open.attempt.kind.word(),
        open.attempt.number,
        evidence.tag
    )?;
    if evidence.candidates.is_empty() {
        writeln!(out, "No order at the CA carries the tag.")?;
        match evidence.control {
            Some(true) => writeln!(out, "Control: an older order was found the same way.")?,
            Some(false) => writeln!(out, "Control: an older order was NOT found either.")?,
            None => writeln!(out, "Control: there is no older order to look for.")?,
        }
    }
    for candidate in &evidence.candidates {
        if let Some(order) = &candidate.order {
            show_order(out, order)?;
        }
        if candidate.differences.is_empty() {
            writeln!(out, "  It is what was asked for.")?;
        } else {
            let text = candidate.differences.join("; ");
            writeln!(out, "  It differs: {}.", Untrusted::new(text))?;
        }
    }
    Ok(())
}

fn show_order(out: &mut dyn io::Write, order: &ObservedOrder) -> io::Result<()> {
    writeln!(
        out,
        "Order {}: {:?}, {}, {}{}",
        Untrusted::new(order.id.as_str()),
        order.status,
        Untrusted::new(order.product.clone().unwrap_or_default()),
        Untrusted::new(order.names.join(", ")),
        order
            .created_at
            .map(|at| format!(", placed {}", at.strftime("%Y-%m-%dT%H:%M:%SZ")))
            .unwrap_or_default()
    )
}
