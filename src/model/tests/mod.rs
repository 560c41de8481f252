//! The transition function against the protocol, and secrets in every spelling.

mod collected;
mod mask;
mod record;
mod renew;
mod succession;
