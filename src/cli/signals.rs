//! SIGINT, SIGTERM and SIGHUP: the first stops new calls, the second leaves at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::exit;
use crate::apply::Stop;

/// Starts listening. The receiver turns to `Some` with the first signal.
pub(super) fn listen() -> watch::Receiver<Option<Stop>> {
    let (sender, receiver) = watch::channel(None);
    tokio::spawn(async move {
        let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = (
            signal(SignalKind::interrupt()),
            signal(SignalKind::terminate()),
            signal(SignalKind::hangup()),
        ) else {
            // Without handlers a signal ends the process as it always does: the journal allows it.
            std::future::pending::<()>().await;
            return;
        };
        loop {
            let stop = tokio::select! {
                _ = interrupt.recv() => Stop::Interrupt,
                _ = terminate.recv() => Stop::Terminate,
                _ = hangup.recv() => Stop::Terminate,
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
