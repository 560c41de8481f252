//! A server for tests: a real socket, answers from a script, every request kept. It speaks raw HTTP/1.1,
//! so that it can also break off, send rubbish or send too much.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::model::{Provider, SecretSource};
use crate::provider::{Deadlines, Endpoint, Settings};

/// An account at a CA for tests, on its first platform.
pub(crate) fn provider_of(name: &str) -> Provider {
    let authority = crate::provider::authority(name).unwrap();
    Provider {
        authority,
        region: &authority.regions()[0],
        credentials: authority
            .credentials()
            .iter()
            .map(|_| SecretSource::Env("KEY".to_owned()))
            .collect(),
        key_id: None,
    }
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(in crate::provider) struct Seen {
    pub(in crate::provider) method: String,
    /// Path and query.
    pub(in crate::provider) target: String,
    /// Names in lower case.
    pub(in crate::provider) headers: BTreeMap<String, String>,
    pub(in crate::provider) body: Vec<u8>,
}

impl Seen {
    pub(in crate::provider) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What the script says to a request.
pub(in crate::provider) enum Say {
    /// A JSON answer.
    Json(u16, Value),
    /// An answer with these extra header lines, as they are.
    Text(u16, &'static str, String),
    /// These bytes, then the end of the connection.
    Raw(Vec<u8>),
    /// The end of the connection.
    Cut,
    /// Nothing, for ever.
    Hang,
}

impl Say {
    /// A refusal in CertCentral's form.
    pub(in crate::provider) fn refuse(status: u16, code: &str) -> Self {
        let error = serde_json::json!({"code": code, "message": "said the CA"});
        Self::Json(status, serde_json::json!({"errors": [error]}))
    }
}

/// The server; stops when dropped.
pub(in crate::provider) struct Scripted {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Scripted {
    /// The script gets each request and how many came before it.
    pub(in crate::provider) async fn start<F>(script: F) -> Self
    where
        F: Fn(&Seen, usize) -> Say + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let script = Arc::new(script);
        let shared = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&script), Arc::clone(&shared)));
            }
        });
        Self {
            address,
            seen,
            task,
        }
    }

    pub(in crate::provider) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Everything that arrived so far.
    pub(in crate::provider) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Settings without rate limits, with short pauses between repeats.
    pub(in crate::provider) fn settings(&self, path: &str) -> Settings {
        settings(&self.url(path))
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(in crate::provider) fn settings(url: &str) -> Settings {
    Settings {
        account: "main".parse().unwrap(),
        endpoint: Endpoint::parse(url).unwrap(),
        key_sources: Vec::new(),
        rate_limits: Vec::new(),
        budget: None,
        max_in_flight: 8,
        route: crate::provider::Route::default(),
        extra_root: None,
        deadlines: Deadlines {
            first_repeat: std::time::Duration::from_millis(1),
            ..Deadlines::default()
        },
    }
}

async fn serve<F>(mut stream: TcpStream, script: Arc<F>, seen: Arc<Mutex<Vec<Seen>>>)
where
    F: Fn(&Seen, usize) -> Say + Send + Sync + 'static,
{
    let mut buffer = Vec::new();
    while let Some(request) = next(&mut stream, &mut buffer).await {
        let before = {
            let mut seen = seen.lock().unwrap();
            seen.push(request.clone());
            seen.len() - 1
        };
        let bytes = match script(&request, before) {
            Say::Json(status, body) => answer(
                status,
                "Content-Type: application/json\r\n",
                &body.to_string(),
            ),
            Say::Text(status, headers, body) => answer(status, headers, &body),
            Say::Raw(bytes) => {
                // The client may stop reading before the end.
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
                return;
            }
            Say::Cut => return,
            Say::Hang => std::future::pending().await,
        };
        if stream.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

fn answer(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let length = if status == 204 {
        String::new()
    } else {
        format!("Content-Length: {}\r\n", body.len())
    };
    format!("HTTP/1.1 {status} X\r\n{headers}{length}\r\n{body}").into_bytes()
}

async fn next(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Seen> {
    loop {
        if let Some((seen, length)) = parse(buffer) {
            buffer.drain(..length);
            return Some(seen);
        }
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => buffer.extend_from_slice(&piece[..count]),
        }
    }
}

fn parse(buffer: &[u8]) -> Option<(Seen, usize)> {
    let end = buffer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8(buffer[..end - 4].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap().split(' ');
    let headers: BTreeMap<String, String> = lines
        .map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        })
        .collect();
    let length: usize = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let body = buffer.get(end..end + length)?.to_vec();
    let seen = Seen {
        method: first.next().unwrap().to_owned(),
        target: first.next().unwrap().to_owned(),
        headers,
        body,
    };
    Some((seen, end + length))
}
