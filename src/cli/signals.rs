//! SIGINT, SIGTERM and SIGHUP: the first stops new calls, the second leaves at once. A SIGHUP that is ignored
//! when certplan starts stays ignored: `nohup` asks for that.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::exit;
use crate::apply::Stop;

/// Starts listening. The receiver turns to `Some` with the first signal.
pub(super) fn listen() -> watch::Receiver<Option<Stop>> {
    let (sender, receiver) = watch::channel(None);
    let hears_hangups = !ignores_hangups();
    tokio::spawn(async move {
        let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = (
            signal(SignalKind::interrupt()),
            signal(SignalKind::terminate()),
            // A handler would take the place of the ignoring.
            hears_hangups
                .then(|| signal(SignalKind::hangup()))
                .transpose(),
        ) else {
            // Without handlers a signal ends the process as it always does: the journal allows it.
            std::future::pending::<()>().await;
            return;
        };
        loop {
            let stop = tokio::select! {
                _ = interrupt.recv() => Stop::Interrupt,
                _ = terminate.recv() => Stop::Terminate,
                () = next(hangup.as_mut()) => Stop::Terminate,
            };
            if sender.borrow().is_some() {
                std::process::exit(i32::from(exit::of_stop(stop).code()));
            }
            // The run may be over already; then nobody listens, and that is fine.
            let _ = sender.send(Some(stop));
        }
    });
    receiver
}

/// Waits for a signal that is listened for, and for ever where it is not.
async fn next(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// The number of SIGHUP, on every system.
const HANGUP: u32 = 1;

/// Whether SIGHUP is ignored, as Linux tells it. Elsewhere nothing tells it without unsafe code.
fn ignores_hangups() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & (1 << (HANGUP - 1)) != 0)
}
