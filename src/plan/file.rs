//! The saved plan: one JSON file that `plan --out` writes and `apply FILE` carries out.
//!
//! The file is accepted only byte for byte as it was written. Its digest is no signature: who can
//! write the file can also make a new one; it guards against edits, cut files and other versions.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Plan;
use crate::model::{Digest, Untrusted};

/// Raised when the file's shape changes.
const FORMAT_VERSION: u32 = 1;
const CERTPLAN_VERSION: &str = env!("CARGO_PKG_VERSION");
/// Larger files are neither written nor read, in bytes.
const SIZE_CAP: u64 = 256 * 1024 * 1024;
/// Told apart from every other digest of certplan.
const PURPOSE: &[u8] = b"certplan saved plan";

/// Why a saved plan could not be written or is refused.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// The content is not what `plan --out` writes.
    #[error("{path} is not a saved plan ({why}); make one with `certplan plan --out FILE`")]
    NotAPlan {
        /// The file.
        path: Untrusted,
        /// What is wrong with it.
        why: Untrusted,
    },
    /// The file is not as it was written.
    #[error("{path} was edited after it was saved; make it anew with `certplan plan --out FILE`")]
    Edited {
        /// The file.
        path: Untrusted,
    },
    /// Another version of certplan wrote it.
    #[error(
        "{path} was saved by {found}, this is certplan {CERTPLAN_VERSION}; make it anew with `certplan plan --out FILE`"
    )]
    OtherVersion {
        /// The file.
        path: Untrusted,
        /// The version that wrote it.
        found: Untrusted,
    },
    /// The plan was not made from the manifest that it is saved with.
    #[error(
        "{path} was not written: the plan was made from another manifest; run `certplan plan --out FILE` again"
    )]
    OtherManifest {
        /// The file.
        path: Untrusted,
    },
    /// The plan is too large to be saved.
    #[error(
        "{path} was not written: the plan is larger than 256 MiB; plan fewer items with `certplan plan --out FILE --target ADDRESS`"
    )]
    TooLarge {
        /// The file.
        path: Untrusted,
    },
    /// A folder, a symbolic link, a pipe or a device stands in the way.
    #[error("{path} is not a regular file; name another one with `certplan plan --out FILE`")]
    NotAFile {
        /// The file.
        path: Untrusted,
    },
    /// The file system said no.
    #[error(
        "cannot {doing} {path}: {source}; name a readable file made with `certplan plan --out FILE`"
    )]
    Io {
        /// The file.
        path: Untrusted,
        /// `read` or `write`.
        doing: &'static str,
        /// What it said.
        source: io::Error,
    },
}

/// The file's content.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedPlan {
    format_version: u32,
    certplan_version: String,
    /// Over the version and the bytes of `plan`.
    digest: Digest,
    plan: Box<RawValue>,
}

/// What every format version has.
#[derive(Deserialize)]
struct Version {
    format_version: u64,
    #[serde(default)]
    certplan_version: Option<String>,
}

/// Writes the plan to `path`, readable by its owner alone. The file appears whole or not at all; a
/// regular file of that name is replaced, anything else is left alone.
///
/// `batch_manifest` is the digest of the manifest at hand: a plan of another one is not saved.
pub fn write(path: &Path, plan: &Plan, batch_manifest: Digest) -> Result<(), PlanFileError> {
    if plan.manifest != batch_manifest {
        return Err(PlanFileError::OtherManifest { path: shown(path) });
    }
    // What cannot be read back must not be reviewed.
    if plan.plan_id != plan.digest() {
        return Err(not_a_plan(path, "its plan id is not its digest"));
    }
    if !plan.cost.seconds.is_finite() {
        return Err(not_a_plan(path, "it would take endless time"));
    }
    let text = encode(path, plan)?;
    if text.len() as u64 > SIZE_CAP {
        return Err(PlanFileError::TooLarge { path: shown(path) });
    }
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => return Err(PlanFileError::NotAFile { path: shown(path) }),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(path, "write", error)),
    }
    replace(path, &text).map_err(|error| failed(path, "write", error))
}

/// Reads a saved plan; refuses whatever is not byte for byte what [`write()`] wrote, and a plan whose
/// `plan_id` is not its digest.
pub fn read(path: &Path) -> Result<Plan, PlanFileError> {
    let reading = |error| failed(path, "read", error);
    // Before opening: opening a pipe would wait for a writer.
    if !fs::metadata(path).map_err(reading)?.is_file() {
        return Err(PlanFileError::NotAFile { path: shown(path) });
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(SIZE_CAP + 1).read_to_end(&mut bytes))
        .map_err(reading)?;
    if bytes.len() as u64 > SIZE_CAP {
        return Err(not_a_plan(path, "it is larger than 256 MiB"));
    }
    decode(path, &bytes)
}

fn encode(path: &Path, plan: &Plan) -> Result<Vec<u8>, PlanFileError> {
    let text = serde_json::value::to_raw_value(plan)
        .map_err(|error| not_a_plan(path, error.to_string()))?;
    let saved = SavedPlan {
        format_version: FORMAT_VERSION,
        certplan_version: CERTPLAN_VERSION.to_owned(),
        digest: digest(&text),
        plan: text,
    };
    bytes(path, &saved)
}

fn bytes(path: &Path, saved: &SavedPlan) -> Result<Vec<u8>, PlanFileError> {
    let mut text =
        serde_json::to_vec(saved).map_err(|error| not_a_plan(path, error.to_string()))?;
    text.push(b'\n');
    Ok(text)
}

fn digest(plan: &RawValue) -> Digest {
    Digest::of_parts(&[
        PURPOSE,
        &FORMAT_VERSION.to_be_bytes(),
        CERTPLAN_VERSION.as_bytes(),
        plan.get().as_bytes(),
    ])
}

fn decode(path: &Path, text: &[u8]) -> Result<Plan, PlanFileError> {
    let unreadable = |error: serde_json::Error| not_a_plan(path, error.to_string());
    let version: Version = serde_json::from_slice(text).map_err(unreadable)?;
    if version.format_version != u64::from(FORMAT_VERSION)
        || version.certplan_version.as_deref() != Some(CERTPLAN_VERSION)
    {
        let found = match version.certplan_version {
            Some(version) => format!("certplan {version}"),
            None => format!("a certplan with format version {}", version.format_version),
        };
        return Err(PlanFileError::OtherVersion {
            path: shown(path),
            found: found.into(),
        });
    }
    let saved: SavedPlan = serde_json::from_slice(text).map_err(unreadable)?;
    // The comparison of bytes catches what the digest cannot see: space, the order of the members.
    if saved.digest != digest(&saved.plan) || bytes(path, &saved)? != text {
        return Err(PlanFileError::Edited { path: shown(path) });
    }
    let plan: Plan = serde_json::from_str(saved.plan.get()).map_err(unreadable)?;
    if plan.plan_id != plan.digest() {
        return Err(PlanFileError::Edited { path: shown(path) });
    }
    Ok(plan)
}

/// A new file in the same folder, then a rename over the old name: a rename never follows a link.
fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o600));
    }
    let mut file = builder.prefix(".certplan-plan-").tempfile_in(folder)?;
    file.write_all(text)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    // Makes the rename itself durable. A folder cannot be opened on every system; the plan is
    // written all the same.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

fn shown(path: &Path) -> Untrusted {
    Untrusted::new(path.display().to_string())
}

fn not_a_plan(path: &Path, why: impl Into<Untrusted>) -> PlanFileError {
    PlanFileError::NotAPlan {
        path: shown(path),
        why: why.into(),
    }
}

fn failed(path: &Path, doing: &'static str, source: io::Error) -> PlanFileError {
    PlanFileError::Io {
        path: shown(path),
        doing,
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{order_step, plan_of, revoke_step};
    use super::*;

    fn saved() -> (tempfile::TempDir, std::path::PathBuf, Plan) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        let mut plan = plan_of(vec![order_step("a"), revoke_step("b", 3)]);
        plan.cost.seconds = 0.1 + 0.2;
        write(&path, &plan, plan.manifest).unwrap();
        (folder, path, plan)
    }

    #[test]
    fn a_plan_reads_back_equal() {
        let (_folder, path, plan) = saved();
        assert_eq!(read(&path).unwrap(), plan);
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_can_read_it_even_when_it_replaces_a_public_file() {
        use std::os::unix::fs::PermissionsExt;
        let (folder, path, plan) = saved();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        write(&path, &plan, plan.manifest).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_is_not_written_through_and_not_replaced() {
        let (folder, path, plan) = saved();
        let link = folder.path().join("link");
        fs::write(folder.path().join("target"), "mine").unwrap();
        std::os::unix::fs::symlink(folder.path().join("target"), &link).unwrap();
        let error = write(&link, &plan, plan.manifest).unwrap_err();
        assert!(matches!(error, PlanFileError::NotAFile { .. }), "{error}");
        assert_eq!(fs::read_to_string(&link).unwrap(), "mine");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(matches!(
            read(folder.path()).unwrap_err(),
            PlanFileError::NotAFile { .. }
        ));
        assert!(read(&path).is_ok());
    }

    #[test]
    fn every_changed_byte_is_refused() {
        let (_folder, path, _) = saved();
        let good = fs::read(&path).unwrap();
        let mut refused = 0;
        for index in (0..good.len()).step_by(7).chain(0..120) {
            for flip in [0x01, 0x20, 0x80] {
                let mut bad = good.clone();
                bad[index] ^= flip;
                assert!(decode(&path, &bad).is_err(), "byte {index} ^ {flip:#x}");
                refused += 1;
            }
        }
        assert!(refused > 1000, "{refused}");
        for end in (0..good.len()).step_by(31) {
            assert!(decode(&path, &good[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn an_edit_is_named_as_one() {
        let (_folder, path, plan) = saved();
        let good = fs::read_to_string(&path).unwrap();
        let edits = [
            good.replace("left the company", "left the c0mpany"),
            good.replacen(":", ": ", 1),
            format!("{good}\n"),
        ];
        for edited in edits {
            assert_ne!(edited, good);
            fs::write(&path, edited).unwrap();
            let error = read(&path).unwrap_err();
            assert!(matches!(error, PlanFileError::Edited { .. }), "{error}");
            assert!(error.to_string().contains("certplan plan --out"), "{error}");
        }
        let mut forged = plan;
        forged.steps.pop();
        fs::write(&path, encode(&path, &forged).unwrap()).unwrap();
        assert!(matches!(
            read(&path).unwrap_err(),
            PlanFileError::Edited { .. }
        ));
    }

    #[test]
    fn other_files_are_refused_with_what_to_do() {
        let (folder, path, plan) = saved();
        let good = fs::read_to_string(&path).unwrap();
        let text_of = |text: &str| {
            fs::write(&path, text).unwrap();
            read(&path).unwrap_err()
        };
        for other in [
            "",
            "{}",
            "[1]",
            "version: 1",
            "{\"format_version\":1}\u{1b}",
        ] {
            let error = text_of(other);
            assert!(
                matches!(
                    error,
                    PlanFileError::NotAPlan { .. } | PlanFileError::OtherVersion { .. }
                ),
                "{error}"
            );
            assert_eq!(error.to_string().lines().count(), 1);
        }
        let newer =
            text_of("{\"format_version\": 2, \"certplan_version\": \"9.0.0\", \"new\": []}");
        assert!(newer.to_string().contains("certplan 9.0.0"), "{newer}");
        let older = text_of(&good.replace(CERTPLAN_VERSION, "0.0.1"));
        assert!(
            matches!(older, PlanFileError::OtherVersion { .. }),
            "{older}"
        );
        let missing = read(&folder.path().join("none")).unwrap_err();
        assert!(matches!(missing, PlanFileError::Io { .. }), "{missing}");
        let foreign = write(&path, &plan, Digest::of(b"another")).unwrap_err();
        assert!(
            matches!(foreign, PlanFileError::OtherManifest { .. }),
            "{foreign}"
        );
    }

    #[test]
    fn a_plan_that_cannot_be_read_back_is_not_written() {
        let (folder, _, mut plan) = saved();
        plan.cost.seconds = f64::INFINITY;
        let path = folder.path().join("endless");
        assert!(write(&path, &plan, plan.manifest).is_err());
        assert!(!path.exists());
    }
}
