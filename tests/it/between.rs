//! Something between the binary and the sandbox that hears every request and may change every answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::rig::Rig;

/// A request on its way to the CA.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    /// Header lines, as they came.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// An answer on its way back.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answered {
    /// The answer as it is sent, with the length of this body.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut text = format!("HTTP/1.1 {} X\r\n", self.status);
        for (name, value) in &self.headers {
            if !["content-length", "connection", "transfer-encoding"]
                .contains(&name.to_ascii_lowercase().as_str())
            {
                text.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        let length = self.body.len();
        text.push_str(&format!(
            "content-length: {length}\r\nconnection: close\r\n\r\n"
        ));
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// What becomes of an answer: the bytes that the client gets.
pub(crate) type Hand = dyn Fn(&Asked, Answered) -> Vec<u8> + Send + Sync;

/// The way between; it ends with its value.
pub(crate) struct Between {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Between {
    /// Stands between the rig's commands and its sandbox from now on.
    pub(crate) fn new(
        rig: &mut Rig,
        hand: impl Fn(&Asked, Answered) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let base = rig.base();
        let host = base
            .strip_prefix("http://")
            .and_then(|rest| rest.split('/').next())
            .expect("a host")
            .to_owned();
        let ended = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ended);
        let hand: Arc<Hand> = Arc::new(hand);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if end.load(Ordering::SeqCst) {
                    return;
                }
                let (host, hand) = (host.clone(), Arc::clone(&hand));
                std::thread::spawn(move || pass(stream, &host, &*hand));
            }
        });
        rig.set(
            "CERTPLAN_ENDPOINT_DIGICERT",
            &format!("http://{address}/services/v2"),
        );
        rig.set(
            "CERTPLAN_ENDPOINT_NAVERCLOUD",
            &format!("http://{address}/api/v2"),
        );
        Self {
            address,
            ended,
            thread: Some(thread),
        }
    }
}

impl Drop for Between {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the thread from its wait.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// One request for each connection. Whoever breaks off is let go.
fn pass(stream: TcpStream, host: &str, hand: &Hand) -> Option<()> {
    let mut client = BufReader::new(stream);
    let (first, headers) = head(&mut client)?;
    let mut words = first.split_whitespace();
    let asked = Asked {
        method: words.next()?.to_owned(),
        path: words.next()?.to_owned(),
        body: body(&mut client, &headers)?,
        headers,
    };
    let answered = forward(&asked, host)?;
    let bytes = hand(&asked, answered);
    let mut stream = client.into_inner();
    stream.write_all(&bytes).ok()?;
    let _ = stream.shutdown(Shutdown::Write);
    Some(())
}

fn forward(asked: &Asked, host: &str) -> Option<Answered> {
    let mut text = format!("{} {} HTTP/1.1\r\n", asked.method, asked.path);
    for (name, value) in &asked.headers {
        if !name.eq_ignore_ascii_case("connection") {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    text.push_str("connection: close\r\n\r\n");
    let mut stream = TcpStream::connect(host).ok()?;
    stream.write_all(text.as_bytes()).ok()?;
    stream.write_all(&asked.body).ok()?;
    let mut server = BufReader::new(stream);
    let (first, headers) = head(&mut server)?;
    Some(Answered {
        status: first.split_whitespace().nth(1)?.parse().ok()?,
        body: body(&mut server, &headers)?,
        headers,
    })
}

fn head(reader: &mut impl BufRead) -> Option<(String, Vec<(String, String)>)> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|read| *read > 0)?;
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            return Some((first, headers));
        };
        headers.push((name.to_owned(), value.to_owned()));
    }
}

fn body(reader: &mut impl Read, headers: &[(String, String)]) -> Option<Vec<u8>> {
    let length = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.parse().unwrap_or(0));
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(body)
}
