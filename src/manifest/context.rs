//! Everything that is needed to turn a written entry into an item of the model. Main type: [`Context`].

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use jiff::civil::Date;

use super::account;
use super::collect::Entry;
use super::csr::Request;
use super::defaults::Defaults;
use super::members::Authorities;
use super::source::Source;
use crate::model::form::{At, Location, Member, Name, Point, Problem, nearest, shown};
use crate::model::{Account, AccountName, Address, Authority, Digest, SourceLine};

/// How many references get a "did you mean": each one is compared with every name.
const SUGGESTIONS: usize = 100;

/// One dependency, and where it was written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) point: Point,
    /// Whether a member names the order, and not `after`: then both are in the same account.
    pub(super) is_member: bool,
}

/// Something that is allowed but looks like a mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where the entry stands.
    pub location: SourceLine,
    /// The entry.
    pub address: Address,
    /// What is odd about it.
    pub message: String,
    /// Whether a plan finds it by itself, with what it knows besides.
    pub is_found_by_plans: bool,
}

/// So many warnings are shown one by one.
const TOLD: usize = 100;

/// Warnings as lines of text: the first 100, then how many more there are.
pub fn told(warnings: &[Warning]) -> impl Iterator<Item = String> {
    let first = warnings.iter().take(TOLD).map(|warning| {
        let SourceLine { file, line } = &warning.location;
        format!("{file}:{line}: {}", warning.message)
    });
    first.chain(untold(warnings.len()))
}

/// How many of so many warnings are not told one by one.
fn untold(count: usize) -> Option<String> {
    let more = count.saturating_sub(TOLD);
    (more > 0).then(|| format!("and {more} more such lines about the manifest"))
}

/// The warnings that belong into a plan of these entries: addresses with lines, the first 100 of them, then
/// how many more there are.
pub fn told_in_a_plan(
    warnings: &[Warning],
    is_planned: impl Fn(&Address) -> bool,
) -> Vec<(Option<&Address>, String)> {
    let all: Vec<&Warning> = warnings
        .iter()
        .filter(|warning| !warning.is_found_by_plans && is_planned(&warning.address))
        .collect();
    let first = all.iter().take(TOLD).map(|warning| {
        let SourceLine { file, line } = &warning.location;
        let text = warning.message.as_str();
        // The address stands beside the line.
        let bare = text.strip_prefix(&format!("`{}`: ", warning.address));
        let line = format!("{file}:{line}: {}", bare.unwrap_or(text));
        (Some(&warning.address), line)
    });
    let more = untold(all.len()).map(|line| (None, line));
    first.chain(more).collect()
}

/// Everything that is needed to turn a written entry into an item of the model.
pub(super) struct Context<'a> {
    pub(super) sources: &'a [Source],
    /// The CAs that a manifest may speak of.
    pub(super) authorities: Authorities<'a>,
    pub(super) today: Date,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Warning>,
    /// By name; without a value where the account itself is wrong, which was reported.
    pub(super) accounts: BTreeMap<String, Option<Account>>,
    /// Whether there may be others, whose names could not be read.
    pub(super) are_accounts_damaged: bool,
    /// Of each account where its keys come from, as it was written.
    pub(super) keys: BTreeMap<String, Digest>,
    pub(super) defaults: Defaults,
    pub(super) edges: Vec<Edge>,
    /// CSRs to check, all at once at the end.
    pub(super) requests: Vec<Request>,
    /// Which entry stands for which order that exists.
    pub(super) existing: HashMap<(String, u64), Point>,
    files: Vec<Arc<str>>,
    /// Of each file: a byte, and the line that it is on.
    lines: Vec<(usize, u32)>,
    suggestions: usize,
}

impl<'a> Context<'a> {
    /// With accounts and defaults read.
    pub(super) fn new(
        sources: &'a [Source],
        authorities: Authorities<'a>,
        today: Date,
        defaults: Defaults,
        problems: Vec<Problem>,
    ) -> Self {
        Self {
            sources,
            authorities,
            today,
            problems,
            warnings: Vec::new(),
            accounts: BTreeMap::new(),
            are_accounts_damaged: false,
            keys: BTreeMap::new(),
            defaults,
            edges: Vec::new(),
            requests: Vec::new(),
            existing: HashMap::new(),
            files: sources
                .iter()
                .map(|source| Arc::from(source.name.as_str()))
                .collect(),
            lines: vec![(0, 1); sources.len()],
            suggestions: SUGGESTIONS,
        }
    }

    /// Reads an account.
    pub(super) fn add_account(&mut self, entry: &Entry<'_>) {
        let written = account::read(entry, self.authorities, &mut self.problems);
        let folder = self.folder(entry.file());
        let name = entry.key.text().unwrap_or_default().to_owned();
        let written = written.filter(|_| !entry.is_misnamed);
        let account = written.and_then(|written| {
            self.keys.insert(name.clone(), written.keys());
            written.lower(self.authorities, folder, &mut self.problems)
        });
        self.accounts.insert(name, account);
    }

    /// Where the relative paths of a file start.
    pub(super) fn folder(&self, file: usize) -> &'a Path {
        self.sources.get(file).map_or(Path::new(""), Source::folder)
    }

    /// Where an entry stands, for the model. Entries come in the order of the text, so that each line is
    /// counted once.
    pub(super) fn location(&mut self, entry: &Entry<'_>) -> SourceLine {
        let file = entry.file();
        let start = entry.key.range().start;
        let text = self
            .sources
            .get(file)
            .map_or("", |source| source.text.as_str());
        let line = match self.lines.get_mut(file) {
            Some(known) => {
                if known.0 > start {
                    *known = (0, 1);
                }
                let between = text.as_bytes().get(known.0..start).unwrap_or_default();
                let breaks = between.iter().filter(|byte| **byte == b'\n').count();
                let line = known
                    .1
                    .saturating_add(u32::try_from(breaks).unwrap_or(u32::MAX));
                *known = (start, line);
                line
            }
            None => 0,
        };
        let file = self.files.get(file).cloned();
        SourceLine {
            file: file.unwrap_or_else(|| Arc::from("")),
            line,
        }
    }

    /// "did you mean", as long as it is affordable.
    pub(super) fn suggest<'n>(
        &mut self,
        word: &str,
        known: impl IntoIterator<Item = &'n str>,
    ) -> Option<String> {
        self.suggestions = self.suggestions.checked_sub(1)?;
        nearest(word, known).map(|best| format!("did you mean `{best}`?"))
    }

    /// The account that an entry names, if it is there: its name, and its CA if the account itself is
    /// right. `section` is where a default could be said.
    pub(super) fn account(
        &mut self,
        entry: &Entry<'_>,
        section: &str,
        is_damaged: bool,
        written: &Member<Name>,
    ) -> Option<(AccountName, Option<&'static dyn Authority>)> {
        let given = match written {
            Member::Given(given) => given,
            Member::Refused(_) => return None,
            Member::Absent => {
                if !is_damaged {
                    let problem = missing(entry, "account", "in this entry");
                    self.problems.push(problem.help(format!(
                        "add `account: NAME` here or to `defaults.{section}`"
                    )));
                }
                return None;
            }
        };
        self.known_account(given)
    }

    fn known_account(
        &mut self,
        given: &At<Name>,
    ) -> Option<(AccountName, Option<&'static dyn Authority>)> {
        let name = given.value.0.as_str();
        if let Some(account) = self.accounts.get(name) {
            let account = account.as_ref();
            let known = account.map(|account| account.name.clone());
            let name = known.or_else(|| name.parse().ok())?;
            return Some((name, account.map(|account| account.provider.authority)));
        }
        if self.are_accounts_damaged {
            return None;
        }
        let accounts = std::mem::take(&mut self.accounts);
        let help = match accounts.is_empty() {
            true => Some("the manifest has no `accounts`".to_owned()),
            false => self.suggest(name, accounts.keys().map(String::as_str)),
        };
        self.accounts = accounts;
        self.problems.push(
            Problem::new(
                "unknown_account",
                format!("there is no account `{}`", shown(name)),
            )
            .at(given.here(), "not in `accounts`")
            .maybe_help(help),
        );
        None
    }

    /// The CAs that offer something, for messages.
    pub(super) fn where_offered(&self, offers: impl Fn(&dyn Authority) -> bool) -> String {
        let names: Vec<&str> = self
            .authorities
            .iter()
            .filter(|authority| offers(**authority))
            .map(|authority| authority.name())
            .collect();
        names.join(" or ")
    }

    /// Puts the warnings into the order of the entries.
    pub(super) fn sort_warnings(&mut self) {
        let files: HashMap<&str, usize> = (0..)
            .zip(&self.files)
            .map(|(at, file)| (&**file, at))
            .collect();
        self.warnings.sort_by_key(|warning| {
            let file = files.get(&*warning.location.file);
            (file.copied(), warning.location.line)
        });
    }
}

/// A member that an entry lacks.
pub(super) fn missing(entry: &Entry<'_>, member: &str, label: &str) -> Problem {
    Problem::new(
        "missing_member",
        format!("`{}`: `{member}` is missing", entry.name),
    )
    .at(Location::Key(entry.value.point()), label)
}
