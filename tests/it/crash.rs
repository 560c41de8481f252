//! Killed at any instant: nothing twice, nothing lost.
