//! YAML text to [`Batch`], or every problem at once.
//!
//! One pass over each file makes its values, each with its place (`yaml`). They are sorted into sections
//! (`collect`), read into the shapes of a manifest (`raw`), joined with their defaults and lowered to the
//! model (`lower`): entry by entry, so that never more than one shape of an entry exists at a time. What an
//! order has beside what every order has is read by the form of its CA. Problems point at values, and get
//! their bytes at the end (`locate`).

mod account;
mod collect;
mod compromised;
mod context;
mod credential;
mod csr;
mod defaults;
mod dependency;
mod error;
mod events;
mod excerpt;
mod files;
mod graph;
mod locate;
mod lower;
mod members;
mod moved;
mod order;
mod policy;
mod raw;
mod render;
mod renew;
mod requests;
mod revocation;
mod scalar;
mod schema;
mod source;
#[cfg(test)]
mod tests;
mod unsent_reasons;
mod yaml;

use std::path::{Path, PathBuf};

use jiff::civil::Date;

use crate::model::form::{Kind, Location, Problem, Reader, Shape, Value, read_members};
use crate::model::{Authority, Batch, Policy};

pub use context::{Warning, told, told_in_a_plan};
pub use error::{ProblemLine, Problems};
pub use policy::tighten;
pub use render::Paint;
pub use schema::schema;
pub use source::Input;

use context::Context;
use defaults::Defaults;
use lower::Lowered;
use source::Source;
use yaml::Reading;

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
    let mut problems = Vec::new();
    let sources = source::read_all(inputs, &mut problems);
    if sources.is_empty() && problems.is_empty() {
        problems.push(
            Problem::new("no_manifest", "no manifest was named").help("name one with `-f FILE`"),
        );
    }
    let are_all_read = problems.is_empty();
    let readings = readings(&sources, &mut problems);
    let mut collected = collect::collect(&sources, &readings, are_all_read, &mut problems);
    let defaults = Defaults::read(
        collected.defaults.take(),
        &readings,
        authorities,
        &mut problems,
    );
    let context = Context::new(&sources, authorities, today, defaults, problems);
    let Lowered {
        batch,
        warnings,
        mut problems,
    } = lower::lower(context, collected);
    if let Some(batch) = batch {
        drop(readings);
        let files = sources.into_iter().filter_map(|source| source.path);
        return Ok(Loaded {
            batch,
            warnings,
            files: files.collect(),
        });
    }
    locate::locate(&mut problems, &readings);
    let mut credentials = account::credential_members(authorities);
    credentials.push("passphrase");
    let masks = locate::masks(&problems, &sources, &readings, &credentials);
    drop(readings);
    Err(locate::finish(problems, sources, &masks))
}

/// The values of each file.
fn readings<'t>(sources: &'t [Source], problems: &mut Vec<Problem>) -> Vec<Reading<'t>> {
    (0_u32..)
        .zip(sources)
        .map(|(file, source)| match source.usable {
            true => yaml::read(&source.text, file, problems),
            false => yaml::read("", file, &mut Vec::new()),
        })
        .collect()
}

/// Reads the guard rails of `--policy FILE`: the members of `policy` at the top level.
///
/// # Errors
///
/// Every problem of the file.
pub fn load_policy(path: &Path) -> Result<Policy, Problems> {
    let mut problems = Vec::new();
    let mut sources = Vec::new();
    source::read_file(path, &mut sources, &mut problems);
    let readings = readings(&sources, &mut problems);
    let mut policy = raw::Policy::default();
    let usable = sources
        .iter()
        .zip(&readings)
        .find(|(source, _)| source.usable);
    if let Some((_, reading)) = usable {
        match reading.document.root() {
            Some(root) if root.kind() == Kind::Mapping => {
                let mut reader = Reader::of_root("a policy file", &mut problems);
                read_members(&mut policy, root, &mut reader, &mut of_a_manifest);
            }
            Some(root) if root.kind() != Kind::Null => {
                let message = format!("a policy is a mapping, not {}", root.kind().words());
                problems.push(Problem::new("not_a_manifest", message).at(
                    Location::Value(root.point()),
                    "expected for example `max_orders: 10`",
                ));
            }
            Some(_) | None if !reading.is_whole => {}
            Some(_) | None => problems.push(
                Problem::new("empty_file", "the policy file holds nothing")
                    .help("write for example `max_orders: 10`, or leave `--policy` out"),
            ),
        }
    }
    if problems.is_empty() {
        return Ok(policy::policy(&policy));
    }
    locate::locate(&mut problems, &readings);
    let masks = locate::masks(&problems, &sources, &readings, &[]);
    drop(readings);
    Err(locate::finish(problems, sources, &masks))
}

/// A manifest that was given as a policy is told from a misspelt member.
fn of_a_manifest(name: &str, key: Value<'_>, _: Value<'_>, reader: &mut Reader<'_>) -> bool {
    let known = raw::Manifest::MEMBERS
        .iter()
        .any(|member| member.name == name);
    if known {
        reader.tell(
            Problem::new(
                "unknown_member",
                format!("a policy file has no member `{name}`"),
            )
            .at(Location::Value(key.point()), "of a manifest")
            .help("write the members of `policy` at the top level"),
        );
    }
    known
}
