//! What ncloud's list calls answer.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::book::{NcloudCertificate, NcloudOrder};
use super::{refused, success};
use crate::sandbox::answer::Answer;
use crate::sandbox::call::Call;
use crate::sandbox::clock::{date_of, days_between, plus_years, spaced};
use crate::sandbox::habits::Names;
use crate::sandbox::world::World;

/// `page` counts from 1; `pageSize` 0 takes all. The error is the name of the bad parameter.
fn page<'a, T>(call: &Call, rows: &'a [T]) -> Result<&'a [T], &'static str> {
    let number = |name: &'static str, default: usize| match call.parameter(name) {
        None | Some("") => Ok(default),
        Some(text) => text.parse().map_err(|_| name),
    };
    let (page, size) = (number("page", 1)?.max(1), number("pageSize", 0)?);
    if size == 0 {
        return Ok(rows);
    }
    let rows = rows
        .get((page - 1).saturating_mul(size)..)
        .unwrap_or_default();
    Ok(rows.get(..size).unwrap_or(rows))
}

fn invalid(name: &str) -> Answer {
    refused(400, "2000", &format!("invalid input: {name}"))
}

fn certificate(now: Timestamp, order: &NcloudOrder, certificate: &NcloudCertificate) -> Value {
    let (code, name) = certificate.status(order.subscription_years, now);
    let end = certificate.end(order.subscription_years);
    let revoked = certificate
        .revocation
        .as_ref()
        .filter(|revocation| revocation.done <= now);
    json!({
        "orderId": order.order_id,
        "certificateNo": certificate.number,
        "certificateName": certificate.name,
        "memberNo": "1000001",
        "commonName": certificate.common_name,
        "dnsName": certificate.dns_names.join(","),
        "statusCode": code,
        "statusName": name,
        "certificateType": "NCP_PAID_DV_01",
        "domainCode": "PUB",
        "issueType": "PAID",
        "subjectDN": format!("CN={}", certificate.common_name),
        "issuer": crate::sandbox::ca::CA_NAME,
        "serialNumber": certificate.serial_number,
        "signatureAlgorithm": "SHA256withECDSA",
        "certPublicKeyInfo": "EC 256",
        "issueDate": spaced(certificate.issued),
        "updateDate": spaced(certificate.updated),
        "notBefore": spaced(certificate.issued),
        "notAfter": spaced(end),
        "revokeDate": revoked.map(|revocation| spaced(revocation.done)),
        "usedInstanceNoList": [],
    })
}

/// `GET /certificate/getPaidCertificates`: orders with their certificates.
pub(super) fn paid_certificates(world: &World, call: &Call) -> Answer {
    let name = call
        .parameter("certificateName")
        .filter(|name| !name.is_empty());
    let wanted = |one: &&NcloudCertificate| name.is_none_or(|name| one.name == name);
    let orders: Vec<&NcloudOrder> = world
        .ncloud
        .orders
        .values()
        .filter(|order| order.certificates.iter().any(|one| wanted(&one)))
        .collect();
    let rows = match page(call, &orders) {
        Ok(rows) => rows,
        Err(name) => return invalid(name),
    };
    let rows: Vec<Value> = rows
        .iter()
        .map(|order| {
            let certificates: Vec<Value> = order
                .certificates
                .iter()
                .filter(wanted)
                .map(|one| certificate(world.clock.now(), order, one))
                .collect();
            match world.settings.habits.ncloud_names {
                Names::Current => json!({"orderId": order.order_id, "certificates": certificates}),
                Names::Older => {
                    let certificates: Vec<Value> =
                        certificates.into_iter().map(older_names).collect();
                    json!({"orderID": order.order_id, "certificates": certificates})
                }
            }
        })
        .collect();
    success(json!({"totalCount": orders.len(), "orders": rows}))
}

fn older_names(mut certificate: Value) -> Value {
    if let Some(members) = certificate.as_object_mut() {
        for (now, before) in [
            ("orderId", "orderID"),
            ("certificateType", "certificateTypeCode"),
        ] {
            if let Some(value) = members.remove(now) {
                members.insert(before.to_owned(), value);
            }
        }
    }
    certificate
}

/// `GET /certificate/certificates`: the certificates alone.
pub(super) fn certificates(world: &World, call: &Call) -> Answer {
    let name = call
        .parameter("certificateName")
        .filter(|name| !name.is_empty());
    let all: Vec<(&NcloudOrder, &NcloudCertificate)> = world
        .ncloud
        .orders
        .values()
        .flat_map(|order| order.certificates.iter().map(move |one| (order, one)))
        .filter(|(_, one)| name.is_none_or(|name| one.name == name))
        .collect();
    match page(call, &all) {
        Ok(rows) => {
            let rows: Vec<Value> = rows
                .iter()
                .map(|(order, one)| certificate(world.clock.now(), order, one))
                .collect();
            success(json!({"totalCount": all.len(), "sslCertificateList": rows}))
        }
        Err(name) => invalid(name),
    }
}

fn subscription(today: Date, order: &NcloudOrder) -> Value {
    let end = plus_years(
        date_of(order.subscription_start),
        i64::from(order.subscription_years),
    );
    json!({
        "orderId": order.order_id,
        "subscriptionStartDt": spaced(order.subscription_start),
        "subscriptionEndDt": format!("{end} 00:00:00"),
        "subscriptionYears": order.subscription_years,
        "remainingDays": days_between(today, end),
        "extendableYears": (3 - order.subscription_years).max(0),
    })
}

/// `GET /certificate/orders`.
pub(super) fn orders(world: &World, call: &Call) -> Answer {
    let orders: Vec<&NcloudOrder> = world.ncloud.orders.values().collect();
    match page(call, &orders) {
        Ok(rows) => {
            let rows: Vec<Value> = rows
                .iter()
                .map(|order| subscription(world.clock.today(), order))
                .collect();
            success(json!({"totalCount": orders.len(), "orders": rows}))
        }
        Err(name) => invalid(name),
    }
}

/// `GET /certificate/orders/{orderId}`.
pub(super) fn order(world: &World, order_id: &str) -> Answer {
    let Some(order) = world.ncloud.orders.get(order_id) else {
        return refused(200, "1006", "There is no such order.");
    };
    let mut members = subscription(world.clock.today(), order);
    members["totalCount"] = json!(order.certificates.len());
    members["certificates"] = order
        .certificates
        .iter()
        .map(|one| certificate(world.clock.now(), order, one))
        .collect();
    success(members)
}

/// `GET /certificate/recentChanges`: exactly one window.
pub(super) fn recent_changes(world: &World, call: &Call) -> Answer {
    let given = |name: &str| call.parameter(name).filter(|value| !value.is_empty());
    let number = |name: &str, most: i64| {
        given(name).map(|text| {
            text.parse()
                .ok()
                .filter(|number| (1..=most).contains(number))
        })
    };
    let now = world.clock.now();
    let back = |seconds: i64| {
        now.checked_sub(SignedDuration::from_secs(seconds))
            .unwrap_or(Timestamp::MIN)
    };
    let utc = |text: &str| {
        let text = text.replace(' ', "T");
        text.parse()
            .ok()
            .or_else(|| format!("{text}Z").parse::<Timestamp>().ok())
    };
    let window = match (number("minutes", 10_080), number("seconds", 604_800)) {
        // Both at once is no error, and finds nothing.
        (Some(Some(_)), Some(Some(_))) => Some((now, Timestamp::MIN)),
        (Some(Some(minutes)), None) => Some((back(minutes * 60), now)),
        (None, Some(Some(seconds))) => Some((back(seconds), now)),
        (None, None) => match (given("startDateTime"), given("endDateTime")) {
            (Some(from), Some(to)) => utc(from).zip(utc(to)),
            _ => {
                return refused(
                    200,
                    "2101",
                    "A required parameter is missing: minutes, seconds or startDateTime.",
                );
            }
        },
        _ => None,
    };
    let Some((from, to)) = window else {
        return invalid("window");
    };
    let rows: Vec<Value> = world
        .ncloud
        .orders
        .values()
        .flat_map(|order| order.certificates.iter().map(move |one| (order, one)))
        .filter(|(_, one)| one.revocation.is_none() && from <= one.updated && one.updated <= to)
        .map(|(order, one)| json!({"orderId": order.order_id, "certificateId": one.number, "status": "Normal"}))
        .collect();
    success(json!({"totalCount": rows.len(), "orders": rows}))
}
