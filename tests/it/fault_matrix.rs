//! Every fault of the failure model has its test.
//!
//! The rows and their numbers are those of the failure model; the words of each row say what goes wrong.
//! A test is named by its function; unit tests of the crate count as well as those of this folder.

use std::collections::BTreeSet;
use std::path::Path;

mod cases;
mod changes;
mod clock;
mod rows;
mod scarce;

/// How many rows the failure model has.
const ROWS: usize = 115;

/// Every function under a `#[test]` or `#[tokio::test]`, below a folder.
fn tests_below(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            tests_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("a source");
            found.extend(tests_in(&text));
        }
    }
}

fn tests_in(text: &str) -> Vec<String> {
    let mut marked = false;
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            marked = true;
        } else if let Some((_, rest)) = line.split_once("fn ") {
            if marked && let Some((name, _)) = rest.split_once('(') {
                found.push(name.to_owned());
            }
            marked = false;
        } else if !line.starts_with("#[") && !line.starts_with("//") {
            marked = false;
        }
    }
    found
}

fn every_test() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeSet::new();
    tests_below(&root.join("src"), &mut found);
    tests_below(&root.join("tests/it"), &mut found);
    let planted = std::fs::read_to_string(root.join("tests/planted.rs"));
    found.extend(tests_in(&planted.expect("a source")));
    found
}

#[test]
fn every_row_of_the_failure_model_is_shown() {
    let tests = every_test();
    assert!(tests.len() > 300, "only {} tests were found", tests.len());
    let mut wrong = Vec::new();
    for (at, (number, fault, names)) in rows::ROWS.iter().enumerate() {
        if *number != at + 1 {
            wrong.push(format!("row {} stands where {} belongs", number, at + 1));
        }
        if !names.iter().any(|name| numbers(name).contains(number)) {
            wrong.push(format!(
                "row {number} ({fault}): no test carries its number"
            ));
        }
        for name in *names {
            if !tests.contains(*name) {
                wrong.push(format!("row {number} ({fault}): there is no test {name}"));
            }
        }
    }
    assert_eq!(rows::ROWS.len(), ROWS, "rows are missing");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The rows that a test's name carries: `row_07_...`, `rows_16_25_...`.
fn numbers(name: &str) -> Vec<usize> {
    let mut parts = name.split('_');
    if !matches!(parts.next(), Some("row" | "rows")) {
        return Vec::new();
    }
    parts.map_while(|part| part.parse().ok()).collect()
}

/// A test that carries a row's number stands in that row.
#[test]
fn a_test_that_names_a_row_is_listed_in_it() {
    for name in every_test() {
        for number in numbers(&name) {
            let (_, _, names) = &rows::ROWS[number - 1];
            assert!(
                names.contains(&name.as_str()),
                "row {number} does not list {name}"
            );
        }
    }
}

#[test]
fn a_function_counts_only_under_its_mark() {
    let text = "#[test]\nfn one() {}\nfn two() {}\n#[tokio::test(flavor = \"x\")]\n#[expect(a)]\n// why\nasync fn three() {}\n";
    assert_eq!(tests_in(text), ["one", "three"]);
}
