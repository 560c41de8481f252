//! Signals, closed pipes, terminals.
