//! Keys and files of a plan, in words.

use super::amounts::{count, duration};
use super::phrase::Phrase;
use crate::model::KeyKind;
use crate::plan::{Action, KeyState, Plan, Step, StepFiles, StepKey};

/// The key and the files of an order, where the step makes some or something is wrong with them.
pub(super) fn of_step(step: &Step, files: &StepFiles) -> Vec<(&'static str, Phrase)> {
    let mut details = Vec::new();
    if let Some(StepKey {
        algorithm,
        state,
        replaces_pickup,
    }) = files.key
        && matches!(state, KeyState::ToMake | KeyState::Missing)
    {
        let state = match state {
            KeyState::ToMake => ", to make",
            KeyState::Missing => ", missing",
            KeyState::Pending | KeyState::Present => "",
        };
        let pickup = if replaces_pickup {
            "; with it the recipient gets no e-mail to pick the certificate up"
        } else {
            ""
        };
        let phrase = Phrase::of(algorithm.word()).own(state).own(pickup);
        details.push(("key", phrase));
    }
    if !files.files.is_empty() && !matches!(step.action, Action::Wait | Action::Keep) {
        let names: Vec<&str> = files
            .files
            .iter()
            .map(|file| file.kind.file_name())
            .collect();
        let phrase = Phrase::of("live/")
            .datum(step.address.name())
            .own(": ")
            .own(names.join(", "));
        details.push(("files", phrase));
    }
    details
}

/// The RSA keys of a plan that take a while: `10,000 rsa-2048 to make, about 15 minutes of one core`.
pub(super) fn keys(plan: &Plan) -> impl Iterator<Item = Phrase> {
    /// Seconds of one core for a key, measured with the library that makes them.
    const SECONDS: [(KeyKind, f64); 3] = [
        (KeyKind::Rsa2048, 0.087),
        (KeyKind::Rsa3072, 0.621),
        (KeyKind::Rsa4096, 0.715),
    ];
    /// What takes less than that is not worth a line.
    const WORTH: f64 = 10.0;
    let to_make = |kind: KeyKind| {
        let keys = plan
            .steps
            .iter()
            .filter_map(|step| step.files.as_ref()?.key);
        let of_kind = keys.filter(|key| key.algorithm == kind && key.state == KeyState::ToMake);
        of_kind.count()
    };
    SECONDS.into_iter().filter_map(move |(kind, seconds)| {
        let number = to_make(kind);
        let whole = seconds * number as f64;
        (whole >= WORTH).then(|| {
            Phrase::of(format!(
                "{} {} to make, about {} of one core",
                count(number),
                kind.word(),
                duration(whole)
            ))
        })
    })
}
