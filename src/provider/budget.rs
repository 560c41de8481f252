//! What every process under one API key shares: [`Budget`], from which a throttle draws each slot, and
//! [`KeyFingerprint`], the name under which processes find each other's.
//!
//! The CA counts calls per key, not per process. A `plan` right after an `apply`, or two cron jobs, keep
//! to its rolling windows together only if each knows of the other's calls.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use data_encoding::BASE32_NOPAD;
use futures::future::BoxFuture;

use super::endpoint::Endpoint;
use super::keys::Keys;
use crate::model::{RateLimit, Secret};

/// The slots of one API key. An implementation guarantees, across all processes that share it, that the
/// slots in flight and those that were answered within a window never exceed the limit of whoever asks.
pub trait Budget: Send + Sync {
    /// Asks for one slot under these windows. What others drew counts in them, under whatever limits they
    /// have themselves. A slot that is neither finished nor dropped, because its process died, counts as
    /// answered when the lease ends.
    ///
    /// A call that is dropped while it waits leaves no slot behind.
    fn take<'a>(
        &'a self,
        windows: &'a [RateLimit],
        lease: Duration,
    ) -> BoxFuture<'a, Result<Drawn, BudgetError>>;

    /// The CA asked for a pause: nobody is given a slot before it is over. A shorter one ends no longer one.
    fn pause(&self, wait: Duration);
}

/// What a budget answers with.
#[derive(Debug)]
pub enum Drawn {
    /// A slot.
    Slot(BudgetSlot),
    /// None now.
    Wait(Wait),
}

/// How long a budget has no slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wait {
    /// When to ask again: a slot may come back unspent at any time, and a pause may begin.
    pub again: Duration,
    /// When there is one, unless that changes.
    pub whole: Duration,
}

impl From<Duration> for Wait {
    fn from(whole: Duration) -> Self {
        let again = whole;
        Self { again, whole }
    }
}

/// A budget that cannot be used. The text says why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BudgetError(pub String);

/// What became of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spent {
    /// Its call was sent, and answered or given up.
    Ended,
    /// Its call was never sent.
    Never,
}

/// A slot of a budget. Dropped without [`BudgetSlot::finish`] it goes back unspent.
#[must_use]
pub struct BudgetSlot(Option<Box<dyn FnOnce(Spent) + Send + Sync>>);

impl BudgetSlot {
    /// A slot whose end is told to `finished`, once. It must not block.
    pub fn new(finished: impl FnOnce(Spent) + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(finished)))
    }

    /// Says what became of it. From now on an ended call leaves the windows one after the other.
    pub fn finish(mut self, spent: Spent) {
        if let Some(finished) = self.0.take() {
            finished(spent);
        }
    }
}

impl Drop for BudgetSlot {
    fn drop(&mut self) {
        if let Some(finished) = self.0.take() {
            finished(Spent::Never);
        }
    }
}

impl fmt::Debug for BudgetSlot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("BudgetSlot")
    }
}

/// Names an API key at one host without telling the key: the same in every process and on every machine.
/// 26 characters of `a-z2-7`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyFingerprint(String);

impl KeyFingerprint {
    /// HMAC-SHA256 under the key itself, cut to 128 bits.
    fn of(key: &Secret, endpoint: &Endpoint) -> Self {
        let key = Key::new(HMAC_SHA256, key.expose().as_bytes());
        let text = format!("certplan rate budget\n{}", endpoint.authority());
        let tag = sign(&key, text.as_bytes());
        let half = tag.as_ref().get(..16).unwrap_or_default();
        Self(BASE32_NOPAD.encode(half).to_ascii_lowercase())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Keys {
    /// The fingerprint under which the CA's limits for these keys are shared. The CA counts by the first one.
    pub fn fingerprint(&self, endpoint: &Endpoint) -> KeyFingerprint {
        let none = Secret::new(String::new());
        KeyFingerprint::of(self.secrets().first().unwrap_or(&none), endpoint)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    fn fingerprint(key: &str, url: &str) -> String {
        let keys = Keys::certcentral(Secret::new(key.to_owned()));
        let endpoint = Endpoint::parse(url).unwrap();
        keys.fingerprint(&endpoint).as_str().to_owned()
    }

    #[test]
    fn a_fingerprint_names_the_key_and_the_host_and_shows_neither() {
        let one = fingerprint("ABCDEF123", "https://ca.example/services/v2");
        assert_eq!(one.len(), 26);
        assert!(one.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        // The same key at the same host, whatever the path.
        assert_eq!(one, fingerprint("ABCDEF123", "https://CA.example:443/x"));
        for (key, url) in [
            ("ABCDEF124", "https://ca.example/services/v2"),
            ("ABCDEF123", "https://ca2.example/services/v2"),
            ("ABCDEF123", "https://ca.example:8443/services/v2"),
        ] {
            assert_ne!(one, fingerprint(key, url), "{key} {url}");
        }
        assert!(!one.to_ascii_uppercase().contains("ABCDEF123"));
    }

    #[test]
    fn a_slot_tells_its_end_once() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let slot = || {
            let told = Arc::clone(&told);
            BudgetSlot::new(move |spent| told.lock().unwrap().push(spent))
        };
        slot().finish(Spent::Ended);
        drop(slot());
        assert_eq!(*told.lock().unwrap(), [Spent::Ended, Spent::Never]);
    }
}
