//! How a result looks: [`Format`].

use clap::ValueEnum;

/// How a result looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For scripts.
    Json,
    /// For a pull request.
    Markdown,
}
