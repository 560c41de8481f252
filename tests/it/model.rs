//! The protocol, model-checked with the same transition function that the binary uses.
