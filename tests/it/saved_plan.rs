//! Saved plans: carried out as reviewed, or refused.
