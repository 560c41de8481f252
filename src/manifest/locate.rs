//! The second pass, only over files with problems: where the members stand that problems speak of, and
//! which ranges must not be shown.
//!
//! The paths wanted form a tree; the events are walked once beside it, and what nothing asks for is
//! passed over.

use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{Event, ScalarStyle};

use super::credential::{
    CREDENTIALS, is_plain_member, is_secret_path, is_variable_name, mask_unparsed,
};
use super::error::{Part, Spot};
use super::events::{events, first_line, range};

/// The paths that are asked for in one file.
#[derive(Default)]
pub(super) struct Wanted {
    nodes: Vec<Node>,
    is_asked: bool,
}

#[derive(Default)]
struct Node {
    children: HashMap<Box<str>, usize>,
    key: Option<Range<usize>>,
    value: Option<Range<usize>>,
}

impl Wanted {
    /// Asks each file for the places of a spot, its alternatives included.
    pub(super) fn ask(files: &mut [Self], spot: &Spot) {
        let (Spot::Bytes { file, .. } | Spot::Member { file, .. }) = spot;
        if let Some(wanted) = files.get_mut(*file) {
            wanted.is_asked = true;
            if let Spot::Member { path, .. } = spot {
                wanted.node(path);
            }
        }
        if let Spot::Member { or: Some(or), .. } = spot {
            Self::ask(files, or);
        }
    }

    /// Whether a problem points into this file.
    pub(super) fn is_asked(&self) -> bool {
        self.is_asked
    }

    fn node(&mut self, path: &[String]) {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let mut at = 0;
        for key in path {
            let next = self.nodes.len();
            let known = self
                .nodes
                .get_mut(at)
                .map(|node| *node.children.entry(key.as_str().into()).or_insert(next));
            at = known.unwrap_or(next);
            if at == next {
                self.nodes.push(Node::default());
            }
        }
    }

    fn child(&self, node: Option<usize>, key: &str) -> Option<usize> {
        self.nodes.get(node?)?.children.get(key).copied()
    }

    /// The range of a member, if the file has it.
    pub(super) fn range(&self, path: &[String], part: Part) -> Option<Range<usize>> {
        let mut at = 0;
        for key in path {
            at = self.child(Some(at), key)?;
        }
        let node = self.nodes.get(at)?;
        match part {
            Part::Key => node.key.clone().or_else(|| node.value.clone()),
            Part::Value => node
                .value
                .clone()
                .filter(|range| !range.is_empty())
                .or_else(|| node.key.clone()),
        }
    }
}

/// How near an open collection is to a credential.
#[derive(Clone, Copy, PartialEq)]
enum Near {
    /// The document's root.
    Root,
    /// The mapping `accounts`.
    Accounts,
    /// One account.
    Account,
    /// A member of an account that is not known to be harmless.
    Secret,
    /// Anything else.
    Nothing,
}

struct Open {
    node: Option<usize>,
    near: Near,
    start: usize,
    anchor: usize,
    /// Of a mapping: the key whose value is next.
    key: Option<String>,
    /// Of a list: the index of the next value.
    index: Option<usize>,
    expects_key: bool,
    /// Of a credential's mapping: whether what was seen is a reference to a secret, not the secret.
    is_reference: bool,
    members: usize,
}

/// Walks a text: fills the places in, returns what must be masked.
pub(super) fn locate(text: &str, wanted: &mut Wanted) -> Vec<Range<usize>> {
    let mut masked: Vec<Range<usize>> = Vec::new();
    let mut anchors: HashMap<usize, Range<usize>> = HashMap::new();
    let mut aliased: Vec<usize> = Vec::new();
    let mut stack: Vec<Open> = Vec::new();
    let root = (!wanted.nodes.is_empty()).then_some(0);
    for next in events(text) {
        let Ok((event, span)) = next else {
            masked.extend(mask_unparsed(text));
            // What was open may hold a credential.
            if let Some(open) = stack.iter().find(|open| open.near == Near::Secret) {
                masked.push(open.start..text.len());
            }
            break;
        };
        let at = range(&span, text);
        match event {
            Event::DocumentStart(..) if !stack.is_empty() => break,
            Event::MappingEnd | Event::SequenceEnd => {
                let Some(open) = stack.pop() else { break };
                let whole = open.start..at.end.max(open.start);
                if open.anchor != 0 {
                    anchors.insert(open.anchor, whole.clone());
                }
                if open.near == Near::Secret && !(open.is_reference && open.members == 1) {
                    masked.push(whole);
                }
                if stack.is_empty() {
                    break;
                }
                value_done(&mut stack);
            }
            Event::Scalar(value, style, anchor, _) => {
                if anchor != 0 {
                    anchors.insert(anchor, at.clone());
                }
                let expects_key = stack.last().is_some_and(|open| open.expects_key);
                if expects_key {
                    if let Some(open) = stack.last_mut() {
                        open.expects_key = false;
                        let node = wanted.child(open.node, &value);
                        if let Some(node) = node.and_then(|node| wanted.nodes.get_mut(node)) {
                            // Of a key that is given twice the first one counts.
                            node.key.get_or_insert(at);
                        }
                        open.key = Some(value.into_owned());
                    }
                    continue;
                }
                let empty = style == ScalarStyle::Plain && at.is_empty();
                let (node, near) = place(&stack, wanted, root);
                if let Some(node) = node.and_then(|node| wanted.nodes.get_mut(node)) {
                    node.value.get_or_insert(first_line(text, at.clone()));
                }
                match near {
                    Near::Accounts | Near::Account | Near::Secret if !empty => {
                        match reference(&mut stack, &value) {
                            Some(true) => {}
                            Some(false) | None => masked.push(at),
                        }
                    }
                    _ => {}
                }
                value_done(&mut stack);
            }
            Event::Alias(id) => {
                let (node, near) = place(&stack, wanted, root);
                if let Some(node) = node.and_then(|node| wanted.nodes.get_mut(node)) {
                    node.value.get_or_insert(at.clone());
                }
                if near != Near::Nothing && near != Near::Root {
                    aliased.push(id);
                }
                match stack.last_mut() {
                    Some(open) if open.expects_key => open.expects_key = false,
                    _ => value_done(&mut stack),
                }
            }
            Event::MappingStart(_, anchor, _) | Event::SequenceStart(_, anchor, _) => {
                let is_list = matches!(event, Event::SequenceStart(..));
                let (node, near) = place(&stack, wanted, root);
                if let Some(node) = node.and_then(|node| wanted.nodes.get_mut(node)) {
                    // A flow collection on one line is pointed at from its bracket; of a block
                    // collection only the key is.
                    let flow = matches!(text.as_bytes().get(at.start), Some(b'{' | b'['));
                    let end = if flow {
                        at.end.max(at.start + 1)
                    } else {
                        at.start
                    };
                    node.value.get_or_insert(at.start..end.min(text.len()));
                }
                if let Some(parent) = stack.last_mut().filter(|open| open.near == Near::Secret) {
                    parent.is_reference = false;
                }
                let near = match near {
                    Near::Account if is_list => Near::Secret,
                    Near::Accounts if is_list => Near::Secret,
                    other => other,
                };
                stack.push(Open {
                    node,
                    near,
                    start: at.start,
                    anchor,
                    key: None,
                    index: is_list.then_some(0),
                    expects_key: !is_list,
                    is_reference: !is_list,
                    members: 0,
                });
            }
            _ => {}
        }
    }
    masked.extend(aliased.iter().filter_map(|id| anchors.get(id).cloned()));
    masked
}

/// Where the next value stands: its node, and how near to a credential it is.
fn place(stack: &[Open], wanted: &Wanted, root: Option<usize>) -> (Option<usize>, Near) {
    let Some(open) = stack.last() else {
        return (root, Near::Root);
    };
    let key = open.key.as_deref().unwrap_or_default();
    let node = match open.index {
        Some(index) => wanted.child(open.node, &index.to_string()),
        None => wanted.child(open.node, key),
    };
    let near = match open.near {
        Near::Root if key == "accounts" => Near::Accounts,
        Near::Accounts => Near::Account,
        Near::Account if is_plain_member(key) => Near::Nothing,
        Near::Account | Near::Secret => Near::Secret,
        // Under a misspelt `accounts` it is a credential all the same.
        Near::Root | Near::Nothing if CREDENTIALS.contains(&key) => Near::Secret,
        Near::Root | Near::Nothing => Near::Nothing,
    };
    (node, near)
}

/// Whether a scalar in a credential's mapping is a reference to a secret; nothing if it stands elsewhere.
fn reference(stack: &mut [Open], value: &str) -> Option<bool> {
    let depth = stack.len();
    let account_member = stack
        .get(depth.checked_sub(2)?)
        .and_then(|open| open.key.clone());
    let open = stack.last_mut().filter(|open| open.near == Near::Secret)?;
    open.members += 1;
    let is_reference = account_member.is_some_and(|name| CREDENTIALS.contains(&name.as_str()))
        && match open.key.as_deref() {
            Some("env") => is_variable_name(value),
            Some("file") => is_secret_path(value),
            _ => false,
        };
    open.is_reference &= is_reference;
    Some(is_reference)
}

fn value_done(stack: &mut [Open]) {
    if let Some(open) = stack.last_mut() {
        match &mut open.index {
            Some(index) => *index += 1,
            None => {
                open.key = None;
                open.expects_key = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        for range in locate(text, &mut Wanted::default()) {
            bytes[range].fill(b'*');
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn members_are_found_by_their_path() {
        let text = "a:\n  - {b: 1}\n  - c: two\nd: [x, y]\n";
        let mut wanted = Wanted::default();
        let path = |keys: &[&str]| keys.iter().map(|&key| key.to_owned()).collect::<Vec<_>>();
        for keys in [&["a", "1", "c"][..], &["d", "1"], &["a"], &["none"]] {
            wanted.node(&path(keys));
        }
        locate(text, &mut wanted);
        let slice = |keys: &[&str], part| wanted.range(&path(keys), part).map(|range| &text[range]);
        assert_eq!(slice(&["a", "1", "c"], Part::Value), Some("two"));
        assert_eq!(slice(&["a", "1", "c"], Part::Key), Some("c"));
        assert_eq!(slice(&["d", "1"], Part::Value), Some("y"));
        assert_eq!(slice(&["a"], Part::Value), Some("a"));
        assert_eq!(slice(&["none"], Part::Key), None);
    }

    #[test]
    fn whatever_stands_for_a_credential_is_masked() {
        for text in [
            "accounts:\n  a:\n    api_key: SECRET\n",
            "accounts: {a: {api_key: {env: [SECRET]}}}",
            "accounts:\n  a:\n    api_key:\n      - SECRET\n",
            "accounts:\n  a:\n    api_key: {SECRET: }\n",
            "accounts:\n  a:\n    api_key: {env: NAME, value: SECRET}\n",
            "accounts:\n  a:\n    api_key: |\n      SECRET\n      SECRET\n",
            "accounts:\n  a:\n    api_kye: SECRET\n",
            "accounts:\n  a: SECRET\n",
            "acounts: {a: {api_key: SECRET}}\n",
            "secret_key: SECRET\n",
            "x: &k SECRET\naccounts:\n  a:\n    api_key: *k\n",
            "accounts:\n  a:\n    api_key: \"SECRET\n",
            "accounts:\n  a:\n    api_key: {env: \"SECRET WITH BLANKS\"}\n",
            "accounts:\n  a:\n    api_key: {pem: {x: SECRET}}\n",
            "accounts:\n  a:\n    api_key: [{x: SECRET}\n",
        ] {
            let shown = masked(text);
            assert!(!shown.contains("SECRET"), "{text}\n{shown}");
        }
    }

    #[test]
    fn references_and_harmless_members_stay() {
        let text = "accounts:\n  a:\n    provider: certcentral\n    api_key: { env: DIGICERT_API_KEY }\n    secret_key:\n      file: /run/secrets/x\n    rate_limits:\n      - { requests: 100, per: 5s }\norders: {}\n";
        assert_eq!(masked(text), text);
    }
}
