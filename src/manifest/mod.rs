//! YAML text to [`Batch`], or every problem at once.
//!
//! One pass over each file hands over entry by entry (`document`); an entry is checked for its shape
//! (`shape`, against the schema of `raw`) and kept as what was written (`collect`). When all files
//! are read, defaults, references and rules are settled (`lower`). Byte positions are not kept: only
//! if there are problems a second pass finds the places that they speak of (`locate`).

mod account;
mod at_once;
mod collect;
mod compose;
mod context;
mod credential;
mod csr;
mod dependency;
mod digest;
mod document;
mod error;
mod events;
mod graph;
mod locate;
mod lower;
mod order;
mod policy;
mod product;
mod raw;
mod render;
mod revocation;
mod rules;
mod scalar;
mod schema;
mod shape;
mod source;
#[cfg(test)]
mod tests;
mod validity;
mod wording;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::Date;
use serde_json::Value;

use crate::model::{Authority, Batch, Place, Policy};

pub use error::{Label, Problem, ProblemLine, Problems};
pub use policy::tighten;
pub use render::Paint;
pub use schema::schema;
pub use source::Input;

use at_once::AtOnce;
use error::{Found, Part, Spot};
use source::Source;

/// A manifest that can be planned.
#[derive(Debug)]
pub struct Loaded {
    /// What it asks for.
    pub batch: Batch,
    /// What is allowed but looks like a mistake.
    pub warnings: Vec<Warning>,
    /// The files that were read, in their order; standard input is not among them.
    pub files: Vec<PathBuf>,
}

/// Something that is allowed but looks like a mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The entry.
    pub place: Place,
    /// What is odd about it.
    pub message: String,
}

/// Reads a manifest of one or more inputs. `authorities` are the CAs that it may speak of.
///
/// # Errors
///
/// Every problem of every file.
pub fn load(inputs: &[Input], authorities: &[&'static dyn Authority]) -> Result<Loaded, Problems> {
    load_on(inputs, authorities, today())
}

/// The current day in UTC.
fn today() -> Date {
    jiff::Zoned::now()
        .with_time_zone(jiff::tz::TimeZone::UTC)
        .date()
}

fn load_on(
    inputs: &[Input],
    authorities: &[&'static dyn Authority],
    today: Date,
) -> Result<Loaded, Problems> {
    let mut found = Vec::new();
    let sources = source::read_all(inputs, &mut found);
    if sources.is_empty() && found.is_empty() {
        found.push(
            Found::new("no_manifest", "no manifest was named").help("name one with `-f FILE`"),
        );
    }
    let problems = found.len();
    let at_once = AtOnce::new(&sources, authorities, today);
    let mut collected = collect::collect(&sources, at_once, &mut found);
    if matches!(collected.at_once, AtOnce::TooSoon) {
        found.truncate(problems);
        collected = collect::collect(&sources, AtOnce::Never, &mut found);
    }
    if !collected.is_whole {
        // What is missing may stand behind the place where reading stopped.
        drop(collected);
        return Err(settle(found, sources));
    }
    let (batch, warnings, found) = lower::lower(&sources, authorities, collected, today, found);
    match batch {
        Some(batch) if found.is_empty() => Ok(Loaded {
            batch,
            warnings,
            files: sources
                .into_iter()
                .filter_map(|source| source.path)
                .collect(),
        }),
        _ => Err(settle(found, sources)),
    }
}

/// Reads the guard rails of `--policy FILE`: the members of `policy` at the top level.
///
/// # Errors
///
/// Every problem of the file.
pub fn load_policy(path: &Path) -> Result<Policy, Problems> {
    let mut found = Vec::new();
    let mut sources = Vec::new();
    source::read_file(path, &mut sources, &mut found);
    let mut members = serde_json::Map::new();
    if let Some(source) = sources.first().filter(|source| source.usable) {
        document::read(source, 0, |_| false, &mut found, &mut |entry, found| {
            let Some(name) = entry.path.into_iter().next() else {
                return;
            };
            // So that a manifest given by mistake is told from a misspelt member.
            if matches!(
                name.as_str(),
                "version" | "policy" | "accounts" | "orders" | "revocations" | "defaults"
            ) {
                found.push(
                    Found::new(
                        "unknown_member",
                        format!("a policy file has no member `{name}`"),
                    )
                    .spot(Spot::member(0, &[&name], Part::Key), "of a manifest")
                    .help("write the members of `policy` at the top level"),
                );
                return;
            }
            members.insert(name, entry.value);
        });
    }
    let mut value = Value::Object(members);
    shape::check(
        schema::Kind::Policy,
        0,
        &[],
        &mut value,
        shape::Damage::None,
        &mut found,
    );
    for problem in found
        .iter_mut()
        .filter(|problem| problem.code == "empty_file")
    {
        problem.message = "the policy file holds nothing".to_owned();
        problem.help =
            Some("write for example `max_orders: 10`, or leave `--policy` out".to_owned());
        problem.spots.clear();
    }
    let policy = value
        .as_object()
        .map(|members| policy::policy(members, 0, &[], &mut found))
        .unwrap_or_default();
    if found.is_empty() {
        Ok(policy)
    } else {
        Err(settle(found, sources))
    }
}

/// The second pass: gives each problem its byte ranges, masks what must not be shown, sorts.
fn settle(found: Vec<Found>, sources: Vec<Source>) -> Problems {
    let mut wanted: Vec<locate::Wanted> =
        sources.iter().map(|_| locate::Wanted::default()).collect();
    for (spot, _) in found.iter().flat_map(|problem| &problem.spots) {
        locate::Wanted::ask(&mut wanted, spot);
    }
    let mut excerpts = Vec::new();
    let mut hidden = Vec::new();
    for (mut source, asked) in sources.into_iter().zip(&mut wanted) {
        let masked = if !asked.is_asked() {
            source.text = String::new();
            Vec::new()
        } else if source.usable {
            locate::locate(&source.text, asked)
        } else {
            credential::mask_unparsed(&source.text)
        };
        excerpts.push(Arc::new(render::Excerpt::new(
            source.name,
            source.text,
            &masked,
        )));
        hidden.push(masked);
    }
    let mut problems: Vec<Problem> = found
        .into_iter()
        .map(|problem| Problem {
            code: problem.code,
            message: problem.message,
            labels: problem
                .spots
                .into_iter()
                .map(|(spot, text)| {
                    let (file, span) = resolve(&spot, &wanted);
                    Label { file, span, text }
                })
                .collect(),
            help: problem.help,
        })
        .collect();
    for problem in &mut problems {
        let is_hidden = |label: &Label| {
            let ranges = hidden.get(label.file).into_iter().flatten();
            ranges
                .into_iter()
                .any(|range| range.contains(&label.span.start))
        };
        // These quote the text itself, and it may be a key.
        if matches!(
            problem.code,
            "duplicate_key" | "tag" | "key_not_text" | "syntax"
        ) && problem.labels.iter().any(is_hidden)
        {
            problem.message = credential::without_quotes(&problem.message);
            problem.help = None;
        }
    }
    problems.sort_by_key(|problem| {
        problem
            .labels
            .first()
            .map(|label| (label.file, label.span.start))
    });
    // One wrong default is one problem, however many entries take it over.
    let mut seen = HashSet::new();
    problems.retain(|problem| {
        let first = problem.labels.first();
        let place = first.map(|label| (label.file, label.span.start));
        seen.insert((problem.code, problem.message.clone(), place))
    });
    Problems { problems, excerpts }
}

fn resolve(spot: &Spot, wanted: &[locate::Wanted]) -> (usize, std::ops::Range<usize>) {
    match spot {
        Spot::Bytes { file, range } => (*file, range.clone()),
        Spot::Member {
            file,
            path,
            part,
            or,
        } => match (
            wanted.get(*file).and_then(|asked| asked.range(path, *part)),
            or,
        ) {
            (Some(range), _) => (*file, range),
            (None, Some(or)) => resolve(or, wanted),
            (None, None) => (*file, 0..0),
        },
    }
}
