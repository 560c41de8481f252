//! `certplan import`: binds an order that exists at the CA to a name, or prints a manifest of the
//! orders in force.

use crate::cli::args::{Common, ImportArgs};
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::cli::workspace;
use crate::engine::{self, AdoptRequest, Consent, Inventory, LeftOut, Workspace};
use crate::model::Untrusted;

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
        "Order {id} is not what {address} asks for: see the warnings above. A later run may reissue it for the entry, and its certificate may die by that.\nType its id to bind it all the same:"
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
    let Inventory {
        account,
        orders,
        manifest,
        left_out,
    } = &inventory;
    output.result(|out| {
        writeln!(
            out,
            "# The orders in force in account `{account}`. Each entry says which order it stands for (`existing_order_id`):\n# applied as it is, this manifest takes them over and buys nothing."
        )?;
        if !left_out.is_empty() {
            writeln!(out, "#\n# Not in it:")?;
        }
        for order in left_out {
            let line = format!("order {}: {}", order_words(order), order.why);
            writeln!(out, "#   {}", Untrusted::new(line).whole())?;
        }
        out.write_all(manifest.as_bytes())
    });
    let missing = match left_out.len() {
        0 => String::new(),
        1 => "; 1 order is left out, and a comment says why".to_owned(),
        more => format!("; {more} orders are left out, and comments say why"),
    };
    let noun = if *orders == 1 { "order" } else { "orders" };
    output.hint(&format!("The manifest has {orders} {noun}{missing}."));
    Ok(Exit::Done)
}

/// `7001 (ssl_basic, www.example.com)`
fn order_words(order: &LeftOut) -> String {
    if order.what.is_empty() {
        order.id.to_string()
    } else {
        format!("{} ({})", order.id, order.what.join(", "))
    }
}
