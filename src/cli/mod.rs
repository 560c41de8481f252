//! The command line: the only place that reads the environment, prints and exits.

mod args;
mod command;
mod core_dumps;
mod doctor_args;
mod exit;
mod files_args;
mod files_place;
mod format;
mod hook_args;
mod logging;
mod output;
mod ping;
mod progress;
mod route;
mod run_reports;
mod sandbox_args;
mod scope_args;
mod screen;
mod settings;
mod signals;
mod value_parsers;
mod variables;
mod watch;
mod workspace;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};

pub use args::Cli;
pub use exit::Exit;

use crate::model::is_like_a_key;
use output::Output;
use variables::ParseError;

/// Parses the command line, runs the command, and says how it ended in the exit code.
pub fn main() -> ExitCode {
    core_dumps::off();
    end_at_a_panic();
    let cli = match variables::parse() {
        Ok(cli) => cli,
        Err(ParseError::Typed(error)) => return usage(error),
        Err(ParseError::Variable(why)) => {
            // A closed terminal is no reason to fail.
            let _ = writeln!(io::stderr(), "error: {why}");
            return Exit::Usage.into();
        }
    };
    logging::start(&cli.common);
    let mut output = Output::new(&cli.common);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            output.error(&format!("cannot start: {error}"));
            return Exit::Failed.into();
        }
    };
    let exit = runtime.block_on(async {
        match command::run(&cli, &mut output).await {
            Ok(exit) => exit,
            Err(error) => {
                output.failure(&error);
                error.exit()
            }
        }
    });
    // A call that hangs must not hold the process: everything durable is durable by now.
    runtime.shutdown_background();
    exit.into()
}

/// Rust's own exit code of a panic.
const PANICKED: i32 = 101;

/// A panic anywhere ends the process at once, as a kill would: nothing more is sent, and what was under way
/// is found by the next run. Unwinding could hang instead (tokio's does when a thread cannot be started).
fn end_at_a_panic() {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tell(panic);
        std::process::exit(PANICKED);
    }));
}

/// Help and version are a result; everything else that clap says is a wrong command line. A key that was
/// pasted in the place of an id is not repeated.
fn usage(mut error: clap::Error) -> ExitCode {
    let is_for_an_id = error
        .get(ContextKind::InvalidArg)
        .is_some_and(|argument| argument.to_string().contains("ID"));
    if is_for_an_id
        && let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue)
        && is_like_a_key(value)
    {
        let stars = "*".repeat(value.len());
        error.insert(ContextKind::InvalidValue, ContextValue::String(stars));
    }
    let printed = error.print();
    // A reader that is gone wanted no more.
    let lost = printed.is_err_and(|error| error.kind() != std::io::ErrorKind::BrokenPipe);
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion if lost => Exit::Failed.into(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Done.into(),
        _ => Exit::Usage.into(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
