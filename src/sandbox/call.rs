//! One request as the sandbox reads it: raw target, decoded path segments, query, headers, body.

use axum::body::Bytes;
use axum::extract::Query;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// Whose endpoint was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Provider {
    Certcentral,
    Ncloud,
    Sandbox,
}

#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) provider: Provider,
    pub(super) method: String,
    /// Path and query exactly as sent: the ncloud signature covers these bytes.
    pub(super) target: String,
    /// Path segments after the API's prefix, percent-decoded.
    pub(super) segments: Vec<String>,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    pub(super) body: Bytes,
    /// Filters and tags of a list are not looked at: a fault of the script.
    pub(super) unfiltered: bool,
    /// What is wrong with the certificates of a download: a fault of the script.
    pub(super) chain: Spoilt,
}

/// What is wrong with the certificates that an answer hands out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Spoilt {
    #[default]
    Nothing,
    /// It is another certificate of the order.
    Neighbour,
    /// The intermediate is missing.
    Short,
    /// The root comes first.
    Reversed,
}

impl Call {
    pub(super) fn new(provider: Provider, prefix: &str, parts: Parts, body: Bytes) -> Self {
        let target = parts
            .uri
            .path_and_query()
            .map_or_else(|| parts.uri.path().to_owned(), ToString::to_string);
        let rest = parts.uri.path().strip_prefix(prefix).unwrap_or_default();
        let segments = rest
            .split('/')
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect();
        let query = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map(|query| query.0)
            .unwrap_or_default();
        Self {
            provider,
            method: parts.method.to_string(),
            target,
            segments,
            query,
            headers: parts.headers,
            body,
            unfiltered: false,
            chain: Spoilt::Nothing,
        }
    }

    /// A header's value; `None` when absent or not text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The first value of a query parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Takes query parameters away.
    pub(super) fn forget(&mut self, which: impl Fn(&str) -> bool) {
        self.query.retain(|(name, _)| !which(name));
    }

    pub(super) fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.query
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The body as a JSON object; no body is an empty object. `None` when it is anything else.
    pub(super) fn object(&self) -> Option<Value> {
        if self.body.is_empty() {
            return Some(Value::Object(serde_json::Map::new()));
        }
        serde_json::from_slice::<Value>(&self.body)
            .ok()
            .filter(Value::is_object)
    }
}

/// An id given as a JSON number or as a string of digits: CertCentral accepts both.
pub(super) fn id(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
