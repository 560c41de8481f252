//! Inputs that are built to break a parser: each is refused quickly and with a place.

use super::{load_text, short};
use crate::manifest::{Paint, told};

const HEAD: &str = "version: 1\n";

fn refused(text: impl Into<Vec<u8>>) -> Vec<String> {
    let problems = load_text(text).expect_err("this must be refused");
    // What cannot be rendered would hide the problem.
    assert!(
        problems
            .render(Paint::Plain, 80)
            .contains("certplan::manifest::")
    );
    short(&problems)
}

#[test]
fn nothing_at_all_is_refused() {
    for empty in ["", "\n", "# only a comment\n", "---\n", "~\n", "\u{feff}"] {
        assert_eq!(refused(empty), ["empty_file 1:1"], "{empty:?}");
    }
}

#[test]
fn other_encodings_are_refused_at_the_byte() {
    assert_eq!(
        refused(b"version: 1\norders:\n  # M\xfcnchen\n".to_vec()),
        ["not_utf8 3:6"]
    );
    assert_eq!(refused(b"\xff\xfev\0e\0".to_vec()), ["utf16 0:0"]);
    assert_eq!(refused(b"\xfe\xff\0v\0e".to_vec()), ["utf16 0:0"]);
    assert_eq!(refused("version: 1\nx: a\0b\n"), ["nul 2:5"]);
    assert_eq!(
        refused(b"\xef\xbb\xbfversion: 1\n\xff".to_vec()),
        ["not_utf8 2:1"]
    );
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    assert!(load_text("\u{feff}version: 1\n").is_ok());
}

#[test]
fn row_13_deep_nesting_is_refused_without_a_stack_overflow() {
    let deep = format!("{HEAD}orders: {}", "[".repeat(100_000));
    assert_eq!(refused(deep).len(), 1);
    let deep = format!("{HEAD}orders: {}", "{a: ".repeat(100_000));
    assert!(refused(deep)[0].starts_with("too_deep "));
    let deep: String = (0..2000)
        .map(|depth| format!("{}a:\n", " ".repeat(depth)))
        .collect();
    assert!(
        refused(format!("{HEAD}{deep}"))
            .iter()
            .any(|line| line.starts_with("too_deep "))
    );
    let deep = format!(
        "{HEAD}orders:\n  a:\n    comments: {}{}\n",
        "[".repeat(60),
        "]".repeat(60)
    );
    assert!(!refused(deep)[0].starts_with("too_deep"));
    let deep = format!(
        "{HEAD}orders:\n  a:\n    comments: {}{}\n",
        "[".repeat(63),
        "]".repeat(63)
    );
    assert!(refused(deep)[0].starts_with("too_deep 4:"));
}

#[test]
fn a_scalar_over_one_mebibyte_is_refused() {
    let long = "x".repeat(10 << 20);
    for text in [
        format!("{HEAD}orders:\n  a:\n    comments: {long}\n"),
        format!("{HEAD}orders:\n  a:\n    comments: \"{long}\"\n"),
        format!("{HEAD}orders:\n  a:\n    comments: |\n      {long}\n"),
    ] {
        assert!(
            refused(text)
                .iter()
                .any(|line| line.starts_with("scalar_too_long "))
        );
    }
    let key = format!("{HEAD}orders:\n  {long}: 1\n");
    assert_eq!(refused(key)[0], "scalar_too_long 3:3");
}

#[test]
fn a_file_over_64_mebibytes_is_refused() {
    let mut text = HEAD.as_bytes().to_vec();
    text.resize((64 << 20) + 1, b'\n');
    assert_eq!(refused(text), ["too_large 0:0"]);
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut bomb = format!("{HEAD}a: &a [x, x, x, x, x, x, x, x, x, x]\n");
    for (name, of) in [
        ("b", "a"),
        ("c", "b"),
        ("d", "c"),
        ("e", "d"),
        ("f", "e"),
        ("g", "f"),
    ] {
        let list = vec![format!("*{of}"); 10].join(", ");
        bomb.push_str(&format!("{name}: &{name} [{list}]\n"));
    }
    let codes = refused(bomb).join(" ");
    assert!(
        codes.contains("alias_expansion 7:") || codes.contains("too_many_aliases"),
        "{codes}"
    );
    let wide = format!(
        "{HEAD}a: &a \"{}\"\nb: &b [*a, *a, *a, *a]\nc: &c [*b, *b, *b, *b]\nd: [*c, *c]\n",
        "x".repeat(1 << 20)
    );
    assert!(
        refused(wide)
            .iter()
            .any(|line| line.starts_with("alias_expansion 4:"))
    );
}

#[test]
fn sixty_four_aliases_are_read_and_no_more() {
    let entry = |count: usize| {
        let uses: String = (0..count)
            .map(|index| format!("  r{index}: {{account: a, order_id: {}, scope: order, reason: superseded, comments: *c}}\n", index + 1))
            .collect();
        format!(
            "{HEAD}accounts: {{a: {{provider: certcentral, api_key: {{env: K}}}}}}\nrevocations:\n  first: {{account: a, order_id: 9999, scope: order, reason: superseded, comments: &c text}}\n{uses}"
        )
    };
    assert!(load_text(entry(64)).is_ok());
    assert_eq!(refused(entry(65)), ["too_many_aliases 69:79"]);
}

#[test]
fn a_bracket_that_may_begin_a_key_holds_a_bounded_number_of_values() {
    let long = "1,".repeat((2 << 20) + 10);
    let text = format!("{HEAD}\u{e9}:\n  - x\n  - [{long}]\n");
    assert_eq!(refused(text), ["unknown_member 2:1", "too_long 4:5"]);
    // These begin no key: they are read value by value.
    assert_eq!(
        refused(format!("{HEAD}x: [{long}]\n")),
        ["unknown_member 2:1"]
    );
    let json = format!("{{\"version\": 1, \"x\": [{long}2]}}");
    assert_eq!(refused(json), ["unknown_member 1:16"]);
}

#[test]
fn an_alias_to_what_holds_it_is_refused() {
    assert!(
        refused(format!("{HEAD}x: &a [*a]\n"))
            .iter()
            .any(|line| line.starts_with("alias 2:"))
    );
    assert!(
        refused(format!("{HEAD}x: *unknown\n"))
            .iter()
            .any(|line| line.starts_with("syntax 2:"))
    );
}

#[test]
fn many_problems_are_all_found_and_a_hundred_shown() {
    let entries: String = (0..5000)
        .map(|index| format!("  a{index}: {{produkt: x}}\n"))
        .collect();
    let problems = load_text(format!("{HEAD}orders:\n{entries}")).unwrap_err();
    let unknown = problems
        .iter()
        .filter(|problem| problem.code == "unknown_member")
        .count();
    assert_eq!(unknown, 5000);
    let text = problems.render(Paint::Plain, 80);
    assert!(
        text.matches("did you mean `product`?").count() > 10,
        "{text}"
    );
    // The entries lack a product and an account besides; 100 problems are shown, the rest are counted.
    assert!(text.contains("<stdin>:52:"), "{text}");
    assert!(!text.contains("<stdin>:152:"), "{text}");
    let counted: usize = text
        .lines()
        .filter_map(|line| {
            line.strip_prefix("and ")?
                .split_once(" more [certplan::manifest::")
        })
        .map(|(count, _)| count.parse::<usize>().unwrap())
        .sum();
    assert_eq!(counted, problems.len() - 100);
    // The last of the hundred is shown like the first.
    assert_eq!(text.matches("[<stdin>:").count(), 100, "{text}");
    assert_eq!(problems.shown().len(), 100);
    assert_eq!(problems.rest().values().sum::<usize>(), counted);
}

#[test]
fn many_warnings_are_a_hundred_lines_and_a_count() {
    let account = "accounts: {a: {provider: certcentral, api_key: {env: K}}}\n";
    let entries: String = (0..300)
        .map(|index| format!("  a{index}: {{account: a, product: ssl_of_tomorrow}}\n"))
        .collect();
    let loaded = load_text(format!("{HEAD}{account}orders:\n{entries}")).unwrap();
    let told: Vec<String> = told(&loaded.warnings).collect();
    assert_eq!(told.len(), 101);
    let more = loaded.warnings.len() - 100;
    assert!(told[100].contains(&format!("{more} more")), "{}", told[100]);
}

#[test]
fn a_circle_of_twenty_thousand_entries_is_one_short_excerpt() {
    let account = "accounts: {a: {provider: certcentral, api_key: {env: K}}}\n";
    let count = 20_000;
    let entries: String = (0..count)
        .map(|index| {
            let next = (index + 1) % count;
            format!("  r{index}: {{account: a, order_id: {}, scope: order, reason: superseded, comments: x, after: [r{next}]}}\n", index + 1)
        })
        .collect();
    let problems = load_text(format!("{HEAD}{account}revocations:\n{entries}")).unwrap_err();
    assert_eq!(problems.len(), 1);
    let text = problems.render(Paint::Plain, 80);
    assert!(text.contains("by way of 19999 others"), "{text}");
    assert!(text.contains("of 19990 more that follow"), "{text}");
    assert!(text.lines().count() < 50, "{text}");
}

#[test]
fn a_manifest_on_one_line_names_columns() {
    let entries: Vec<String> = (0..3000)
        .map(|index| format!("\"a{index}\": {{\"produkt\": \"é\"}}"))
        .collect();
    let text = format!("{{\"version\": 1, \"orders\": {{{}}}}}", entries.join(", "));
    let lines = refused(text.clone());
    let last = text.rfind("produkt").map(|at| text[..at].chars().count());
    assert!(
        lines.contains(&format!("unknown_member 1:{}", last.unwrap())),
        "{:?}",
        lines.last()
    );
}
