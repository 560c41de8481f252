//! One order: its members taken apart, ids made numbers, its CSR read.

use std::collections::{HashMap, hash_map};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value};

use super::account::id_text;
use super::collect::Draft;
use super::context::{Context, Here};
use super::csr;
use super::dependency::Names;
use super::error::{Found, Part};
use super::lower::{item, take_generation, take_text, take_texts};
use super::product::{Family, products};
use super::rules::{self, Body, Broken};
use super::source::Source;
use super::wording::{shown, suggestion};
use crate::model::{Address, CertificateRequest, Csr, Item, Order, OrderId, RenewalOf, Wanted};

/// Lowers one order. Everything that is wrong with it is in the context; then the result is nothing.
pub(super) fn lower(
    mut draft: Draft,
    request: Option<csr::Outcome>,
    context: &mut Context<'_>,
    names: &Names,
) -> Option<Item> {
    let before = context.found.len();
    context.fill("orders", &mut draft);
    let mut members = std::mem::take(&mut draft.members);
    let address = Address::Order(draft.name.clone());
    let here = context.here("orders", &draft);

    let renewal_of_name = take_text(&mut members, "renewal_of");
    let renewal_of_id = members
        .remove("renewal_of_order_id")
        .as_ref()
        .and_then(id_text);
    let mut implied = Vec::new();
    if let Some(name) = &renewal_of_name {
        let spot = here.at(&["renewal_of"], Part::Value);
        implied.extend(
            context
                .order(name, spot, names)
                .map(|at| (at, name.clone(), "renewal_of")),
        );
        if renewal_of_id.is_some() {
            context.found.push(
                Found::new("two_renewals", "an order renews one order")
                    .spot(
                        here.at(&["renewal_of_order_id"], Part::Key),
                        "by the CA's id here",
                    )
                    .spot(here.at(&["renewal_of"], Part::Key), "by name here")
                    .help("keep one of them"),
            );
        }
    }
    let allow_similar = members.remove("allow_similar") == Some(Value::Bool(true));
    let existing_order_id = members
        .remove("existing_order_id")
        .as_ref()
        .and_then(id_text);
    let after = context.after(members.remove("after"), &implied, &address, &here, names);
    let generation = take_generation(&mut members);

    let written = take_text(&mut members, "account");
    let account = context.account(&draft, &here, written);
    if let Some((account, Some(provider))) = &account
        && provider.authority.tag_member().is_none()
    {
        let name = provider.name();
        let offered = context.where_offered(|authority| authority.tag_member().is_some());
        context.found.push(
            Found::new(
                "orders_not_offered",
                format!(
                    "orders at {name} are not offered yet; `{account}` is an account at {name}"
                ),
            )
            .spot(
                here.at(&["account"], Part::Value),
                format!("an account at {name}"),
            )
            .help(format!(
                "order at an account of {offered}; accounts at {name} can revoke"
            )),
        );
        return None;
    }
    let product = take_text(&mut members, "product");
    if product.is_none() && context.may_miss(&draft, "product") {
        context.found.push(
            Found::new(
                "missing_member",
                format!("`{}`: `product` is missing", draft.name),
            )
            .spot(here.key(), "in this order")
            .help("add for example `product: client_premium_sha2`"),
        );
    }
    let mut certificate = match members.remove("certificate") {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    };
    check(
        product.as_deref(),
        &members,
        &certificate,
        existing_order_id.is_some(),
        &draft,
        &here,
        context,
    );

    let csr = certificate
        .remove("csr")
        .and_then(|written| read_csr(&written, request, &certificate, &here, context));
    normalise(&mut members, &mut certificate);
    let certificate = CertificateRequest {
        common_name: take_text(&mut certificate, "common_name"),
        dns_names: take_texts(&mut certificate, "dns_names"),
        emails: take_texts(&mut certificate, "emails"),
        organization_units: take_texts(&mut certificate, "organization_units"),
        csr,
        members: certificate.into(),
    };
    if context.found.len() > before {
        return None;
    }
    let (account, product) = (account?.0, product?);
    let renewal_of = renewal_of_name
        .and_then(|name| name.parse().ok())
        .map(RenewalOf::Item)
        .or_else(|| renewal_of_id.map(|id| RenewalOf::OrderId(OrderId::from(id))));
    let order = Order {
        product,
        generation,
        certificate,
        renewal_of,
        allow_similar,
        existing_order_id: existing_order_id.map(OrderId::from),
        members: members.into(),
    };
    let place = context.place(&draft);
    Some(item(
        address,
        account,
        Wanted::Order(Box::new(order)),
        after,
        place,
    ))
}

/// Orders that ask for the same product and names as an earlier one, which is allowed: positions of
/// both. Both would be bought.
pub(super) fn alike(items: &[Item]) -> Vec<(usize, usize)> {
    let mut first: HashMap<u64, usize> = HashMap::new();
    let mut alike = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let Wanted::Order(order) = &item.wanted else {
            continue;
        };
        // Not bought, or bought on purpose.
        if order.renewal_of.is_some() || order.existing_order_id.is_some() || order.allow_similar {
            continue;
        }
        let mut hasher = DefaultHasher::new();
        (&item.account, &order.product, order.certificate.names()).hash(&mut hasher);
        match first.entry(hasher.finish()) {
            hash_map::Entry::Occupied(first) => alike.push((*first.get(), at)),
            hash_map::Entry::Vacant(none) => {
                none.insert(at);
            }
        }
    }
    alike
}

fn check(
    product: Option<&str>,
    members: &Map<String, Value>,
    certificate: &Map<String, Value>,
    exists: bool,
    draft: &Draft,
    here: &Here<'_>,
    context: &mut Context<'_>,
) {
    if let Some(product) = product.filter(|product| Family::of(product) == Family::Unknown) {
        let help = suggestion(product, products()).unwrap_or_default();
        context.warn(
            draft,
            format!("`orders.{}`: product `{}` is in no document known here; it goes to the CA as it is. {help}", draft.name, shown(product)).trim_end().to_owned(),
        );
    }
    let body = Body {
        product: product.unwrap_or_default(),
        members,
        certificate,
        exists,
        today: context.today,
    };
    for broken in rules::check(&body) {
        // What was given and wrong is not missing.
        let member = broken.path.join(".");
        let missing = matches!(broken.code, "missing_member" | "missing_validity");
        let validity = broken.code == "missing_validity"
            && [
                "validity_years",
                "validity_days",
                "custom_expiration_date",
                "order_validity",
            ]
            .iter()
            .any(|name| !context.may_miss(draft, name));
        if missing && (!context.may_miss(draft, &member) || validity) {
            continue;
        }
        context.found.push(place(broken, here));
    }
}

fn place(broken: Broken, here: &Here<'_>) -> Found {
    let inner: Vec<&str> = broken.path.iter().map(String::as_str).collect();
    let missing = matches!(broken.code, "missing_member" | "missing_validity");
    let label = if missing { "in this entry" } else { "here" };
    let part = if broken.code == "two_validities" {
        Part::Key
    } else {
        Part::Value
    };
    let mut found = Found::new(broken.code, broken.message)
        .spot(here.at(&inner, part), label)
        .maybe_help(broken.help);
    for also in &broken.also {
        let inner: Vec<&str> = also.iter().map(String::as_str).collect();
        found = found.spot(here.at(&inner, part), "and here");
    }
    found
}

fn read_csr(
    written: &Value,
    request: Option<csr::Outcome>,
    certificate: &Map<String, Value>,
    here: &Here<'_>,
    context: &mut Context<'_>,
) -> Option<Csr> {
    // One that comes from the defaults was not among the requests.
    let outcome = request.or_else(|| {
        let folder = context.sources.get(here.file).map(Source::folder)?;
        csr::check(folder, written)
    });
    let member = if written.get("file").is_some() {
        "file"
    } else {
        "pem"
    };
    let spot = || here.at(&["certificate", "csr", member], Part::Value);
    let checked = match outcome {
        Some(Ok(checked)) => checked,
        Some(Err(refused)) => {
            context.found.push(
                Found::new(refused.code, refused.message)
                    .spot(spot(), "this CSR")
                    .maybe_help(refused.help.map(str::to_owned)),
            );
            return None;
        }
        None => {
            let both = written.get("file").is_some() && written.get("pem").is_some();
            let (code, message) = if both {
                ("two_sources", "`csr` has both `file` and `pem`")
            } else {
                ("bad_value", "`csr` has one of `file` and `pem`")
            };
            context.found.push(
                Found::new(code, message)
                    .spot(
                        here.at(&["certificate", "csr"], Part::Value),
                        "say one of them",
                    )
                    .help("write `csr: { file: PATH }`"),
            );
            return None;
        }
    };
    let mut wanted: Vec<String> = ["common_name", "dns_names", "emails"]
        .iter()
        .filter_map(|name| certificate.get(*name))
        .flat_map(|value| match value {
            Value::Array(list) => list.iter().collect(),
            other => vec![other],
        })
        .filter_map(|value| value.as_str().map(str::to_lowercase))
        .collect();
    wanted.sort();
    let foreign: Vec<String> = checked
        .names
        .iter()
        .filter(|name| !wanted.contains(name))
        .map(|name| format!("`{}`", shown(name)))
        .collect();
    if !foreign.is_empty() {
        let ours: Vec<String> = wanted
            .iter()
            .map(|name| format!("`{}`", shown(name)))
            .collect();
        context.found.push(
            Found::new(
                "csr_names",
                format!(
                    "the CSR is for {}, the entry for {}",
                    foreign.join(", "),
                    if ours.is_empty() {
                        "no name".to_owned()
                    } else {
                        ours.join(", ")
                    }
                ),
            )
            .spot(spot(), "this CSR")
            .help("is it the CSR of another entry? The CA takes the names from the entry"),
        );
        return None;
    }
    Some(checked.csr)
}

/// Gives ids the type that the API has, whether they were written as numbers or in quotes.
fn normalise(members: &mut Map<String, Value>, certificate: &mut Map<String, Value>) {
    for name in ["organization", "container", "payment_profile"] {
        if let Some(id) = members.get_mut(name).and_then(|value| value.get_mut("id")) {
            number(id);
        }
    }
    for (list, name) in [
        ("custom_fields", Some("metadata_id")),
        ("user_id_assignments", None),
    ] {
        let Some(Value::Array(list)) = members.get_mut(list) else {
            continue;
        };
        for value in list {
            match name {
                Some(name) => value.get_mut(name).into_iter().for_each(number),
                None => number(value),
            }
        }
    }
    let contacts = members
        .get_mut("organization")
        .and_then(|organization| organization.get_mut("contacts"))
        .and_then(Value::as_array_mut);
    for contact in contacts.into_iter().flatten() {
        contact.get_mut("user_id").into_iter().for_each(number);
    }
    if let Some(hint) = members.remove("product_type_hint") {
        let mut product = Map::new();
        product.insert("type_hint".to_owned(), hint);
        members.insert("product".to_owned(), Value::Object(product));
    }
    if let Some(id) = certificate
        .get_mut("server_platform")
        .and_then(|platform| platform.get_mut("id"))
    {
        number(id);
    }
}

fn number(value: &mut Value) {
    if let Some(number) = value.as_str().and_then(|text| text.parse::<u64>().ok()) {
        *value = Value::from(number);
    }
}
