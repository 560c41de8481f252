//! A strict reader of Prometheus' text format, as the textfile collector takes it. Main type: [`Page`].

use std::collections::{BTreeMap, BTreeSet};

/// The labels of a sample.
pub(super) type Labels = BTreeMap<String, String>;

/// A metrics file. Reading it fails the test when anything is not as the format wants it.
#[derive(Debug)]
pub(super) struct Page {
    samples: Vec<(String, Labels, f64)>,
}

impl Page {
    #[track_caller]
    pub(super) fn read(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line has no end: {text:?}");
        let mut samples: Vec<(String, Labels, f64)> = Vec::new();
        let mut families: BTreeMap<String, String> = BTreeMap::new();
        let mut family = String::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect("a help text");
                assert!(!help.is_empty() && is_name(name), "{line}");
                let kind = lines.next().and_then(|line| line.strip_prefix("# TYPE "));
                let (typed, kind) = kind.and_then(|rest| rest.split_once(' ')).expect("a type");
                assert_eq!(typed, name, "{line}");
                assert!(["gauge", "histogram"].contains(&kind), "{kind}");
                let before = families.insert(name.to_owned(), kind.to_owned());
                assert!(before.is_none(), "{name} stands twice");
                family = name.to_owned();
                continue;
            }
            let (name, labels, value) = sample(line);
            let parts: &[&str] = match families.get(&family).map(String::as_str) {
                Some("histogram") => &["_bucket", "_sum", "_count"],
                _ => &[""],
            };
            assert!(
                parts.iter().any(|part| name == format!("{family}{part}")),
                "{name} stands below {family}"
            );
            samples.push((name, labels, value));
        }
        let keys: BTreeSet<(&String, &Labels)> = samples
            .iter()
            .map(|(name, labels, _)| (name, labels))
            .collect();
        assert_eq!(keys.len(), samples.len(), "a series stands twice");
        let page = Self { samples };
        for (name, kind) in &families {
            let some = page
                .samples
                .iter()
                .any(|(sample, _, _)| sample.starts_with(name));
            assert!(some, "{name} has no sample");
            if kind == "histogram" {
                page.check_histogram(name);
            }
        }
        page
    }

    /// Buckets grow, and the last one counts everything.
    #[track_caller]
    fn check_histogram(&self, family: &str) {
        let mut buckets: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
        for (labels, value) in self.of(&format!("{family}_bucket")) {
            let mut rest = labels.clone();
            let bound = rest.remove("le").expect("a bound");
            buckets
                .entry(rest)
                .or_default()
                .push((number(&bound), value));
        }
        for (labels, buckets) in buckets {
            assert!(
                buckets.is_sorted_by(|one, next| one.0 < next.0 && one.1 <= next.1),
                "{buckets:?}"
            );
            let (bound, all) = buckets[buckets.len() - 1];
            assert!(bound.is_infinite(), "{buckets:?}");
            let mut counts = self.of(&format!("{family}_count"));
            let count = counts.find(|(other, _)| **other == labels);
            assert_eq!(count.map(|(_, count)| count), Some(all));
        }
    }

    /// Every sample of a name.
    pub(super) fn of(&self, name: &str) -> impl Iterator<Item = (&Labels, f64)> + use<'_> {
        let wanted = name.to_owned();
        self.samples
            .iter()
            .filter(move |(name, _, _)| *name == wanted)
            .map(|(_, labels, value)| (labels, *value))
    }

    /// The one sample that has these labels, among others.
    #[track_caller]
    pub(super) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let found: Vec<f64> = self
            .of(name)
            .filter(|(all, _)| {
                let has = |(name, value): &(&str, &str)| all.get(*name).is_some_and(|v| v == value);
                labels.iter().all(has)
            })
            .map(|(_, value)| value)
            .collect();
        assert_eq!(found.len(), 1, "{name} {labels:?} in {:#?}", self.samples);
        found[0]
    }

    /// True when no sample has the name.
    pub(super) fn lacks(&self, name: &str) -> bool {
        self.of(name).next().is_none()
    }

    /// The labels that every sample carries.
    #[track_caller]
    pub(super) fn identity(&self) -> (String, String) {
        let all: BTreeSet<(String, String)> = self
            .samples
            .iter()
            .map(|(_, labels, _)| (labels["command"].clone(), labels["manifest"].clone()))
            .collect();
        assert_eq!(all.len(), 1, "{all:?}");
        all.into_iter().next().expect("one")
    }
}

fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    let starts = bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    starts && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[track_caller]
fn number(text: &str) -> f64 {
    match text {
        "+Inf" => f64::INFINITY,
        text => {
            let plain = |c: char| c.is_ascii_digit() || "+-.e".contains(c);
            assert!(text.chars().all(plain), "{text} is no number");
            text.parse().expect("a number")
        }
    }
}

/// `name{a="x"} 1`, without a time.
#[track_caller]
fn sample(line: &str) -> (String, Labels, f64) {
    let (name, mut rest) = line.split_once('{').expect("labels");
    assert!(is_name(name), "{line}");
    let mut labels = Labels::new();
    loop {
        let (label, after) = rest.split_once("=\"").expect("a label");
        assert!(is_name(label), "{line}");
        let mut value = String::new();
        let mut chars = after.char_indices();
        let end = loop {
            match chars.next().expect("a closing quote") {
                (at, '"') => break at,
                (_, '\\') => value.push(match chars.next().map(|(_, c)| c) {
                    Some('n') => '\n',
                    Some(c @ ('\\' | '"')) => c,
                    other => panic!("the escape {other:?} in {line}"),
                }),
                (_, c) => value.push(c),
            }
        };
        let before = labels.insert(label.to_owned(), value);
        assert!(before.is_none(), "{label} twice in {line}");
        rest = &after[end + 1..];
        match rest.split_at_checked(1).expect("a closing brace") {
            (",", next) => rest = next,
            ("}", next) => {
                let value = next.strip_prefix(' ').expect("a space");
                return (name.to_owned(), labels, number(value));
            }
            _ => panic!("after a label: {line}"),
        }
    }
}

#[test]
fn the_reader_sees_what_is_wrong() {
    let good = "# HELP a b\n# TYPE a gauge\na{command=\"x\",manifest=\"\\\\ \\\" \\n\"} 1.5\n";
    let page = Page::read(good);
    assert_eq!(page.identity(), ("x".to_owned(), "\\ \" \n".to_owned()));
    for (from, to) in [
        ("1.5\n", "1.5"),
        ("1.5", "1.5 1700000000"),
        ("1.5", "NaN"),
        ("a{", "b{"),
        ("gauge", "gauge\n# HELP a b\n# TYPE a gauge"),
        ("\\n", "\\t"),
        ("a{command", "a{le=\"1\",le"),
        ("# TYPE a gauge\n", ""),
        (
            "} 1.5\n",
            "} 1.5\na{command=\"x\",manifest=\"\\\\ \\\" \\n\"} 2\n",
        ),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good);
        let read = std::panic::catch_unwind(|| Page::read(&bad));
        assert!(read.is_err(), "taken: {bad}");
    }
}
