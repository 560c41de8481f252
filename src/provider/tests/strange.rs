//! Networks and servers that are strange without being broken: names that do not resolve, one family of
//! addresses without the other, early data, HTTP/2, interim answers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::scripted::{Say, Scripted, settings};
use crate::model::Secret;
use crate::provider::certcentral::tests::order;
use crate::provider::*;

fn opened(settings: Settings) -> Arc<dyn Act> {
    let keys = Keys::certcentral(Secret::new("key".to_owned()));
    open(settings, keys).unwrap()
}

async fn place(account: &Arc<dyn Act>) -> Result<Placed, ProviderError> {
    let permit = account.permit(0).await;
    account
        .place_order(permit, crate::model::Recorded::for_tests(), &order(), None)
        .await
}

const TAKEN: &str =
    "HTTP/1.1 201 X\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{\"id\":7}";

#[tokio::test]
async fn row_17_a_name_that_does_not_resolve_is_not_sent() {
    // RFC 6761: nothing ever resolves below `invalid`.
    let account = opened(settings("https://ca.invalid/services/v2"));
    let error = place(&account).await.unwrap_err();
    assert_eq!(
        (error.kind, error.verdict),
        (ErrorKind::Connect, Verdict::NotSent),
        "{error}"
    );
}

/// Answers every request on this address with a taken order; counts them.
async fn listening(address: IpAddr) -> Option<(u16, Arc<AtomicUsize>)> {
    let listener = TcpListener::bind(SocketAddr::new(address, 0)).await.ok()?;
    let port = listener.local_addr().ok()?.port();
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 65_536];
            if stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                counter.fetch_add(1, Ordering::SeqCst);
            }
            let _ = stream.write_all(TAKEN.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    Some((port, count))
}

#[tokio::test]
async fn row_34_a_host_that_answers_on_one_family_of_addresses_gets_one_request() {
    let families: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let resolved: Vec<IpAddr> = tokio::net::lookup_host(("localhost", 1))
        .await
        .unwrap()
        .map(|address| address.ip())
        .collect();
    let mut shown = 0;
    for family in families.into_iter().filter(|ip| resolved.contains(ip)) {
        // A machine without IPv6 has nothing to show for it.
        let Some((port, count)) = listening(family).await else {
            continue;
        };
        let account = opened(settings(&format!("http://localhost:{port}/services/v2")));
        place(&account).await.unwrap();
        assert_eq!(count.load(Ordering::SeqCst), 1, "{family}");
        shown += 1;
    }
    assert!(shown > 0, "localhost is {resolved:?}");
}

/// A TLS server that would take early data and speak HTTP/2. Counts connections that used either.
async fn eager() -> (String, Vec<u8>, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let mut root = CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = leaf.signed_by(&key, &root).unwrap();
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    config.max_early_data_size = 16_384;
    config.send_half_rtt_data = true;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (odd, all) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (odds, alls) = (Arc::clone(&odd), Arc::clone(&all));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let (_, connection) = stream.get_mut();
            let early = connection.early_data().is_some_and(|mut data| {
                std::io::Read::read(&mut data, &mut [0; 1]).unwrap_or(0) > 0
            });
            let newer = connection.alpn_protocol() == Some(b"h2");
            let mut request = vec![0; 65_536];
            let read = stream.read(&mut request).await.unwrap_or(0);
            let old = String::from_utf8_lossy(&request[..read]).contains(" HTTP/1.1\r\n");
            alls.fetch_add(1, Ordering::SeqCst);
            if early || newer || !old {
                odds.fetch_add(1, Ordering::SeqCst);
            }
            let _ = stream.write_all(TAKEN.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    (
        format!("https://localhost:{port}/services/v2"),
        root.pem().into_bytes(),
        odd,
        all,
    )
}

async fn place_at_an_eager_server() {
    let (url, root, odd, all) = eager().await;
    let account = opened(Settings {
        extra_root: Some(root),
        ..settings(&url)
    });
    // The second connection could resume the first one's session, with early data.
    for _ in 0..3 {
        place(&account).await.unwrap();
    }
    assert_eq!(all.load(Ordering::SeqCst), 3);
    assert_eq!(odd.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn row_20_no_early_data_is_sent_to_a_server_that_would_take_it() {
    place_at_an_eager_server().await;
}

#[tokio::test]
async fn row_30_http_2_is_not_spoken_with_a_server_that_offers_it() {
    place_at_an_eager_server().await;
    // One that speaks nothing else refuses: in doubt, and sent once. SETTINGS, then GOAWAY.
    let frames = b"\0\0\0\x04\0\0\0\0\0\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\x07";
    let server = Scripted::start(move |_, _| Say::Raw(frames.to_vec())).await;
    let error = place(&opened(server.settings("/services/v2")))
        .await
        .unwrap_err();
    assert_eq!(error.verdict, Verdict::InDoubt, "{error}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn row_36_interim_answers_are_passed_over_and_a_storm_of_them_ends() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    let some = format!("{}{TAKEN}", interim.repeat(5));
    let server = Scripted::start(move |_, _| Say::Raw(some.clone().into_bytes())).await;
    let placed = place(&opened(server.settings("/services/v2"))).await;
    assert_eq!(placed.unwrap().order_id, OrderId::from("7"));
    assert_eq!(server.seen().len(), 1);
    // 20 MB of them and no answer: whatever it is, it is not taken for one.
    let server = Scripted::start(move |_, _| Say::Raw(interim.repeat(250_000).into_bytes())).await;
    let mut settings = server.settings("/services/v2");
    settings.deadlines.whole = Duration::from_secs(20);
    let error = place(&opened(settings)).await.unwrap_err();
    assert_eq!(error.verdict, Verdict::InDoubt, "{error}");
    assert_eq!(server.seen().len(), 1);
}
