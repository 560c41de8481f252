//! The cases of `tests/cases/manifest`: every good one loads, every bad one gives exactly the problems
//! that its `# expect:` lines name, each with its line and column.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::civil::{Date, date};

use super::{Input, Loaded, Paint, Problems};
use crate::provider::authorities;

mod bounds;
mod files;
mod meaning;
mod places;
mod random;
mod reference;
mod verdicts;

pub(super) const TODAY: Date = date(2026, 11, 21);

/// A manifest from standard input, on a fixed day.
pub(super) fn load_text(text: impl Into<Vec<u8>>) -> Result<Loaded, Problems> {
    super::load_on(&[Input::Stdin(text.into())], &authorities(), TODAY)
}

/// Files of a manifest, on a fixed day.
pub(super) fn load_on(inputs: &[Input]) -> Result<Loaded, Problems> {
    super::load_on(inputs, &authorities(), TODAY)
}

/// `code line:column` of each problem.
pub(super) fn short(problems: &Problems) -> Vec<String> {
    problems
        .lines()
        .iter()
        .map(|line| {
            let code = line.code.rsplit("::").next().unwrap_or_default();
            format!("{code} {}:{}", line.line, line.column)
        })
        .collect()
}

fn cases(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases/manifest")
        .join(kind);
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    files.sort();
    files
}

/// The words behind `# NAME:` at the start of a case.
fn header<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    text.lines()
        .take_while(|line| line.starts_with('#'))
        .filter_map(|line| {
            line.strip_prefix("# ")?
                .strip_prefix(name)?
                .strip_prefix(": ")
        })
        .collect()
}

fn inputs(case: &Path, text: &str) -> Vec<Input> {
    let mut inputs = vec![Input::Path(case.to_owned())];
    for with in header(text, "with") {
        let path = case.parent().unwrap().join("..").join("with").join(with);
        inputs.push(Input::Path(path));
    }
    inputs
}

#[test]
fn every_good_case_loads() {
    let cases = cases("good");
    assert!(cases.len() >= 8, "{} cases", cases.len());
    for case in cases {
        let text = fs::read_to_string(&case).unwrap();
        match load_on(&inputs(&case, &text)) {
            Ok(loaded) => {
                let expected: usize = header(&text, "warnings")
                    .first()
                    .map_or(0, |count| count.parse().unwrap());
                assert_eq!(
                    loaded.warnings.len(),
                    expected,
                    "{case:?}: {:?}",
                    loaded.warnings
                );
            }
            Err(problems) => panic!("{case:?}\n{}", problems.render(Paint::Plain, 120)),
        }
    }
}

#[test]
fn every_bad_case_gives_exactly_its_problems() {
    let cases = cases("bad");
    assert!(cases.len() >= 60, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let text = fs::read_to_string(&case).unwrap();
        let expected: Vec<String> = header(&text, "expect")
            .iter()
            .map(|&line| line.to_owned())
            .collect();
        assert!(!expected.is_empty(), "{case:?} expects nothing");
        let found = match load_on(&inputs(&case, &text)) {
            Ok(_) => Vec::new(),
            Err(problems) => {
                let rendered = problems.render(Paint::Plain, 100);
                for line in rendered
                    .lines()
                    .filter(|_| std::env::var_os("SHOW_PROBLEMS").is_some())
                {
                    println!("{line}");
                }
                short(&problems)
            }
        };
        if found != expected {
            wrong.push(format!(
                "{}\n  expected {expected:?}\n  found    {found:?}",
                case.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
