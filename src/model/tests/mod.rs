//! The transition function against the protocol.

mod record;
