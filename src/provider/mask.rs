//! Keys masked in answers: a server, or a proxy before it, may echo the request's headers, and what it
//! says is shown and kept.

use reqwest::header::{HeaderMap, HeaderValue};

use crate::model::Secret;

/// A shorter key would be found in innocent text, and masking it would spoil every answer.
const SHORTEST: usize = 8;

/// What must not be seen in an answer.
pub(super) struct Mask {
    keys: Vec<Secret>,
}

impl Mask {
    /// Masks these keys, also as JSON may write them (`\\/` for `/`).
    pub(super) fn of(keys: &[&Secret]) -> Self {
        let mut forms = Vec::new();
        for key in keys.iter().filter(|key| key.expose().len() >= SHORTEST) {
            let quoted = key.expose().replace('\\', "\\\\").replace('"', "\\\"");
            forms.push(quoted.replace('/', "\\/"));
            forms.push(quoted);
            forms.push(key.expose().to_owned());
        }
        forms.sort();
        forms.dedup();
        Self {
            keys: forms.into_iter().map(Secret::new).collect(),
        }
    }

    /// Writes `*` over every key in the text; its length stays.
    pub(super) fn cover(&self, text: &mut [u8]) {
        for key in &self.keys {
            let key = key.expose().as_bytes();
            let Some(first) = key.first() else { continue };
            let mut at = 0;
            while let Some(next) = text
                .get(at..)
                .and_then(|rest| rest.iter().position(|byte| byte == first))
            {
                at += next;
                match text.get_mut(at..at + key.len()) {
                    Some(found) if found == key => {
                        found.fill(b'*');
                        at += key.len();
                    }
                    _ => at += 1,
                }
            }
        }
    }
}

impl Mask {
    /// The same in the values of header fields: some are shown, as ncloud's trace id.
    pub(super) fn cover_values(&self, headers: &mut HeaderMap) {
        for value in headers.values_mut() {
            let mut text = value.as_bytes().to_vec();
            self.cover(&mut text);
            if text != value.as_bytes() {
                // A value with `*` in it is a value: the other arm is never taken.
                *value = HeaderValue::from_bytes(&text)
                    .unwrap_or_else(|_| HeaderValue::from_static("*"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(key: &str, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        Mask::of(&[&Secret::new(key.to_owned())]).cover(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn every_occurrence_is_covered_and_nothing_else() {
        assert_eq!(
            covered("k3y-k3y-", "k3y-k3y-k3y-k3y- k3y-k3y"),
            "**************** k3y-k3y"
        );
        assert_eq!(covered("k3y-k3y-", "k3y-kk3y-k3y-"), "k3y-k********");
    }

    #[test]
    fn the_forms_of_json_are_covered() {
        assert_eq!(
            covered("abc/def\"gh", r#"{"m": "abc\/def\"gh abc/def\"gh"}"#),
            r#"{"m": "************ ***********"}"#
        );
    }

    #[test]
    fn values_of_header_fields_are_covered() {
        let mut headers = HeaderMap::new();
        headers.insert("x-trace", "a k3y-k3y- b".parse().unwrap());
        headers.insert("x-other", "innocent".parse().unwrap());
        Mask::of(&[&Secret::new("k3y-k3y-".to_owned())]).cover_values(&mut headers);
        assert_eq!(headers["x-trace"], "a ******** b");
        assert_eq!(headers["x-other"], "innocent");
    }

    #[test]
    fn a_key_like_a_word_spoils_no_answer() {
        assert_eq!(covered("id", r#"{"id": 1}"#), r#"{"id": 1}"#);
    }
}
