//! A real nginx serves what `live/www` names, through fifty new certificates, each with a new key. The program of
//! `--on-collected` reloads it, while clients connect all the time.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};

use super::{Desk, P256, set_mode};
use crate::postgres::server::program;

const FILES: &str = "kinds: [cert, fullchain]";
const NEW_CERTIFICATES: usize = 50;

/// An nginx that ends with the test.
struct Nginx {
    master: Child,
    port: u16,
}

impl Nginx {
    fn start(desk: &Desk) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("a port").port();
        drop(free);
        let at = |name: &str| desk.rig.path(name).display().to_string();
        let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("    {kind}_temp_path {};\n", at(&format!("temp-{kind}"))))
            .concat();
        let (certificate, key) = (desk.live("fullchain.pem"), desk.live("privkey.pem"));
        desk.rig.write(
            "nginx.conf",
            format!(
                "daemon off;\nworker_processes 2;\npid {pid};\nevents {{ worker_connections 512; }}\nhttp {{\n    access_log off;\n{temp}    \
                 server {{\n        listen 127.0.0.1:{port} ssl;\n        ssl_certificate {certificate};\n        ssl_certificate_key {key};\n        \
                 location / {{ return 200 \"served\"; }}\n    }}\n}}\n",
                pid = at("nginx.pid"),
                certificate = certificate.display(),
                key = key.display(),
            ),
        );
        let master = Command::new(program("nginx", "nginx"))
            .args([
                "-e",
                &at("nginx.log"),
                "-p",
                &at(""),
                "-c",
                &at("nginx.conf"),
            ])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx starts");
        let nginx = Self { master, port };
        desk.rig.until("nginx serves", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok() && desk.rig.path("nginx.pid").exists()
        });
        nginx
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        crate::crash::tracing::signal(self.master.id(), "TERM");
        let _ = self.master.wait();
    }
}

/// Notes which certificate is shown. Whose it is does not matter; that the server has its key does.
#[derive(Debug)]
struct Noting {
    provider: Arc<CryptoProvider>,
    shown: Arc<Mutex<Option<Vec<u8>>>>,
}

impl ServerCertVerifier for Noting {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _above: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(leaf.to_vec());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, leaf, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, leaf, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

/// Connects once, asks for a page, and says which certificate was shown. An error where the server has not the
/// certificate's key, or anything else goes wrong.
fn handshake(port: u16) -> Result<Vec<u8>, String> {
    let shown = Arc::new(Mutex::new(None));
    let provider = Arc::new(aws_lc_rs::default_provider());
    let noting = Noting {
        provider: Arc::clone(&provider),
        shown: Arc::clone(&shown),
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(noting))
        .with_no_client_auth();
    let name = ServerName::try_from("www.example.com").map_err(|error| error.to_string())?;
    let mut client =
        ClientConnection::new(Arc::new(config), name).map_err(|error| error.to_string())?;
    let failed = |error: std::io::Error| error.to_string();
    let mut socket = TcpStream::connect(("127.0.0.1", port)).map_err(failed)?;
    socket
        .set_read_timeout(Some(Duration::from_secs(30)))
        .map_err(failed)?;
    let mut stream = rustls::Stream::new(&mut client, &mut socket);
    let request = b"GET / HTTP/1.0\r\nHost: www.example.com\r\n\r\n";
    stream.write_all(request).map_err(failed)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(failed)?;
    if !answer.ends_with(b"served") {
        return Err(format!("it said {:?}", String::from_utf8_lossy(&answer)));
    }
    let shown = shown.lock().unwrap_or_else(PoisonError::into_inner).take();
    shown.ok_or_else(|| "no certificate was shown".to_owned())
}

fn certificate(file: &Path) -> Vec<u8> {
    CertificateDer::from_pem_file(file)
        .expect("a certificate")
        .to_vec()
}

/// The program that reloads nginx.
fn reload(desk: &Desk) -> String {
    let program = desk.rig.path("reload");
    let pid = desk.rig.path("nginx.pid");
    let text = format!("#!/bin/sh\nkill -HUP \"$(cat '{}')\"\n", pid.display());
    fs::write(&program, text).expect("a script");
    set_mode(&program, 0o755);
    program.to_str().expect("text").to_owned()
}

#[test]
fn nginx_serves_fifty_new_certificates_and_no_handshake_fails() {
    let desk = Desk::new(P256, FILES);
    desk.apply(&[], 0);
    let nginx = Nginx::start(&desk);
    let port = nginx.port;
    let reload = reload(&desk);
    let mut made = BTreeSet::from([certificate(&desk.live("cert.pem"))]);
    let is_over = AtomicBool::new(false);
    let (seen, failed) = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let (mut seen, mut failed) = (Vec::new(), Vec::new());
                    while !is_over.load(Ordering::Relaxed) {
                        match handshake(port) {
                            Ok(leaf) => seen.push(leaf),
                            Err(why) => failed.push(why),
                        }
                        std::thread::sleep(Duration::from_millis(5));
                    }
                    (seen, failed)
                })
            })
            .collect();
        for round in 0..NEW_CERTIFICATES {
            let kind = if round % 2 == 0 { "p-384" } else { "p-256" };
            desk.rewrite(&format!("key: {{ generate: {kind} }}"), FILES);
            desk.apply(&["--on-collected", &reload], 0);
            let new = certificate(&desk.live("cert.pem"));
            desk.rig.until("the new certificate is served", || {
                handshake(port).is_ok_and(|shown| shown == new)
            });
            assert!(made.insert(new), "round {round} brought no new certificate");
        }
        is_over.store(true, Ordering::Relaxed);
        let all = clients.into_iter().map(|one| one.join().expect("a client"));
        all.fold((Vec::new(), Vec::new()), |mut all, (seen, failed)| {
            all.0.extend(seen);
            all.1.extend(failed);
            all
        })
    });
    println!("{} handshakes", seen.len());
    assert_eq!(failed, [""; 0]);
    assert!(seen.len() > NEW_CERTIFICATES, "{}", seen.len());
    let shown: BTreeSet<Vec<u8>> = seen.into_iter().collect();
    assert!(
        shown.is_subset(&made),
        "a certificate that was never collected"
    );
    assert!(shown.len() > 10, "only {} were seen", shown.len());
    let log = fs::read_to_string(desk.rig.path("nginx.log")).expect("a log");
    for bad in ["[emerg]", "[alert]", "[crit]"] {
        assert!(!log.contains(bad), "{log}");
    }
    desk.opens();
    assert_eq!(desk.names("archive/www").len(), 1 + NEW_CERTIFICATES);
    assert_eq!(desk.bought(), (1, NEW_CERTIFICATES));
}
