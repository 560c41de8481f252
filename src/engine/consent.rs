//! What a person said to something that cannot be taken back: [`Consent`].

/// What a person said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Yes.
    Given,
    /// No, or something else than the word that was asked for.
    Withheld,
    /// There is nobody who could say it.
    NobodyToAsk,
}
