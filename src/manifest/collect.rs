//! What the files hold, section by section: named entries in their order, and what stands once in all
//! files. Nothing is read below an entry here. Main type: [`Collected`].

use std::collections::HashMap;

use super::raw;
use super::source::Source;
use super::yaml::Reading;
use crate::model::ItemName;
use crate::model::form::{
    At, Kind, Location, Member, Point, Problem, Reader, Value, read_members, shown,
};

/// A named entry of a section.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) name: ItemName,
    /// Whether its name breaks the rule for names, which was reported: then `name` is what it could be
    /// called, and only the entry's shape is looked at.
    pub(super) is_misnamed: bool,
    pub(super) key: Value<'a>,
    pub(super) value: Value<'a>,
}

impl Entry<'_> {
    /// The entry's name, to point at.
    pub(super) fn here(&self) -> Location {
        Location::Key(self.value.point())
    }

    /// Index of the file that it stands in.
    pub(super) fn file(&self) -> usize {
        self.value.point().file as usize
    }
}

/// The entries of one section by name.
#[derive(Debug, Default)]
pub(super) struct Entries<'a> {
    pub(super) list: Vec<Entry<'a>>,
    index: HashMap<&'a str, usize>,
    /// Names that break the rule for names, which was reported.
    bad_names: HashMap<&'a str, Point>,
    /// Whether the section or a name in it could not be read, which was reported: then any name may be one
    /// of its own.
    pub(super) is_damaged: bool,
}

impl<'a> Entries<'a> {
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    /// Whether a reference to this name needs no problem of its own.
    pub(super) fn is_reported(&self, name: &str) -> bool {
        self.is_damaged || self.bad_names.contains_key(name)
    }

    /// Every name.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.index.keys().copied()
    }
}

/// All that the files hold.
#[derive(Debug)]
pub(super) struct Collected<'a> {
    pub(super) accounts: Entries<'a>,
    pub(super) orders: Entries<'a>,
    pub(super) revocations: Entries<'a>,
    pub(super) policy: Option<At<raw::Policy>>,
    pub(super) defaults: Option<At<raw::Defaults>>,
    /// Renamed entries, of all files.
    pub(super) moved: Vec<At<raw::Moved>>,
    /// Whether every file was read to its end: only then is what was not found missing.
    pub(super) is_whole: bool,
}

/// Sorts the values of all files. `are_all_read` is false where a file could not be read at all.
pub(super) fn collect<'a>(
    sources: &[Source],
    readings: &'a [Reading<'a>],
    are_all_read: bool,
    problems: &mut Vec<Problem>,
) -> Collected<'a> {
    let mut collected = Collected {
        accounts: Entries::default(),
        orders: Entries::default(),
        revocations: Entries::default(),
        policy: None,
        defaults: None,
        moved: Vec::new(),
        is_whole: are_all_read,
    };
    for (source, reading) in sources.iter().zip(readings) {
        if source.usable {
            collected.is_whole &= reading.is_whole;
            collected.file(reading, problems);
        }
    }
    collected
}

/// The root of a file, if it is a mapping.
pub(super) fn root<'a>(reading: &'a Reading<'a>, problems: &mut Vec<Problem>) -> Option<Value<'a>> {
    let root = reading.document.root();
    let start = Location::Bytes {
        file: reading.file,
        range: 0..0,
    };
    let kind = root.map_or(Kind::Null, Value::kind);
    match (root, kind) {
        (Some(root), Kind::Mapping) => return Some(root),
        (_, Kind::Null) if reading.is_whole => problems.push(
            Problem::new("empty_file", "the file holds nothing")
                .at(start, "expected `version: 1` here")
                .help("begin with `version: 1`, or write a starter with `certplan init`"),
        ),
        (None, _) | (_, Kind::Null | Kind::Refused) => {}
        (Some(root), kind) => problems.push(
            Problem::new(
                "not_a_manifest",
                format!("a manifest is a mapping, not {}", kind.words()),
            )
            .at(Location::Value(root.point()), "expected `version: 1`")
            .help("begin with `version: 1`"),
        ),
    }
    None
}

impl<'a> Collected<'a> {
    fn file(&mut self, reading: &'a Reading<'a>, problems: &mut Vec<Problem>) {
        let Some(root) = root(reading, problems) else {
            self.accounts.is_damaged = true;
            self.orders.is_damaged = true;
            self.revocations.is_damaged = true;
            return;
        };
        let mut manifest = raw::Manifest::default();
        let mut reader = Reader::of_root("a manifest", problems);
        read_members(&mut manifest, root, &mut reader, &mut |_, _, _, _| false);
        if manifest.version.is_absent() && reading.is_whole {
            let start = Location::Bytes {
                file: reading.file,
                range: 0..0,
            };
            problems.push(
                Problem::new("version", "`version` is missing")
                    .at(start, "expected `version: 1` here")
                    .help("every file begins with `version: 1`"),
            );
        }
        let document = &reading.document;
        for (member, name, entries) in [
            (manifest.accounts.given(), "accounts", &mut self.accounts),
            (manifest.orders.given(), "orders", &mut self.orders),
            (
                manifest.revocations.given(),
                "revocations",
                &mut self.revocations,
            ),
        ] {
            if let Some(point) = member {
                entries.add(name, document.value(point.node), problems);
            }
        }
        self.accounts.is_damaged |= manifest.is_damaged || manifest.accounts.is_refused();
        self.orders.is_damaged |= manifest.is_damaged || manifest.orders.is_refused();
        self.revocations.is_damaged |= manifest.is_damaged || manifest.revocations.is_refused();
        let moved = manifest.moved.into_value();
        self.moved
            .extend(moved.into_iter().flat_map(|list| list.elements));
        once("policy", manifest.policy, &mut self.policy, problems);
        once("defaults", manifest.defaults, &mut self.defaults, problems);
    }
}

/// Keeps a section that stands in one file of all.
fn once<T>(
    name: &str,
    given: Member<raw::Section<T>>,
    known: &mut Option<At<T>>,
    problems: &mut Vec<Problem>,
) {
    let Member::Given(given) = given else { return };
    if let Some(first) = known {
        problems.push(
            Problem::new(
                "duplicate_section",
                format!("`{name}` is given in two files"),
            )
            .at(given.key(), "again here")
            .at(first.key(), "first here")
            .help(format!("keep one `{name}` for all files")),
        );
        return;
    }
    *known = Some(At {
        value: given.value.0,
        point: given.point,
    });
}

impl<'a> Entries<'a> {
    fn add(&mut self, section: &str, named: Value<'a>, problems: &mut Vec<Problem>) {
        let file = named.point().file;
        for (key, value) in named.members() {
            let Some(name) = key.text() else {
                self.is_damaged = true;
                continue;
            };
            let twice = |first: Point| {
                let problem = if first.file == file {
                    Problem::new("duplicate_key", format!("`{}` is given twice", shown(name)))
                        .help("remove or rename one of them")
                } else {
                    Problem::new(
                        "duplicate_name",
                        format!("`{section}.{}` is given in two files", shown(name)),
                    )
                    .help("rename or remove one of them")
                };
                problem
                    .at(Location::Value(key.point()), "again here")
                    .at(Location::Key(first), "first here")
            };
            let Ok(parsed) = name.parse::<ItemName>() else {
                if let Some(first) = self.bad_names.insert(name, value.point()) {
                    problems.push(twice(first));
                    continue;
                }
                let proposal = proposal(name);
                problems.push(bad_name(name, proposal.as_ref(), key));
                self.list.extend(proposal.map(|proposal| Entry {
                    name: proposal,
                    is_misnamed: true,
                    key,
                    value,
                }));
                continue;
            };
            let position = self.list.len();
            if let Some(first) = self.index.get(name).and_then(|&at| self.list.get(at)) {
                problems.push(twice(first.value.point()));
                continue;
            }
            self.index.insert(name, position);
            self.list.push(Entry {
                name: parsed,
                is_misnamed: false,
                key,
                value,
            });
        }
    }
}

/// A name near to one that breaks the rule.
fn proposal(name: &str) -> Option<ItemName> {
    let mut proposal: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect::<String>()
        .trim_matches('-')
        .to_owned();
    proposal.truncate(63);
    proposal.parse().ok()
}

fn bad_name(name: &str, proposal: Option<&ItemName>, key: Value<'_>) -> Problem {
    let help = proposal.map(|proposal| format!("for example `{proposal}`"));
    Problem::new(
        "bad_name",
        format!(
            "`{}` is not a name: lower-case letters, digits and `-`, not starting with `-`, at most 63 characters",
            shown(name)
        ),
    )
    .at(Location::Value(key.point()), "this name")
    .maybe_help(help)
}
