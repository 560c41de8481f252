//! The `certplan` binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    certplan::cli::main()
}
