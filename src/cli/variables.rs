//! The variables of certplan. An empty one is an unset one, and a message about a value names the variable
//! that it stands in, not a flag that nobody typed. Main function: [`parse`].

use std::error::Error;
use std::ffi::OsStr;

use clap::builder::Resettable;
use clap::error::ErrorKind;
use clap::{Arg, Command, CommandFactory, FromArgMatches};

use super::args::Cli;

/// Why there is no command line.
pub(super) enum ParseError {
    /// What clap says: help, version, or a wrong command line.
    Typed(clap::Error),
    /// A variable has a value that cannot be used.
    Variable(String),
}

/// Parses the command line, with the variables that have a value in the place of flags that were not typed.
pub(super) fn parse() -> Result<Cli, ParseError> {
    let error = match with(&is_set) {
        Ok(cli) => return Ok(cli),
        Err(error) => error,
    };
    // Help names every variable, the empty ones too.
    if error.kind() == ErrorKind::DisplayHelp {
        return Err(ParseError::Typed(with(&|_| true).err().unwrap_or(error)));
    }
    if with(&|_| false).is_err() {
        return Err(ParseError::Typed(error));
    }
    // What was typed is right: a variable is not.
    for variable in names(&Cli::command()) {
        if let Err(fault) = with(&|name| *name == *variable && is_set(name)) {
            return Err(ParseError::Variable(format!("{variable}: {}", why(&fault))));
        }
    }
    Err(ParseError::Typed(error))
}

/// Where a value comes from, as a message names it.
pub(super) fn origin<'a>(flag: &'a str, variable: &'a str, value: &OsStr) -> &'a str {
    if std::env::var_os(variable).is_some_and(|found| found == value) {
        variable
    } else {
        flag
    }
}

fn with(counts: &dyn Fn(&OsStr) -> bool) -> Result<Cli, clap::Error> {
    let mut command = only(Cli::command(), counts);
    let mut matches = command.try_get_matches_from_mut(std::env::args_os())?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

/// The command without the variables that do not count.
fn only(command: Command, counts: &dyn Fn(&OsStr) -> bool) -> Command {
    command
        .mut_args(|arg| {
            if arg.get_env().is_some_and(|name| !counts(name)) {
                arg.env(Resettable::Reset)
            } else {
                arg
            }
        })
        .mut_subcommands(|command| only(command, counts))
}

fn names(command: &Command) -> Vec<String> {
    let own = command.get_arguments().filter_map(Arg::get_env);
    let mut found: Vec<String> = own
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    found.extend(command.get_subcommands().flat_map(names));
    found
}

fn is_set(name: &OsStr) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// Without the value, which may be a secret, and without the flag.
fn why(fault: &clap::Error) -> String {
    if fault.kind() == ErrorKind::InvalidUtf8 {
        return "it is not plain text".to_owned();
    }
    match fault.source() {
        Some(source) => source.to_string(),
        None => "its value cannot be used".to_owned(),
    }
}
