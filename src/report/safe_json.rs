//! JSON that is safe on a terminal: what could steer it is written as `\u....`, which is the same JSON.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

use super::phrase::is_safe;

/// Writes the value on several lines, with a line end.
pub(super) fn write<T: Serialize>(out: &mut dyn io::Write, value: &T) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(&mut *out, SafeFormatter::default());
    value.serialize(&mut serializer)?;
    out.write_all(b"\n")
}

/// A list whose elements are made while they are written: never all of them at once.
pub(super) struct Each<'a, T, D>(pub(super) &'a [T], pub(super) fn(&T) -> D);

impl<T, D: Serialize> Serialize for Each<'_, T, D> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(self.1))
    }
}

#[derive(Default)]
struct SafeFormatter(PrettyFormatter<'static>);

macro_rules! as_pretty {
    ($($name:ident $(($first:ident))?;)*) => {
        $(fn $name<W: ?Sized + io::Write>(&mut self, writer: &mut W $(, $first: bool)?) -> io::Result<()> {
            self.0.$name(writer $(, $first)?)
        })*
    };
}

impl Formatter for SafeFormatter {
    as_pretty! {
        begin_array;
        end_array;
        begin_array_value(first);
        end_array_value;
        begin_object;
        end_object;
        begin_object_key(first);
        begin_object_value;
        end_object_value;
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        // Most text is plain, and is looked at once.
        if fragment.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut plain = 0;
        for (at, c) in fragment.char_indices() {
            if is_safe(c) {
                continue;
            }
            writer.write_all(&fragment.as_bytes()[plain..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            plain = at + c.len_utf8();
        }
        writer.write_all(&fragment.as_bytes()[plain..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_json_without_anything_that_steers_a_terminal() {
        let value = serde_json::json!({"a\u{202e}": ["\u{1b}[2J\u{9b}\u{7f}", "\u{e0041}é漢\""]});
        let mut out = Vec::new();
        write(&mut out, &value).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.chars().all(|c| c == '\n' || is_safe(c)), "{text}");
        assert!(text.contains("é漢"), "{text}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            value
        );
    }
}
