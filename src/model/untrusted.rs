//! Text that came from outside: a CA, a certificate, an error body.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How many characters are shown; what is longer ends in `…`.
const SHOWN: usize = 300;
/// How many of a text that was put together from several.
const SHOWN_WHOLE: usize = 4000;

/// Text that may hold control characters, bidirectional marks or markup.
///
/// `Display` is safe for a terminal and for one line of a log: everything that could move the cursor,
/// reorder text or break the line is written as `\u{..}`. The raw text stays in the JSON forms.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Untrusted(String);

impl Untrusted {
    /// Wraps text from outside.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it came: for comparing and for JSON, never for a terminal.
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// As safe as `Display`, for a sentence of ours around several texts from outside: far more is shown.
    pub fn whole(&self) -> impl fmt::Display {
        fmt::from_fn(|formatter| show(&self.0, SHOWN_WHOLE, formatter))
    }

    /// Safe inside a Markdown table or list: a code span with a fence longer than any run of
    /// back-quotes inside, in which nothing is markup, a mention or a link.
    pub fn markdown(&self) -> String {
        let text = self.to_string().replace('|', "\\|");
        let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(longest + 1);
        let pad = if longest > 0 || text.is_empty() {
            " "
        } else {
            ""
        };
        format!("{fence}{pad}{text}{pad}{fence}")
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(&self.0, SHOWN, formatter)
    }
}

fn show(text: &str, most: usize, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    use fmt::Write;
    for (count, c) in text.chars().enumerate() {
        if count == most {
            return formatter.write_char('…');
        }
        if is_unsafe(c) {
            write!(formatter, "\\u{{{:x}}}", c as u32)?;
        } else {
            formatter.write_char(c)?;
        }
    }
    Ok(())
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Untrusted {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_is_shown() {
        let text = Untrusted::new("a\u{1b}[31mred\u{202e}\r\nb\u{9b}2J\u{200b}");
        let shown = text.to_string();
        assert!(shown.chars().all(|c| !is_unsafe(c)), "{shown}");
        assert!(shown.contains("\\u{1b}[31mred"), "{shown}");
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(
            Untrusted::new("x".repeat(1000)).to_string().chars().count(),
            SHOWN + 1
        );
        let whole = Untrusted::new("x".repeat(9000)).whole().to_string();
        assert_eq!(whole.chars().count(), SHOWN_WHOLE + 1);
        let sentence = format!("{}\u{1b}[2J", "x".repeat(SHOWN));
        let whole = Untrusted::new(sentence).whole().to_string();
        assert!(whole.ends_with("x\\u{1b}[2J"), "{whole}");
    }

    #[test]
    fn a_back_quote_cannot_leave_the_code_span() {
        assert_eq!(Untrusted::new("a`b``c").markdown(), "``` a`b``c ```");
        assert_eq!(Untrusted::new("plain").markdown(), "`plain`");
        assert_eq!(Untrusted::new("a|b").markdown(), "`a\\|b`");
    }
}
