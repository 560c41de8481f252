//! One meaning for each word: what is gone does not come back, and what a word means only it means
//! everywhere.

use std::collections::BTreeSet;

use syn::visit::{self, Visit};

use super::{File, files, none};

/// Words that are gone from names and from prose, and what is said instead.
const GONE_WORDS: &[(&str, &str)] = &[
    ("claim", "an owner; `OrderOwners`"),
    ("claims", "owners; `OrderOwners`"),
    ("claimed", "owned; `OrderOwners`"),
];

/// Names that are gone: where, which, and what it is called now. Prose may use them.
const GONE_NAMES: &[(&str, &str, &str)] = &[
    ("", "Lane", "`RunAccount`"),
    ("", "Known", "`JournalView`"),
    ("", "Session", "`Workspace`"),
    ("", "Pen", "`FactWriter`"),
    ("", "Case", "`Resolution`"),
    ("", "Fold", "`ReportBuilder`"),
    ("", "Halt", "`AccountStop`"),
    ("", "Until", "`Milestone`"),
    (
        "",
        "AtOnce",
        "nothing: orders are lowered when all are read",
    ),
    ("", "look", "`look_up` by tag, `poll`, or what is done"),
    ("manifest", "Here", "`EntryPath`"),
    ("manifest", "Near", "`SecretContext`"),
    ("manifest", "Spot", "`Location`"),
    ("manifest", "Found", "`Problem`"),
    ("manifest", "Broken", "`RuleViolation`"),
    ("manifest", "Written", "`WrittenAccount`"),
    ("manifest", "Single", "`Section`"),
];

/// Files that are gone, and what they are called now.
const GONE_FILES: &[(&str, &str)] = &[
    ("plan/asked.rs", "plan/revocation_requests.rs"),
    ("plan/revoked.rs", "plan/planned_revocations.rs"),
    ("plan/make.rs", "plan/build.rs"),
    ("apply/taken_over.rs", "nothing"),
    ("cli/dumps.rs", "cli/core_dumps.rs"),
    ("cli/values.rs", "cli/value_parsers.rs"),
];

/// The names that a file declares: types, traits, functions, modules, variables, fields. Not the variants
/// of an enum, which are read with its name before them.
#[derive(Default)]
struct Declared(BTreeSet<String>);

impl Declared {
    fn of(text: &str) -> BTreeSet<String> {
        let mut declared = Self::default();
        declared.visit_file(&syn::parse_file(text).expect("Rust"));
        declared.0
    }
}

impl<'ast> Visit<'ast> for Declared {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        use syn::Item::{Const, Enum, Mod, Static, Struct, Trait, Type, Union};
        let ident = match item {
            Const(item) => Some(&item.ident),
            Enum(item) => Some(&item.ident),
            Mod(item) => Some(&item.ident),
            Static(item) => Some(&item.ident),
            Struct(item) => Some(&item.ident),
            Trait(item) => Some(&item.ident),
            Type(item) => Some(&item.ident),
            Union(item) => Some(&item.ident),
            _ => None,
        };
        self.0.extend(ident.map(ToString::to_string));
        visit::visit_item(self, item);
    }

    fn visit_signature(&mut self, one: &'ast syn::Signature) {
        self.0.insert(one.ident.to_string());
        visit::visit_signature(self, one);
    }

    fn visit_pat_ident(&mut self, one: &'ast syn::PatIdent) {
        self.0.insert(one.ident.to_string());
        visit::visit_pat_ident(self, one);
    }

    fn visit_field(&mut self, one: &'ast syn::Field) {
        self.0.extend(one.ident.as_ref().map(ToString::to_string));
        visit::visit_field(self, one);
    }

    fn visit_use_rename(&mut self, one: &'ast syn::UseRename) {
        self.0.insert(one.rename.to_string());
    }

    /// Our own macros declare types (`shapes!`, `words!`); what they are given is not Rust.
    fn visit_macro(&mut self, one: &'ast syn::Macro) {
        let tokens = one.tokens.to_string();
        let words: Vec<&str> = tokens.split_whitespace().collect();
        for pair in words.windows(2) {
            if matches!(pair[0], "enum" | "struct") {
                self.0.insert(pair[1].to_owned());
            }
        }
    }
}

/// The gone words and names of a file.
fn gone(file: &File) -> Vec<String> {
    let prose: BTreeSet<String> = file
        .text
        .split(|c: char| !c.is_alphanumeric())
        .map(str::to_lowercase)
        .collect();
    let words = GONE_WORDS
        .iter()
        .filter(|(word, _)| prose.contains(*word))
        .map(|(word, now)| (*word, *now));
    let declared = Declared::of(&file.text);
    let names = GONE_NAMES
        .iter()
        .filter(|(module, name, _)| {
            (module.is_empty() || file.module() == *module) && declared.contains(*name)
        })
        .map(|(_, name, now)| (*name, *now));
    let files = GONE_FILES
        .iter()
        .filter(|(name, _)| file.name == *name)
        .copied();
    words
        .chain(names)
        .chain(files)
        .map(|(gone, now)| format!("src/{}: `{gone}`; it is {now}", file.name))
        .collect()
}

#[test]
fn words_that_are_gone_do_not_come_back() {
    let broken: Vec<String> = files().iter().flat_map(gone).collect();
    none("one meaning for each word", &broken);
}

#[test]
fn the_reader_of_words_sees_every_form() {
    let found = |name: &str, text: &str| {
        let file = File {
            name: name.to_owned(),
            text: text.to_owned(),
            test: false,
            declared: true,
        };
        gone(&file).len()
    };
    for text in [
        "//! Who claims it.",
        "fn f() { let claim = 1; }",
        "fn claim_of() {}",
        "mod Lane {}",
        "fn f() { let (a, Lane) = (1, 2); }",
        "struct S { Lane: u8 }",
        "enum Until { A }",
        "words! { /// How far.\n pub(super) enum Until { A = \"a\" } }",
        "use crate::model::Item as Case;",
        "impl S { fn f() { struct Pen; } }",
    ] {
        assert_eq!(found("plan/x.rs", text), 1, "{text}");
    }
    assert_eq!(found("manifest/x.rs", "struct Found;"), 1);
    assert_eq!(found("journal/x.rs", "async fn look<T>() {}"), 1);
    assert_eq!(found("plan/make.rs", ""), 1);
    for text in [
        "//! Those who only look. A known case.",
        "enum Length { Until(u8) }",
        "fn look_up() { s.look_up(\"look\") }",
        "struct Found;",
        "fn proclaim() {}",
    ] {
        assert_eq!(found("plan/x.rs", text), 0, "{text}");
    }
}
