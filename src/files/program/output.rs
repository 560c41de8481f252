//! What a program writes, made safe: [`Output`].

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

use crate::model::Untrusted;

/// How much of a program's output is shown, in bytes.
const MOST: usize = 64 << 10;

/// Takes a program's output, and hands it on line by line.
pub(super) struct Output<'a> {
    sink: &'a mut (dyn FnMut(&str) + Send),
    /// The line that is not at its end.
    line: Vec<u8>,
    taken: usize,
    left_out: u64,
}

impl<'a> Output<'a> {
    pub(super) fn new(sink: &'a mut (dyn FnMut(&str) + Send)) -> Self {
        Self {
            sink,
            line: Vec::new(),
            taken: 0,
            left_out: 0,
        }
    }

    /// Reads until nobody has the pipe open. What is not shown is read all the same, or the program would
    /// wait.
    pub(super) async fn drain(&mut self, mut reader: pipe::Receiver) {
        let mut buffer = vec![0; 8 << 10];
        loop {
            match reader.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(count) => self.take(buffer.get(..count).unwrap_or_default()),
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        let room = MOST.saturating_sub(self.taken).min(bytes.len());
        let (shown, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        self.taken += shown.len();
        self.left_out = self.left_out.saturating_add(rest.len() as u64);
        for part in shown.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.hand_on();
            }
        }
    }

    fn hand_on(&mut self) {
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        let text = Untrusted::new(text.trim_end_matches(['\n', '\r']));
        (self.sink)(&text.whole().to_string());
    }

    /// The last line, and how much is missing.
    pub(super) fn finish(mut self) {
        if !self.line.is_empty() {
            self.hand_on();
        }
        if self.left_out > 0 {
            let left_out = self.left_out;
            (self.sink)(&format!("({left_out} more bytes are not shown)"));
        }
    }
}
