//! The file of a saved plan: `plan --out` writes it, `apply FILE` reads it. What is in it is
//! [`plan::file`](crate::plan::file)'s business.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use super::error::EngineError;
use crate::files::{self, FileError, Sync};
use crate::model::{Digest, Untrusted};
use crate::plan::Plan;
use crate::plan::file::{PlanFileError, SIZE_CAP, decode, encode};

/// A saved plan names people, and whoever can write it can change what is sent.
const MODE: u32 = 0o600;

/// Writes the plan, readable by its owner alone. The file appears whole or not at all; a regular file of
/// that name is replaced, anything else is left alone.
///
/// `manifest` is the digest of the manifest at hand: a plan of another one is not saved.
pub fn write(path: &Path, plan: &Plan, manifest: Digest) -> Result<(), EngineError> {
    let text = encode(plan, manifest).map_err(|error| refused(path, &error))?;
    let writing = |error| failed(path, "write", &error);
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => return Err(not_a_file(path)),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(writing(error)),
    }
    files::replace(path, MODE, Sync::Name, |out| out.write_all(&text)).map_err(writing)
}

/// Reads a saved plan.
pub fn read(path: &Path) -> Result<Plan, EngineError> {
    match files::read_bounded(path, SIZE_CAP) {
        Ok(text) => decode(&text).map_err(|error| refused(path, &error)),
        Err(FileError::TooLarge(_)) => {
            let error = PlanFileError::not_a_plan("it is larger than 256 MiB");
            Err(refused(path, &error))
        }
        Err(FileError::Io(error)) => Err(failed(path, "read", &error)),
        Err(FileError::NotRegular) => Err(not_a_file(path)),
    }
}

/// What cannot be read is a failure; what can be read and is not to be trusted is a refusal.
fn refused(path: &Path, error: &PlanFileError) -> EngineError {
    let text = format!("{} {error}", shown(path));
    match error {
        PlanFileError::NotAPlan { .. }
        | PlanFileError::Edited
        | PlanFileError::OtherVersion { .. }
        | PlanFileError::OtherManifest => EngineError::Refused(text),
        PlanFileError::TooLarge => EngineError::File(text),
    }
}

/// A folder, a symbolic link, a pipe or a device stands in the way.
fn not_a_file(path: &Path) -> EngineError {
    EngineError::File(format!(
        "{} is not a regular file; name another one with `certplan plan --out FILE`",
        shown(path)
    ))
}

fn failed(path: &Path, doing: &str, source: &io::Error) -> EngineError {
    EngineError::File(format!(
        "cannot {doing} {}: {source}; name a readable file made with `certplan plan --out FILE`",
        shown(path)
    ))
}

fn shown(path: &Path) -> Untrusted {
    Untrusted::new(path.display().to_string())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::plan::tests::testing::{order_step, plan_of};

    #[test]
    fn only_its_owner_can_read_it_even_when_it_replaces_a_public_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        let plan = plan_of(vec![order_step("a")]);
        fs::write(&path, "another").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        write(&path, &plan, plan.manifest).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(read(&path).unwrap(), plan);
    }

    #[test]
    fn a_symbolic_link_is_not_written_through_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let plan = plan_of(vec![order_step("a")]);
        let (link, target) = (folder.path().join("link"), folder.path().join("target"));
        fs::write(&target, "mine").unwrap();
        symlink(&target, &link).unwrap();
        let error = write(&link, &plan, plan.manifest).unwrap_err();
        assert!(error.to_string().contains("not a regular file"), "{error}");
        assert_eq!(fs::read_to_string(&target).unwrap(), "mine");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        // A plan is read through a link, and a folder is no plan.
        write(&target, &plan, plan.manifest).unwrap();
        assert_eq!(read(&link).unwrap(), plan);
        for (path, why) in [
            (folder.path(), "not a regular file"),
            (&link.join("x"), "cannot read"),
        ] {
            let error = read(path).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn what_is_not_to_be_trusted_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        let plan = plan_of(vec![order_step("a")]);
        let foreign = write(&path, &plan, Digest::of(b"another")).unwrap_err();
        assert!(matches!(foreign, EngineError::Refused(_)), "{foreign}");
        assert!(!path.exists());
        fs::write(&path, "{}").unwrap();
        let other = read(&path).unwrap_err();
        assert!(matches!(other, EngineError::Refused(_)), "{other}");
        let named = path.display().to_string();
        assert!(other.to_string().starts_with(&named), "{other}");
    }
}
