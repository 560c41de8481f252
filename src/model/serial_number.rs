//! One serial number in all its spellings: the name of its folder, and whether two are one number.

use super::ids::SerialNumber;

impl SerialNumber {
    /// The name of the folder of this certificate's files: lower-case hexadecimal without leading zeros,
    /// whichever way the CA spells it. `None` for a text that is no serial number.
    pub fn folder_name(&self) -> Option<String> {
        /// RFC 5280 section 4.1.2.2: at most 20 octets. Some CAs had longer ones.
        const MOST_DIGITS: usize = 128;
        let text = self.as_str().trim();
        let bare = text
            .strip_prefix("0x")
            .or_else(|| text.strip_prefix("0X"))
            .unwrap_or(text);
        let mut digits = String::new();
        for c in bare.chars() {
            match c {
                ':' | ' ' | '-' => {}
                c if c.is_ascii_hexdigit() => digits.push(c.to_ascii_lowercase()),
                _ => return None,
            }
        }
        if digits.is_empty() {
            return None;
        }
        let short = digits.trim_start_matches('0');
        let short = if short.is_empty() { "0" } else { short };
        (short.len() <= MOST_DIGITS).then(|| short.to_owned())
    }

    /// Whether both are one number, whichever way it is spelt.
    pub fn is_same(&self, other: &Self) -> bool {
        self == other
            || self
                .folder_name()
                .is_some_and(|name| Some(name) == other.folder_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_serial_number_is_one_folder() {
        for text in [
            "0A1B2C",
            "a1b2c",
            "0x0a1b2c",
            "0a:1b:2c",
            "0A 1B 2C",
            "00-0a-1b-2c",
        ] {
            let name = SerialNumber::from(text).folder_name();
            assert_eq!(name.as_deref(), Some("a1b2c"), "{text}");
        }
        assert_eq!(SerialNumber::from("000").folder_name().unwrap(), "0");
        for bad in [
            "",
            "0x",
            "..",
            "../a",
            "a/b",
            ".new-1",
            "1g",
            "\0",
            "a\u{ff11}",
            ":",
        ] {
            assert_eq!(SerialNumber::from(bad).folder_name(), None, "{bad}");
        }
        assert_eq!(
            SerialNumber::from("f".repeat(129).as_str()).folder_name(),
            None
        );
    }
}
