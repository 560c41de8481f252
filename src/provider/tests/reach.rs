//! Where requests go, proved with real servers: to the endpoint alone, past every redirect and proxy,
//! and only to a server whose certificate holds. Whatever is refused gets no byte of the request.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::scripted::{Say, Scripted, settings};
use crate::model::Secret;
use crate::provider::*;

struct Server {
    url: String,
    /// Bytes that came in through TLS.
    received: Arc<AtomicUsize>,
    root: Vec<u8>,
}

/// A server whose certificate is for `name`, valid until the end of `last_year`.
async fn server(name: &str, last_year: i32) -> Server {
    let mut root = CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
    let mut leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
    leaf.not_before = date_time_ymd(2020, 1, 1);
    leaf.not_after = date_time_ymd(last_year, 12, 31);
    let key = KeyPair::generate().unwrap();
    let leaf = leaf.signed_by(&key, &root).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let received = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&received);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut request = [0; 4096];
            let Ok(count) = stream.read(&mut request).await else {
                continue;
            };
            counter.fetch_add(count, Ordering::SeqCst);
            let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
                          Content-Length: 16\r\nConnection: close\r\n\r\n{\"account_id\":1}";
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    Server {
        url: format!("https://localhost:{port}/services/v2"),
        received,
        root: root.pem().into_bytes(),
    }
}

fn opened(settings: Settings) -> Arc<dyn Act> {
    let keys = Keys::certcentral(Secret::new("key".to_owned()));
    open(settings, keys).unwrap()
}

async fn ask(server: &Server, extra_root: Option<Vec<u8>>) -> Result<(), ProviderError> {
    let settings = Settings {
        extra_root,
        ..settings(&server.url)
    };
    let account = opened(settings);
    account.identity().await.map(|_| ())
}

async fn refused(server: &Server, extra_root: Option<Vec<u8>>) {
    let error = ask(server, extra_root).await.unwrap_err();
    assert_eq!(
        (error.kind, error.verdict),
        (ErrorKind::Connect, Verdict::NotSent),
        "{error}"
    );
    assert!(error.to_string().contains("certificate"), "{error}");
    assert_eq!(server.received.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_extra_root_is_trusted_and_only_when_it_is_given() {
    let server = server("localhost", 2999).await;
    refused(&server, None).await;
    ask(&server, Some(server.root.clone())).await.unwrap();
    assert!(server.received.load(Ordering::SeqCst) > 0);
}

#[tokio::test]
async fn row_19_a_certificate_for_another_host_is_refused() {
    let server = server("other.example", 2999).await;
    refused(&server, Some(server.root.clone())).await;
}

#[tokio::test]
async fn a_certificate_that_ran_out_is_refused() {
    let server = server("localhost", 2021).await;
    refused(&server, Some(server.root.clone())).await;
}

#[tokio::test]
async fn a_certificate_of_another_root_is_refused() {
    let server = server("localhost", 2999).await;
    let other = self::server("localhost", 2999).await;
    refused(&server, Some(other.root)).await;
}

#[tokio::test]
async fn row_29_a_redirect_is_never_followed() {
    let other = Scripted::start(|_, _| Say::Json(200, json!({"account_id": 1}))).await;
    for status in [301, 302, 303, 307, 308] {
        let location = other.url("/services/v2/user/me");
        let server = Scripted::start(move |_, _| {
            let head = format!("HTTP/1.1 {status} X\r\nLocation: {location}\r\n");
            Say::Raw(format!("{head}Content-Length: 0\r\n\r\n").into_bytes())
        })
        .await;
        let account = opened(server.settings("/services/v2"));
        let read = account.identity().await.unwrap_err();
        assert_eq!(read.status, Some(status));
        let permit = account.permit(0).await;
        let operation = crate::provider::certcentral::tests::order();
        let placed = account
            .place_order(
                permit,
                crate::model::Recorded::for_tests(),
                &operation,
                None,
            )
            .await;
        assert_eq!(placed.unwrap_err().verdict, Verdict::InDoubt, "{status}");
        assert_eq!(server.seen().len(), 2);
    }
    assert!(other.seen().is_empty(), "the key stays with its host");
}

#[tokio::test]
async fn row_33_no_proxy_comes_from_the_environment() {
    let proxy = Scripted::start(|_, _| Say::Cut).await;
    let url = proxy.url("");
    // The environment cannot be changed safely within a process: another test runs in a child.
    let child = tokio::task::spawn_blocking(move || {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command
            .args([
                "--exact",
                "provider::tests::faults::rows_31_37_each_change_has_a_connection_of_its_own",
            ])
            .env_remove("REQUEST_METHOD");
        for name in [
            "HTTP_PROXY",
            "http_proxy",
            "HTTPS_PROXY",
            "https_proxy",
            "ALL_PROXY",
            "all_proxy",
        ] {
            command.env(name, &url);
        }
        for name in ["NO_PROXY", "no_proxy"] {
            command.env_remove(name);
        }
        command.output().unwrap()
    })
    .await
    .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    assert!(output.contains("1 passed"), "{output}");
    assert!(proxy.seen().is_empty());
}
