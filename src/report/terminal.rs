//! Lines of text for a terminal or a log: indentation, labels, colour, tables.

use std::io;

use anstyle::{AnsiColor, Style as Ansi};
use comfy_table::{Table, presets};

use super::Style;
use super::details::Detail;
use super::phrase::Phrase;
use crate::plan::Action;

/// How wide labels are.
const LABEL: usize = 10;

/// What a line means.
#[derive(Clone, Copy)]
pub(super) enum Tone {
    /// Nothing special.
    Plain,
    /// The sum of it.
    Strong,
    /// Comes to be.
    Good,
    /// Changes, or waits.
    Notice,
    /// Cannot be undone, or went wrong.
    Danger,
}

impl Tone {
    /// The tone of an action.
    pub(super) fn of(action: Action) -> Self {
        match action {
            Action::Order | Action::Adopt | Action::Collect => Self::Good,
            Action::Renew | Action::Reissue | Action::Settle => Self::Notice,
            Action::Revoke => Self::Danger,
            Action::Wait | Action::Keep => Self::Plain,
        }
    }

    fn ansi(self) -> Ansi {
        let color = |color: AnsiColor| Ansi::new().fg_color(Some(color.into()));
        match self {
            Self::Plain => Ansi::new(),
            Self::Strong => Ansi::new().bold(),
            Self::Good => color(AnsiColor::Green),
            Self::Notice => color(AnsiColor::Yellow),
            Self::Danger => color(AnsiColor::Red).bold(),
        }
    }
}

/// A writer of lines. Every line begins with words of certplan, never with text from outside.
pub(super) struct Terminal<'a> {
    out: &'a mut dyn io::Write,
    style: Style,
}

impl<'a> Terminal<'a> {
    pub(super) fn new(out: &'a mut dyn io::Write, style: &Style) -> Self {
        Self { out, style: *style }
    }

    /// How many characters of a request body are shown: two lines of them.
    pub(super) fn body_width(&self) -> usize {
        self.style.width.clamp(60, 1000).saturating_sub(LABEL + 7) * 2
    }

    pub(super) fn blank(&mut self) -> io::Result<()> {
        self.out.write_all(b"\n")
    }

    /// One line in one tone.
    pub(super) fn line(&mut self, tone: Tone, phrase: &Phrase) -> io::Result<()> {
        self.text(tone, &phrase.terminal())?;
        self.blank()
    }

    /// One line of own words.
    pub(super) fn words(&mut self, tone: Tone, words: String) -> io::Result<()> {
        self.line(tone, &Phrase::of(words))
    }

    /// `label     what is said`, indented below an item.
    pub(super) fn detail(&mut self, detail: &Detail) -> io::Result<()> {
        let text = detail.phrase.terminal();
        writeln!(self.out, "      {:LABEL$} {text}", detail.label)
    }

    /// `Label:     what is said`, at the left edge.
    pub(super) fn fact(&mut self, detail: &Detail) -> io::Result<()> {
        let label = format!("{}:", detail.label);
        writeln!(self.out, "{label:14}{}", detail.phrase.terminal())
    }

    /// Columns under a header; `rest` follows each row, however long it is.
    pub(super) fn table(
        &mut self,
        indent: &'static str,
        header: &[&'static str],
        rows: &[(Vec<Phrase>, Phrase)],
    ) -> io::Result<()> {
        let Some((rest_header, columns)) = header.split_last() else {
            return Ok(());
        };
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(columns.to_vec());
        for (cells, _) in rows {
            table.add_row(cells.iter().map(Phrase::terminal).collect::<Vec<_>>());
        }
        let rests = std::iter::once((*rest_header).to_owned())
            .chain(rows.iter().map(|(_, rest)| rest.terminal()));
        for (line, rest) in table.lines().zip(rests) {
            let line = format!("{indent}{line} {rest}");
            writeln!(self.out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    fn text(&mut self, tone: Tone, text: &str) -> io::Result<()> {
        if self.style.color {
            let ansi = tone.ansi();
            write!(self.out, "{ansi}{text}{ansi:#}")
        } else {
            write!(self.out, "{text}")
        }
    }
}
