//! The spellings of a secret that are searched for: [`Needle`].

use data_encoding::{BASE64_NOPAD, HEXLOWER};

use super::decode::fold;
use crate::model::Secret;

/// A shorter secret would be found in innocent text, and masking it would spoil every answer.
const SHORTEST: usize = 8;
/// So many characters of a secret's beginning are masked even where the rest is missing.
const BEGINNING: usize = 16;

/// One spelling of a secret, folded as the text is folded.
pub(super) struct Needle {
    spelling: Secret,
    /// How much of it must be there.
    least: usize,
    /// Whether the next character may hold bits of the secret, too.
    shares: bool,
}

impl Needle {
    /// `None` where too little is left to search for.
    fn new(spelling: &str, least: usize, shares: bool) -> Option<Self> {
        let spelling: String = fold(spelling.as_bytes()).map(char::from).collect();
        let least = least.min(spelling.len());
        (least >= SHORTEST).then(|| Self {
            spelling: Secret::new(spelling),
            least,
            shares,
        })
    }

    /// What is searched for.
    pub(super) fn beginning(&self) -> &[u8] {
        let bytes = self.spelling.expose().as_bytes();
        bytes.get(..self.least).unwrap_or(bytes)
    }

    /// Where the secret ends in `text` when its beginning stands at `start`.
    pub(super) fn end(&self, text: &[u8], start: usize) -> usize {
        let rest = text.get(start..).unwrap_or_default();
        let spelling = self.spelling.expose().as_bytes();
        let same = rest.iter().zip(spelling).take_while(|(a, b)| a == b);
        let same = same.count();
        let next = rest.get(same).filter(|_| self.shares);
        let shared =
            next.is_some_and(|next| next.is_ascii_alphanumeric() || matches!(next, b'+' | b'/'));
        start + same + usize::from(shared)
    }
}

/// Every spelling of the secret. None for one that is too short.
pub(super) fn of(secret: &Secret) -> Vec<Needle> {
    let secret = secret.expose();
    if secret.len() < SHORTEST {
        return Vec::new();
    }
    let least = BEGINNING.min(secret.len());
    let mut needles = vec![Needle::new(secret, least, false)];
    // A server may change the letter case and then encode.
    let mut cases = vec![
        secret.to_owned(),
        secret.to_ascii_lowercase(),
        secret.to_ascii_uppercase(),
    ];
    cases.dedup();
    for spelling in cases {
        let bytes = spelling.as_bytes();
        needles.push(Needle::new(&HEXLOWER.encode(bytes), least * 2, false));
        for before in 0..3 {
            needles.push(in_base64(bytes, least, before));
        }
    }
    needles.into_iter().flatten().collect()
}

/// The characters of base64 that depend on the secret alone when `before` bytes (modulo 3) stand before
/// it. The two alphabets are one when they are folded.
fn in_base64(secret: &[u8], least: usize, before: usize) -> Option<Needle> {
    let mut bytes = vec![0; before];
    bytes.extend_from_slice(secret);
    let encoded = BASE64_NOPAD.encode(&bytes);
    // The character that holds the first bits of the secret holds bits of what stands before it, too.
    let first = (before * 8).div_ceil(6);
    let whole = |bytes: usize| (bytes * 8) / 6;
    let last = whole(before + secret.len());
    let own = encoded.get(first..last).unwrap_or_default();
    Needle::new(own, whole(before + least) - first, true)
}
