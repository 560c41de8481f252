//! `live/NAME`: a link of one form. It is only read as a link, never followed.

use std::path::{Component, Path};

use super::beneath::Dir;
use super::error::FilesError;
use super::serial::is_serial;
use crate::model::form::shown;
use crate::model::{ItemName, LiveLink};

/// How the name of a link ends that is not finished. No name has a dot.
const UNFINISHED: &str = ".new";

/// What the link to a version holds.
pub(super) fn target(name: &ItemName, version: &str) -> String {
    format!("../archive/{name}/{version}")
}

/// The name under which a link is made.
pub(super) fn draft_name(name: &ItemName) -> String {
    format!("{name}{UNFINISHED}")
}

/// Whether a name in `live` is that of an unfinished link.
pub(super) fn is_draft(name: &str) -> bool {
    let name = name.strip_suffix(UNFINISHED);
    name.is_some_and(|name| name.parse::<ItemName>().is_ok())
}

/// Where `live/NAME` points. `top` is where the folder of keys and certificates is.
///
/// # Errors
///
/// What is no link, and a link that leads out of the folder.
pub(super) fn read(live: &Dir, name: &ItemName, top: &Path) -> Result<LiveLink, FilesError> {
    let not_a_link = |what: String| FilesError::NotALink {
        path: live.at(name.as_str()),
        what,
    };
    let Some(target) = live.read_link(name.as_str())? else {
        return match live.holds(name.as_str())? {
            true => Err(not_a_link("is not a symbolic link".to_owned())),
            false => Ok(LiveLink::None),
        };
    };
    let version = target
        .strip_prefix("../archive/")
        .and_then(|rest| rest.strip_prefix(name.as_str()))
        .and_then(|rest| rest.strip_prefix('/'))
        .filter(|version| is_serial(version));
    if let Some(version) = version {
        return Ok(LiveLink::To(version.to_owned()));
    }
    if is_inside(&target, top) {
        return Ok(LiveLink::Elsewhere);
    }
    Err(not_a_link(format!(
        "points to `{}`, outside the folder of keys and certificates",
        shown(&target)
    )))
}

/// Whether the target of a link in `live` is inside the folder, by its text alone.
fn is_inside(target: &str, top: &Path) -> bool {
    let target = Path::new(target);
    let (rest, start) = if target.is_absolute() {
        let real = top.canonicalize();
        let below = |top: &Path| target.strip_prefix(top).ok().map(Path::to_owned);
        let rest = below(top).or_else(|| below(&real.ok()?));
        match rest {
            Some(rest) => (rest, 0_usize),
            None => return false,
        }
    } else {
        (target.to_owned(), 1)
    };
    let mut depth = Some(start);
    for component in rest.components() {
        depth = match (component, depth) {
            (Component::ParentDir, Some(depth)) => depth.checked_sub(1),
            (Component::Normal(_), Some(depth)) => Some(depth.saturating_add(1)),
            (_, depth) => depth,
        };
    }
    depth.is_some()
}
