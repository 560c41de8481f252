//! A phrase: own words and foreign data, kept apart until it is known where they are shown.

use std::borrow::Cow;
use std::fmt::Display;

use crate::model::Untrusted;

/// Longer data are cut, in characters.
const LONGEST_DATUM: usize = 4000;
/// In Markdown they are cut sooner: the page has a size limit.
const LONGEST_MARKDOWN_DATUM: usize = 900;
/// `Untrusted` shows no more at once.
const CHUNK: usize = 300;
/// A longer run of back-quotes is told, not written: CommonMark readers (cmark) give up on fences
/// above 80 back-quotes, and the text would be markup again.
const LONGEST_RUN: usize = 8;

/// Words of certplan with data of a manifest or a CA between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Phrase(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Own(Cow<'static, str>),
    Datum(String),
}

impl Phrase {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// A phrase of own words alone.
    pub(super) fn of(words: impl Into<Cow<'static, str>>) -> Self {
        Self::new().own(words)
    }

    /// A phrase of one datum.
    pub(super) fn of_datum(datum: impl Display) -> Self {
        Self::new().datum(datum)
    }

    /// Adds words, numbers and punctuation of certplan: never text from outside.
    pub(super) fn own(mut self, words: impl Into<Cow<'static, str>>) -> Self {
        self.0.push(Piece::Own(words.into()));
        self
    }

    /// Adds text that a manifest or a CA may have written.
    pub(super) fn datum(mut self, datum: impl Display) -> Self {
        self.0.push(Piece::Datum(datum.to_string()));
        self
    }

    /// Adds another phrase.
    pub(super) fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Adds data with commas between them.
    pub(super) fn list<T: Display>(self, data: impl IntoIterator<Item = T>) -> Self {
        data.into_iter()
            .enumerate()
            .fold(self, |phrase, (index, datum)| {
                if index == 0 {
                    phrase.datum(datum)
                } else {
                    phrase.own(", ").datum(datum)
                }
            })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One line that is safe on a terminal.
    pub(super) fn terminal(&self) -> String {
        self.shown(shown)
    }

    /// One line of Markdown: the words as they are, each datum in a code span.
    pub(super) fn markdown(&self) -> String {
        self.shown(code)
    }

    fn shown(&self, show: impl Fn(&str) -> String) -> String {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Own(words) => words.to_string(),
                Piece::Datum(datum) => show(datum),
            })
            .collect()
    }
}

/// Whether a character can be printed as it is: [`Untrusted`] decides.
pub(super) fn is_safe(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    let mut buffer = [0; 4];
    let text: &str = c.encode_utf8(&mut buffer);
    Untrusted::from(text).to_string() == text
}

/// One line that is safe on a terminal; very long text ends in `…`.
pub(super) fn shown(text: &str) -> String {
    chunks(text, LONGEST_DATUM)
        .map(|chunk| chunk.to_string())
        .collect()
}

/// A code span, several for long text, in which nothing is markup, a mention or a link.
pub(super) fn code(text: &str) -> String {
    // A pipe ends a table cell even inside a code span, and no escape for it is safe after a
    // backslash; so it is written as its code point.
    let text = without_long_runs(&text.replace('|', "\\u{7c}"));
    let spans: Vec<String> = chunks(&text, LONGEST_MARKDOWN_DATUM)
        .map(|chunk| chunk.markdown())
        .collect();
    if spans.is_empty() {
        return Untrusted::from("").markdown();
    }
    spans.join(" ")
}

/// The text in which a long run of back-quotes is told as `\u{60}{length}`.
fn without_long_runs(text: &str) -> String {
    let mut short = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('`') {
        let (before, from) = rest.split_at(start);
        let after = from.trim_start_matches('`');
        let run = &from[..from.len() - after.len()];
        short.push_str(before);
        if run.len() > LONGEST_RUN {
            short.push_str(&format!("\\u{{60}}{{{}}}", run.len()));
        } else {
            short.push_str(run);
        }
        rest = after;
    }
    short.push_str(rest);
    short
}

/// The text in pieces that [`Untrusted`] shows whole; the last one says when there is more.
fn chunks(text: &str, longest: usize) -> impl Iterator<Item = Untrusted> {
    let mut rest = text;
    let mut left = longest;
    std::iter::from_fn(move || {
        if rest.is_empty() || left == 0 {
            return None;
        }
        let size = CHUNK.min(left);
        let end = rest
            .char_indices()
            .nth(size)
            .map_or(rest.len(), |(at, _)| at);
        let (chunk, later) = rest.split_at(end);
        rest = later;
        left -= size;
        // One character more than it shows makes `Untrusted` write the mark of a cut.
        if left == 0 && !later.is_empty() {
            Some(Untrusted::new(format!("{chunk}…")))
        } else {
            Some(Untrusted::from(chunk))
        }
    })
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a CommonMark reader takes for markup: the text without its code spans. Follows the rule of
    /// CommonMark 0.31 section 6.1 and cmark's limit of 80 back-quotes.
    pub(in crate::report) fn outside_code(markdown: &str) -> String {
        let mut outside = String::new();
        for line in markdown.split('\n') {
            let mut rest = line;
            while let Some(start) = rest.find('`') {
                outside.push_str(&rest[..start]);
                let run = rest[start..].bytes().take_while(|&b| b == b'`').count();
                let inside = &rest[start + run..];
                let mut search = 0;
                let mut close = None;
                while let Some(next) = inside[search..].find('`') {
                    let at = search + next;
                    let length = inside[at..].bytes().take_while(|&b| b == b'`').count();
                    if length == run && run <= 80 {
                        close = Some(at + length);
                        break;
                    }
                    search = at + length;
                }
                match close {
                    Some(end) => rest = &inside[end..],
                    None => {
                        outside.push_str(&rest[start..start + run]);
                        rest = inside;
                    }
                }
            }
            outside.push_str(rest);
            outside.push('\n');
        }
        outside
    }

    pub(in crate::report) fn hostile() -> impl Strategy<Value = String> {
        prop_oneof![
            "\\PC*",
            any::<String>(),
            "[`|\\\\@<>&*_\\[\\]()!# \n\ra]{0,40}",
            "`{70,100}<img src=x>@team",
            Just(
                "\u{1b}]8;;http://x\u{7}a\u{1b}]8;;\u{7}\u{202e}\n::set-output\r\u{9b}2J"
                    .to_owned()
            ),
            Just("a\\|b | @team <img src=x> ![](http://x) </details>".to_owned()),
        ]
        .prop_map(|text: String| {
            if text.is_empty() {
                " ".to_owned()
            } else {
                text
            }
        })
    }

    #[test]
    fn long_text_is_shown_whole_up_to_the_cap_and_cut_with_a_mark() {
        let long = "x".repeat(1000);
        assert_eq!(shown(&long), long);
        let cut = shown(&"x".repeat(LONGEST_DATUM + 1));
        assert_eq!(cut.chars().count(), LONGEST_DATUM + 1);
        assert!(cut.ends_with('…'));
        assert_eq!(
            shown(&"é".repeat(LONGEST_DATUM)).chars().count(),
            LONGEST_DATUM
        );
    }

    #[test]
    fn a_datum_is_one_code_span() {
        assert_eq!(
            Phrase::of("order ").datum("a`b").markdown(),
            "order `` a`b ``"
        );
        assert_eq!(code(&format!("a{}b", "`".repeat(9))), "`a\\u{60}{9}b`");
        assert_eq!(code("a\\|b"), "`a\\\\u{7c}b`");
        assert_eq!(
            outside_code(&code(&format!("{}@team", "`".repeat(90)))).trim(),
            ""
        );
    }

    proptest! {
        #[test]
        fn nothing_of_a_datum_is_left_outside_its_code_span(datum in hostile()) {
            let markdown = Phrase::of("own ").datum(&datum).own(" words").markdown();
            let outside = outside_code(&markdown);
            prop_assert_eq!(outside.split_whitespace().collect::<Vec<_>>(), ["own", "words"]);
            prop_assert!(!markdown.contains('|'));
            prop_assert!(markdown.chars().all(is_safe));
        }

        #[test]
        fn nothing_of_a_datum_steers_a_terminal(datum in hostile()) {
            prop_assert!(shown(&datum).chars().all(is_safe));
        }
    }
}
