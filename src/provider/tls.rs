//! Which servers are trusted: proved against a real TLS server. Whatever is refused gets no byte of the
//! request.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::scripted::settings;
use super::*;
use crate::model::Secret;

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

async fn ask(server: &Server, extra_root: Option<Vec<u8>>) -> Result<(), ProviderError> {
    let settings = Settings {
        extra_root,
        ..settings(&server.url)
    };
    let keys = Keys::CertCentral {
        api_key: Secret::new("key".to_owned()),
    };
    let account = observe_only(settings, keys).unwrap();
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
async fn a_certificate_for_another_host_is_refused() {
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
