//! A real HTTP listener that takes calls and answers as it is told. Main type: [`Listener`].

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// A call as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    /// `POST /uuid/start`.
    pub(super) line: String,
    pub(super) head: String,
    pub(super) body: String,
}

/// How the listener answers.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    Status(u16),
    RedirectTo(String),
    /// It takes the call and says nothing.
    Silence,
}

/// Listens until the test process ends: its thread waits for calls that never come.
pub(super) struct Listener {
    address: SocketAddr,
    calls: Receiver<Call>,
}

impl Listener {
    pub(super) fn new(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (sender, calls) = channel();
        std::thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming().map_while(Result::ok) {
                let Some((call, stream)) = take(stream) else {
                    continue;
                };
                let reply = match &answer {
                    Answer::Status(status) => format!("HTTP/1.1 {status} X\r\n"),
                    Answer::RedirectTo(url) => format!("HTTP/1.1 302 X\r\nlocation: {url}\r\n"),
                    Answer::Silence => String::new(),
                };
                if sender.send(call).is_err() {
                    return;
                }
                if reply.is_empty() {
                    silent.push(stream);
                } else {
                    let mut stream = stream;
                    let rest = "content-length: 0\r\nconnection: close\r\n\r\n";
                    let _ = stream.write_all(format!("{reply}{rest}").as_bytes());
                }
            }
        });
        Self { address, calls }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The calls so far. A call is sent here before it is answered, so none of a process that has ended
    /// is missing.
    pub(super) fn calls(&self) -> Vec<Call> {
        self.calls.try_iter().collect()
    }

    /// The next call; fails the test when none comes within a minute.
    #[track_caller]
    pub(super) fn next(&self) -> Call {
        let wait = Duration::from_secs(60);
        self.calls.recv_timeout(wait).expect("a call")
    }
}

fn take(stream: TcpStream) -> Option<(Call, TcpStream)> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let head = head.to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().expect("a length"));
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let line = head.lines().next()?.strip_suffix(" http/1.1")?.to_owned();
    let call = Call {
        line,
        body: String::from_utf8(body).expect("UTF-8"),
        head,
    };
    Some((call, reader.into_inner()))
}
