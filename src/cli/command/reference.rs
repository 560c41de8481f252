//! `certplan schema`, `completions` and `man`: what editors, shells and readers want.

use clap::CommandFactory;

use crate::cli::args::{Cli, CompletionsArgs, SchemaArgs, SchemaName};
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::provider::authorities;
use crate::{manifest, report};

pub(super) fn schema(args: &SchemaArgs, output: &mut Output) -> Result<Exit, CliError> {
    let schema = match args.name {
        SchemaName::Manifest => manifest::schema(&authorities()),
        SchemaName::Plan => report::plan_schema(),
        SchemaName::Report => report::report_schema(),
        SchemaName::Status => report::status_schema(),
    };
    output.result(|out| writeln!(out, "{schema:#}"));
    Ok(Exit::Done)
}

pub(super) fn completions(args: &CompletionsArgs, output: &mut Output) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "certplan", &mut script);
    output.result(|out| out.write_all(&script));
    Ok(Exit::Done)
}

pub(super) fn man(output: &mut Output) -> Result<Exit, CliError> {
    let mut page = Vec::new();
    let render = |command: clap::Command, page: &mut Vec<u8>| {
        clap_mangen::Man::new(command)
            .render(page)
            .map_err(|error| CliError::Failed(format!("the manual page cannot be made: {error}")))
    };
    let command = Cli::command();
    render(command.clone(), &mut page)?;
    for subcommand in command.get_subcommands() {
        let name = format!("certplan-{}", subcommand.get_name());
        render(
            subcommand.clone().name(clap::builder::Str::from(name)),
            &mut page,
        )?;
    }
    output.result(|out| out.write_all(&page));
    Ok(Exit::Done)
}
