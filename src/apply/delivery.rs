//! The program that runs after a certificate was collected: [`Delivery`].

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use crate::files::Program;

/// The program of `--on-collected`, and how it is run.
#[derive(Clone)]
pub struct Delivery {
    /// The program.
    pub program: Arc<Program>,
    /// How long it may run.
    pub timeout: Duration,
    /// What it has of the environment of certplan.
    pub inherited: Vec<(OsString, OsString)>,
    /// Takes what it prints, line by line.
    pub said: Arc<dyn Fn(&str) + Send + Sync>,
}
