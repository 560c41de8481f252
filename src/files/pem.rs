//! Writes PEM blocks (RFC 7468): [`block`].

use zeroize::Zeroizing;

/// The line length of a PEM block.
const LINE: usize = 64;

/// One block with LF and a line end at its end.
pub(super) fn block(label: &str, der: &[u8]) -> String {
    std::mem::take(&mut *secret_block(label, der))
}

/// The same for a secret: no copy of it is left in memory.
pub(super) fn secret_block(label: &str, der: &[u8]) -> Zeroizing<String> {
    let body = Zeroizing::new(data_encoding::BASE64.encode(der));
    // No growth: a buffer that is left behind would not be wiped.
    let room = body.len() + body.len() / LINE + 2 * label.len() + 64;
    let mut text = Zeroizing::new(String::with_capacity(room));
    for part in ["-----BEGIN ", label, "-----\n"] {
        text.push_str(part);
    }
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(LINE).unwrap_or((rest, ""));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    for part in ["-----END ", label, "-----\n"] {
        text.push_str(part);
    }
    text
}

/// The DER of the one block of this label that a text begins with; `None` where it does not.
pub(super) fn secret_der(label: &str, text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let body = text
        .strip_prefix("-----BEGIN ")?
        .strip_prefix(label)?
        .strip_prefix("-----")?;
    let body = body
        .strip_suffix("-----")?
        .strip_suffix(label)?
        .strip_suffix("-----END ")?;
    let mut bare = Zeroizing::new(Vec::with_capacity(body.len()));
    bare.extend(body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    let room = data_encoding::BASE64.decode_len(bare.len()).ok()?;
    let mut der = Zeroizing::new(vec![0; room]);
    let length = data_encoding::BASE64.decode_mut(&bare, &mut der).ok()?;
    der.truncate(length);
    Some(der)
}
