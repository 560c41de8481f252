//! What may stand where a credential is expected: the name of a variable, the path of a file, never the
//! secret itself.

/// The members of an account that say where a secret comes from.
pub(super) const CREDENTIALS: [&str; 3] = ["api_key", "access_key", "secret_key"];

/// The members of an account whose values are no secrets, and may be shown.
const PLAIN: [&str; 5] = [
    "provider",
    "region",
    "key_id",
    "rate_limits",
    "max_in_flight",
];

/// Members that would send a key elsewhere or run a program.
pub(super) const FROM_OUTSIDE: [&str; 11] = [
    "base_url",
    "url",
    "endpoint",
    "endpoint_url",
    "server",
    "host",
    "proxy",
    "command",
    "cmd",
    "exec",
    "program",
];

/// Whether the value of this member of an account may appear in an excerpt. Everything that is not
/// known to be harmless is masked: a misspelt `api_kye` holds a key as well.
pub(super) fn is_plain_member(name: &str) -> bool {
    PLAIN.contains(&name)
}

/// Whether a text can be the name of an environment variable and does not look like a key.
pub(super) fn is_variable_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    let start = bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    start
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !looks_like_secret(text)
}

/// Whether a text can be the path of a secret's file and does not look like a key.
pub(super) fn is_secret_path(text: &str) -> bool {
    !text.is_empty()
        && !text.contains(['\n', '\r', '\0'])
        && (text.contains('/') || text.contains('\\') || !looks_like_secret(text))
}

/// Names are words; keys are long runs that mix letters and digits.
fn looks_like_secret(text: &str) -> bool {
    text.len() > 128
        || text.split(['_', '.', '-']).any(|run| {
            let digits = run.bytes().filter(u8::is_ascii_digit).count();
            run.len() >= 16 && digits >= 2 && digits < run.len()
                || run.len() >= 32 && (digits > 0 || mixes_cases(run))
        })
}

fn mixes_cases(run: &str) -> bool {
    run.bytes().any(|byte| byte.is_ascii_lowercase())
        && run.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// A message without the text that it quotes.
pub(super) fn without_quotes(message: &str) -> String {
    let mut shown = String::new();
    for (index, part) in message.split('`').enumerate() {
        shown.push_str(if index % 2 == 0 { part } else { "`…`" });
    }
    shown
}

/// Byte ranges to mask in a text that is not YAML: on each line with a credential's name everything
/// behind the name, and the more deeply indented lines below it.
pub(super) fn mask_unparsed(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut ranges = Vec::new();
    let mut below: Option<usize> = None;
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        let indent = content.len() - content.trim_start().len();
        if let Some(parent) = below {
            if content.trim().is_empty() || indent > parent {
                ranges.push(offset + indent..offset + content.len());
                offset += line.len();
                continue;
            }
            below = None;
        }
        let lower = content.to_ascii_lowercase();
        let name = ["key", "secret", "token", "password"]
            .iter()
            .filter_map(|word| lower.find(word).map(|at| at + word.len()))
            .min();
        if let Some(colon) = name.and_then(|end| Some(end + content.get(end..)?.find(':')?)) {
            ranges.push(offset + colon + 1..offset + content.len());
            below = Some(indent);
        }
        offset += line.len();
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_variables_are_told_from_keys() {
        for name in [
            "DIGICERT_API_KEY",
            "K",
            "_x",
            "NCLOUD_SECRET_KEY_2",
            "DIGICERTAPIKEYPRODUCTION",
        ] {
            assert!(is_variable_name(name), "{name}");
        }
        for key in [
            "",
            "a b",
            "ABCDEFGH12345678ABCDEFGH12345678",
            "3f2a9c7d1e",
            "ncp_iam_BPAMKR3aBcDeFgHiJkL0",
            "sk-live-1",
            "QWERTYuiopASDFGHjklzxcvbnmQWERTY",
        ] {
            assert!(!is_variable_name(key), "{key}");
        }
    }

    #[test]
    fn a_path_is_told_from_a_key() {
        assert!(is_secret_path("/run/secrets/digicert"));
        assert!(is_secret_path("digicert.key"));
        assert!(!is_secret_path("ABCDEFGH12345678ABCDEFGH12345678"));
    }

    #[test]
    fn an_unparsed_text_shows_nothing_behind_a_credentials_name() {
        let text = "accounts:\n  a:\n    api_key: \"SECRET\n    more\n    secret_key: |\n      SECRET\n    x: 1\n";
        let mut bytes = text.as_bytes().to_vec();
        for range in mask_unparsed(text) {
            bytes[range].fill(b'*');
        }
        let masked = String::from_utf8(bytes).unwrap();
        assert!(!masked.contains("SECRET"), "{masked}");
        assert!(masked.contains("x: 1"), "{masked}");
    }
}
