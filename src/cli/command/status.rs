//! `certplan status`: where each order and revocation stands.

use crate::cli::args::{Common, StatusArgs};
use crate::cli::exit::{CliError, Exit};
use crate::cli::format::Format;
use crate::cli::output::Output;
use crate::cli::settings::Calls;
use crate::cli::watch::Watch;
use crate::cli::workspace::{self, Warnings};
use crate::engine::{self, PlanRequest, Scope};
use crate::report;

pub(super) async fn run(
    common: &Common,
    args: &StatusArgs,
    watch: &mut Watch,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let calls = if args.offline {
        Calls::Nobody
    } else {
        Calls::Ca
    };
    let workspace = workspace::load_for(calls, common, None, Warnings::AtOnce, output)?;
    let request = PlanRequest {
        scope: Scope::default(),
        offline: args.offline,
    };
    let mut opened = |accounts: &_| watch.opened(accounts);
    let planned = engine::plan(&workspace, &request, &mut opened, output).await?;
    watch.planned(&workspace.batch, &planned);
    let entries = engine::status(&planned);
    let style = output.style();
    output.result(|out| match args.format {
        Format::Text => report::status_text(out, &entries, &style),
        Format::Json => report::status_json(out, &entries),
        Format::Markdown => report::status_markdown(out, &entries),
    });
    Ok(Exit::Done)
}
