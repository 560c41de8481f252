//! `certplan resolve`: a person settles an action whose outcome is unknown.

use super::fact_writer::{FactWriter, item_of};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::apply::{Evidence, Lookup, control_tag, gather_evidence};
use crate::cli::args::{Common, ResolveArgs};
use crate::cli::exit::{CliError, Exit};
use crate::cli::journal_view::JournalView;
use crate::cli::observe::{Purpose, check_access};
use crate::cli::output::Output;
use crate::cli::session::{Session, new_run};
use crate::files;
use crate::journal::{self, Holder};
use crate::model::{
    Adoption, FactBody, Observed, ObservedAccount, ObservedOrder, OpenOperation, OperationKind,
    Order, OrderId, Phase, RequestId, RequestKind, Tag, Untrusted, Wanted, differences, seen,
};
use crate::provider::{Depth, Observe};

pub(super) async fn run(
    common: &Common,
    args: &ResolveArgs,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let session = Session::load(common, None, output)?;
    let item = item_of(&session, &args.address)?;
    let accounts = session.open(&std::iter::once(item.account.clone()).collect())?;
    let Some(act) = accounts.get(&item.account) else {
        return Err(CliError::Failed(format!(
            "account `{}` cannot be opened",
            item.account
        )));
    };
    let observe: &dyn Observe = act.as_ref();
    let run = new_run();
    let holder = Holder {
        command: "resolve".to_owned(),
        run: run.clone(),
    };
    let journal = journal::open(&session.location, holder, args.lock_timeout).await?;
    let known = JournalView::held(&*journal);
    let mut account = ObservedAccount::default();
    check_access(
        &session,
        &item.account,
        observe,
        Purpose::Look,
        output,
        &mut account,
    )
    .await?;
    let observed = Observed {
        accounts: std::iter::once((item.account.clone(), account)).collect(),
    };
    session.check_bindings(&known.bindings, &observed)?;
    let open = || journal.record(&args.address).and_then(|record| record.open);
    let Some(mut now_open) = open() else {
        return Err(CliError::Failed(format!(
            "nothing about {} is unknown: there is nothing to settle",
            args.address
        )));
    };
    let writer = FactWriter {
        journal: &*journal,
        run,
        item,
    };
    if now_open.phase == Phase::Sending {
        let why = Untrusted::new("a run ended between the intent and the outcome");
        let boot = files::clock::now().boot;
        writer.write(vec![FactBody::Doubted { why, boot }]).await?;
        // Its age counts from here.
        now_open = open().unwrap_or(now_open);
    }
    let resolution = Resolution {
        session: &session,
        observe,
        args,
        open: &now_open,
        writer: &writer,
    };
    let exit = match (&item.wanted, now_open.attempt.kind) {
        (Wanted::Order(order), OperationKind::Order | OperationKind::Renew) => {
            resolution.order(order, output).await
        }
        _ => resolution.other(output).await,
    };
    journal.close().await?;
    exit
}

struct Resolution<'a> {
    session: &'a Session,
    observe: &'a dyn Observe,
    args: &'a ResolveArgs,
    open: &'a OpenOperation,
    writer: &'a FactWriter<'a>,
}

impl Resolution<'_> {
    async fn order(&self, order: &Order, output: &mut Output) -> Result<Exit, CliError> {
        let address = &self.args.address;
        let Some(tag) = self.open.attempt.tag.clone() else {
            return Err(CliError::Failed(format!(
                "the journal has no tag for {address}"
            )));
        };
        if let Some(id) = &self.args.found {
            return self.found(order, id, &tag, output).await;
        }
        let items = &self.session.batch.items;
        let control = control_tag(
            &self.writer.journal.records(),
            |address| {
                items.iter().any(|item| {
                    item.address == *address && item.account == self.writer.item.account
                })
            },
            &tag,
        );
        let lookup = Lookup {
            tag: &tag,
            wanted: order,
            attempt: &self.open.attempt,
            since: self.open.since,
            control: control.as_ref(),
        };
        let evidence = gather_evidence(self.observe, lookup, |id| self.is_owned(id))
            .await
            .map_err(|error| self.unreadable(&error))?;
        self.show(&evidence, output);
        if !self.args.not_placed {
            output.hint(&format!(
                "To settle it: `certplan resolve {address} --found ID`, or `certplan resolve {address} --not-placed`."
            ));
            return Ok(Exit::Person);
        }
        if let Some(candidate) = evidence.candidates.first() {
            return Err(CliError::Refused(format!(
                "order {} carries the tag {tag}: `certplan resolve {address} --found {}`",
                candidate.order_id, candidate.order_id
            )));
        }
        if evidence.control == Some(false) {
            return Err(CliError::Refused(
                "an older order of ours was not found either: this look-up proves nothing; check the key's permissions and try again".to_owned(),
            ));
        }
        self.not_placed(tag.as_str(), output).await
    }

    /// Reissues and revocations: the CA's order shows what became of them; the next run settles them
    /// by reading. Here a person overrides that.
    async fn other(&self, output: &mut Output) -> Result<Exit, CliError> {
        let address = &self.args.address;
        let Some(order_id) = self.open.attempt.order_id.clone() else {
            return Err(CliError::Failed(format!(
                "the journal has no order id for {address}"
            )));
        };
        if let Some(id) = &self.args.found {
            self.check_request(&order_id, id).await?;
            let fact = match self.open.attempt.kind {
                OperationKind::Revoke => FactBody::Requested {
                    request_id: Some(RequestId::from(id.as_str())),
                },
                _ => FactBody::Accepted {
                    order_id,
                    request_id: Some(RequestId::from(id.as_str())),
                    certificate_id: None,
                    approved: false,
                    validation: Vec::new(),
                },
            };
            self.writer.write(vec![fact]).await?;
            output.result(|out| writeln!(out, "{address}: settled as request {id}."));
            return Ok(Exit::Done);
        }
        let order = self
            .observe
            .order(&order_id, Depth::Certificates)
            .await
            .map_err(|error| self.unreadable(&error))?;
        output.result(|out| match &order {
            None => writeln!(out, "The CA shows no order {order_id} to this key."),
            Some(order) => show_order(out, order),
        });
        if !self.args.not_placed {
            output.hint(&format!(
                "The next apply settles it by reading. By hand: `certplan resolve {address} --found REQUEST_ID`, or `certplan resolve {address} --not-placed`."
            ));
            return Ok(Exit::Person);
        }
        self.not_placed(address.name().as_str(), output).await
    }

    /// Only a request that the CA shows about this order is taken for what was asked.
    async fn check_request(&self, order_id: &OrderId, id: &OrderId) -> Result<(), CliError> {
        let kind = match self.open.attempt.kind {
            OperationKind::Revoke => RequestKind::Revoke,
            _ => RequestKind::Reissue,
        };
        let order = self
            .observe
            .order(order_id, Depth::Order)
            .await
            .map_err(|error| self.unreadable(&error))?;
        let mut requests = order.and_then(|order| order.requests).unwrap_or_default();
        if kind == RequestKind::Revoke {
            let all = self.observe.revocation_requests().await;
            let all = all.map_err(|error| self.unreadable(&error))?;
            requests.extend(
                all.into_iter()
                    .filter(|request| request.order_id.as_ref() == Some(order_id)),
            );
        }
        let shown = requests
            .iter()
            .any(|request| request.id.as_str() == id.as_str() && request.kind == kind);
        if shown {
            return Ok(());
        }
        Err(CliError::Refused(format!(
            "the CA shows no such request {id} about order {order_id}; the next apply settles it by reading"
        )))
    }

    async fn found(
        &self,
        order: &Order,
        id: &OrderId,
        tag: &Tag,
        output: &mut Output,
    ) -> Result<Exit, CliError> {
        let address = &self.args.address;
        let seen_order = self
            .observe
            .order(id, Depth::Order)
            .await
            .map_err(|error| self.unreadable(&error))?
            .ok_or_else(|| CliError::Failed(format!("the CA shows no order {id} to this key")))?;
        let different = differences(order, &seen_order);
        if !different.is_empty() {
            return Err(CliError::Refused(format!(
                "order {id} is not what {address} asks for: {}; if it is the right one all the same, `certplan import {address} {id}`",
                different.join("; ")
            )));
        }
        if self.is_owned(id) {
            return Err(CliError::Refused(format!(
                "order {id} belongs to another entry: two names never share an order"
            )));
        }
        let adoption = Adoption::of(Some(&self.open.attempt), &seen_order, order, Some(tag));
        let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
        let facts = vec![
            adoption.fact("a person named it; product, names and key agree"),
            seen(&seen_order, today),
        ];
        self.writer.write(facts).await?;
        output.result(|out| writeln!(out, "{address}: bound to order {id}."));
        Ok(Exit::Done)
    }

    /// A person says that nothing was placed. It takes the quiet period, and the word typed.
    async fn not_placed(&self, word: &str, output: &mut Output) -> Result<Exit, CliError> {
        let quiet = self.session.policy.doubt.quiet_period;
        let age = self.open.age(&files::clock::now());
        let quiet = SignedDuration::try_from(quiet).unwrap_or(SignedDuration::MAX);
        if age < quiet {
            let left = SignedDuration::from_secs((quiet - age).as_secs() + 1);
            return Err(CliError::Refused(format!(
                "the quiet period is not over: a request may still arrive; try again in {left:#}"
            )));
        }
        if output.can_ask() {
            let typed = output.ask(&format!(
                "After this the next apply orders again. If the CA still takes the first one, it is bought twice.\nType {word} to go on:"
            ));
            if typed.as_deref() != Some(word) {
                return Err(CliError::Failed(
                    "not settled: the word was not typed".to_owned(),
                ));
            }
        } else if !self.args.yes {
            return Err(CliError::Usage(
                "standard input is no terminal: say `--yes` to settle it as not placed".to_owned(),
            ));
        }
        let evidence = Untrusted::new(format!(
            "a look-up {}s after the doubt found nothing; a person decided",
            age.as_secs()
        ));
        self.writer
            .write(vec![FactBody::DecidedNotPlaced { evidence }])
            .await?;
        output.result(|out| writeln!(out, "{}: settled as not placed.", self.args.address));
        Ok(Exit::Done)
    }

    fn show(&self, evidence: &Evidence, output: &mut Output) {
        let since = self.open.since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        output.result(|out| {
            writeln!(
                out,
                "{}: {} intended at {since}, attempt {}, tag {}.",
                self.args.address,
                self.open.attempt.kind.word(),
                self.open.attempt.number,
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
        });
    }

    /// True for an order that another name stands for.
    fn is_owned(&self, id: &OrderId) -> bool {
        let records = self.writer.journal.records();
        records.iter().any(|(address, record)| {
            let live = record.live.as_ref();
            *address != self.args.address && live.is_some_and(|live| live.order_id == *id)
        })
    }

    fn unreadable(&self, error: &crate::provider::ProviderError) -> CliError {
        CliError::Provider {
            account: self.writer.item.account.to_string(),
            error: error.clone(),
        }
    }
}

fn show_order(out: &mut dyn std::io::Write, order: &ObservedOrder) -> std::io::Result<()> {
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
