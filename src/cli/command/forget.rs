//! `certplan forget`: parts names from their orders.

use crate::cli::args::{Common, ForgetArgs};
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::cli::settings::Calls;
use crate::cli::workspace::{self, Warnings};
use crate::engine::{self, Consent, ForgetRequest, Forgotten};

pub(super) async fn run(
    common: &Common,
    args: &ForgetArgs,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let workspace = workspace::load_for(Calls::Nobody, common, None, Warnings::AtOnce, output)?;
    let request = ForgetRequest {
        addresses: args.addresses.clone(),
        lock_timeout: args.lock_timeout,
    };
    let consents = |forgotten: &Forgotten| consent(forgotten, args.yes, output);
    let done = engine::forget(&workspace, &request, &consents).await?;
    output.result(|out| {
        for Forgotten { address, order_id } in &done.result {
            writeln!(
                out,
                "{address}: stands for no order now. Order {order_id} stays as it is at the CA."
            )?;
        }
        Ok(())
    });
    output.hint(
        "An entry that is still in the manifest waits beside its order: `existing_order_id` takes it over again, `allow_similar: true` buys another one.",
    );
    done.closed?;
    Ok(Exit::Done)
}

fn consent(forgotten: &Forgotten, yes: bool, output: &Output) -> Consent {
    let Forgotten { address, order_id } = forgotten;
    if yes {
        return Consent::Given;
    }
    if !output.can_ask() {
        return Consent::NobodyToAsk;
    }
    let typed = output.ask(&format!(
        "{address} stands for order {order_id}. After this no run looks after the order.\nType its id to part them:"
    ));
    if typed.as_deref() == Some(order_id.as_str()) {
        Consent::Given
    } else {
        Consent::Withheld
    }
}
