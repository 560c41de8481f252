//! Prometheus' text exposition format: `# HELP`, `# TYPE`, samples without a time, escaped labels.
//!
//! Source: the Prometheus documentation, "Exposition formats", and node_exporter's textfile collector, which
//! takes no time stamps.

use std::fmt::{Display, Write as _};
use std::io::{self, Write};

use jiff::Timestamp;

/// What a family measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A value of this moment.
    Gauge,
    /// Counts below bounds.
    Histogram,
}

/// A writer of families, each with the labels of the run.
pub(super) struct Exposition<'a> {
    out: &'a mut dyn Write,
    /// `a="x",b="y"`.
    identity: String,
    family: &'static str,
    /// The lines that stand before the family's first sample; a family without samples is not named.
    head: Option<String>,
}

impl<'a> Exposition<'a> {
    /// The labels of the run stand in front of every sample's own.
    pub(super) fn new(out: &'a mut dyn Write, identity: &[(&str, &str)]) -> Self {
        Self {
            out,
            identity: labels(identity),
            family: "",
            head: None,
        }
    }

    /// Begins a family; its samples follow.
    pub(super) fn family(&mut self, name: &'static str, kind: Kind, help: &str) {
        self.family = name;
        let kind = match kind {
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        self.head = Some(format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    /// One sample of the family.
    pub(super) fn sample(&mut self, own: &[(&str, &str)], value: impl Display) -> io::Result<()> {
        self.part("", own, value)
    }

    /// One sample of a histogram's part: `_bucket`, `_sum`, `_count`.
    pub(super) fn part(
        &mut self,
        suffix: &str,
        own: &[(&str, &str)],
        value: impl Display,
    ) -> io::Result<()> {
        if let Some(head) = self.head.take() {
            self.out.write_all(head.as_bytes())?;
        }
        let comma = if own.is_empty() { "" } else { "," };
        writeln!(
            self.out,
            "{}{suffix}{{{}{comma}{}}} {value}",
            self.family,
            self.identity,
            labels(own)
        )
    }
}

/// `a="x",b="y"` with the values escaped.
fn labels(pairs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push(',');
        }
        // Writing to a String does not fail.
        let _ = write!(text, "{name}=\"");
        for c in value.chars() {
            match c {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                c => text.push(c),
            }
        }
        text.push('"');
    }
    text
}

/// The value of the sample that has exactly these labels, as it was written by an [`Exposition`].
pub(super) fn last_sample<'t>(
    text: &'t str,
    family: &str,
    identity: &[(&str, &str)],
) -> Option<&'t str> {
    let start = format!("{family}{{{}}} ", labels(identity));
    text.lines()
        .find_map(|line| line.strip_prefix(start.as_str()))
}

/// Seconds since 1970 with milliseconds.
pub(super) fn seconds(moment: Timestamp) -> String {
    let milliseconds = moment.as_millisecond();
    format!(
        "{}.{:03}",
        milliseconds.div_euclid(1000),
        milliseconds.rem_euclid(1000)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_found_again() {
        let identity = [("command", "apply"), ("manifest", "/a \"b\"\\c\nd/ü.yaml")];
        let mut out = Vec::new();
        let mut page = Exposition::new(&mut out, &identity);
        page.family("y", Kind::Gauge, "of nothing");
        page.family("x", Kind::Gauge, "a\nb");
        page.sample(&[], 7).unwrap();
        page.sample(&[("account", "one")], 8).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            "# HELP x a\\nb\n# TYPE x gauge\n\
             x{command=\"apply\",manifest=\"/a \\\"b\\\"\\\\c\\nd/ü.yaml\"} 7\n\
             x{command=\"apply\",manifest=\"/a \\\"b\\\"\\\\c\\nd/ü.yaml\",account=\"one\"} 8\n"
        );
        assert_eq!(last_sample(&text, "x", &identity), Some("7"));
        assert_eq!(last_sample(&text, "x", &[("command", "plan")]), None);
        assert_eq!(last_sample(&text, "y", &identity), None);
    }

    #[test]
    fn seconds_have_milliseconds() {
        let moment: Timestamp = "2026-01-02T03:04:05.678901Z".parse().unwrap();
        assert_eq!(seconds(moment), "1767323045.678");
    }
}
