//! `certplan import`: binds an order that exists at the CA to a name, or prints a manifest of the
//! orders in force.

use crate::cli::args::{Common, ImportArgs};
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::cli::workspace;
use crate::engine::{self, AdoptRequest, Consent, Workspace};

pub(super) async fn run(
    common: &Common,
    args: &ImportArgs,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let workspace = workspace::load(common, None, output)?;
    match (&args.address, &args.id) {
        (Some(address), Some(id)) => {
            let request = AdoptRequest {
                address: address.clone(),
                id: id.clone(),
                lock_timeout: args.lock_timeout,
            };
            bind(&workspace, &request, args.yes, output).await
        }
        _ => print_all(&workspace, args, output).await,
    }
}

async fn bind(
    workspace: &Workspace,
    request: &AdoptRequest,
    yes: bool,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let AdoptRequest { address, id, .. } = request;
    let consents = || consent(request, yes, output);
    let adopted = engine::adopt(workspace, request, &consents, output).await?;
    output.result(|out| writeln!(out, "{address}: bound to order {id}."));
    if !adopted.result.agrees {
        output.hint("The next plan shows what differs as a reissue or a warning.");
    }
    adopted.closed?;
    Ok(Exit::Done)
}

fn consent(request: &AdoptRequest, yes: bool, output: &Output) -> Consent {
    let AdoptRequest { address, id, .. } = request;
    if yes {
        return Consent::Given;
    }
    if !output.can_ask() {
        return Consent::NobodyToAsk;
    }
    let typed = output.ask(&format!(
        "Order {id} is not what {address} asks for. Type its id to bind it all the same:"
    ));
    if typed.as_deref() == Some(id.as_str()) {
        Consent::Given
    } else {
        Consent::Withheld
    }
}

async fn print_all(
    workspace: &Workspace,
    args: &ImportArgs,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let inventory = engine::inventory(workspace, args.account.as_ref(), output).await?;
    let account = &inventory.account;
    output.result(|out| {
        writeln!(
            out,
            "# Orders in force in account `{account}`, a manifest of its own. With it as it is, or with\n# its orders taken over into another manifest, bind each to its name:"
        )?;
        for (name, id) in &inventory.names {
            writeln!(out, "#   certplan import orders.{name} {id}")?;
        }
        out.write_all(inventory.manifest.as_bytes())
    });
    Ok(Exit::Done)
}
