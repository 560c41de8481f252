//! A budget that stands in where a better one breaks: that of this machine for that of all hosts. Main
//! type: [`WithSecond`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;

use crate::model::RateLimit;
use crate::provider::{Budget, BudgetError, Drawn};

/// Draws from the first budget until that one breaks, and then from the second.
pub struct WithSecond {
    first: Arc<dyn Budget>,
    second: Arc<dyn Budget>,
    broken: AtomicBool,
}

impl WithSecond {
    /// The second is asked nothing as long as the first works.
    pub fn new(first: Arc<dyn Budget>, second: Arc<dyn Budget>) -> Self {
        Self {
            first,
            second,
            broken: AtomicBool::new(false),
        }
    }

    fn broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }
}

impl Budget for WithSecond {
    fn take<'a>(
        &'a self,
        windows: &'a [RateLimit],
        lease: Duration,
    ) -> BoxFuture<'a, Result<Drawn, BudgetError>> {
        Box::pin(async move {
            if !self.broken() {
                match self.first.take(windows, lease).await {
                    Err(error) => {
                        if !self.broken.swap(true, Ordering::Relaxed) {
                            tracing::warn!(
                                "the rate budget of all hosts cannot be used: {error}; this run shares the limits with the runs of this machine alone"
                            );
                        }
                    }
                    drawn => return drawn,
                }
            }
            self.second.take(windows, lease).await
        })
    }

    fn pause(&self, wait: Duration) {
        if self.broken() {
            self.second.pause(wait);
        } else {
            self.first.pause(wait);
        }
    }
}
