//! CertCentral's paged lists: `offset` and `limit` (1,000 at most), the total in `page.total`.
//!
//! Nothing promises that pages belong together while orders come and go. So rows are told apart by id,
//! and a pass that brought fewer rows than the CA counts is made once more before it is an error: an
//! incomplete list must never look like a complete one.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use futures::{StreamExt, TryStreamExt, stream};
use serde::de::DeserializeOwned;

use super::{CertCentral, malformed, wire};
use crate::provider::ProviderError;

const LIMIT: usize = 1000;
const AT_ONCE: usize = 4;
/// Two million rows: what goes on longer never ends.
const MOST_PAGES: usize = 2000;

impl CertCentral {
    /// Every row of a list in order of its key, without repeats.
    pub(super) async fn list<W, K, T>(
        &self,
        what: String,
        path: String,
        read: fn(&W) -> Option<(K, T)>,
    ) -> Result<Vec<T>, ProviderError>
    where
        W: DeserializeOwned + Send,
        K: Ord + Send,
        T: Send,
    {
        let mut rows = BTreeMap::new();
        for _ in 0..2 {
            if let ControlFlow::Break(()) = self.pass(&what, &path, read, &mut rows).await? {
                return Ok(rows.into_values().map(|row| *row).collect());
            }
        }
        Err(malformed(&what, "the CA counts more rows than it sends"))
    }

    /// One pass over all pages; breaks when the list is complete.
    async fn pass<W, K, T>(
        &self,
        what: &str,
        path: &str,
        read: fn(&W) -> Option<(K, T)>,
        rows: &mut BTreeMap<K, Box<T>>,
    ) -> Result<ControlFlow<()>, ProviderError>
    where
        W: DeserializeOwned + Send,
        K: Ord + Send,
        T: Send,
    {
        let first = self.page(what, path, read, 0).await?;
        let mut total = first.total;
        // A server that sends fewer rows than asked for has a smaller limit of its own.
        let step = first.rows.len().clamp(1, LIMIT);
        let mut more = first.rows.len() >= LIMIT || total.is_some_and(|all| first.rows.len() < all);
        let mut offset = first.rows.len();
        rows.extend(boxed(first.rows));
        // What the first page counts is fetched at once, what comes to it meanwhile one by one.
        if let Some(counted) = total.filter(|_| offset > 0) {
            let offsets = (offset..counted).step_by(step).take(MOST_PAGES);
            let pages: Vec<Page<K, T>> = stream::iter(offsets)
                .map(|offset| self.page(what, path, read, offset))
                .buffered(AT_ONCE)
                .try_collect()
                .await?;
            for page in pages {
                offset += step;
                more = page.rows.len() >= step;
                total = page.total;
                rows.extend(boxed(page.rows));
            }
        }
        for _ in 0..MOST_PAGES {
            let known = rows.len();
            if !more || total.is_some_and(|total| known >= total) {
                break;
            }
            let page = self.page(what, path, read, offset).await?;
            more = !page.rows.is_empty();
            offset += page.rows.len();
            total = page.total.or(total);
            rows.extend(boxed(page.rows));
            // The same rows again: the server does not heed the offset.
            if rows.len() == known {
                break;
            }
        }
        Ok(if total.is_none_or(|total| rows.len() >= total) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    }

    /// One page.
    async fn page<W, K, T>(
        &self,
        what: &str,
        path: &str,
        read: fn(&W) -> Option<(K, T)>,
        offset: usize,
    ) -> Result<Page<K, T>, ProviderError>
    where
        W: DeserializeOwned + Send,
    {
        let separator = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{separator}offset={offset}&limit={LIMIT}");
        let listing: wire::Listing<W> = self.object(what, &path).await?;
        let total = listing
            .page
            .get()
            .and_then(|page| page.total.value())
            .map(|total| usize::try_from(total).unwrap_or(usize::MAX));
        let rows = match listing.rows {
            Some(rows) => rows,
            // Assumption: some servers leave the list out when there is nothing in it.
            None if total == Some(0) => Vec::new(),
            None => return Err(malformed(what, "no list in the answer")),
        };
        let rows = rows
            .iter()
            .map(|row| read(row).ok_or_else(|| malformed(what, "a row without an id")))
            .collect::<Result<_, _>>()?;
        Ok(Page { rows, total })
    }
}

/// A map that grows has much room that is not used: it holds pointers.
fn boxed<K, T>(rows: Vec<(K, T)>) -> impl Iterator<Item = (K, Box<T>)> {
    rows.into_iter().map(|(key, row)| (key, Box::new(row)))
}

/// One page of a list.
struct Page<K, T> {
    rows: Vec<(K, T)>,
    /// How many rows all pages have, where the CA says so.
    total: Option<usize>,
}
