//! Secrets masked in text from outside: a server, or a proxy before it, may echo the request's headers,
//! and what it says is shown and kept. Main type: [`Mask`].

mod decode;
mod needles;

use std::ops::Range;

use aho_corasick::AhoCorasick;

use super::Secret;
use decode::{Encoding, View};
use needles::Needle;

/// How many encodings around one another are undone: JSON in a query in HTML in JSON.
const LAYERS: usize = 3;

/// What must not be seen in text from outside, in whatever spelling it comes back.
///
/// A secret is found as it is and in other letter case; in base64 (both alphabets, at any place of a
/// longer text), in hex; and each of these through JSON escapes, percent-encoding and HTML entities,
/// also around one another. Its first 16 characters are enough: an answer may be cut off.
pub struct Mask {
    needles: Vec<Needle>,
    /// Finds the beginnings of `needles`, in their order. `None`: there is nothing to mask.
    beginnings: Option<AhoCorasick>,
}

impl Mask {
    /// Masks these secrets. One of fewer than eight characters is left alone: it would be found in
    /// innocent text.
    pub fn of(secrets: &[&Secret]) -> Self {
        let mut needles: Vec<Needle> = secrets
            .iter()
            .flat_map(|secret| needles::of(secret))
            .collect();
        let beginnings = AhoCorasick::new(needles.iter().map(Needle::beginning)).ok();
        if beginnings.is_none() {
            needles.clear();
        }
        Self {
            needles,
            beginnings,
        }
    }

    /// Writes `*` over every secret in the text; its length stays.
    pub fn cover(&self, text: &mut [u8]) {
        let Some(beginnings) = self
            .beginnings
            .as_ref()
            .filter(|_| !self.needles.is_empty())
        else {
            return;
        };
        let mut found = Vec::new();
        self.search(beginnings, &View::of(text), LAYERS, &mut found);
        for range in found {
            if let Some(covered) = text.get_mut(range) {
                covered.fill(b'*');
            }
        }
    }

    /// Looks for the secrets in the text as it is, and with each encoding undone, so many deep.
    fn search(
        &self,
        beginnings: &AhoCorasick,
        view: &View<'_>,
        layers: usize,
        found: &mut Vec<Range<usize>>,
    ) {
        let folded = view.folded();
        for start in beginnings.find_overlapping_iter(folded.bytes()) {
            if let Some(needle) = self.needles.get(start.pattern().as_usize()) {
                let end = needle.end(folded.bytes(), start.start());
                found.extend(folded.range(start.start(), end));
            }
        }
        drop(folded);
        let Some(layers) = layers.checked_sub(1) else {
            return;
        };
        for encoding in Encoding::ALL {
            if let Some(inner) = view.decoded(encoding) {
                self.search(beginnings, &inner, layers, found);
            }
        }
    }

    /// The same for text that is one string.
    pub fn covered(&self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        self.cover(&mut bytes);
        // Whole characters are covered, so the rest is as it was.
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
