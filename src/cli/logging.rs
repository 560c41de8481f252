//! Log lines: to standard error, of certplan's own modules alone.
//!
//! The HTTP libraries below log what they handle; certplan never turns their lines on, so that no key
//! can reach a log through them.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, WeakProgressBar};
use tracing_subscriber::EnvFilter;

use super::args::{Common, LogFormat};

/// The bar that stands on the terminal, if one does.
static BAR: Mutex<Option<WeakProgressBar>> = Mutex::new(None);

/// From now on lines stand above this bar, so long as it is there.
pub(super) fn above(bar: &ProgressBar) {
    *BAR.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.downgrade());
}

/// Standard error, with the bar taken away while a line is written.
struct AboveBar;

impl Write for AboveBar {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let known = BAR.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known.and_then(|bar| bar.upgrade()) {
            Some(bar) if !bar.is_finished() => bar.suspend(|| io::stderr().write(line)),
            Some(_) | None => io::stderr().write(line),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Starts logging for the whole process.
pub(super) fn start(common: &Common) {
    let level = match (common.quiet, common.verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, 2) => "debug",
        (false, _) => "trace",
    };
    // What a run tells people without `-v` is told in JSON without `-v` as well.
    let run = match level {
        "warn" => "info",
        level => level,
    };
    let filter = EnvFilter::new(format!("off,certplan={level},certplan::run={run}"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| AboveBar)
        .with_ansi(false)
        .log_internal_errors(false);
    // Only a second call in one process can fail, and then logging is already on.
    let _ = match common.log_format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}
