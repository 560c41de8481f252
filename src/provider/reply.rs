//! A whole answer, as the adapters judge it.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use serde::de::DeserializeOwned;

use super::asked::Asked;
use super::retry_after::retry_after;
use crate::model::Mask;

/// A whole answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) asked: Asked,
}

impl Reply {
    /// Without the keys that it may say back. The values of some header fields are shown, too, as
    /// ncloud's trace id.
    pub(super) fn masked(mut self, mask: &Mask) -> Self {
        mask.cover(&mut self.body);
        for value in self.headers.values_mut() {
            let mut text = value.as_bytes().to_vec();
            mask.cover(&mut text);
            if text != value.as_bytes() {
                // A value with `*` in it is a value: the other arm is never taken.
                *value = HeaderValue::from_bytes(&text)
                    .unwrap_or_else(|_| HeaderValue::from_static("*"));
            }
        }
        self
    }

    /// The body as a wire type, where the answer says that it is JSON and it is an object. (Serde would
    /// read a list as an object whose members come in order.)
    pub(super) fn object<T: DeserializeOwned>(&self) -> Option<T> {
        if !self.is_json() || self.body.trim_ascii_start().first() != Some(&b'{') {
            return None;
        }
        serde_json::from_slice(&self.body).ok()
    }

    pub(super) fn is_json(&self) -> bool {
        let kind = self
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
    }

    /// Whether there is PEM in it, whatever it calls itself: the documents name no content type of a download.
    pub(super) fn is_pem(&self) -> bool {
        let begin = b"-----BEGIN ";
        self.body.windows(begin.len()).any(|part| part == begin)
    }

    /// What was asked and which address is expected: for an answer that may not be the CA's.
    pub(super) fn address(&self) -> String {
        let location = self.headers.get(LOCATION);
        let location = location.and_then(|value| value.to_str().ok());
        self.asked
            .address(location.filter(|_| (300..400).contains(&self.status)))
    }

    /// What `Retry-After` asks for.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        retry_after(&self.headers)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn reads(content_type: &'static str, body: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
        let reply = Reply {
            status: 200,
            headers,
            body: body.as_bytes().to_vec(),
            asked: Asked::default(),
        };
        reply.object::<Value>().is_some()
    }

    #[test]
    fn json_is_what_says_so_and_is_an_object() {
        assert!(reads("application/json", "{}"));
        assert!(reads("Application/JSON;charset=UTF-8", " \n{\"a\": 1}"));
        assert!(reads("application/problem+json", "{}"));
        for (content_type, body) in [
            ("text/html", "{}"),
            ("text/json", "{}"),
            ("application/jsonp", "{}"),
            ("application/json", "[{}]"),
            ("application/json", "{"),
            ("application/json", "{} x"),
            ("application/json", "\u{feff}{}"),
            ("application/json", ""),
        ] {
            assert!(!reads(content_type, body), "{content_type} {body}");
        }
    }
}
