//! Where problems are said to be: in characters, whatever stands before them.

use proptest::prelude::*;

use super::{load_text, short};
use crate::manifest::Paint;

/// A text, and the problems of an entry in it as they stand in the text.
#[track_caller]
fn places(text: &str, expected: &[&str]) {
    let problems = load_text(text).unwrap_err();
    let found = short(&problems);
    let found: Vec<&str> = found
        .iter()
        .map(String::as_str)
        .filter(|found| !found.starts_with("missing_member"))
        .collect();
    assert_eq!(found, expected, "{text}");
}

/// What the first label of the first problem with this code points at.
fn pointed(text: &str, code: &str) -> String {
    let problems = load_text(text).unwrap_err();
    let problem = problems.iter().find(|problem| problem.code == code);
    text[problem.unwrap().labels[0].span()].to_owned()
}

#[test]
fn characters_of_more_than_one_byte_are_one_column() {
    places(
        "version: 1 # é日😀\norders:\n  \"ä\": {}\n  a: {comments: '日本', produkt: ö} # ü\n  b: {comments: 😀, generation: 0}\n",
        &["bad_name 3:3", "unknown_member 4:23", "bad_value 5:32"],
    );
}

#[test]
fn a_place_is_right_behind_every_kind_of_line_break() {
    for nl in ["\n", "\r\n"] {
        let text = "version: 1\norders:\n  a:\n    comments: |\n      é\n      y\n    generation: 0\n  b: {produkt: x}\n";
        places(
            &text.replace('\n', nl),
            &["bad_value 7:17", "unknown_member 8:7"],
        );
    }
}

#[test]
fn anchors_and_tags_are_not_part_of_a_value() {
    places(
        "version: 1\norders:\n  a: &é\n    generation: &g 0\n    after: &l [*g]\n  b: &k {generation: &z -1}\n",
        &["bad_value 4:20", "wrong_type 5:16", "bad_value 6:25"],
    );
    for (text, tag) in [
        ("a: !!int {}", "!!int"),
        ("a: &k !mine {}", "!mine"),
        ("a: !mine &k {}", "!mine"),
        ("a: !<tag:yaml.org,2002:map> {}", "!<tag:yaml.org,2002:map>"),
        ("!é a: {}", "!é"),
        ("a: {product: !x , generation: 1}", "!x"),
        ("a: {after: [!x ]}", "!x"),
        ("a: &k # &no !no\n   !mine\n   {}", "!mine"),
        ("a: !mine", "!mine"),
    ] {
        let text = format!("# é\nversion: 1\norders:\n  {text}\n");
        if tag.is_ascii() {
            assert_eq!(pointed(&text, "tag"), tag, "{text}");
        } else {
            // No tag has such a character.
            assert_eq!(pointed(&text, "syntax"), "!", "{text}");
        }
    }
}

#[test]
fn a_value_in_brackets_ends_at_its_bracket() {
    let text = "version: 1\norders:\n  b: [ é ]   # another\n";
    assert_eq!(pointed(text, "wrong_type"), "[ é ]");
    let text = "{\"version\": 1, \"orders\": {\"é\": {}, \"b\": [ 1 ]  , \"c\": {}}}";
    assert_eq!(pointed(text, "wrong_type"), "[ 1 ]");
}

#[test]
fn what_is_not_there_is_pointed_at_where_it_should_be() {
    places(
        "version: 1\norders:\n  a:\n    after:\n    -\n    - x\n  b:\n    product:\n    comments: \n",
        &[
            "wrong_type 5:6",
            "unknown_name 6:7",
            "wrong_type 8:5",
            "wrong_type 9:5",
        ],
    );
}

#[test]
fn a_bracket_that_is_not_closed_is_shown_where_it_was_opened() {
    for (text, place, message) in [
        ("orders: {a: {", "2:13", "`{` is not closed"),
        ("orders: {a: [x}", "2:13", "`[` is closed by `}`"),
        ("orders: {a: ]", "2:9", "`{` is closed by `]`"),
    ] {
        let problems = load_text(format!("version: 1\n{text}")).unwrap_err();
        assert_eq!(short(&problems), [format!("syntax {place}")], "{text}");
        let shown = problems.render(Paint::Plain, 80);
        assert!(shown.contains(message), "{shown}");
    }
}

#[test]
fn what_stands_before_a_fault_of_the_text_is_told_also_in_json() {
    places(
        "{\"version\": 2,\n\"ordres\": {},\n\"orders\": {\"a\": \"é}}\n",
        &["version 1:13", "unknown_member 2:1", "syntax 3:17"],
    );
    places(
        "version: 2\nordres: {}\n# \u{1}\n",
        &["version 1:10", "unknown_member 2:1", "syntax 3:3"],
    );
}

#[test]
fn a_directive_that_yaml_does_not_have_is_refused_at_its_line() {
    places("# é\n%YAML 1.2\n%é ö\n---\nversion: 2\n", &["syntax 3:1"]);
    places("%YAML 1.2\n---\nversion: 2\n", &["version 3:10"]);
}

/// What may stand before an entry.
fn before() -> impl Strategy<Value = String> {
    let lines = [
        "  # é日😀",
        "",
        "  ",
        "  a: {}",
        "  é: x",
        "  b: [é, {ü: 日}] # x",
        "  c: |\n    é\n\n    y",
        "  d: >-\n    ö\n    😀",
        "  e: \"\\u00e9 日\n    z\"",
        "  f: &x [1, # é\n    2]",
        "  ? g\n  : 1",
        "  h:",
        "  i:\n  - é\n  -\n  - *y",
        "  j: &y ü",
    ];
    prop::collection::vec(prop::sample::select(lines.to_vec()), 0..12)
        .prop_map(|lines| lines.iter().map(|line| format!("{line}\n")).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_place_is_right_whatever_stands_before_it(before in before(), crlf: bool) {
        let text = format!("version: 1\nrevocations:\n  j: &y 1\n{before}  last: {{é: '日', produkt: 1}}\n");
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        let problems = load_text(text.clone()).unwrap_err();
        // Without an anchor in sight the text is at fault, and nothing behind it is looked at.
        prop_assume!(!problems.iter().any(|problem| problem.code == "syntax"));
        let line = text.matches('\n').count();
        let found = short(&problems);
        prop_assert!(found.contains(&format!("unknown_member {line}:18")), "{found:?}\n{text}");
    }
}
