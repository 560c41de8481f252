//! The one form in which names are compared: [`normal_name`].

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// The form in which two spellings of one name are equal.
///
/// A DNS name and the domain of an e-mail address become lower-case A-labels (RFC 5890) without a dot at
/// the end. Every other text becomes NFC in lower case with its blanks trimmed and folded.
pub fn normal_name(text: &str) -> String {
    let folded = folded(text);
    if folded.is_ascii() {
        let mut lower = folded.to_ascii_lowercase();
        if lower.ends_with('.') && is_host(&lower) {
            lower.pop();
        }
        return lower;
    }
    match folded.rsplit_once('@') {
        Some((local, domain)) if !local.is_empty() => {
            format!("{}@{}", text_form(local), host(domain))
        }
        _ if is_host(&folded) => host(&folded),
        _ => text_form(&folded),
    }
}

/// A name as it goes to a CA: a DNS name, and the domain of an address, with A-labels where it has others.
/// What is ASCII goes as it was written.
pub fn sent_name(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    match text.rsplit_once('@') {
        Some((local, domain)) if !local.is_empty() => {
            Cow::Owned(format!("{local}@{}", host(domain)))
        }
        _ if is_host(text) => Cow::Owned(host(text)),
        _ => Cow::Borrowed(text),
    }
}

/// The same for text whose letter case counts, as that of a person's name: DNS names and e-mail addresses in
/// their normal form, every other text in NFC with its blanks trimmed and folded.
pub(super) fn exact_name(text: &str) -> String {
    let folded = folded(text);
    if folded.contains('@') || is_host(&folded) {
        return normal_name(&folded);
    }
    folded.nfc().collect()
}

/// True for what can only be a DNS name: several labels, no blank, no `@`.
pub fn is_host(text: &str) -> bool {
    text.contains(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}'])
        && !text.contains('@')
        && !text.contains(char::is_whitespace)
}

/// Blanks trimmed and folded into one.
fn folded(text: &str) -> Cow<'_, str> {
    let mut previous = ' ';
    let plain = text.chars().all(|c| {
        let good = !c.is_whitespace() || (c == ' ' && previous != ' ');
        previous = c;
        good
    });
    if plain && !text.ends_with(' ') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn text_form(text: &str) -> String {
    let lower: String = text.nfc().flat_map(char::to_lowercase).collect();
    lower.nfc().collect()
}

/// A-labels where the name has them; a name that no A-label exists for is compared as text.
fn host(text: &str) -> String {
    let (star, rest) = match text.strip_prefix("*.") {
        Some(rest) => ("*.", rest),
        None => ("", text),
    };
    let ascii = idna::domain_to_ascii(rest).unwrap_or_else(|_| text_form(rest));
    format!("{star}{}", ascii.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_18_spellings_of_one_name_are_one() {
        for (one, other) in [
            ("Shop.Example.COM", "shop.example.com."),
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.example", "XN--BCHER-KVA.EXAMPLE"),
            ("*.bücher.example", "*.xn--bcher-kva.example"),
            ("Ada@Bücher.example", "ada@xn--bcher-kva.example"),
            ("Locke  Cole ", "locke cole"),
            ("Jose\u{301}", "José"),
            ("a\u{3002}example", "a.example"),
        ] {
            assert_eq!(normal_name(one), normal_name(other), "{one} {other}");
        }
    }

    #[test]
    fn case_18_a_ca_is_sent_a_labels_and_else_what_was_written() {
        for (written, sent) in [
            ("bücher.example", "xn--bcher-kva.example"),
            ("*.Bücher.example", "*.xn--bcher-kva.example"),
            ("Ada@bücher.example", "Ada@xn--bcher-kva.example"),
            ("Shop.Example.COM", "Shop.Example.COM"),
            ("Müller GmbH & Co.", "Müller GmbH & Co."),
            ("José", "José"),
        ] {
            assert_eq!(sent_name(written), sent);
            assert_eq!(normal_name(written), normal_name(&sent_name(written)));
        }
    }

    #[test]
    fn different_names_stay_different() {
        for (one, other) in [
            ("a.example", "b.example"),
            ("*.a.example", "a.example"),
            ("Müller", "Muller"),
            ("ada@a.example", "a.example"),
        ] {
            assert_ne!(normal_name(one), normal_name(other), "{one} {other}");
        }
    }
}
