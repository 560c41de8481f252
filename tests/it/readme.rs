//! The README is held to what the program does: its manifests are valid, its commands exist, its tour
//! ends as told, its links lead somewhere.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::examples::{commands, copy, parses};
use crate::rig::Rig;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    std::fs::read_to_string(root().join("README.md")).expect("the README")
}

fn recipes() -> String {
    std::fs::read_to_string(root().join("docs/recipes.md")).expect("the recipes")
}

/// The fenced blocks of one language in the README.
fn blocks(language: &str) -> Vec<String> {
    blocks_of(&readme(), language)
}

fn blocks_of(text: &str, language: &str) -> Vec<String> {
    let open = format!("```{language}");
    let mut found = Vec::new();
    let mut block: Option<String> = None;
    for line in text.lines() {
        if line == "```" {
            found.extend(block.take());
        } else if let Some(block) = &mut block {
            block.push_str(line);
            block.push('\n');
        } else if line == open {
            block = Some(String::new());
        }
    }
    found
}

/// Everything but the fenced blocks.
fn prose(text: &str) -> String {
    let parts: Vec<&str> = text.split("```").step_by(2).collect();
    parts.concat()
}

#[test]
fn every_manifest_and_every_policy_in_the_readme_is_valid() {
    let rig = Rig::new();
    copy("first-order", rig.folder());
    let (mut manifests, mut policies) = (0, 0);
    for block in blocks("yaml") {
        if block.starts_with("# policy.yaml") {
            rig.write("policy.yaml", &block);
            rig.certplan(&["plan", "--offline", "--policy", "policy.yaml"])
                .expect(0);
            policies += 1;
        } else {
            rig.write("from-readme.yaml", &block);
            rig.certplan(&["validate", "-f", "from-readme.yaml"])
                .expect(0);
            manifests += 1;
        }
    }
    assert_eq!((manifests, policies), (1, 1));
}

#[test]
fn every_command_in_the_readme_exists() {
    let seen = parse_commands("README.md", &readme());
    assert!(seen >= 15, "only {seen} commands were found");
}

#[test]
fn every_manifest_command_and_link_of_the_recipes_is_right() {
    let (rig, text) = (Rig::new(), recipes());
    let manifests = blocks_of(&text, "yaml");
    assert_eq!(manifests.len(), 2);
    for manifest in manifests {
        rig.write("certplan.yaml", &manifest);
        rig.certplan(&["validate"]).expect(0);
    }
    let seen = parse_commands("docs/recipes.md", &text);
    assert!(seen >= 4, "only {seen} commands were found");
    for rest in text.split("](").skip(1) {
        let target = rest.split(')').next().expect("a target");
        assert!(root().join("docs").join(target).exists(), "{target}");
    }
}

/// Holds each command in a page against the parser of the real binary; how many there are.
fn parse_commands(page: &str, text: &str) -> usize {
    let mut seen = 0;
    for block in blocks_of(text, "sh") {
        for line in block.lines() {
            for command in commands(line) {
                parses(page, &command);
                seen += 1;
            }
        }
    }
    // Commands in the text, between backticks.
    for text in prose(text).split('`').skip(1).step_by(2) {
        let words: Vec<&str> = text.split_whitespace().collect();
        let is_command = words.len() > 1 && words[0] == "certplan";
        if !is_command || words.iter().any(|word| is_placeholder(word)) {
            continue;
        }
        for command in commands(text) {
            parses(page, &command);
            seen += 1;
        }
    }
    seen
}

fn is_placeholder(word: &str) -> bool {
    ["ADDRESS", "DIGEST", "ID"].contains(&word) || word.contains("NAME")
}

#[test]
fn the_tour_ends_as_the_readme_tells_it() {
    let rig = Rig::new();
    copy("replace-then-revoke", rig.folder());
    let tour = blocks("sh").into_iter();
    let tour = tour
        .filter(|block| block.contains("/sandbox/seed"))
        .collect::<Vec<_>>();
    let [tour] = tour.as_slice() else {
        panic!("the README has one tour, not {}", tour.len());
    };
    let mut last = String::new();
    for line in tour.lines() {
        if let Some(asked) = line.strip_prefix("curl -s http://127.0.0.1:8443/sandbox/") {
            let (endpoint, body) = asked.split_once(" -d ").expect("a body");
            let body = match body.strip_prefix('@') {
                Some(file) => std::fs::read_to_string(rig.path(file)).expect(file),
                None => body.trim_matches('\'').to_owned(),
            };
            rig.tell(endpoint, serde_json::from_str(&body).expect("JSON"));
        } else if line.starts_with("certplan ") {
            let args: Vec<&str> = line.split_whitespace().skip(1).collect();
            last = rig.certplan(&args).expect(0).stdout;
        } else {
            let set_up = line.starts_with("export ") || line.starts_with("cd examples/");
            assert!(set_up, "this test does not know how to do `{line}`");
        }
    }
    // The status that the README shows, but for dates.
    for (address, state, order) in [
        ("orders.shop", "issued", "70000002"),
        ("revocations.old-shop", "revoked", "70000001"),
    ] {
        let row = |text: &str| {
            text.lines()
                .map(|line| line.split_whitespace().map(str::to_owned).collect())
                .find(|words: &Vec<String>| words.first().is_some_and(|word| word == address))
        };
        let told = row(&readme()).expect("the README shows the status");
        let seen = row(&last).expect("the status shows it");
        assert_eq!(seen[..3], told[..3]);
        assert_eq!(seen[..3], [address, state, order]);
    }
    assert_eq!(rig.effects("order_created").len(), 1);
}

#[test]
fn every_link_in_the_readme_leads_somewhere() {
    let text = readme();
    let headings: Vec<String> = text
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| anchor(line.trim_start_matches('#').trim()))
        .collect();
    let mut links = 0;
    for rest in text.split("](").skip(1) {
        let target = rest.split(')').next().expect("a target");
        links += 1;
        if let Some(heading) = target.strip_prefix('#') {
            assert!(headings.iter().any(|known| known == heading), "{target}");
        } else {
            assert!(Path::new(&root()).join(target).exists(), "{target}");
        }
    }
    assert!(links > 10, "only {links} links");
}

/// A heading as GitHub makes it an anchor.
fn anchor(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[test]
fn the_readme_and_the_ci_script_name_the_same_test_command() {
    let script = std::fs::read_to_string(root().join(".ci/run")).expect("the script");
    let commands: Vec<String> = blocks("sh")
        .into_iter()
        .filter(|block| block.starts_with("cargo test"))
        .collect();
    let [command] = commands.as_slice() else {
        panic!("the README names one test command: {commands:?}");
    };
    let line = format!("test_command=\"{}\"", command.trim());
    assert!(script.lines().any(|known| known == line), "{line}");
}

#[test]
fn the_reference_names_every_member_of_the_schema() {
    let schema = std::fs::read_to_string(root().join("schemas/manifest.schema.json"));
    let schema: Value = serde_json::from_str(&schema.expect("the schema")).expect("JSON");
    let text = readme();
    let mut missing = Vec::new();
    for definition in [
        "Account",
        "Policy",
        "Order",
        "Certificate",
        "Files",
        "Key",
        "Revocation",
        "Doubt",
    ] {
        let members = schema["$defs"][definition]["properties"].as_object();
        for member in members.unwrap_or_else(|| panic!("no {definition}")).keys() {
            let forms = [
                format!("`{member}`"),
                format!(".{member}`"),
                format!("`{member}: "),
                format!("`{member}."),
            ];
            if !forms.iter().any(|form| text.contains(form)) {
                missing.push(format!("{definition}.{member}"));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}
