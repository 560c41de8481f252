//! `certplan status`: where each order and revocation stands.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::cli::args::{Common, Format, Scope, StatusArgs};
use crate::cli::exit::{CliError, Exit};
use crate::cli::observe::{Purpose, observe};
use crate::cli::output::Output;
use crate::cli::session::{Known, Session};
use crate::cli::watch::Watch;
use crate::model::{Address, LiveState, Observed, ObservedOrder, Phase, Record};
use crate::plan::{Action, Plan, Step, live_state};
use crate::report::{self, StatusEntry};

pub(super) async fn run(
    common: &Common,
    args: &StatusArgs,
    watch: &mut Watch,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let session = Session::load(common, None, output)?;
    let known = Known::read(&session.location).await?;
    let scope = Scope::everything();
    let observed = if args.offline {
        Observed::default()
    } else {
        let accounts = session.open(&session.used_accounts(&[]))?;
        watch.opened(&accounts);
        let purpose = if args.refresh {
            Purpose::Look
        } else {
            Purpose::Recall
        };
        observe(&session, &accounts, &known, &scope, purpose, output).await?
    };
    let plan = session.plan(&known, &observed, &scope, args.offline);
    watch.planned(&session.batch, &known, &observed, &plan);
    let entries = entries(&plan, &known, &observed);
    for (name, account) in &observed.accounts {
        if let Some(as_of) = account.as_of {
            output.hint(&format!(
                "orders of `{name}` as of {as_of}, with the changes of status since; `--refresh` reads all"
            ));
        }
    }
    let style = output.style();
    output.result(|out| match args.format {
        Format::Text => report::status_text(out, &entries, &style),
        Format::Json => report::status_json(out, &entries),
        Format::Markdown => report::status_markdown(out, &entries),
    });
    Ok(Exit::Done)
}

fn entries(plan: &Plan, known: &Known, observed: &Observed) -> Vec<StatusEntry> {
    let today = known.now.to_zoned(TimeZone::UTC).date();
    let mut entries: BTreeMap<&Address, StatusEntry> = plan
        .steps
        .iter()
        .map(|step| {
            let record = known.records.get(&step.address);
            let order = step.order_id.as_ref().and_then(|id| {
                let account = observed.accounts.get(&step.account)?;
                account
                    .orders
                    .get(id)
                    .or_else(|| account.details.get(id)?.as_ref())
            });
            (&step.address, entry(step, record, order, today))
        })
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

fn entry(
    step: &Step,
    record: Option<&Record>,
    order: Option<&ObservedOrder>,
    today: Date,
) -> StatusEntry {
    let live = record.and_then(|record| record.live.as_ref());
    let valid_till = match &step.address {
        Address::Order(_) => order
            .and_then(|order| order.valid_till.clone())
            .or_else(|| live.and_then(|live| live.valid_till.clone())),
        Address::Revocation(_) => None,
    };
    let days_left = valid_till.as_deref().and_then(|text| {
        let day: Date = text.get(..10)?.parse().ok()?;
        day.since(today).ok().map(|span| i64::from(span.get_days()))
    });
    StatusEntry {
        address: step.address.clone(),
        state: state(step, record, order).to_owned(),
        order_id: step.order_id.clone(),
        certificate_id: step
            .certificate_id
            .clone()
            .or_else(|| live.and_then(|live| live.certificate_id.clone())),
        request_id: step.request_id.clone(),
        valid_till,
        days_left,
        waiting_for: step.waits_for.clone(),
        note: None,
    }
}

/// One word.
fn state(step: &Step, record: Option<&Record>, order: Option<&ObservedOrder>) -> &'static str {
    if let Some(open) = record.and_then(|record| record.open.as_ref()) {
        return match open.phase {
            Phase::Sending | Phase::InDoubt { .. } => "in-doubt",
            Phase::Parked { .. } => "parked",
        };
    }
    match (&step.address, step.action) {
        (Address::Revocation(_), Action::Keep) => "revoked",
        (Address::Revocation(_), Action::Wait) if step.reached.is_some() => "requested",
        (Address::Revocation(_), Action::Wait) => "waiting",
        (Address::Revocation(_), _) => "not-requested",
        (Address::Order(_), Action::Order | Action::Renew) => "not-ordered",
        (Address::Order(_), Action::Adopt) => "not-bound",
        (Address::Order(_), _) => {
            let seen = order.map(|order| live_state(&order.status));
            let live = record
                .and_then(|record| record.live.as_ref())
                .map(|live| live.state.clone());
            match seen.or(live) {
                Some(LiveState::Requested) => "pending",
                Some(LiveState::Issued) => "issued",
                Some(LiveState::Reissuing) => "reissue-pending",
                Some(LiveState::Ended(ending)) => ending.word(),
                None => "waiting",
            }
        }
    }
}
