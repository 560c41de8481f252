//! One log line for each call: method, path, how it ended and how long it took. Never a header, a query
//! or a body.

use reqwest::Request;
use tokio::time::Instant;

use crate::model::Untrusted;

/// A call under way; its end writes the line, however it ends.
pub(super) struct CallLog {
    name: String,
    start: Instant,
    status: Option<u16>,
}

impl CallLog {
    /// A call that is about to be sent.
    pub(super) fn begin(request: &Request) -> Self {
        let name = Untrusted::new(format!("{} {}", request.method(), request.url().path()));
        Self {
            name: name.to_string(),
            start: Instant::now(),
            status: None,
        }
    }

    /// The HTTP status came.
    pub(super) fn answered(&mut self, status: u16) {
        self.status = Some(status);
    }
}

impl Drop for CallLog {
    fn drop(&mut self) {
        let (name, took) = (&self.name, self.start.elapsed().as_millis());
        match self.status {
            Some(status) => tracing::info!("{name}: {status} in {took} ms"),
            None => tracing::info!("{name}: no answer after {took} ms"),
        }
    }
}
