//! NAVER Cloud Certificate Manager API v2: the gateway (routes, signature), then the service.

pub(super) mod book;
mod chain;
mod listing;
mod revoking;
mod signature;

use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Call;
use super::world::World;

/// Which access key a call carries.
pub(super) fn key_name(world: &World, call: &Call) -> &'static str {
    match call.header("x-ncp-iam-access-key") {
        Some(key) if key == world.ncloud_access_key => "ncloud_access_key",
        Some(_) => "unknown",
        None => "none",
    }
}

pub(super) fn handle(world: &mut World, call: &Call) -> Answer {
    let answer = gateway(world, call);
    let time = world.clock.now().as_nanosecond();
    traced(answer, time, call)
}

fn gateway(world: &mut World, call: &Call) -> Answer {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let known = matches!(
        (call.method.as_str(), segments.as_slice()),
        (
            "POST",
            ["certificate", "revoke" | "requestPaidCertificateIssuance"]
        ) | (
            "GET",
            [
                "certificate",
                "getPaidCertificates" | "orders" | "recentChanges" | "certificates"
            ]
        ) | ("GET", ["certificate", "orders", _])
            | ("GET", ["certificate", "exportCertificate", _, "chain"])
    );
    if !known {
        return gateway_error(404);
    }
    if let Err(details) = signature::verify(world, call) {
        return unauthenticated(details);
    }
    match (call.method.as_str(), segments.as_slice()) {
        ("POST", [_, "revoke"]) => revoking::revoke(world, call),
        ("POST", _) => refused(
            200,
            "1000",
            "The sandbox does not offer certificate orders.",
        ),
        (_, [_, "exportCertificate", number, _]) => chain::chain(world, number, call.chain),
        (_, [_, "orders", order_id]) => listing::order(world, order_id),
        (_, [_, "orders"]) => listing::orders(world, call),
        (_, [_, "recentChanges"]) => listing::recent_changes(world, call),
        (_, [_, "certificates"]) => listing::certificates(world, call),
        _ => listing::paid_certificates(world, call),
    }
}

/// Every answer carries a trace id and says that the service gave it.
fn traced(answer: Answer, time: i128, call: &Call) -> Answer {
    let trace = super::ca::sha256_hex(format!("{time}{}", call.target).as_bytes());
    answer
        .with_header("x-ncp-trace-id", trace.get(..32).unwrap_or_default())
        .with_header("x-ncp-apigw-response-origin", "ENDPOINT")
}

fn unauthenticated(details: &str) -> Answer {
    let error = json!({"errorCode": "200", "message": "Authentication Failed", "details": details});
    Answer::json(401, &json!({"error": error}))
}

/// What the API gateway says before the service is reached.
pub(super) fn gateway_error(status: u16) -> Answer {
    let (code, message, details) = match status {
        401 => return unauthenticated(signature::WRONG),
        // A key of a sub account: 403 with an empty body.
        403 => {
            return Answer::text(403, "", "")
                .with_header("x-ncp-apigw-response-origin", "ENDPOINT");
        }
        404 => ("300", "Not Found Exception", "URL not found."),
        429 => ("410", "Throttle Limited", "Too many requests."),
        503 => ("500", "Endpoint Error", "The service gave an error."),
        504 => (
            "510",
            "Endpoint Timeout",
            "The service gave no answer in time.",
        ),
        _ => ("900", "Unexpected Error", "The gateway failed."),
    };
    Answer::json(
        status,
        &json!({"error": {"errorCode": code, "message": message, "details": details}}),
    )
}

/// What the service says when it does not do what was asked: HTTP 200 or 400 with a returnCode.
fn refused(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(
        status,
        &json!({"returnCode": code, "returnMessage": message, "totalRows": 0}),
    )
}

fn success(mut members: Value) -> Answer {
    members["returnCode"] = json!("0");
    members["returnMessage"] = json!("Success");
    Answer::json(200, &members)
}
