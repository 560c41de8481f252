//! What every answer teaches about its account: the CA's clock, and whether to slow down.

use std::sync::PoisonError;

use jiff::Timestamp;
use reqwest::Response;
use tokio::time::Instant;

use super::Transport;
use crate::model::pause_end;
use crate::provider::retry_after::{cut, date, retry_after};

impl Transport {
    /// Notes the CA's clock and a pause that it asks for. A pause that is long enough is told, once.
    pub(super) fn note(&self, response: &Response) {
        use std::sync::atomic::Ordering;
        let headers = response.headers();
        if let Some(date) = date(headers).and_then(|date| Timestamp::try_from(date).ok()) {
            let shown = Some((date, Instant::now()));
            *self.ca_clock.lock().unwrap_or_else(PoisonError::into_inner) = shown;
        }
        let wait = retry_after(headers);
        let pause = match response.status().as_u16() {
            429 => {
                self.rate_limited.fetch_add(1, Ordering::Relaxed);
                self.throttle.slow_down(wait)
            }
            400.. if wait.is_some() => self.throttle.slow_down(wait),
            200..300 => {
                self.throttle.recovered();
                None
            }
            _ => None,
        };
        if let Some(pause) = pause.filter(|pause| self.throttle.is_to_be_told(*pause)) {
            tracing::warn!(
                "{} asks to slow down: the next call goes out {}{}",
                self.endpoint,
                pause_end(pause),
                cut(headers)
            );
        }
    }
}
