//! A Markdown page that never grows over its limit and says what it leaves out.

use super::details::Detail;
use super::phrase::Phrase;

/// The most that a page has, in bytes and so in characters: GitHub takes 65,536, other tools less.
pub(super) const LIMIT: usize = 59_000;

/// Room that is kept for the end of a section: what is left out, and `</details>`.
const SECTION_END: usize = 300;

/// Markdown under construction.
pub(super) struct Page {
    text: String,
    limit: usize,
}

impl Page {
    /// An empty page of so many bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            text: String::new(),
            limit,
        }
    }

    /// Adds a line if it fits; says whether it did.
    #[must_use]
    pub(super) fn offer(&mut self, line: &str) -> bool {
        let fits = self.text.len() + line.len() < self.limit;
        if fits {
            self.text.push_str(line);
            self.text.push('\n');
        }
        fits
    }

    /// Adds as many lines of a list as fit, and then how many were left out.
    ///
    /// `kept_for_later` bytes stay free. Each entry is a line with its weight; `left_out` is given the
    /// number of entries and the sum of the weights that are not on the page.
    pub(super) fn list<'a>(
        &mut self,
        entries: impl IntoIterator<Item = Entry<'a>>,
        longest: usize,
        kept_for_later: usize,
        left_out: impl Fn(usize, usize) -> String,
    ) {
        let limit = self.limit;
        self.limit = limit.saturating_sub(kept_for_later + SECTION_END);
        let mut listed = 0;
        let mut is_full = false;
        let (mut entries_left, mut weight_left) = (0, 0);
        for entry in entries {
            is_full = is_full || listed == longest || !self.offer(&(entry.lines)());
            if is_full {
                entries_left += 1;
                weight_left += entry.weight;
            } else {
                listed += 1;
            }
        }
        self.limit = limit;
        if is_full {
            // The room for it was kept.
            let _ = self.offer(&left_out(entries_left, weight_left));
        }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}

/// One entry of a list. Its Markdown is made when there is room for it.
pub(super) struct Entry<'a> {
    lines: Box<dyn FnOnce() -> String + 'a>,
    weight: usize,
}

impl<'a> Entry<'a> {
    /// An entry with what is summed up when it is left out, and its Markdown without the last line end.
    pub(super) fn new(weight: usize, lines: impl FnOnce() -> String + 'a) -> Self {
        Self {
            lines: Box::new(lines),
            weight,
        }
    }
}

/// A list item with details below it.
pub(super) fn item(title: &Phrase, details: &[Detail]) -> String {
    let mut lines = format!("* {}", title.markdown());
    for detail in details {
        lines.push_str("\n  ");
        lines.push_str(&line(detail));
    }
    lines
}

/// A detail as a list item.
pub(super) fn line(detail: &Detail) -> String {
    format!("* {}: {}", detail.label, detail.phrase.markdown())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_page_says_what_is_missing_and_keeps_the_room_asked_for() {
        for entries in [51, 52, 200] {
            let mut page = Page::new(1_000);
            page.list(
                (0..entries).map(|number| Entry::new(2, move || format!("{number:09}"))),
                usize::MAX,
                200,
                |left, weight| format!("{left} left, {weight}"),
            );
            // 1,000 bytes less 200 kept and 300 for the end take 50 lines of 10 bytes.
            let left = entries - 50;
            assert!(page.offer(&"x".repeat(180)), "{entries}");
            let text = page.finish();
            assert!(text.len() < 1_000);
            assert!(
                text.contains(&format!("\n{left} left, {}\n", left * 2)),
                "{text}"
            );
            assert_eq!(
                text.lines().filter(|line| line.starts_with("000")).count(),
                50
            );
        }
    }

    #[test]
    fn what_fits_is_listed_whole() {
        let mut page = Page::new(1_000);
        let entries = (0..5).map(|number| Entry::new(1, move || format!("{number}")));
        page.list(entries, usize::MAX, 0, |left, _| format!("{left} left"));
        assert_eq!(page.finish(), "0\n1\n2\n3\n4\n");
    }
}
