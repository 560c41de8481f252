//! The first pass: every file's entries, each checked for its shape and kept as the members that were
//! written, until all files are read and defaults and references can be settled.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value};

use super::at_once::AtOnce;
use super::document::{self, read};
use super::error::{Found, Part, Spot};
use super::schema::Kind;
use super::shape::check;
use super::source::Source;
use super::wording::{kind, shown, suggestion};
use crate::model::{Item, ItemName};

const ROOT: [&str; 6] = [
    "version",
    "accounts",
    "policy",
    "defaults",
    "orders",
    "revocations",
];

/// An entry as written, well-formed but not yet complete.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) name: ItemName,
    pub(super) file: usize,
    pub(super) line: u32,
    pub(super) members: Map<String, Value>,
    /// Members (`certificate.emails`) that were wrong and are reported; `*` is the whole entry.
    pub(super) broken: Vec<Box<str>>,
}

/// What has become of an entry while the files are read.
#[derive(Debug)]
pub(super) enum Entry {
    /// It is lowered when all files are read.
    Waiting(Draft),
    /// It is in the model.
    Lowered { file: usize, item: Item },
    /// It is wrong, and that is reported.
    Refused { file: usize, name: ItemName },
}

impl Entry {
    pub(super) fn file(&self) -> usize {
        match self {
            Self::Waiting(draft) => draft.file,
            Self::Lowered { file, .. } | Self::Refused { file, .. } => *file,
        }
    }

    pub(super) fn name(&self) -> &ItemName {
        match self {
            Self::Waiting(draft) => &draft.name,
            Self::Lowered { item, .. } => item.address.name(),
            Self::Refused { name, .. } => name,
        }
    }
}

impl Draft {
    /// Whether a member was given but was wrong, so that it is not missing.
    pub(super) fn is_broken(&self, member: &str) -> bool {
        self.broken.iter().any(|name| {
            let rest = member.strip_prefix(&**name);
            &**name == "*" || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
}

/// The entries of one section by name.
#[derive(Debug, Default)]
pub(super) struct Section {
    pub(super) entries: Vec<Entry>,
    pub(super) index: HashMap<ItemName, usize>,
    /// Names that break the rule for names and were reported.
    pub(super) bad_names: HashSet<String>,
}

impl Section {
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.index.get(&name.parse::<ItemName>().ok()?).copied()
    }

    /// Whether a reference to this name needs no problem of its own.
    pub(super) fn is_reported(&self, name: &str) -> bool {
        self.bad_names.contains(name)
    }
}

/// Accounts by name: the file, what was written, and whether something in it was reported.
pub(super) type Accounts = BTreeMap<String, (usize, Value, bool)>;

/// A value that stands once in all files, and where.
#[derive(Debug, Clone)]
pub(super) struct Single {
    pub(super) file: usize,
    pub(super) value: Map<String, Value>,
    /// Whether something in it was reported, so that what is missing may have been there.
    pub(super) is_broken: bool,
}

/// All that the files hold.
pub(super) struct Collected<'a> {
    pub(super) accounts: Accounts,
    pub(super) policy: Option<Single>,
    pub(super) defaults: Option<Single>,
    pub(super) orders: Section,
    pub(super) revocations: Section,
    versions: HashSet<usize>,
    /// Whether every file was read to its end: only then is what was not found missing.
    pub(super) is_whole: bool,
    pub(super) at_once: AtOnce<'a>,
}

fn is_section(name: &str) -> bool {
    matches!(name, "accounts" | "orders" | "revocations")
}

/// Reads all files.
pub(super) fn collect<'a>(
    sources: &'a [Source],
    at_once: AtOnce<'a>,
    found: &mut Vec<Found>,
) -> Collected<'a> {
    let mut collected = Collected {
        accounts: Accounts::new(),
        policy: None,
        defaults: None,
        orders: Section::default(),
        revocations: Section::default(),
        versions: HashSet::new(),
        is_whole: found.is_empty(),
        at_once,
    };
    for (file, source) in sources.iter().enumerate() {
        if !source.usable {
            continue;
        }
        let before = found.len();
        let whole = read(source, file, is_section, found, &mut |entry, found| {
            collected.take(entry, file, found);
        });
        collected.is_whole &= whole;
        let hopeless = found
            .iter()
            .skip(before)
            .any(|problem| matches!(problem.code, "empty_file" | "not_a_manifest"));
        if whole && !hopeless && !collected.versions.contains(&file) {
            found.push(
                Found::new("version", "`version` is missing")
                    .spot(
                        Spot::Bytes { file, range: 0..0 },
                        "expected `version: 1` here",
                    )
                    .help("every file begins with `version: 1`"),
            );
        }
    }
    collected
}

impl Collected<'_> {
    fn take(&mut self, entry: document::Entry, file: usize, found: &mut Vec<Found>) {
        let [section] = entry.path.as_slice() else {
            self.member(entry, file, found);
            return;
        };
        match section.as_str() {
            "version" => {
                self.versions.insert(file);
                if entry.value != 1 && !entry.damaged {
                    found.push(
                        Found::new("version", "this certplan reads `version: 1`")
                            .spot(Spot::member(file, &["version"], Part::Value), "not 1")
                            .help("write `version: 1`"),
                    );
                }
            }
            "accounts" | "orders" | "revocations" => match entry.value {
                Value::Null => {}
                // Only an alias hands a section over as a whole.
                Value::Object(map) => {
                    for (name, value) in map {
                        let member = document::Entry {
                            path: vec![section.clone(), name],
                            key: entry.key.clone(),
                            line: entry.line,
                            value,
                            damaged: entry.damaged,
                        };
                        self.member(member, file, found);
                    }
                }
                other => found.push(not_a_mapping(file, &[section], &other)),
            },
            "policy" => {
                if let Some(single) = single(Kind::Policy, &self.policy, entry, file, found) {
                    self.policy = Some(single);
                }
            }
            "defaults" => {
                self.at_once.definition();
                if let Some(single) = single(Kind::Defaults, &self.defaults, entry, file, found) {
                    self.defaults = Some(single);
                }
            }
            other => found.push(
                Found::new(
                    "unknown_member",
                    format!("a manifest has no member `{}`", shown(other)),
                )
                .spot(Spot::member(file, &[other], Part::Key), "unknown")
                .maybe_help(suggestion(other, ROOT)),
            ),
        }
    }

    fn member(&mut self, entry: document::Entry, file: usize, found: &mut Vec<Found>) {
        let [section, name] = entry.path.as_slice() else {
            return;
        };
        let mut value = entry.value;
        let (kind, name_is_good) = (
            match section.as_str() {
                "accounts" => Kind::Account,
                "orders" => Kind::Order,
                _ => Kind::Revocation,
            },
            name.parse::<ItemName>(),
        );
        if name_is_good.is_err() {
            found.push(bad_name(file, section, name));
        }
        let was_mapping = value.is_object();
        if !was_mapping && kind != Kind::Account {
            if !entry.damaged {
                found.push(not_a_mapping(file, &[section, name], &value));
            }
            value = Value::Object(Map::new());
        }
        let damage = entry.damaged.into();
        let mut broken = check(kind, file, &entry.path, &mut value, damage, found);
        if entry.damaged || !was_mapping {
            broken.push("*".into());
        }
        let spot = |file: usize| Spot::member(file, &[section, name], Part::Key);
        let twice = |first: usize| {
            Found::new(
                "duplicate_name",
                format!("`{section}.{}` is given in two files", shown(name)),
            )
            .spot(spot(file), "again here")
            .spot(spot(first), "first here")
            .help("rename or remove one of them")
        };
        let target = match kind {
            Kind::Account => {
                self.at_once.definition();
                if let Some((first, ..)) = self.accounts.get(name.as_str()) {
                    found.push(twice(*first));
                } else {
                    let is_broken = !broken.is_empty();
                    self.accounts.insert(name.clone(), (file, value, is_broken));
                }
                return;
            }
            Kind::Order => &mut self.orders,
            _ => &mut self.revocations,
        };
        let Ok(name) = name_is_good else {
            target.bad_names.insert(name.clone());
            return;
        };
        if let Some(first) = target
            .index
            .get(&name)
            .and_then(|&at| target.entries.get(at))
        {
            found.push(twice(first.file()));
            return;
        }
        target.index.insert(name.clone(), target.entries.len());
        let Value::Object(members) = value else {
            return;
        };
        let draft = Draft {
            name,
            file,
            line: entry.line,
            members,
            broken,
        };
        target.entries.push(match kind {
            Kind::Order => self
                .at_once
                .order(draft, &self.accounts, self.defaults.as_ref()),
            _ => Entry::Waiting(draft),
        });
    }
}

fn single(
    kind: Kind,
    known: &Option<Single>,
    entry: document::Entry,
    file: usize,
    found: &mut Vec<Found>,
) -> Option<Single> {
    let name = entry.path.first()?.as_str();
    if let Some(first) = known {
        found.push(
            Found::new(
                "duplicate_section",
                format!("`{name}` is given in two files"),
            )
            .spot(Spot::member(file, &[name], Part::Key), "again here")
            .spot(Spot::member(first.file, &[name], Part::Key), "first here")
            .help(format!("keep one `{name}` for all files")),
        );
        return None;
    }
    let mut value = entry.value;
    let damage = entry.damaged.into();
    let broken = check(kind, file, &entry.path, &mut value, damage, found);
    let is_broken = entry.damaged || !broken.is_empty();
    match value {
        Value::Object(value) => Some(Single {
            file,
            value,
            is_broken,
        }),
        _ => None,
    }
}

fn not_a_mapping(file: usize, path: &[&str], value: &Value) -> Found {
    let name = path.last().copied().unwrap_or_default();
    Found::new(
        "wrong_type",
        format!(
            "`{}`: expected a mapping, found {}",
            shown(name),
            kind(value)
        ),
    )
    .spot(Spot::member(file, path, Part::Value), "expected a mapping")
    .maybe_help(
        value
            .is_array()
            .then(|| "named things stand in a mapping: `NAME: { ... }`, not in a list".to_owned()),
    )
}

fn bad_name(file: usize, section: &str, name: &str) -> Found {
    let mut proposal: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect::<String>()
        .trim_matches('-')
        .to_owned();
    proposal.truncate(63);
    let help = (!proposal.is_empty()).then(|| format!("for example `{proposal}`"));
    Found::new(
        "bad_name",
        format!(
            "`{}` is not a name: lower-case letters, digits and `-`, not starting with `-`, at most 63 characters",
            shown(name)
        ),
    )
    .spot(Spot::member(file, &[section, name], Part::Key), "this name")
    .maybe_help(help)
}
