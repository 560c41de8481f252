//! Which names the account showed control of, and on which day: a validation can be used again for a while.
//! Main type: [`Domains`].

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::sandbox::clock::days_between;

/// For so many days a validation can be used again (since 2026-02-24).
///
/// Assumption: the period stays as it is when lifetimes become shorter.
const REUSE_DAYS: i32 = 199;

/// Names in lower case and without `*.`, each with the day of its validation.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Domains {
    validated: BTreeMap<String, Date>,
    changed: BTreeSet<String>,
}

fn normal(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    name.strip_prefix("*.").map(str::to_owned).unwrap_or(name)
}

impl Domains {
    /// Notes that control of these names was shown today.
    pub(super) fn validate(&mut self, names: &[String], today: Date) {
        for name in names {
            self.restore(normal(name), today);
        }
    }

    /// Notes the names that nobody used before.
    ///
    /// Assumption: control of those was shown on the same day, before they are ordered.
    pub(super) fn meet(&mut self, names: &[String], today: Date) {
        for name in names {
            if !self.validated.contains_key(&normal(name)) {
                self.restore(normal(name), today);
            }
        }
    }

    /// Whether a validation of these names is too old to be used again.
    pub(super) fn expired(&self, names: &[String], today: Date) -> bool {
        let days = names
            .iter()
            .filter_map(|name| self.validated.get(&normal(name)));
        days.into_iter()
            .any(|day| days_between(*day, today) > REUSE_DAYS)
    }

    /// Puts a kept name back.
    pub(in crate::sandbox) fn restore(&mut self, name: String, day: Date) {
        self.changed.insert(name.clone());
        self.validated.insert(name, day);
    }

    /// Every name with its day.
    pub(in crate::sandbox) fn all(&self) -> impl Iterator<Item = (&String, Date)> {
        self.validated.iter().map(|(name, day)| (name, *day))
    }

    /// What changed since the last call.
    pub(in crate::sandbox) fn take_changed(&mut self) -> Vec<(String, Date)> {
        let names = std::mem::take(&mut self.changed).into_iter();
        names
            .filter_map(|name| Some((name.clone(), *self.validated.get(&name)?)))
            .collect()
    }
}
