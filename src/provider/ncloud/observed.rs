//! ncloud's orders in certplan's own vocabulary. An order has no status of its own: it stands where its
//! certificates stand.

use std::collections::BTreeMap;

use super::wire;
use crate::model::{
    CertificateId, CertificateKind, CertificateState, ObservedCertificate, ObservedOrder, OrderId,
    OrderStatus, SerialNumber, Stage, Untrusted,
};
use crate::provider::lenient::names;

/// One order; `None` without an order id, or with a certificate without a number.
pub(super) fn order(row: &wire::Order) -> Option<ObservedOrder> {
    let id = OrderId::from(row.id()?);
    let mut rows = BTreeMap::new();
    for certificate in row.certificates.iter().flatten() {
        rows.insert(certificate.certificate_no.id()?, certificate);
    }
    // Numbers grow: the first certificate that came to be is what was ordered, the others are reissues.
    let issued = rows
        .iter()
        .find(|(_, row)| state(row.status_code.get()) != CertificateState::Failed);
    let first = issued.or(rows.iter().next()).map(|(&number, _)| number);
    let certificates: Vec<ObservedCertificate> = rows
        .iter()
        .map(|(&number, row)| {
            let kind = if Some(number) == first {
                CertificateKind::Original
            } else {
                CertificateKind::Reissue
            };
            certificate(number, row, kind)
        })
        .collect();
    let in_force =
        |certificate: &&ObservedCertificate| certificate.state == CertificateState::Issued;
    // The latest that is in force, else the latest of all.
    let primary = certificates
        .iter()
        .rfind(in_force)
        .or(certificates.last())
        .map(|certificate| certificate.id.clone());
    let seen = certificates
        .iter()
        .find(|certificate| Some(&certificate.id) == primary.as_ref());
    let raw = seen.and_then(|seen| rows.get(&seen.id.as_str().parse().ok()?));
    Some(ObservedOrder {
        id,
        status: order_status(&certificates),
        product: raw.and_then(|row| row.kind().map(str::to_owned)),
        common_name: raw.and_then(|row| row.common_name.owned()),
        names: seen.map(|seen| seen.names.clone()).unwrap_or_default(),
        serial_number: seen.and_then(|seen| seen.serial_number.clone()),
        valid_till: seen.and_then(|seen| seen.valid_till),
        valid_from: None,
        order_valid_till: None,
        certificate_revoked: seen.is_some_and(|seen| seen.state == CertificateState::Revoked),
        certificate_id: primary,
        // Times of an order are written without a zone.
        created_at: None,
        all_duplicates: true,
        duplicates: Some(0),
        reissues: None,
        price: None,
        renewed: false,
        renewed_by: None,
        renews_itself: Vec::new(),
        organization_units: None,
        tag: None,
        public_key: None,
        certificates: Some(certificates),
        requests: Some(Vec::new()),
        validation: Vec::new(),
        members: serde_json::Map::new(),
    })
}

fn certificate(number: u64, row: &wire::Certificate, kind: CertificateKind) -> ObservedCertificate {
    ObservedCertificate {
        id: CertificateId::from(number),
        serial_number: row
            .serial_number
            .get()
            .map(|serial| SerialNumber::from(serial.to_ascii_lowercase())),
        names: names(
            row.common_name
                .get()
                .into_iter()
                .chain(row.dns_name.0.iter().map(String::as_str)),
        ),
        valid_till: row.not_after.get().and_then(|text| text.parse().ok()),
        state: state(row.status_code.get()),
        kind,
    }
}

/// `statusCode`, a string that looks like a number.
fn state(code: Option<&str>) -> CertificateState {
    match code {
        Some("0") => CertificateState::Pending,
        Some("1" | "2" | "3") => CertificateState::Issued,
        Some("-1" | "-3" | "-4" | "-11" | "-12" | "-20") => CertificateState::Failed,
        Some("-2") => CertificateState::Expired,
        Some("-5") => CertificateState::Revoked,
        Some("-6") => CertificateState::Other(Untrusted::new("deleted")),
        Some("-7") => CertificateState::RevocationPending,
        Some(other) => CertificateState::Other(Untrusted::new(other)),
        None => CertificateState::Other(Untrusted::new("no status")),
    }
}

fn order_status(certificates: &[ObservedCertificate]) -> OrderStatus {
    let any = |state: &CertificateState| certificates.iter().any(|known| known.state == *state);
    let other = certificates.iter().find_map(|known| match &known.state {
        CertificateState::Other(word) if word.raw() != "deleted" => Some(word.clone()),
        _ => None,
    });
    if any(&CertificateState::Issued) {
        OrderStatus::Issued
    } else if any(&CertificateState::RevocationPending) {
        OrderStatus::RevocationPending
    } else if any(&CertificateState::Pending) {
        OrderStatus::Pending(Stage::Unclear, Untrusted::new("ongoing"))
    } else if let Some(word) = other {
        OrderStatus::Other(word)
    } else if any(&CertificateState::Revoked) {
        OrderStatus::Revoked
    } else if any(&CertificateState::Expired) {
        OrderStatus::Expired
    } else if any(&CertificateState::Failed) {
        OrderStatus::Rejected
    } else if certificates.is_empty() {
        OrderStatus::Pending(Stage::Unclear, Untrusted::new("no certificate yet"))
    } else {
        OrderStatus::Canceled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(codes: &[&str]) -> ObservedOrder {
        let certificates = codes
            .iter()
            .enumerate()
            .map(|(index, code)| {
                serde_json::from_value(serde_json::json!({
                    "certificateNo": index + 1,
                    "statusCode": code,
                    "commonName": format!("n{index}.example"),
                }))
                .unwrap()
            })
            .collect();
        let row = wire::Order {
            certificates: Some(certificates),
            ..serde_json::from_str(r#"{"orderId":"1"}"#).unwrap()
        };
        order(&row).unwrap()
    }

    #[test]
    fn an_order_stands_where_its_certificates_stand() {
        let pending = |word: &str| OrderStatus::Pending(Stage::Unclear, Untrusted::new(word));
        for (codes, status) in [
            (&["-5", "-5"][..], OrderStatus::Revoked),
            (&["-5", "-2"], OrderStatus::Revoked),
            (&["-7", "-5"], OrderStatus::RevocationPending),
            (&["-7", "1"], OrderStatus::Issued),
            (&["2"], OrderStatus::Issued),
            (&["3", "0"], OrderStatus::Issued),
            (&["0"], pending("ongoing")),
            (&[], pending("no certificate yet")),
            (&["-2"], OrderStatus::Expired),
            (&["-1", "-20"], OrderStatus::Rejected),
            (&["-5", "99"], OrderStatus::Other(Untrusted::new("99"))),
        ] {
            assert_eq!(of(codes).status, status, "{codes:?}");
        }
    }

    #[test]
    fn the_first_certificate_that_came_to_be_is_the_original() {
        let kinds = |codes: &[&str]| -> Vec<bool> {
            let certificates = of(codes).certificates.unwrap();
            let kinds = certificates.iter().map(|one| one.kind);
            kinds
                .map(|kind| kind == CertificateKind::Original)
                .collect()
        };
        assert_eq!(kinds(&["1", "1"]), [true, false]);
        assert_eq!(kinds(&["-5", "1"]), [true, false]);
        assert_eq!(kinds(&["-2", "-7", "0"]), [true, false, false]);
        // A request that failed brought nothing.
        assert_eq!(kinds(&["-1", "2", "1"]), [false, true, false]);
        assert_eq!(kinds(&["-1", "-20"]), [true, false]);
    }

    #[test]
    fn the_latest_in_force_stands_for_the_order() {
        let order = of(&["1", "2", "-1"]);
        assert_eq!(order.certificate_id, Some(CertificateId::from("2")));
        assert_eq!(order.common_name.as_deref(), Some("n1.example"));
        let kinds: Vec<CertificateKind> = order
            .certificates
            .unwrap()
            .iter()
            .map(|certificate| certificate.kind)
            .collect();
        assert_eq!(
            kinds,
            [
                CertificateKind::Original,
                CertificateKind::Reissue,
                CertificateKind::Reissue
            ]
        );
    }
}
