//! The orders of an account from an earlier look: the status-changes feed says which have changed, the newest
//! page of the list which have come, and the total of the list whether any is missing.
//!
//! What the feed does not tell: duplicates, the revocation of one certificate, edits that leave the status
//! as it is. Whoever decides by those has them read anew (`reread`).
//!
//! Assumption: the feed is complete for the time that it is asked for, 15 minutes at most behind, and a
//! reissue is a change of status. The API page names no limit to the length of its answer; more changes
//! than the whole list has pages are not believed but read.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};

use super::list::LIMIT;
use super::request::segment;
use super::{CertCentral, LONGEST_WINDOW, observed, wire};
use crate::model::{Look, ObservedOrder, OrderId};
use crate::provider::{Observe, ProviderError};

/// Added to the time that the feed is asked for: an index that lags, a clock that drifts.
const OVERLAP: SignedDuration = SignedDuration::from_mins(15);
/// An older look is not taken up: with the overlap, the feed reaches back seven days.
const OLDEST: SignedDuration = SignedDuration::from_hours(7 * 24 - 1);
/// More requests than the pages of the whole list need, and these, are not worth it.
const FEW: usize = 10;
const AT_ONCE: usize = 4;

type Orders = BTreeMap<OrderId, ObservedOrder>;

impl CertCentral {
    /// See [`Observe::orders_since`].
    pub(super) async fn since(
        &self,
        earlier: Look,
        reread: &BTreeSet<OrderId>,
    ) -> Result<Option<Orders>, ProviderError> {
        let Some(window) = self.window(earlier.read_at) else {
            return Ok(None);
        };
        let mut orders = earlier.orders;
        let most = orders.len().div_ceil(LIMIT) + FEW;
        let changed: BTreeSet<OrderId> = self
            .changes(window)
            .await?
            .into_iter()
            .map(|change| change.order_id)
            .collect();
        let Some(read) = self.newest(&mut orders, most).await? else {
            return Ok(None);
        };
        let open: Vec<OrderId> = changed
            .union(reread)
            .filter(|id| !read.fresh.contains(*id))
            .cloned()
            .collect();
        if read.requests + open.len() > most {
            return Ok(None);
        }
        let rows: Vec<Option<ObservedOrder>> = stream::iter(open)
            .map(|id| self.row(id))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        for row in rows {
            let known = row.and_then(|row| Some((orders.get_mut(&row.id)?, row)));
            let Some((order, row)) = known else {
                return Ok(None);
            };
            *order = row;
        }
        Ok(Some(orders))
    }

    /// How far back the feed must reach; `None` for a look that is too old, or from the future, and
    /// where the CA's clock is not known.
    fn window(&self, read_at: Timestamp) -> Option<Duration> {
        let now = Timestamp::now().checked_add(self.clock_skew()?).ok()?;
        let age = now.duration_since(read_at);
        if age > OLDEST || age < -OVERLAP {
            return None;
        }
        let window = Duration::try_from(age + OVERLAP).ok()?;
        (window.as_secs() < LONGEST_WINDOW).then_some(window)
    }

    /// Adds the orders that have come since; `None` when the list counts others than those that are known
    /// then.
    async fn newest(
        &self,
        orders: &mut Orders,
        most: usize,
    ) -> Result<Option<Newest>, ProviderError> {
        let mut read = Newest {
            fresh: BTreeSet::new(),
            // The feed.
            requests: 1,
        };
        let mut offset = 0;
        while read.requests < most {
            let page = self
                .page(
                    "list the newest orders",
                    "/order/certificate?sort=-date_created",
                    |row| observed::summary(row).map(|order| (order.id.clone(), order)),
                    offset,
                )
                .await?;
            read.requests += 1;
            offset += page.rows.len();
            let mut new = false;
            for (id, order) in page.rows {
                read.fresh.insert(id.clone());
                new |= orders.insert(id, order).is_none();
            }
            match page.total {
                Some(total) if total == orders.len() => return Ok(Some(read)),
                // Some are hidden, or gone, or older ones have come to light.
                Some(total) if total > orders.len() && new => {}
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// The order as the list shows it; `None` when the list does not show just this one.
    async fn row(&self, id: OrderId) -> Result<Option<ObservedOrder>, ProviderError> {
        let rows = self
            .list(
                format!("list order {id}"),
                format!(
                    "/order/certificate?filters%5Bid%5D={}",
                    segment(id.as_str())
                ),
                |row: &wire::Order| observed::summary(row).map(|order| (order.id.clone(), order)),
            )
            .await?;
        match <[ObservedOrder; 1]>::try_from(rows) {
            Ok([row]) if row.id == id => Ok(Some(row)),
            _ => Ok(None),
        }
    }
}

/// What the newest pages brought.
struct Newest {
    /// Orders that were on them.
    fresh: BTreeSet<OrderId>,
    /// Requests up to here.
    requests: usize,
}
