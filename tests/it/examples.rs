//! Every example is run against the sandbox.
