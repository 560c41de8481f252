//! The one type that holds an API key.

use secrecy::{ExposeSecret, SecretString};

/// An API key or a secret key, wiped from memory when dropped.
///
/// It has no `Debug`, no `Display` and no `Serialize`: what would print it does not compile.
pub struct Secret(SecretString);

impl Secret {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// The text, for the one place that signs or sends it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl Clone for Secret {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// Whether a text where an id belongs has the shape of a key: long, of one word, and not of digits alone.
pub fn is_like_a_key(text: &str) -> bool {
    text.len() >= 16
        && !text.bytes().all(|byte| byte.is_ascii_digit())
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}
