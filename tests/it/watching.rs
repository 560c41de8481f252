//! What watches the runs: the metrics file, the pings, the log lines.

mod exposition;
mod listener;
mod log_lines;
mod metrics;
mod pings;
