//! Plans made by hand, for the tests of this module and of the reports.

use std::ops::RangeInclusive;

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::model::{
    AccountName, Address, After, CertificateId, CertificateKind, CertificatePin,
    CertificateRequest, Csr, Digest, ItemName, Members, Milestone, Operation, Order, OrderId,
    OrderOperation, Reason, RequestPreview, RevocationReason, RevokeOperation, RevokeScope,
    SerialNumber, Standing, Tag, TagParts,
};
use crate::plan::{Action, Change, Cost, Plan, PlannedAccount, PlannedState, Step, Warning};

const ENDPOINT: &str = "https://ca.example/services/v2";

pub(crate) fn account() -> AccountName {
    "digicert".parse().unwrap()
}

/// A step without any content.
pub(crate) fn bare_step(address: Address, action: Action) -> Step {
    Step {
        renewal: None,
        unsent_reason: None,
        files: None,
        address,
        account: account(),
        labels: crate::model::Labels::default(),
        action,
        reason: Reason::NothingThere,
        standing: Standing::Absent,
        after: Vec::new(),
        operation: None,
        requests: Vec::new(),
        revokes: Vec::new(),
        unnamed: 0,
        changes: Vec::new(),
        news: Vec::new(),
        order_id: None,
        certificate_id: None,
        request_id: None,
        price: None,
        wants: None,
    }
}

/// An order of a client certificate that costs 175.00.
pub(crate) fn order_step(name: &str) -> Step {
    let address = Address::Order(name.parse::<ItemName>().unwrap());
    let tag = Tag::derive(TagParts {
        renews: None,
        provider: "certcentral",
        endpoint: ENDPOINT,
        account: &account(),
        address: &address,
        generation: 1,
    });
    let pem = format!(
        "-----BEGIN CERTIFICATE REQUEST-----\n{}\n-----END CERTIFICATE REQUEST-----\n",
        "MIIC".repeat(100)
    );
    let email = format!("{name}@example.com");
    Step {
        requests: vec![RequestPreview {
            method: "POST".to_owned(),
            path: "/order/certificate/client_premium_sha2".to_owned(),
            body: members(
                json!({"alternative_order_id": tag, "certificate": {"csr": pem, "emails": [email]}}),
            ),
        }],
        operation: Some(Operation::Order(Box::new(OrderOperation {
            renews: None,
            order: Order {
                renew: None,
                files: None,
                product: "client_premium_sha2".to_owned(),
                generation: 1,
                certificate: CertificateRequest {
                    key: None,
                    common_name: Some(name.to_owned()),
                    dns_names: Vec::new(),
                    emails: vec![email],
                    organization_units: Vec::new(),
                    csr: Some(Csr {
                        pem,
                        public_key: Digest::of(b"key"),
                    }),
                    members: Members::default(),
                    delivery: Members::default(),
                },
                renewal_of: None,
                allow_similar: false,
                existing_order_id: None,
                term_members: crate::model::Members::default(),
                call_members: crate::model::Members::default(),
                members: Members::default(),
            },
            tag,
        }))),
        price: Some(Decimal::new(17500, 2)),
        ..bare_step(address, Action::Order)
    }
}

fn members(value: Value) -> Members {
    value.as_object().map(Members::from).unwrap_or_default()
}

/// One of the certificates that die.
pub(crate) fn pin(number: u64, name: &str) -> CertificatePin {
    CertificatePin {
        certificate_id: CertificateId::from(number),
        serial_number: Some(SerialNumber::from(format!("0a{number:04x}"))),
        names: vec![name.to_owned()],
        valid_till: Some("2027-06-30".parse().unwrap()),
        kind: CertificateKind::Original,
    }
}

/// A revocation of an order with so many certificates, after `orders.a`.
pub(crate) fn revoke_step(name: &str, certificates: u64) -> Step {
    revoke_step_of(name, 1..=certificates)
}

/// A revocation of an order with the certificates of these ids.
pub(crate) fn revoke_step_of(name: &str, certificates: RangeInclusive<u64>) -> Step {
    let pins: Vec<_> = certificates
        .map(|number| pin(number, &format!("{name}-{number}@example.com")))
        .collect();
    Step {
        reason: Reason::RevokesUnread {
            order: OrderId::from(98765),
        },
        standing: Standing::NotRevoked,
        after: vec![After {
            address: "orders.a".parse().unwrap(),
            until: Milestone::Issued,
        }],
        operation: Some(Operation::Revoke(Box::new(RevokeOperation {
            order_id: OrderId::from(98765),
            product: None,
            scope: RevokeScope::Order,
            reason: RevocationReason::CessationOfOperation,
            comments: Some("left the company".to_owned()),
            skip_approval: false,
            generation: 1,
            pins: pins.clone(),
        }))),
        requests: vec![RequestPreview {
            method: "PUT".to_owned(),
            path: "/order/certificate/98765/revoke".to_owned(),
            body: members(json!({"comments": "left the company", "skip_approval": false})),
        }],
        revokes: pins,
        order_id: Some(OrderId::from(98765)),
        ..bare_step(
            Address::Revocation(name.parse::<ItemName>().unwrap()),
            Action::Revoke,
        )
    }
}

/// A plan of these steps whose id is right.
pub(crate) fn plan_of(steps: Vec<Step>) -> Plan {
    let priced: Vec<Decimal> = steps.iter().filter_map(|step| step.price).collect();
    let requests: usize = steps.iter().map(|step| step.requests.len()).sum();
    let mut plan = Plan {
        pace: Default::default(),
        rekey: Vec::new(),
        plan_id: Digest::of(b""),
        made_at: "2026-11-21T10:00:00Z".parse().unwrap(),
        manifest: Digest::of(b"manifest"),
        state: PlannedState {
            lineage: "0190".to_owned(),
            serial: 7,
        },
        accounts: BTreeMap::from([(
            account(),
            PlannedAccount {
                provider: "certcentral".to_owned(),
                endpoint: ENDPOINT.to_owned(),
                account_id: Some("1".to_owned()),
                certificates: 40,
            },
        )]),
        offline: false,
        targets: Vec::new(),
        steps,
        news: Vec::new(),
        warnings: vec![Warning {
            address: Some("orders.gone".parse().unwrap()),
            message: "no longer in the manifest; it is not revoked".to_owned(),
        }],
        breaches: Vec::new(),
        cost: Cost {
            requests: BTreeMap::from([(account(), u32::try_from(requests).unwrap())]),
            seconds: 0.35,
            money: (!priced.is_empty()).then(|| priced.iter().sum()),
            currency: Some("USD".to_owned()),
            unpriced: 0,
            funds: BTreeMap::from([(account(), Decimal::new(500_000, 2))]),
        },
    };
    plan.plan_id = plan.digest();
    plan
}

/// A changed member.
pub(crate) fn change(member: &str, old: Option<&str>, new: Option<&str>) -> Change {
    Change {
        member: member.to_owned(),
        old: old.map(str::to_owned),
        new: new.map(str::to_owned),
    }
}
