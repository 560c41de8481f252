//! Orders that are lowered as soon as they are read, so that what was written of a hundred thousand of
//! them is never in memory at once.
//!
//! That can be done for an order that names no other entry and has no CSR (many are checked at a time),
//! once accounts and defaults are known. All others wait until every file is read.

use jiff::civil::Date;

use super::collect::{Accounts, Draft, Entry, Section, Single};
use super::context::Context;
use super::dependency::Names;
use super::order;
use super::source::Source;
use crate::model::Authority;

/// Whether orders are lowered while the files are read.
pub(super) enum AtOnce<'a> {
    /// Each waits for the end.
    Never,
    /// None was read so far.
    Soon {
        sources: &'a [Source],
        authorities: &'a [&'static dyn Authority],
        today: Date,
    },
    /// What they are lowered against is known.
    Now(Box<Context<'a>>),
    /// Accounts or defaults came after an order: what was lowered may be wrong.
    TooSoon,
}

impl<'a> AtOnce<'a> {
    /// Decides by where the sections begin: those that count for orders come first, in all files.
    pub(super) fn new(
        sources: &'a [Source],
        authorities: &'a [&'static dyn Authority],
        today: Date,
    ) -> Self {
        let begins = |source: &Source, name: &str| {
            let inside = source.text.find(&format!("\n{name}:"));
            let first = source.text.starts_with(&format!("{name}:"));
            if first { Some(0) } else { inside }
        };
        let mut orders_began = false;
        for source in sources {
            let orders = begins(source, "orders");
            for name in ["accounts", "defaults"] {
                let Some(at) = begins(source, name) else {
                    continue;
                };
                if orders_began || orders.is_some_and(|orders| orders < at) {
                    return Self::Never;
                }
            }
            orders_began |= orders.is_some();
        }
        Self::Soon {
            sources,
            authorities,
            today,
        }
    }

    /// Accounts or defaults are read.
    pub(super) fn definition(&mut self) {
        if matches!(self, Self::Now(_)) {
            *self = Self::TooSoon;
        }
    }

    /// Takes an order that was read.
    pub(super) fn order(
        &mut self,
        draft: Draft,
        accounts: &Accounts,
        defaults: Option<&Single>,
    ) -> Entry {
        if !stands_alone(&draft) {
            return Entry::Waiting(draft);
        }
        if let Self::Soon {
            sources,
            authorities,
            today,
        } = *self
        {
            let context = Context::new(sources, authorities, today, accounts, defaults.cloned());
            *self = Self::Now(Box::new(context));
        }
        let Self::Now(context) = self else {
            return Entry::Waiting(draft);
        };
        // It names no other entry.
        let nobody = Names {
            orders: Section::default(),
            revocations: Section::default(),
            order_accounts: Vec::new(),
            order_count: 0,
        };
        let (file, name) = (draft.file, draft.name.clone());
        match order::lower(draft, None, context, &nobody) {
            Some(item) => Entry::Lowered { file, item },
            None => Entry::Refused { file, name },
        }
    }
}

fn stands_alone(draft: &Draft) -> bool {
    let has_csr = draft
        .members
        .get("certificate")
        .is_some_and(|certificate| certificate.get("csr").is_some());
    !has_csr
        && draft.broken.is_empty()
        && !draft.members.contains_key("after")
        && !draft.members.contains_key("renewal_of")
}
