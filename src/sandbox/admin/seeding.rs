//! `POST /sandbox/seed`: issued orders in bulk. Nothing is signed until somebody looks at it, so that
//! 100,000 orders take seconds; serial numbers depend on the seed and the certificate id alone.

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::json;

use crate::sandbox::answer::{Answer, Effect};
use crate::sandbox::ca::{check_csr, serial_number};
use crate::sandbox::certcentral::lifetimes;
use crate::sandbox::certcentral::order::{
    Certificate, CertificateStatus, Issued, Order, OrderStatus, Part,
};
use crate::sandbox::certcentral::products::{self, Product};
use crate::sandbox::clock;
use crate::sandbox::ncloud::book::{NcloudCertificate, NcloudOrder};
use crate::sandbox::world::World;

/// More than this at once is refused: it would not fit into memory.
const MOST: usize = 1_000_000;

/// The highest certificate number to begin with.
const HIGHEST: u64 = 999_999_999_999;

/// What to seed; each member may be left out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Seed {
    /// How many issued CertCentral orders.
    certcentral: usize,
    product: String,
    duplicates_per_order: usize,
    /// The tag of the first, second, ... order.
    alternative_order_ids: Vec<String>,
    /// How many days ago they were placed and issued.
    age_days: u16,
    /// How many ncloud orders.
    ncloud_orders: usize,
    certificates_per_order: usize,
    /// The id of the first, second, ... ncloud order; numbers from 900001 without.
    ncloud_order_ids: Vec<String>,
    /// The number of the first ncloud certificate.
    first_certificate_no: Option<u64>,
    /// The CSR of all of them; without one the CA makes one whose key nobody has.
    csr: Option<String>,
}

impl Default for Seed {
    fn default() -> Self {
        Self {
            certcentral: 0,
            product: "ssl_basic".into(),
            duplicates_per_order: 0,
            alternative_order_ids: Vec::new(),
            age_days: 0,
            ncloud_orders: 0,
            certificates_per_order: 1,
            ncloud_order_ids: Vec::new(),
            first_certificate_no: None,
            csr: None,
        }
    }
}

pub(super) fn seed(world: &mut World, asked: Seed) -> Result<Answer, String> {
    let product = products::find(&asked.product).ok_or("there is no such product")?;
    let certificates = |orders: usize, each: usize| orders.saturating_mul(each);
    let total = certificates(
        asked.certcentral,
        asked.duplicates_per_order.saturating_add(1),
    )
    .saturating_add(certificates(
        asked.ncloud_orders,
        asked.certificates_per_order,
    ));
    if total > MOST {
        return Err(format!(
            "{total} certificates are too many: at most {MOST} at once"
        ));
    }
    let key_size = match asked.csr.as_deref().map(check_csr) {
        Some(checked) => checked.map_err(|error| format!("csr: {error}"))?,
        None => 256,
    };
    let like = Like {
        product,
        duplicates: asked.duplicates_per_order,
        age: SignedDuration::from_hours(24 * i64::from(asked.age_days)),
        csr: asked.csr,
        key_size,
    };
    let mut tags = asked.alternative_order_ids.into_iter();
    let mut orders = Vec::with_capacity(asked.certcentral);
    for _ in 0..asked.certcentral {
        orders.push(certcentral_order(world, &like, tags.next()));
    }
    if let Some(first) = asked.first_certificate_no {
        let taken = |one: &NcloudCertificate| one.number >= first;
        if !(1..=HIGHEST).contains(&first)
            || world
                .ncloud
                .orders
                .values()
                .any(|order| order.certificates.iter().any(taken))
        {
            return Err(
                "first_certificate_no must be above every number in use, and below 10^12".into(),
            );
        }
        world.ncloud.next_certificate = first;
    }
    let mut names = asked.ncloud_order_ids.into_iter();
    let mut ncloud = Vec::with_capacity(asked.ncloud_orders);
    for _ in 0..asked.ncloud_orders {
        ncloud.push(ncloud_order(
            world,
            asked.certificates_per_order,
            names.next(),
            like.csr.as_deref(),
        )?);
    }
    let answer = json!({"certcentral_order_ids": orders, "ncloud_order_ids": ncloud});
    Ok(Answer::json(200, &answer).with_effect(Effect {
        name: "seeded",
        ..Effect::NONE
    }))
}

/// What all orders of one call have in common.
#[derive(Debug)]
struct Like {
    product: Product,
    duplicates: usize,
    age: SignedDuration,
    csr: Option<String>,
    key_size: u64,
}

fn certcentral_order(world: &mut World, like: &Like, tag: Option<String>) -> u64 {
    let product = like.product;
    let (now, today) = (world.clock.now(), world.clock.today());
    let placed = now.checked_sub(like.age).unwrap_or(now);
    let id = world.certcentral.new_order_id();
    let end = clock::plus_years(today, 1);
    let certificate_end = lifetimes::last_day(Some(product), today, end);
    let mut certificate = |part: Part| {
        let certificate_id = world.certcentral.new_certificate_id();
        let name = format!("host-{id}.example.com");
        let (dns_names, emails) = if product.is_tls() {
            (vec![name.clone()], Vec::new())
        } else {
            (Vec::new(), vec![format!("person-{id}@example.com")])
        };
        Certificate {
            id: certificate_id,
            part,
            status: CertificateStatus::Issued,
            common_name: if product.is_tls() {
                name
            } else {
                format!("Person {id}")
            },
            dns_names,
            emails,
            organization_units: Vec::new(),
            csr: like.csr.clone(),
            signature_hash: "sha256".into(),
            key_size: like.key_size,
            server_platform: 45,
            created: now,
            issued: Some(Issued {
                serial_number: serial_number(world.seed, "certcentral", certificate_id),
                valid_from: today,
                valid_till: certificate_end,
                at: now,
                signed: None,
            }),
            archived: false,
        }
    };
    let mut certificates = vec![certificate(Part::Original)];
    certificates.extend((0..like.duplicates).map(|_| certificate(Part::Duplicate)));
    world.certcentral.restore_order(Order {
        id,
        alternative_order_id: tag,
        product: product.name_id.to_owned(),
        status: OrderStatus::Issued,
        created: placed,
        changed: placed,
        organization_id: Some(112_233),
        container_id: None,
        valid_till: end,
        renewal_of: None,
        renewed_by: None,
        price_cents: product.price_cents(),
        paid: false,
        echoed: std::collections::BTreeMap::new(),
        notes: Vec::new(),
        certificates,
        requests: Vec::new(),
        open_validation: None,
    });
    id
}

fn ncloud_order(
    world: &mut World,
    certificates: usize,
    name: Option<String>,
    csr: Option<&str>,
) -> Result<String, String> {
    let now = world.clock.now();
    let book = &mut world.ncloud;
    let order_id = name.unwrap_or_else(|| book.next_order.to_string());
    if order_id.is_empty() || book.orders.contains_key(&order_id) {
        return Err(format!("ncloud order {order_id} exists already"));
    }
    let first = book.next_certificate;
    let certificate = |number: u64| {
        let common_name = format!("shop-{number}.example.com");
        NcloudCertificate {
            number,
            name: format!("shop-{number}"),
            dns_names: vec![common_name.clone(), format!("www.{common_name}")],
            common_name,
            serial_number: serial_number(world.seed, "ncloud", number),
            issued: now,
            updated: now,
            revocation: None,
            csr: csr.map(str::to_owned),
            signed: None,
        }
    };
    let certificates: Vec<NcloudCertificate> =
        (first..).take(certificates).map(certificate).collect();
    book.next_certificate = first + certificates.len() as u64;
    book.restore(NcloudOrder {
        order_id: order_id.clone(),
        subscription_start: now,
        subscription_years: 1,
        certificates,
    });
    Ok(order_id)
}
