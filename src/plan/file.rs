//! The text of a saved plan: one JSON document that `plan --out` writes and `apply FILE` carries out.
//!
//! It is accepted only byte for byte as it was written. Its digest is no signature: who can write the
//! file can also make a new one; it guards against edits, cut files and other versions.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Plan;
use crate::model::{Digest, Untrusted};

/// Raised when the file's shape changes.
const FORMAT_VERSION: u32 = 1;
const CERTPLAN_VERSION: &str = env!("CARGO_PKG_VERSION");
/// Larger files are neither written nor read, in bytes.
pub const SIZE_CAP: u64 = 256 * 1024 * 1024;
/// Told apart from every other digest of certplan.
const PURPOSE: &[u8] = b"certplan saved plan";

/// Why a plan is not saved, or a saved plan is refused. The text goes on after the file's name.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// The content is not what `plan --out` writes.
    #[error("is not a saved plan ({why}); make one with `certplan plan --out FILE`")]
    NotAPlan {
        /// What is wrong with it.
        why: Untrusted,
    },
    /// The file is not as it was written.
    #[error("was edited after it was saved; make it anew with `certplan plan --out FILE`")]
    Edited,
    /// Another version of certplan wrote it.
    #[error(
        "was saved by {found}, this is certplan {CERTPLAN_VERSION}; make it anew with `certplan plan --out FILE`"
    )]
    OtherVersion {
        /// The version that wrote it.
        found: Untrusted,
    },
    /// The plan was not made from the manifest that it is saved with.
    #[error(
        "was not written: the plan was made from another manifest; run `certplan plan --out FILE` again"
    )]
    OtherManifest,
    /// The plan is too large to be saved.
    #[error(
        "was not written: the plan is larger than 256 MiB; plan fewer items with `certplan plan --out FILE --target ADDRESS`"
    )]
    TooLarge,
}

impl PlanFileError {
    /// What is in the file is no saved plan.
    pub fn not_a_plan(why: impl Into<Untrusted>) -> Self {
        Self::NotAPlan { why: why.into() }
    }
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

/// The text of a plan as it is saved. `batch_manifest` is the digest of the manifest at hand.
///
/// # Errors
///
/// A plan of another manifest, one that cannot be read back, one that is too large.
pub fn encode(plan: &Plan, batch_manifest: Digest) -> Result<Vec<u8>, PlanFileError> {
    if plan.manifest != batch_manifest {
        return Err(PlanFileError::OtherManifest);
    }
    // What cannot be read back must not be reviewed.
    if plan.plan_id != plan.digest() {
        return Err(PlanFileError::not_a_plan("its plan id is not its digest"));
    }
    if !plan.cost.seconds.is_finite() {
        return Err(PlanFileError::not_a_plan("it would take endless time"));
    }
    let text = text(plan)?;
    if text.len() as u64 > SIZE_CAP {
        return Err(PlanFileError::TooLarge);
    }
    Ok(text)
}

fn text(plan: &Plan) -> Result<Vec<u8>, PlanFileError> {
    let text = serde_json::value::to_raw_value(plan)
        .map_err(|error| PlanFileError::not_a_plan(error.to_string()))?;
    bytes(&SavedPlan {
        format_version: FORMAT_VERSION,
        certplan_version: CERTPLAN_VERSION.to_owned(),
        digest: digest(&text),
        plan: text,
    })
}

fn bytes(saved: &SavedPlan) -> Result<Vec<u8>, PlanFileError> {
    let mut text =
        serde_json::to_vec(saved).map_err(|error| PlanFileError::not_a_plan(error.to_string()))?;
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

/// The plan of a saved text.
///
/// # Errors
///
/// Whatever is not byte for byte what [`encode`] made, and a plan whose `plan_id` is not its digest.
pub fn decode(text: &[u8]) -> Result<Plan, PlanFileError> {
    let unreadable = |error: serde_json::Error| PlanFileError::not_a_plan(error.to_string());
    let version: Version = serde_json::from_slice(text).map_err(unreadable)?;
    if version.format_version != u64::from(FORMAT_VERSION)
        || version.certplan_version.as_deref() != Some(CERTPLAN_VERSION)
    {
        let found = match version.certplan_version {
            Some(version) => format!("certplan {version}"),
            None => format!("a certplan with format version {}", version.format_version),
        };
        return Err(PlanFileError::OtherVersion {
            found: found.into(),
        });
    }
    let saved: SavedPlan = serde_json::from_slice(text).map_err(unreadable)?;
    // The comparison of bytes catches what the digest cannot see: space, the order of the members.
    if saved.digest != digest(&saved.plan) || bytes(&saved)? != text {
        return Err(PlanFileError::Edited);
    }
    let plan: Plan = serde_json::from_str(saved.plan.get()).map_err(unreadable)?;
    if plan.plan_id != plan.digest() {
        return Err(PlanFileError::Edited);
    }
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::testing::{order_step, plan_of, revoke_step};

    fn saved() -> (Vec<u8>, Plan) {
        let mut plan = plan_of(vec![order_step("a"), revoke_step("b", 3)]);
        plan.cost.seconds = 0.1 + 0.2;
        (encode(&plan, plan.manifest).unwrap(), plan)
    }

    #[test]
    fn a_plan_reads_back_equal() {
        let (text, plan) = saved();
        assert_eq!(decode(&text).unwrap(), plan);
    }

    #[test]
    fn every_changed_byte_is_refused() {
        let (good, _) = saved();
        let mut refused = 0;
        for index in (0..good.len()).step_by(7).chain(0..120) {
            for flip in [0x01, 0x20, 0x80] {
                let mut bad = good.clone();
                bad[index] ^= flip;
                assert!(decode(&bad).is_err(), "byte {index} ^ {flip:#x}");
                refused += 1;
            }
        }
        assert!(refused > 1000, "{refused}");
        for end in (0..good.len()).step_by(31) {
            assert!(decode(&good[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn an_edit_is_named_as_one() {
        let (good, plan) = saved();
        let good = String::from_utf8(good).unwrap();
        let edits = [
            good.replace("left the company", "left the c0mpany"),
            good.replacen(":", ": ", 1),
            format!("{good}\n"),
        ];
        for edited in edits {
            assert_ne!(edited, good);
            let error = decode(edited.as_bytes()).unwrap_err();
            assert!(matches!(error, PlanFileError::Edited), "{error}");
            assert!(error.to_string().contains("certplan plan --out"), "{error}");
        }
        let mut forged = plan;
        forged.steps.pop();
        let error = decode(&text(&forged).unwrap()).unwrap_err();
        assert!(matches!(error, PlanFileError::Edited));
    }

    #[test]
    fn other_texts_are_refused_with_what_to_do() {
        let (good, plan) = saved();
        let good = String::from_utf8(good).unwrap();
        let refused = |text: &str| decode(text.as_bytes()).unwrap_err();
        for other in [
            "",
            "{}",
            "[1]",
            "version: 1",
            "{\"format_version\":1}\u{1b}",
        ] {
            let error = refused(other);
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
            refused("{\"format_version\": 2, \"certplan_version\": \"9.0.0\", \"new\": []}");
        assert!(newer.to_string().contains("certplan 9.0.0"), "{newer}");
        let older = refused(&good.replace(CERTPLAN_VERSION, "0.0.1"));
        assert!(
            matches!(older, PlanFileError::OtherVersion { .. }),
            "{older}"
        );
        let foreign = encode(&plan, Digest::of(b"another")).unwrap_err();
        assert!(matches!(foreign, PlanFileError::OtherManifest), "{foreign}");
    }

    #[test]
    fn a_plan_that_cannot_be_read_back_is_not_saved() {
        let (_, mut plan) = saved();
        plan.cost.seconds = f64::INFINITY;
        assert!(encode(&plan, plan.manifest).is_err());
    }
}
