//! Standard output and standard error. A closed pipe or a full disk behind them changes nothing about
//! a run: writing goes on into nothing.

use std::io::{self, IsTerminal, Write};

use tokio::sync::oneshot;

use super::args::{ColorWhen, Common, LogFormat};
use super::exit::CliError;
use crate::engine::{EngineError, Notice, Tell};
use crate::manifest::Paint;
use crate::model::Untrusted;
use crate::report::Style;

/// The two streams, and how they like their text.
pub(super) struct Output {
    quiet: bool,
    /// Standard error holds log lines in JSON and nothing else.
    json: bool,
    color_out: bool,
    color_err: bool,
    /// A report has standard output for itself: other results go to standard error.
    aside: bool,
    /// Set by the first failed write to standard output.
    closed: bool,
    /// Somebody wanted to read what could not be written: the reader of a closed pipe did not.
    lost: bool,
}

impl Output {
    /// Decides about colour once.
    pub(super) fn new(common: &Common) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        let color = |terminal: bool| match common.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => terminal && !plain,
        };
        Self {
            quiet: common.quiet,
            json: common.log_format == LogFormat::Json,
            color_out: color(io::stdout().is_terminal()),
            color_err: color(io::stderr().is_terminal()),
            aside: false,
            closed: false,
            lost: false,
        }
    }

    /// Leaves standard output to a report.
    pub(super) fn step_aside(&mut self) {
        self.aside = true;
    }

    /// Whether something that was to be read on standard output is lost.
    pub(super) fn lost(&self) -> bool {
        self.lost
    }

    /// How results are laid out.
    pub(super) fn style(&self) -> Style {
        Style {
            color: if self.aside {
                self.color_err
            } else {
                self.color_out
            },
            width: width(),
        }
    }

    /// Prints a result on standard output, or on standard error where a report has standard output.
    pub(super) fn result(&mut self, print: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if !self.aside {
            self.data(print);
        } else if !self.json && !self.quiet {
            let mut err = io::BufWriter::new(io::stderr().lock());
            let _ = print(&mut err).and_then(|()| err.flush());
            let _ = err.into_parts();
        }
    }

    /// Prints what standard output is for.
    pub(super) fn data(&mut self, print: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if self.closed {
            return;
        }
        let mut out = io::BufWriter::new(io::stdout().lock());
        let printed = print(&mut out).and_then(|()| out.flush());
        if let Err(error) = printed {
            self.closed = true;
            // What is left in the buffer has nowhere to go.
            let _ = out.into_parts();
            if error.kind() != io::ErrorKind::BrokenPipe {
                self.lost = true;
                self.error(&format!("standard output cannot be written: {error}"));
            }
        }
    }

    /// A hint for people, on standard error; silent with `-q`.
    pub(super) fn hint(&self, text: &str) {
        if self.json {
            tracing::info!(target: "certplan::run", "{text}");
        } else if !self.quiet {
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    /// What went wrong, on standard error.
    pub(super) fn error(&self, text: &str) {
        if self.json {
            tracing::error!(target: "certplan::run", "{text}");
        } else {
            self.labelled("error", anstyle::AnsiColor::Red, text);
        }
    }

    /// A warning, on standard error; silent with `-q`.
    pub(super) fn warning(&self, text: &str) {
        if self.json {
            tracing::warn!(target: "certplan::run", "{text}");
        } else if !self.quiet {
            self.labelled("warning", anstyle::AnsiColor::Yellow, text);
        }
    }

    fn labelled(&self, label: &str, color: anstyle::AnsiColor, text: &str) {
        // Every line is escaped on its own: the text may quote a CA.
        let text: Vec<String> = text.lines().map(shown).collect();
        let text = text.join("\n");
        let mut err = io::stderr();
        let _ = if self.color_err {
            let style = color.on_default().bold();
            writeln!(err, "{style}{label}{style:#}: {text}")
        } else {
            writeln!(err, "{label}: {text}")
        };
    }

    /// An error that ends a command.
    pub(super) fn failure(&self, error: &CliError) {
        match error {
            CliError::Engine(EngineError::Manifest(problems)) if self.json => {
                self.error(&problems.render(Paint::Plain, width()));
            }
            CliError::Engine(EngineError::Manifest(problems)) => {
                let paint = if self.color_err {
                    Paint::Colour
                } else {
                    Paint::Plain
                };
                let _ = write!(io::stderr(), "{}", problems.render(paint, width()));
            }
            other => self.error(&other.to_string()),
        }
    }

    /// True when a person can be asked.
    pub(super) fn can_ask(&self) -> bool {
        io::stdin().is_terminal()
    }

    /// Asks on standard error and reads a line from standard input.
    pub(super) fn ask(&self, question: &str) -> Option<String> {
        put(question);
        read_line()
    }

    /// The same beside the caller, who can give up: a read of the terminal cannot be called off, so its
    /// thread then ends with the process.
    pub(super) fn ask_beside(&self, question: &str) -> oneshot::Receiver<Option<String>> {
        put(question);
        let (sender, receiver) = oneshot::channel();
        std::thread::spawn(move || sender.send(read_line()));
        receiver
    }
}

impl Tell for Output {
    fn tell(&self, notice: Notice) {
        match notice {
            Notice::Warning(text) => self.warning(&text),
            Notice::Hint(text) | Notice::Progress(text) => self.hint(&text),
        }
    }
}

fn put(question: &str) {
    let mut err = io::stderr();
    let _ = write!(err, "{question} ");
    let _ = err.flush();
}

fn read_line() -> Option<String> {
    let mut answer = String::new();
    match io::stdin().read_line(&mut answer) {
        Ok(read) if read > 0 => Some(answer.trim().to_owned()),
        _ => None,
    }
}

/// A line with everything that could steer a terminal escaped, however long it is.
fn shown(line: &str) -> String {
    let chars: Vec<char> = line.chars().collect();
    chars
        .chunks(200)
        .map(|chunk| Untrusted::new(chunk.iter().collect::<String>()).to_string())
        .collect()
}

/// The width to lay text out for: what COLUMNS says, or the terminal's, or 100.
fn width() -> usize {
    let told = std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok());
    let terminal = || {
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
        Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
    };
    told.or_else(terminal).unwrap_or(100).clamp(60, 200)
}
