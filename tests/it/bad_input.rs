//! Wrong input of every kind: a message that names the place, the documented exit code, nothing sent.

mod answers;
mod command_line;
mod keys;
mod manifests;
mod saved_plans;
mod states;

use crate::rig::{Ended, Rig};

/// The exit codes of the contract, section 3.
const FAILED: i32 = 1;
const UNKNOWN: i32 = 3;
const HELD: i32 = 4;
const REFUSED: i32 = 5;
const USAGE: i32 = 64;

/// What must hold of every command, however wrong its input: an exit code of its own and no panic.
#[track_caller]
fn sound(ended: &Ended, what: &str) {
    assert!(ended.code.is_some(), "{what}: killed: {ended:?}");
    for text in [&ended.stdout, &ended.stderr] {
        assert!(!text.contains("panicked"), "{what}: {text}");
    }
}

/// Runs a command that must be refused with this code, say all of this on standard error, and change
/// nothing at a CA.
#[track_caller]
fn refused(rig: &Rig, args: &[&str], code: i32, said: &[&str]) -> Ended {
    let before = rig.changes().len();
    let ended = rig.certplan(args);
    let what = args.join(" ");
    sound(&ended, &what);
    let ended = ended.expect(code);
    // A long line is wrapped for the reader.
    let flat = flat(&ended.stderr);
    for phrase in said {
        assert!(
            flat.contains(phrase),
            "{what}: {phrase:?} is not in\n{}",
            ended.stderr
        );
    }
    assert_eq!(rig.changes().len(), before, "{what} sent a change");
    ended
}

/// Standard error without its line breaks and frames.
fn flat(text: &str) -> String {
    let words: Vec<&str> = text
        .split_whitespace()
        .filter(|word| !matches!(*word, "│" | "·" | "|"))
        .collect();
    words.join(" ")
}

/// True when a terminal would do more with the text than show it. Colours do not count.
pub(crate) fn steers(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    }) {
        // `ESC [ digits ; digits m` is a colour.
        let colour = rest[at..].strip_prefix("\u{1b}[").and_then(|code| {
            code.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';')
                .strip_prefix('m')
        });
        match colour {
            Some(after) => rest = after,
            None => return true,
        }
    }
    false
}
