//! Revocations: pinned, read again, waited for.
