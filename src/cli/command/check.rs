//! One line of what `doctor` says: [`Check`].

/// How it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Good,
    Note,
    Bad,
}

/// Something that was looked at.
pub(super) struct Check {
    pub(super) verdict: Verdict,
    pub(super) what: String,
}

impl Check {
    pub(super) fn new(verdict: Verdict, what: impl Into<String>) -> Self {
        Self {
            verdict,
            what: what.into(),
        }
    }
}
