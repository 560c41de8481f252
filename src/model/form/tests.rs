//! Shapes read from values that no file was parsed for: what is taken, what is told, what defaults fill.

use super::*;

shapes! {
    /// A box.
    struct Crate = sent {
        /// How many.
        count: Whole<1, 9> = required,
        /// What is inside.
        inside: Inside,
        /// Words on it.
        marks: List<Text<1, 5>>,
        /// Its own number.
        number: Id = own,
    }

    /// What is inside.
    struct Inside = sent {
        /// Its kind.
        kind: Sort,
        /// Its weight.
        weight: Whole<0, 100>,
    }
}

words! {
    /// Kinds of things.
    enum Sort {
        /// Fruit.
        Fruit = "fruit",
        /// Nuts.
        Nuts = "nuts",
    }
}

/// A file that holds `{ count: COUNT, inside: { kind: KIND }, ODD: 1 }`; places are those of this text.
fn document<'t>(text: &'t str) -> Document<'t> {
    let mut document = Document::new(text, 3);
    let at = |part: &str| {
        let start = text.find(part).unwrap();
        start..start + part.len()
    };
    let root = document.open_mapping(&(0..1));
    let key = |document: &mut Document<'t>, name: &str| {
        let node = document.add_text(&at(name), name);
        document.mark_key(node);
    };
    key(&mut document, "count");
    document.add_number(&at("12"), Number::Natural(12));
    key(&mut document, "inside");
    let inside = document.open_mapping(&at("{ kind"));
    key(&mut document, "kind");
    document.add_text(&at("fruti"), "fruti");
    document.close(inside, at("fruti }").end);
    key(&mut document, "number_");
    document.add_number(&at("7"), Number::Natural(7));
    document.close(root, text.len());
    document
}

const TEXT: &str = "{ count: 12, inside: { kind: fruti }, number_: 7 }";

#[test]
fn everything_that_is_wrong_is_told_at_once_and_reading_goes_on() {
    let document = document(TEXT);
    let mut problems = Vec::new();
    let mut reader = Reader::new("box", &mut problems);
    let read = Crate::read(document.root().unwrap(), &mut reader).unwrap();
    let told: Vec<(&str, &str)> = problems
        .iter()
        .map(|problem| (problem.code, problem.message.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("bad_value", "`count` is at most 9"),
            ("unknown_value", "`kind` cannot be `fruti`"),
            ("unknown_member", "`box` has no member `number_`"),
        ]
    );
    assert_eq!(problems[2].help.as_deref(), Some("did you mean `number`?"));
    // What is there and wrong is not missing, nor is what was meant by a mistyped key.
    assert!(matches!(read.count, Member::Refused(_)));
    assert!(matches!(read.number, Member::Refused(_)));
    assert!(read.inside.value().unwrap().kind.point().is_some());
    assert!(read.missing().is_empty());
    assert!(read.marks.is_absent());
}

#[test]
fn a_value_knows_its_key_and_its_place() {
    let document = document(TEXT);
    let root = document.root().unwrap();
    let (key, inside) = root.members().nth(1).unwrap();
    assert_eq!(key.text(), Some("inside"));
    assert_eq!(inside.key().map(Value::range), Some(key.range()));
    assert_eq!(&TEXT[inside.range()], "{ kind: fruti }");
    assert!(!inside.is_spread() && root.key().is_none());
    let (_, kind) = inside.members().next().unwrap();
    assert!(root.holds(kind.point()) && inside.holds(kind.point()));
    assert!(!inside.holds(inside.point()));
    assert_eq!(document.value(kind.point().node).text(), Some("fruti"));
    assert_eq!(kind.point().file, 3);
}

#[test]
fn defaults_fill_what_is_not_said_one_level_deep() {
    fn at<T>(value: T) -> At<T> {
        let point = Point { file: 0, node: 0 };
        At { value, point }
    }
    let mut own = Crate {
        inside: Member::Given(at(Inside {
            weight: Member::Given(at(Whole(5))),
            ..Inside::default()
        })),
        marks: Member::Refused(Point { file: 0, node: 9 }),
        ..Crate::default()
    };
    let defaults = Crate {
        count: Member::Given(at(Whole(2))),
        inside: Member::Given(at(Inside {
            kind: Member::Given(at(Sort::Nuts)),
            weight: Member::Given(at(Whole(50))),
            ..Inside::default()
        })),
        marks: Member::Given(at(List {
            elements: vec![at(Text("x".to_owned()))],
            is_refused: false,
        })),
        ..Crate::default()
    };
    own.take_defaults(&defaults);
    let json = serde_json::to_string(&own).unwrap();
    assert_eq!(json, r#"{"count":2,"inside":{"kind":"nuts","weight":5}}"#);
}

#[test]
fn the_schema_says_what_is_read() {
    let mut generator = schemars::SchemaGenerator::default();
    let schema = <Crate as schemars::JsonSchema>::json_schema(&mut generator).to_value();
    assert_eq!(schema["required"], serde_json::json!(["count"]));
    assert_eq!(schema["additionalProperties"], false);
    let count = serde_json::json!({
        "type": "integer", "minimum": 1, "maximum": 9, "description": "How many."
    });
    assert_eq!(schema["properties"]["count"], count);
    let marks = &schema["properties"]["marks"]["items"];
    assert_eq!(
        *marks,
        serde_json::json!({ "type": "string", "minLength": 1, "maxLength": 5 })
    );
    assert!(
        Crate::MEMBERS
            .iter()
            .any(|member| member.name == "number" && member.is_own())
    );
}
