//! A store that acknowledges too early: [`AckBeforeCommit`].

use std::path::PathBuf;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};

use crate::journal::store::{Batch, FactReader, FactStore, Reading, Writing};
use crate::journal::{Hold, JournalError};
use crate::model::RunId;

/// `ack_before_commit`: facts are acknowledged before they are on the disk. They get there with the next
/// ones.
pub(super) struct AckBeforeCommit {
    store: Box<dyn FactStore>,
    is_behind: bool,
}

impl AckBeforeCommit {
    pub(super) fn around(store: Box<dyn FactStore>) -> Self {
        Self {
            store,
            is_behind: false,
        }
    }
}

impl FactStore for AckBeforeCommit {
    fn reader(&mut self) -> &mut dyn FactReader {
        self.store.reader()
    }

    fn enter<'a>(&'a mut self, run: &'a RunId) -> Reading<'a, ()> {
        self.store.enter(run)
    }

    fn begin(&mut self) -> Writing<'_, ()> {
        async move {
            if std::mem::take(&mut self.is_behind) {
                self.store.commit().await?;
            }
            self.store.begin().await
        }
        .boxed()
    }

    fn insert<'a>(&'a mut self, batch: &'a Batch) -> Writing<'a, ()> {
        self.store.insert(batch)
    }

    fn commit(&mut self) -> Writing<'_, ()> {
        self.is_behind = true;
        ready(Ok(())).boxed()
    }

    fn roll_back(&mut self) -> BoxFuture<'_, ()> {
        self.store.roll_back()
    }

    fn reconnect(&mut self, lost: String) -> Reading<'_, ()> {
        self.store.reconnect(lost)
    }

    fn check_hold(&self) -> Result<(), JournalError> {
        self.store.check_hold()
    }

    fn hold(&self) -> Hold {
        self.store.hold()
    }

    fn is_blocking(&self) -> bool {
        self.store.is_blocking()
    }

    fn tidy(&mut self) -> Writing<'_, ()> {
        ready(Ok(())).boxed()
    }

    fn backup(&mut self) -> Reading<'_, Option<PathBuf>> {
        async move {
            if std::mem::take(&mut self.is_behind) {
                let committed = self.store.commit().await;
                committed.map_err(|fault| JournalError::Write(format!("{fault:?}")))?;
            }
            self.store.backup().await
        }
        .boxed()
    }

    fn close(mut self: Box<Self>, whole: bool) -> Reading<'static, ()> {
        async move {
            if self.is_behind {
                let committed = self.store.commit().await;
                committed.map_err(|fault| JournalError::Write(format!("{fault:?}")))?;
            }
            self.store.close(whole).await
        }
        .boxed()
    }
}
