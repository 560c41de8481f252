//! The integration tests: the real binary, a real SQLite file, a real HTTP server over a socket.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "the harness stands outside of test functions, and a panic is how it fails"
)]

mod answers;
mod apply;
mod architecture;
mod bad_input;
mod between;
mod budget;
mod carried_over;
mod cases;
mod contract;
mod crash;
mod doubt;
mod examples;
mod fault_matrix;
mod files;
mod logs;
mod model;
mod pipes;
mod plan;
mod postgres;
mod readme;
mod renewals;
mod revocations;
mod rig;
mod runs;
mod saved_plan;
mod secrets;
mod sequences;
mod speed;
mod wall_clock;
mod watching;
