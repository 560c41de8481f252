//! The values of the command line that are more than a word: durations, ids, reports, the ping URL.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::format::Format;
use crate::model::form::Id;
use crate::model::{self, BadDuration, OrderId, RunId, Secret, meant_duration};

/// `30s`, `5m`, `1h`, as in a manifest, or `0s`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    model::duration(text).map_err(|rule| {
        let help = meant_duration(text);
        let help = help.unwrap_or_else(|| "write for example `30s`, `5m` or `1h`".to_owned());
        match rule {
            BadDuration::Unreadable => format!("it is not a duration; {help}"),
            BadDuration::TooLong => "it is longer than a year".to_owned(),
        }
    })
}

/// An order id of a CA, in the one spelling that a manifest takes: it becomes a part of a URL's path, and
/// whoever searches for an order finds it.
pub(super) fn order_id(text: &str) -> Result<OrderId, String> {
    if let Some(id) = Id::parse(text) {
        return Ok(OrderId::from(id.0));
    }
    let help = Id::meant(text).map(|help| format!("; {help}"));
    let help = help.unwrap_or_default();
    Err(format!("an id is {}{help}", Id::RULE))
}

/// A run's id.
pub(super) fn run_id(text: &str) -> Result<RunId, String> {
    plain_id(text).map(RunId::from)
}

fn plain_id(text: &str) -> Result<&str, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if !text.is_empty() && text.len() <= 64 && text.chars().all(plain) {
        Ok(text)
    } else {
        Err("it is no id: letters, digits and `-`, 64 characters at most".to_owned())
    }
}

/// A report to write.
#[derive(Debug, Clone)]
pub struct ReportTarget {
    /// JSON or Markdown.
    pub format: Format,
    /// Where; standard output without a file.
    pub file: Option<PathBuf>,
}

/// The URL of a watcher of jobs. Its path is as good as a password, so it is never shown; what is wrong
/// with it is told where it is used, without its text.
#[derive(Clone)]
pub struct PingUrl(Secret);

impl PingUrl {
    /// The text, for the one place that calls it.
    pub(super) fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl FromStr for PingUrl {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(Secret::new(text.to_owned())))
    }
}

impl fmt::Debug for PingUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PingUrl(..)")
    }
}

/// The names of standard output. The last three would be opened a second time and overwrite what it has.
const STANDARD_OUTPUT: [&str; 4] = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

/// `json=FILE` or `markdown=FILE`; `-` is standard output.
pub(super) fn report_target(text: &str) -> Result<ReportTarget, String> {
    let help = "write `json=FILE` or `markdown=FILE`, or `json=-` for standard output";
    let (format, path) = text.split_once('=').ok_or_else(|| help.to_owned())?;
    let format = match format {
        "json" => Format::Json,
        "markdown" => Format::Markdown,
        other => return Err(format!("`{other}` is no report format: {help}")),
    };
    if path.is_empty() {
        return Err(help.to_owned());
    }
    let file = (!STANDARD_OUTPUT.contains(&path)).then(|| PathBuf::from(path));
    Ok(ReportTarget { format, file })
}

/// A file beside standard output, which has the plan or the status already.
pub(super) fn output_file(text: &str) -> Result<PathBuf, String> {
    if text == "-" {
        return Err(
            "standard output has other text already: name a file (`./-` for one that is called `-`)"
                .to_owned(),
        );
    }
    Ok(PathBuf::from(text))
}

/// What the CAs' documents leave open and the sandbox had to choose.
pub(super) fn assumptions() -> String {
    let list: Vec<String> = crate::sandbox::ASSUMPTIONS
        .iter()
        .map(|one| format!("* {one}"))
        .collect();
    format!(
        "Assumptions, where the documents of the CAs are silent:\n{}",
        list.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_carry_their_unit_and_are_not_negative() {
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        assert_eq!(duration("1h 30m"), Ok(Duration::from_secs(5400)));
        for text in [
            "",
            "5",
            "+5s",
            "+PT5S",
            "-1s",
            "-0s",
            "1e3s",
            "0x5s",
            " 5s",
            "5S",
            "1d",
            "5s ago",
            "1 fortnight",
            "9000h",
            "99999999999999999999h",
            "9223372036854775807s",
            "\u{665}s",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
        let told = duration("+5s").unwrap_err();
        assert!(told.ends_with("; write `5s`"), "{told}");
    }

    #[test]
    fn an_id_cannot_leave_its_place_in_a_path() {
        assert!(run_id("4711").is_ok());
        for text in ["", "..", "1/2", "1?a", "%2e", "a b", "é"] {
            assert!(run_id(text).is_err(), "{text}");
            assert!(order_id(text).is_err(), "{text}");
        }
        assert!(run_id(&"1".repeat(65)).is_err());
    }

    #[test]
    fn an_order_id_has_one_spelling() {
        for good in ["1", "70000001", "9999999999999999999"] {
            assert_eq!(order_id(good), Ok(OrderId::from(good)));
        }
        for bad in [
            "0",
            "000",
            "+1",
            "-1",
            "0x1f",
            "0o17",
            "0b1",
            "1e3",
            "1.0",
            "1_000",
            " 1",
            "1 ",
            "١",
            "10000000000000000000",
        ] {
            assert!(order_id(bad).is_err(), "{bad}");
        }
        let told = order_id("070000001").unwrap_err();
        assert!(told.ends_with("; write `70000001`"), "{told}");
    }

    #[test]
    fn a_report_names_its_format_and_its_file() {
        let file = |text| report_target(text).map(|target| target.file);
        assert_eq!(file("markdown=a=b.md"), Ok(Some(PathBuf::from("a=b.md"))));
        assert_eq!(file("json=./-"), Ok(Some(PathBuf::from("./-"))));
        for text in ["json=-", "markdown=-", "json=/dev/stdout", "json=/dev/fd/1"] {
            assert_eq!(file(text), Ok(None), "{text}");
        }
        assert!(output_file("-").is_err() && output_file("./-").is_ok());
        for text in ["report.json", "json=", "=a", "text=a", "JSON=a"] {
            assert!(report_target(text).is_err(), "{text}");
        }
    }
}
