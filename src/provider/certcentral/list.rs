//! CertCentral's paged lists: `offset` and `limit` (1,000 at most), the total in `page.total`.
//!
//! What the CA counts is held against what it sends, and neither is believed alone: a full page is followed
//! by another request whatever the total says, and a total that is larger than what came makes the list
//! incomplete. Nothing promises that pages belong together while orders come and go, so a list that moved
//! between two pages is read anew. An incomplete list never looks like a complete one: it is an error.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt, stream};

use super::wire::Row;
use super::{CertCentral, malformed, wire};
use crate::provider::ProviderError;

const LIMIT: usize = 1000;
const AT_ONCE: usize = 4;
/// How often a list is read before it is an error that it is never whole.
const PASSES: usize = 3;
/// Two million rows: what goes on longer never ends.
const MOST_PAGES: usize = 2000;

/// What a row becomes: what it is known by, and what it says.
type Read<W, K, T> = fn(&W) -> Option<(K, T)>;

impl CertCentral {
    /// Every row of a list in order of its key, without repeats.
    pub(super) async fn list<W, K, T>(
        &self,
        what: String,
        path: String,
        read: Read<W, K, T>,
    ) -> Result<Vec<T>, ProviderError>
    where
        W: Row,
        K: Ord + Clone + Send,
        T: Send,
    {
        let mut fault = None;
        for _ in 0..PASSES {
            let pass = self.pass(&what, &path, read).await?;
            fault = pass.fault();
            if fault.is_none() {
                return Ok(pass.rows.into_values().map(|row| *row).collect());
            }
        }
        Err(malformed(&what, fault.unwrap_or_default()))
    }

    /// One pass over all pages.
    async fn pass<W, K, T>(
        &self,
        what: &str,
        path: &str,
        read: Read<W, K, T>,
    ) -> Result<Pass<K, T>, ProviderError>
    where
        W: Row,
        K: Ord + Clone + Send,
        T: Send,
    {
        let mut pass = Pass::new();
        let first = self.page(what, path, read, 0).await?;
        // A server that sends fewer rows than asked for has a smaller limit of its own.
        let step = first.rows.len().clamp(1, LIMIT);
        let counted = first.total.unwrap_or_default();
        pass.take(first);
        // What the first page counts is fetched at once, what comes to it meanwhile one by one.
        let offsets = (pass.received..counted).step_by(step).take(MOST_PAGES);
        let pages = stream::iter(offsets)
            .map(|offset| self.page(what, path, read, offset))
            .buffered(AT_ONCE);
        futures::pin_mut!(pages);
        while !pass.over
            && let Some(page) = pages.try_next().await?
        {
            // The offsets of the pages behind a short one would leave a gap.
            let short = page.rows.len() < step;
            pass.take(page);
            if short {
                break;
            }
        }
        for _ in 0..MOST_PAGES {
            if !pass.goes_on() {
                return Ok(pass);
            }
            let page = self.page(what, path, read, pass.received).await?;
            pass.take(page);
        }
        Err(malformed(what, "the list does not end"))
    }

    /// One page.
    async fn page<W, K, T>(
        &self,
        what: &str,
        path: &str,
        read: Read<W, K, T>,
        offset: usize,
    ) -> Result<Page<K, T>, ProviderError>
    where
        W: Row,
    {
        let separator = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{separator}offset={offset}&limit={LIMIT}");
        let listing: wire::Listing<W> = self.object(what, &path).await?;
        let number = |number: fn(&wire::Page) -> Option<u64>| {
            let number = listing.page.get().and_then(number)?;
            Some(usize::try_from(number).unwrap_or(usize::MAX))
        };
        let total = number(|page| page.total.value());
        let limit = number(|page| page.limit.id()).map_or(LIMIT, |limit| limit.min(LIMIT));
        let Some(rows) = listing.rows() else {
            return Err(malformed(what, "no list in the answer"));
        };
        let rows: Vec<(K, T)> = rows
            .iter()
            .map(|row| read(row).ok_or_else(|| malformed(what, "a row without an id")))
            .collect::<Result<_, _>>()?;
        Ok(Page {
            full: rows.len() >= limit,
            rows,
            total,
        })
    }
}

/// One page of a list.
struct Page<K, T> {
    rows: Vec<(K, T)>,
    /// How many rows all pages have, where the CA says so.
    total: Option<usize>,
    /// True where it has as many rows as a page can have.
    full: bool,
}

/// What one pass over a list has brought so far.
struct Pass<K, T> {
    /// A map that grows has much room that is not used: it holds pointers.
    rows: BTreeMap<K, Box<T>>,
    /// How many rows came, on pages that brought something new.
    received: usize,
    /// How many rows the first page had.
    size: usize,
    /// The last total that the CA gave.
    total: Option<usize>,
    /// True where the last page was full.
    full: bool,
    /// True where nothing comes any more: a page was empty, or brought nothing new.
    over: bool,
    /// True where a full page was followed by rows that were there already.
    stuck: bool,
    /// True where a page had more rows than were asked for: such a server sends everything at once.
    unpaged: bool,
    /// True where rows moved from one page to another between the requests.
    moved: bool,
}

impl<K: Ord + Clone, T> Pass<K, T> {
    fn new() -> Self {
        Self {
            rows: BTreeMap::new(),
            received: 0,
            size: 0,
            total: None,
            full: false,
            over: false,
            stuck: false,
            unpaged: false,
            moved: false,
        }
    }

    fn take(&mut self, page: Page<K, T>) {
        let before = self.total;
        self.total = page.total.or(before);
        let came = page.rows.len();
        let keys: BTreeSet<K> = page.rows.iter().map(|(key, _)| key.clone()).collect();
        let known = keys
            .iter()
            .filter(|key| self.rows.contains_key(key))
            .count();
        if known == keys.len() {
            self.over = true;
            self.stuck = came > 0 && self.full;
            return;
        }
        // Rows that came in between push others onto the next page.
        self.moved |= known > 0;
        if self.received == 0 {
            self.size = came;
        }
        // A server may have a smaller limit of its own: what the first page had, another page can have.
        self.full = page.full || (self.received > 0 && came >= self.size);
        self.received += came;
        self.unpaged |= came > LIMIT;
        // Rows that went away pull the rest forward, past a page that was read already.
        let counts = page.total.filter(|total| *total >= self.received);
        self.moved |= counts.zip(before).is_some_and(|(now, then)| now < then);
        let rows = page.rows.into_iter();
        self.rows
            .extend(rows.map(|(key, row)| (key, Box::new(row))));
    }

    /// Whether there may be another page. A total that is missing, or smaller than what came, tells nothing.
    fn goes_on(&self) -> bool {
        let told = self.total.is_some_and(|total| total == self.received);
        !self.over && (self.full || !told)
    }

    /// What keeps the pass from being the whole list.
    fn fault(&self) -> Option<&'static str> {
        if self.moved {
            return Some("the list changed while it was read");
        }
        if self.total.is_some_and(|total| total > self.received) {
            return Some("the CA counts more rows than it sends");
        }
        let capped = self.stuck && !self.unpaged;
        capped.then_some("the CA sends the same rows again in place of the next page")
    }
}
