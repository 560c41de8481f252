//! Sockets: accepts connections and serves each through an axum router, so that one can also be cut
//! without an answer, which `axum::serve` would hide.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use hyper::service::Service as _;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::call::{Call, Provider};
use super::dispatch::{CutConnection, Shared};

/// The largest request body read, in bytes.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// What makes hyper close a connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is cut on purpose")]
struct Cut;

/// Serves until told to end (or the sender is gone); every connection has ended when it returns.
pub(super) async fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    mut ended: oneshot::Receiver<()>,
) {
    let router = Router::new()
        .route("/services/v2/{*rest}", any(certcentral))
        .route("/api/v2/{*rest}", any(ncloud))
        .route("/sandbox/{*rest}", any(admin))
        .fallback(unknown)
        .with_state(shared);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, router.clone()));
                }
                // Out of file descriptors, most likely: give the open connections time to end.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
            },
            Some(_) = connections.join_next() => {}
            _ = &mut ended => break,
        }
    }
    connections.shutdown().await;
}

async fn connection(stream: TcpStream, router: Router) {
    // Answers are small and latency is what a client measures; failing to set it costs speed only.
    let _ = stream.set_nodelay(true);
    let routed = TowerToHyperService::new(router);
    let service = hyper::service::service_fn(move |request| {
        let answer = routed.call(request);
        async move {
            let Ok(response) = answer.await;
            if response.extensions().get::<CutConnection>().is_some() {
                Err(Cut)
            } else {
                Ok(response)
            }
        }
    });
    // A connection that ends badly is either the client's doing or a fault that was asked for.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn certcentral(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    dispatch(shared, Provider::Certcentral, "/services/v2/", request).await
}

async fn ncloud(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    dispatch(shared, Provider::Ncloud, "/api/v2/", request).await
}

async fn admin(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    dispatch(shared, Provider::Sandbox, "/sandbox/", request).await
}

async fn unknown() -> Response {
    (
        StatusCode::NOT_FOUND,
        "the sandbox serves /services/v2, /api/v2 and /sandbox\n",
    )
        .into_response()
}

async fn dispatch(
    shared: Arc<Shared>,
    provider: Provider,
    prefix: &str,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, LARGEST_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    super::dispatch::answer(shared, Call::new(provider, prefix, parts, body)).await
}
