//! `certplan status`: where each order and revocation stands.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::cli::args::{Common, Format, Scope, StatusArgs};
use crate::cli::exit::{CliError, Exit};
use crate::cli::journal_view::JournalView;
use crate::cli::observe::{Purpose, observe};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::watch::Watch;
use crate::model::{Address, Observed, Standing};
use crate::plan::{Plan, Step};
use crate::report::{self, StatusEntry};

pub(super) async fn run(
    common: &Common,
    args: &StatusArgs,
    watch: &mut Watch,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let session = Session::load(common, None, output)?;
    let known = JournalView::read(&session.location).await?;
    let scope = Scope::everything();
    let observed = if args.offline {
        Observed::default()
    } else {
        let accounts = session.open(&session.used_accounts(&[]))?;
        watch.opened(&accounts);
        observe(&session, &accounts, &known, &scope, Purpose::Look, output).await?
    };
    let plan = session.plan(&known, &observed, &scope, args.offline);
    watch.planned(&session.batch, &known, &observed, &plan);
    let entries = entries(&plan, &known);
    let style = output.style();
    output.result(|out| match args.format {
        Format::Text => report::status_text(out, &entries, &style),
        Format::Json => report::status_json(out, &entries),
        Format::Markdown => report::status_markdown(out, &entries),
    });
    Ok(Exit::Done)
}

fn entries(plan: &Plan, known: &JournalView) -> Vec<StatusEntry> {
    let today = known.now.to_zoned(TimeZone::UTC).date();
    let mut entries: BTreeMap<&Address, StatusEntry> = plan
        .steps
        .iter()
        .map(|step| (&step.address, entry(step, known, today)))
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
        Standing::InForce { till, .. } | Standing::Lapsed { till, .. } => *till,
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
    StatusEntry {
        address: step.address.clone(),
        state: step.state(),
        reason: step.reason.clone(),
        order_id: step.order_id.clone(),
        certificate_id: step.certificate_id.clone(),
        request_id: step.request_id.clone(),
        valid_till,
        days_left: valid_till.map(|till| till.days_left(today)),
        waiting_for: step.standing.waits().cloned(),
        note: None,
    }
}
