//! The layering and the house rules, as tests over the text of `src`.

#![expect(clippy::expect_used, reason = "a test ends where it cannot go on")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

mod circles;
mod words;

/// Which module may name which. A module that is not here fails the test.
const MAY_USE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("sandbox", &[]),
    ("files", &["model"]),
    ("manifest", &["model", "files"]),
    ("plan", &["model"]),
    ("provider", &["model"]),
    ("journal", &["model", "files"]),
    ("budget", &["model", "files", "provider", "journal"]),
    ("apply", &["model", "files", "plan", "provider", "journal"]),
    (
        "engine",
        &[
            "model", "files", "manifest", "plan", "provider", "journal", "budget", "apply",
        ],
    ),
    ("report", &["model", "plan", "apply", "engine"]),
    (
        "cli",
        &[
            "model", "files", "manifest", "plan", "provider", "journal", "budget", "apply",
            "engine", "report", "sandbox",
        ],
    ),
];

/// A file holds one idea: so many lines at most.
const LONGEST: usize = 400;

/// What stands above the module of planted bugs and above each of its hooks: for tests alone.
const PLANTED: &str = "#[cfg(feature = \"planted-bugs\")]";

/// One file of `src`.
struct File {
    /// Below `src`, with `/`.
    name: String,
    text: String,
    /// Compiled for tests alone.
    test: bool,
    /// Some `mod` names it: a file that no `mod` names is never compiled.
    declared: bool,
}

impl File {
    /// The top-level module that the file is in.
    fn module(&self) -> &str {
        let first = self.name.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// How many lines come before its unit tests.
    fn product_lines(&self) -> usize {
        let tests = self.text.find("\n#[cfg(test)]\nmod ");
        self.text[..tests.unwrap_or(self.text.len())]
            .lines()
            .count()
    }

    /// Its lines outside comments and before its unit tests, without the hooks of planted bugs, counted
    /// from 1.
    fn code(&self) -> Vec<(usize, &str)> {
        let lines: Vec<&str> = self.text.lines().collect();
        let inline_tests = lines.windows(2).position(|pair| {
            pair[0].trim() == "#[cfg(test)]"
                && pair[1].starts_with("mod ")
                && pair[1].ends_with('{')
        });
        let end = if self.test {
            0
        } else {
            inline_tests.unwrap_or(lines.len())
        };
        let mut in_hook = false;
        (1..)
            .zip(lines)
            .take(end)
            .filter(|(_, line)| {
                // A hook is one statement.
                let hook = in_hook || line.trim() == PLANTED;
                in_hook = hook && !line.ends_with(';');
                !hook && !line.trim_start().starts_with("//")
            })
            .collect()
    }
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of src") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every file of `src`; test files are those behind `#[cfg(test)] mod NAME;` or the feature of planted
/// bugs, and what is below them.
fn files() -> Vec<File> {
    let src = src();
    let mut paths = Vec::new();
    collect(&src, &mut paths);
    paths.sort();
    let texts: BTreeMap<PathBuf, String> = paths
        .into_iter()
        .map(|path| (path.clone(), fs::read_to_string(path).expect("UTF-8")))
        .collect();
    let mut test_roots: BTreeSet<PathBuf> = BTreeSet::new();
    let mut declared: BTreeSet<PathBuf> = [src.join("lib"), src.join("main")].into();
    for (path, text) in &texts {
        let folder = match path.file_stem().and_then(|stem| stem.to_str()) {
            Some("mod" | "lib" | "main") | None => path.parent().expect("a parent").to_owned(),
            Some(_) => path.with_extension(""),
        };
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (at, line) in lines.iter().enumerate() {
            let name = line
                .strip_suffix(';')
                .and_then(|line| line.rsplit_once("mod "))
                .map(|(_, name)| name);
            let above = at.checked_sub(1).map_or("", |above| lines[above]);
            let Some(name) = name else { continue };
            declared.extend([folder.join(name), folder.join(name).join("mod")]);
            if above == "#[cfg(test)]" || above == PLANTED {
                test_roots.insert(folder.join(name));
            }
        }
    }
    texts
        .into_iter()
        .map(|(path, text)| {
            let bare = path.with_extension("");
            let test = test_roots.iter().any(|root| bare.starts_with(root));
            let name = path.strip_prefix(&src).expect("below src");
            File {
                name: name.to_str().expect("UTF-8").to_owned(),
                text,
                test,
                declared: declared.contains(&bare),
            }
        })
        .collect()
}

/// The top-level modules that the `crate::` paths of a text begin with, `use crate::{..}` over several
/// lines too.
fn named_modules(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        // `some_crate::` is another word.
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &text[at + "crate::".len()..];
        let Some(inner) = rest.strip_prefix('{') else {
            names.insert(word(rest));
            continue;
        };
        let mut depth = 0_usize;
        let mut starts_name = true;
        for (at, c) in inner.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => starts_name = true,
                c if starts_name && c.is_alphabetic() => {
                    names.insert(word(&inner[at..]));
                    starts_name = false;
                }
                _ => {}
            }
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn word(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

#[track_caller]
fn none(what: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{what}:\n{}", broken.join("\n"));
}

#[test]
fn each_module_uses_only_what_stands_before_it() {
    let table: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let mut broken = Vec::new();
    let mut seen = BTreeSet::new();
    for file in files() {
        let module = file.module().to_owned();
        if module == "lib" || module == "main" || file.test {
            continue;
        }
        let Some(may_use) = table.get(module.as_str()) else {
            broken.push(format!("{}: {module} is not in the table", file.name));
            continue;
        };
        let code: Vec<&str> = file.code().into_iter().map(|(_, line)| line).collect();
        for used in named_modules(&code.join("\n")) {
            if used != module && !may_use.contains(&used.as_str()) {
                broken.push(format!("{}: {module} must not use {used}", file.name));
            }
        }
        // `super::super::` up to the root would be a way around the table.
        let depth = file.name.trim_end_matches("/mod.rs").split('/').count();
        if code
            .iter()
            .any(|line| line.contains(&"super::".repeat(depth)))
        {
            broken.push(format!(
                "{}: climbs to the root; write `crate::`",
                file.name
            ));
        }
        seen.insert(module);
    }
    none("the layering is broken", &broken);
    let known: BTreeSet<String> = table.keys().map(|name| (*name).to_owned()).collect();
    assert_eq!(seen, known, "the table names modules that are not there");
}

#[test]
fn the_reader_of_paths_sees_every_form() {
    let text = "use crate::model::{A, B};\nuse crate::{plan::{C, d}, report,\n journal as j};\n\
                let x = crate::apply::run(other_crate::cli());";
    let expected = ["apply", "journal", "model", "plan", "report"];
    let named: Vec<String> = named_modules(text).into_iter().collect();
    assert_eq!(named, expected);
}

#[test]
fn each_file_opens_with_what_it_is_for() {
    let broken: Vec<String> = files()
        .into_iter()
        .filter(|file| !file.text.starts_with("//! "))
        .map(|file| file.name)
        .collect();
    none("no `//!` at the start", &broken);
}

#[test]
fn no_file_is_left_behind_uncompiled() {
    let broken: Vec<String> = files()
        .into_iter()
        .filter(|file| !file.declared)
        .map(|file| file.name)
        .collect();
    none("no `mod` names these", &broken);
}

#[test]
fn no_file_is_longer_than_one_idea() {
    let broken: Vec<String> = files()
        .into_iter()
        .filter(|file| !file.test)
        .map(|file| (file.product_lines(), file.name))
        .filter(|(lines, _)| *lines > LONGEST)
        .map(|(lines, name)| format!("{name}: {lines} lines; split it by idea"))
        .collect();
    none("too long", &broken);
}

#[test]
fn no_file_is_named_after_nothing() {
    const EMPTY: &[&str] = &[
        "util", "utils", "helper", "helpers", "common", "misc", "types", "imp", "manager",
    ];
    let broken: Vec<String> = files()
        .into_iter()
        .map(|file| file.name)
        .filter(|name| {
            let mut parts = name.trim_end_matches(".rs").split('/');
            parts.any(|part| EMPTY.contains(&part))
        })
        .collect();
    none("names that say nothing", &broken);
}

#[test]
fn nothing_panics_on_purpose() {
    const CALLS: &[&str] = &[".unwrap()", ".expect(\"", "unwrap_unchecked"];
    const MACROS: &[&str] = &["panic", "todo", "unimplemented", "unreachable"];
    let panics = |line: &str| {
        let named = |name: &&str| line.contains(&format!("{name}!("));
        CALLS.iter().any(|call| line.contains(call)) || MACROS.iter().any(named)
    };
    let mut broken = Vec::new();
    for file in files() {
        for (number, line) in file.code() {
            if panics(line) {
                broken.push(format!("src/{}:{number}: {}", file.name, line.trim()));
            }
        }
    }
    none("a panic on purpose", &broken);
}

#[test]
fn only_the_command_line_touches_the_process() {
    const PROCESS: &[&str] = &[
        "std::env::var",
        "env::var(",
        "env::vars",
        "process::exit",
        "io::stdin()",
        "io::stdout()",
        "io::stderr()",
        "Command::new",
    ];
    let mut broken = Vec::new();
    for file in files() {
        // The journal asks the environment for nothing; certplan starts no other program but itself, in
        // the demo, and those that somebody named for it to start.
        let allowed: &[&str] = match file.module() {
            "cli" if file.name == "cli/command/demo.rs" => PROCESS,
            "cli" => &PROCESS[..PROCESS.len() - 1],
            "files" if file.name == "files/program.rs" => &PROCESS[PROCESS.len() - 1..],
            _ => &[],
        };
        for (number, line) in file.code() {
            for touched in PROCESS {
                if line.contains(touched) && !allowed.contains(touched) {
                    broken.push(format!("src/{}:{number}: {}", file.name, line.trim()));
                }
            }
        }
    }
    none("a way out of the library", &broken);
}

#[test]
fn no_ca_is_named_above_its_adapter() {
    const CAS: &[&str] = &["certcentral", "digicert", "ncloud", "naver"];
    let mut broken = Vec::new();
    for file in files() {
        if !["manifest", "plan", "model"].contains(&file.module()) {
            continue;
        }
        for (number, line) in file.code() {
            let line = line.to_lowercase();
            if CAS.iter().any(|name| line.contains(name)) {
                broken.push(format!("src/{}:{number}: {}", file.name, line.trim()));
            }
        }
    }
    none("a CA is named; ask its `Authority`", &broken);
}

/// What follows a line that says "for tests alone": `tests`, and nothing else.
fn test_helpers(file: &File) -> Vec<String> {
    let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
    let mut helpers = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let asks = line.contains("cfg") && !line.starts_with("//") && named_test(line);
        // An attribute may stand between.
        let mut after = lines[at + 1..]
            .iter()
            .skip_while(|line| line.starts_with("#["));
        let next = after.next().copied().unwrap_or_default();
        let module = next
            .trim_end_matches([';', '{', ' '])
            .rsplit_once("mod ")
            .map(|(_, name)| name);
        if asks && (*line != "#[cfg(test)]" || module != Some("tests")) {
            helpers.push(format!("src/{}:{}: {next}", file.name, at + 1));
        }
    }
    helpers
}

/// Whether a line with `cfg` names `test`.
fn named_test(line: &str) -> bool {
    let conditions = line.split_once("cfg").map_or("", |(_, rest)| rest);
    conditions
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .any(|word| word == "test")
}

#[test]
fn product_files_have_no_test_helpers() {
    let product = files().into_iter().filter(|file| !file.test);
    let broken: Vec<String> = product.flat_map(|file| test_helpers(&file)).collect();
    none("test helpers; they stand in `tests`", &broken);
}

#[test]
fn the_reader_of_test_helpers_sees_every_form() {
    let found = |text: &str| {
        let file = File {
            name: "plan/x.rs".to_owned(),
            text: text.to_owned(),
            test: false,
            declared: true,
        };
        test_helpers(&file).len()
    };
    for text in [
        "#[cfg(test)]\nimpl S {}",
        "#[cfg(test)]\nmod testing;",
        "impl S {\n    #[cfg(test)]\n    fn f() {}",
        "#[cfg(test)]\nuse super::f;",
        "#[cfg(any(test, feature = \"x\"))]\nmod tests;",
        "#[cfg(not(test))]\nfn f() {}",
        "#[cfg_attr(test, derive(PartialEq))]\nstruct S;",
        "fn f() { if cfg!(test) {} }",
    ] {
        assert_eq!(found(text), 1, "{text}");
    }
    for text in [
        "#[cfg(test)]\nmod tests;",
        "#[cfg(test)]\npub(crate) mod tests;",
        "#[cfg(test)]\n#[expect(clippy::x)]\nmod tests {",
        "// #[cfg(test)]\nfn f() {}",
        "#[cfg(unix)]\nfn test() {}",
    ] {
        assert_eq!(found(text), 0, "{text}");
    }
}
