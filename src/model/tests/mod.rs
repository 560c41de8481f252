//! The transition function against the protocol, and secrets in every spelling.

mod mask;
mod record;
