//! A random key, and the search for it in every form that it could leak in. Main type: [`Canary`].

use std::fs;
use std::path::Path;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::rig::Ended;

/// A key of 40 characters that stands nowhere by chance.
pub(super) struct Canary {
    key: String,
    forms: Vec<(&'static str, String)>,
}

impl Canary {
    pub(super) fn new() -> Self {
        let mut bytes = [0; 28];
        SystemRandom::new().fill(&mut bytes).expect("random bytes");
        // 37 characters of BASE64, and three that JSON, URLs and shells like to escape.
        let key = format!("{}/+\"", &BASE64.encode(&bytes)[..37]);
        assert_eq!(key.len(), 40);
        let mut forms = vec![
            ("raw", key.clone()),
            ("quoted", key.replace('"', "\\\"")),
            (
                "quoted, slashes too",
                key.replace('"', "\\\"").replace('/', "\\/"),
            ),
            ("hex", HEXLOWER.encode(key.as_bytes())),
            ("HEX", HEXUPPER.encode(key.as_bytes())),
            (
                "URL",
                utf8_percent_encode(&key, NON_ALPHANUMERIC).to_string(),
            ),
            ("half", key[..20].to_owned()),
            ("other half", key[20..].to_owned()),
        ];
        // Inside a longer text, BASE64 looks different at each of three offsets.
        for offset in 0..3 {
            let mut padded = vec![0; offset];
            padded.extend(key.as_bytes());
            let inner = |text: String| text[4..text.len() - 4].to_owned();
            forms.push(("BASE64", inner(BASE64.encode(&padded))));
            forms.push(("BASE64URL", inner(BASE64URL_NOPAD.encode(&padded))));
        }
        Self { key, forms }
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// The form in which the key is in these bytes.
    pub(super) fn found_in(&self, bytes: &[u8]) -> Option<&'static str> {
        // Every form is ASCII: what is replaced here is none of it.
        let text = String::from_utf8_lossy(bytes);
        let found = self
            .forms
            .iter()
            .find(|(_, form)| text.contains(form.as_str()));
        found.map(|(name, _)| *name)
    }

    /// Fails the test when a command told the key.
    #[track_caller]
    pub(super) fn not_told(&self, ended: &Ended, what: &str) {
        for (stream, text) in [("stdout", &ended.stdout), ("stderr", &ended.stderr)] {
            if let Some(form) = self.found_in(text.as_bytes()) {
                panic!("{what}: the key is in {stream} ({form}):\n{text}");
            }
        }
    }

    /// Fails the test when a file below the folder holds the key.
    #[track_caller]
    pub(super) fn not_kept(&self, folder: &Path) -> usize {
        let mut files = 0;
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                files += self.not_kept(&path);
                continue;
            }
            files += 1;
            let bytes = fs::read(&path).expect("a file");
            if let Some(form) = self.found_in(&bytes) {
                panic!("the key is in {} ({form})", path.display());
            }
        }
        files
    }
}

#[test]
fn the_search_finds_every_form() {
    let canary = Canary::new();
    let key = canary.key();
    for text in [
        key.to_owned(),
        serde_json::to_string(&[key]).expect("JSON"),
        format!("a={}", utf8_percent_encode(key, NON_ALPHANUMERIC)),
        BASE64.encode(format!("X-DC-DEVKEY: {key}\r\n").as_bytes()),
        BASE64.encode(format!("key: {key}").as_bytes()),
        BASE64.encode(format!("a {key}").as_bytes()),
        HEXLOWER.encode(key.as_bytes()),
        format!("{}...", &key[..25]),
    ] {
        assert!(canary.found_in(text.as_bytes()).is_some(), "{text}");
    }
    assert_eq!(canary.found_in(b"nothing of it"), None);
}
