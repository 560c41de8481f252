//! Case 41: a network in which only a proxy reaches the CA.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use super::{automatic, manifest, person, sent};
use crate::rig::{Ended, Rig};

/// A name that no DNS knows.
const CA: &str = "api.ca.example";

/// What the proxy does with a request.
#[derive(Clone, Copy)]
enum Way {
    /// Opens a tunnel; it ends at the front, whatever host was asked for.
    Tunnel,
    /// Answers this and closes.
    Says(&'static str),
    /// Takes the request and says nothing more.
    Cut,
}

/// A proxy, and a TLS front of the sandbox behind it.
struct Net {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    way: Arc<Mutex<Way>>,
    _runtime: Runtime,
}

impl Net {
    fn new(rig: &Rig) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let base = rig.base();
        let sandbox = base.split('/').nth(2).expect("a host").to_owned();
        let acceptor = acceptor(rig);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let way = Arc::new(Mutex::new(Way::Tunnel));
        let (fronts, proxies) = runtime.block_on(async {
            let bound = || TcpListener::bind("127.0.0.1:0");
            (
                bound().await.expect("a port"),
                bound().await.expect("a port"),
            )
        });
        let front = fronts.local_addr().expect("an address");
        let address = proxies.local_addr().expect("an address");
        runtime.spawn(async move {
            while let Ok((client, _)) = fronts.accept().await {
                let (acceptor, sandbox) = (acceptor.clone(), sandbox.clone());
                tokio::spawn(async move {
                    let mut client = acceptor.accept(client).await?;
                    let mut server = TcpStream::connect(sandbox).await?;
                    copy_bidirectional(&mut client, &mut server).await
                });
            }
        });
        let (log, state) = (Arc::clone(&asked), Arc::clone(&way));
        runtime.spawn(async move {
            while let Ok((client, _)) = proxies.accept().await {
                tokio::spawn(forward(client, front, Arc::clone(&log), Arc::clone(&state)));
            }
        });
        Self {
            address,
            asked,
            way,
            _runtime: runtime,
        }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn goes(&self, way: Way) {
        *self.way.lock().expect("no panic") = way;
    }

    /// What the proxy was asked since the last time.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().expect("no panic"))
    }
}

async fn forward(
    mut client: TcpStream,
    front: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    way: Arc<Mutex<Way>>,
) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(client.read_u8().await?);
    }
    let text = String::from_utf8_lossy(&request).into_owned();
    asked.lock().expect("no panic").push(text);
    let way = *way.lock().expect("no panic");
    match way {
        Way::Tunnel => {
            client
                .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                .await?;
            let mut server = TcpStream::connect(front).await?;
            copy_bidirectional(&mut client, &mut server).await?;
        }
        Way::Says(answer) => client.write_all(answer.as_bytes()).await?,
        Way::Cut => {}
    }
    Ok(())
}

/// TLS for the CA's name, by a root of its own: `root.pem`.
fn acceptor(rig: &Rig) -> TlsAcceptor {
    let mut root = CertificateParams::new(Vec::new()).expect("parameters");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root =
        CertifiedIssuer::self_signed(root, KeyPair::generate().expect("a key")).expect("a root");
    rig.write("root.pem", root.pem());
    let leaf = CertificateParams::new(vec![CA.to_owned()]).expect("parameters");
    let key = KeyPair::generate().expect("a key");
    let leaf = leaf.signed_by(&key, &root).expect("a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).expect("a key"),
        )
        .expect("a certificate");
    TlsAcceptor::from(Arc::new(config))
}

/// One order, and a CA that only the proxy reaches.
fn far_away() -> (Rig, Net) {
    let rig = Rig::new();
    automatic(&rig);
    manifest(&rig, &[person("ada", "Ada", "")], &[]);
    let net = Net::new(&rig);
    (rig, net)
}

/// Runs a command for the far CA, with these variables.
#[track_caller]
fn far(rig: &Rig, variables: &[(&str, &str)], args: &[&str]) -> Ended {
    let endpoint = format!("digicert=https://{CA}/services/v2");
    let mut args = args.to_vec();
    args.extend(["--endpoint", &endpoint, "--extra-root", "root.pem"]);
    let mut command = rig.command(&args);
    command.envs(variables.iter().copied());
    let ended = Ended::new(command.output().expect("certplan runs"));
    let said = format!("{}{}", ended.stdout, ended.stderr);
    for secret in ["sandbox-certcentral-key", "hidden-word", "hidden%2Dword"] {
        assert!(!said.contains(secret), "{said}");
    }
    ended
}

#[test]
fn case_41_a_named_proxy_is_asked_for_a_tunnel_and_nothing_else() {
    let (rig, net) = far_away();
    let url = net.url();
    for (variables, more) in [
        (vec![], vec!["--proxy", &url]),
        (vec![("CERTPLAN_PROXY", url.as_str())], vec![]),
        // The flag wins.
        (
            vec![("CERTPLAN_PROXY", "http://127.0.0.1:9")],
            vec!["--proxy", &url],
        ),
        (
            vec![("HTTPS_PROXY", "http://127.0.0.1:9")],
            vec!["--proxy", &url],
        ),
        (vec![("NO_PROXY", "*")], vec!["--proxy", &url]),
    ] {
        for command in [&["plan"][..], &["status"], &["doctor"]] {
            let args = [command, &more[..]].concat();
            far(&rig, &variables, &args).expect(0);
            let asked = net.asked();
            assert!(!asked.is_empty(), "{variables:?} {args:?}");
            for request in asked {
                assert!(
                    request.starts_with("CONNECT api.ca.example:443 HTTP/1.1\r\n"),
                    "{request}"
                );
                assert!(!request.to_lowercase().contains("devkey"), "{request}");
                assert!(
                    !request.to_lowercase().contains("proxy-authorization"),
                    "{request}"
                );
            }
        }
    }
    let doctor = far(&rig, &[], &["doctor", "--proxy", &url]).expect(0);
    assert!(
        doctor.stdout.contains(&format!("through {url}")),
        "{}",
        doctor.stdout
    );
    far(&rig, &[], &["apply", "--yes", "--proxy", &url]).expect(0);
    assert_eq!(sent(&rig).len(), 1);
}

#[test]
fn case_41_a_password_goes_to_the_proxy_alone() {
    let (rig, net) = far_away();
    let url = format!("http://ada:hidden%2Dword@{}", net.address);
    for args in [&["plan", "-vvv"][..], &["doctor"]] {
        far(&rig, &[("CERTPLAN_PROXY", &url)], args).expect(0);
        for request in net.asked() {
            // ada:hidden-word
            let header = "proxy-authorization: basic ywrhomhpzgrlbi13b3jk";
            assert!(request.to_lowercase().contains(header), "{request}");
        }
    }
    net.goes(Way::Says(
        "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
    ));
    let ended = far(&rig, &[("CERTPLAN_PROXY", &url)], &["plan"]).expect(1);
    assert!(
        ended.stderr.contains("refuses this user and password"),
        "{}",
        ended.stderr
    );
    let ended = far(&rig, &[("CERTPLAN_PROXY", &net.url())], &["plan"]).expect(1);
    assert!(ended.stderr.contains("USER:PASSWORD@"), "{}", ended.stderr);
}

#[test]
fn case_41_a_proxy_of_the_environment_is_used_only_where_that_is_said() {
    let (rig, net) = far_away();
    let url = net.url();
    let bare = net.address.to_string();
    for (name, command) in [
        ("HTTPS_PROXY", "plan"),
        ("https_proxy", "doctor"),
        ("ALL_PROXY", "doctor"),
        ("all_proxy", "plan"),
    ] {
        let ended = far(&rig, &[(name, &url)], &[command]).expect(1);
        assert!(net.asked().is_empty(), "{name}");
        let said = format!("{}{}", ended.stdout, ended.stderr);
        let words = format!("{name} is set, but not used; `--proxy env` uses it");
        assert!(said.contains(&words), "{said}");
        assert!(!said.contains(&bare), "its value is shown: {said}");
        for value in [&url, &bare] {
            far(&rig, &[(name, value)], &["plan", "--proxy", "env"]).expect(0);
            assert!(!net.asked().is_empty(), "{name}={value}");
        }
        let both = [(name, url.as_str()), ("CERTPLAN_PROXY", "env")];
        far(&rig, &both, &["plan"]).expect(0);
        assert!(!net.asked().is_empty(), "{name}");
    }
    for (without, list) in [
        ("NO_PROXY", "ca.example"),
        ("no_proxy", "x.example .ca.example"),
    ] {
        let variables = [("HTTPS_PROXY", url.as_str()), (without, list)];
        far(&rig, &variables, &["plan", "--proxy", "env"]).expect(1);
        assert!(net.asked().is_empty(), "{without}={list}");
    }
    // An empty variable is an unset one, and one of plain HTTP is for none of the CAs.
    let others = [("HTTPS_PROXY", ""), ("HTTP_PROXY", url.as_str())];
    let ended = far(&rig, &others, &["plan", "--proxy", "env"]).expect(1);
    assert!(!ended.stderr.contains("is set, but"), "{}", ended.stderr);
    far(&rig, &[("CERTPLAN_PROXY", &url)], &["plan", "--proxy", ""]).expect(1);
    assert!(net.asked().is_empty());
}

#[test]
fn case_41_loopback_is_never_proxied() {
    let (rig, net) = far_away();
    let url = net.url();
    for (variables, args) in [
        (vec![], vec!["plan", "--proxy", &url]),
        (
            vec![("HTTPS_PROXY", url.as_str()), ("ALL_PROXY", &url)],
            vec!["plan", "--proxy", "env"],
        ),
        (vec![("CERTPLAN_PROXY", url.as_str())], vec!["doctor"]),
    ] {
        let mut command = rig.command(&args);
        command.envs(variables);
        Ended::new(command.output().expect("certplan runs")).expect(0);
    }
    let args = [
        "plan",
        "--proxy",
        &url,
        "--endpoint",
        "digicert=https://localhost:9/services/v2",
    ];
    let ended = rig.certplan(&args).expect(1);
    assert!(!ended.stderr.contains("proxy"), "{}", ended.stderr);
    assert!(net.asked().is_empty());
}

#[test]
fn case_41_what_is_no_proxy_is_a_wrong_command_line() {
    let (rig, net) = far_away();
    for url in [
        "ftp://127.0.0.1:1",
        "127.0.0.1",
        "127.0.0.1:3128",
        "http://someone:hidden-word@/",
        "http://someone:hidden-word@127.0.0.1",
        "http://127.0.0.1:99999",
        "socks5://someone:hidden-word@127.0.0.1:1080",
        "http://someone:hidden-word@127.0.0.1:1/path",
        "Env",
    ] {
        far(&rig, &[], &["plan", "--proxy", url]).expect(64);
        far(&rig, &[("CERTPLAN_PROXY", url)], &["plan"]).expect(64);
    }
    let hidden = [("HTTPS_PROXY", "socks5://someone:hidden-word@127.0.0.1:1080")];
    let ended = far(&rig, &hidden, &["plan", "--proxy", "env"]).expect(64);
    assert!(ended.stderr.contains("HTTPS_PROXY"), "{}", ended.stderr);
    assert!(net.asked().is_empty());
    // A manifest never says it.
    rig.manifest("proxy: http://127.0.0.1:1\norders: {}\n");
    rig.certplan(&["validate"]).expect(1);
}

#[test]
fn case_41_what_fails_before_the_tunnel_was_not_sent_and_names_the_proxy() {
    let (rig, net) = far_away();
    let url = net.url();
    far(&rig, &[], &["plan", "--out", "saved.plan", "--proxy", &url]).expect(0);
    let refusals = [
        Way::Says("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"),
        Way::Says("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nno!"),
        Way::Says("HTTP/1.1 403 Forbidden\r\n\r\n"),
        Way::Says("this is no HTTP\r\n\r\n"),
        Way::Cut,
    ];
    for way in refusals {
        net.goes(way);
        let ended = far(&rig, &[], &["plan", "--proxy", &url]).expect(1);
        assert!(
            ended.stderr.contains(&format!("the proxy {url}")),
            "{}",
            ended.stderr
        );
    }
    // Nobody listens there.
    let nobody = "http://127.0.0.1:9";
    let ended = far(&rig, &[], &["plan", "--proxy", nobody]).expect(1);
    assert!(
        ended.stderr.contains(&format!("the proxy {nobody}")),
        "{}",
        ended.stderr
    );
    // The tunnel stands, and then the CA's certificate is for another name: TLS ends at the CA.
    net.goes(Way::Tunnel);
    let other = ["plan", "--proxy", &url, "--extra-root", "root.pem"];
    let mut args = other.to_vec();
    args.extend(["--endpoint", "digicert=https://other.example/services/v2"]);
    let ended = rig.certplan(&args).expect(1);
    let said =
        format!("no connection to https://other.example/services/v2 through the proxy {url}");
    assert!(ended.stderr.contains(&said), "{}", ended.stderr);
}

/// The proxy goes away between the reads and the order.
#[test]
fn case_41_an_order_that_no_proxy_took_is_no_doubt() {
    let (rig, net) = far_away();
    let url = net.url();
    let answers = rig.reads();
    // The first answers of the sandbox are slow, so that the way is closed in time.
    rig.faults(json!([{ "match": { "method": "GET" }, "fault": "delay", "ms": 400, "times": 40 }]));
    let args = [
        "apply",
        "--yes",
        "--proxy",
        &url,
        "--report",
        "json=report.json",
    ];
    let ended = std::thread::scope(|scope| {
        scope.spawn(|| {
            rig.until("something is read", || rig.reads() > answers);
            net.goes(Way::Says("HTTP/1.1 502 Bad Gateway\r\n\r\n"));
        });
        far(&rig, &[], &args)
    });
    assert_eq!(sent(&rig).len(), 0, "{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    if let Ok(report) = std::fs::read(rig.path("report.json")) {
        let report: Value = serde_json::from_slice(&report).expect("JSON");
        assert_eq!(report["summary"]["unknown"], 0, "{report:#}");
    }
    rig.faults(json!([]));
    net.goes(Way::Tunnel);
    far(&rig, &[], &["apply", "--yes", "--proxy", &url]).expect(0);
    assert_eq!(sent(&rig).len(), 1);
}
