//! One revocation: which order, which certificates, why, and whether the CA offers that.

use std::num::NonZeroU64;

use serde_json::{Map, Value};

use super::account::id_text;
use super::collect::Draft;
use super::context::{Context, Here};
use super::dependency::Names;
use super::error::{Found, Part};
use super::lower::{item, take_generation, take_text};
use super::wording::shown;
use crate::model::{
    Address, Authority, CertificateId, Item, OrderId, Provider, Revocation, RevocationReason,
    RevocationTarget, Scope, SerialNumber, Wanted,
};

/// Lowers one revocation. Everything that is wrong with it is in the context; then the result is nothing.
pub(super) fn lower(mut draft: Draft, context: &mut Context<'_>, names: &Names) -> Option<Item> {
    let before = context.found.len();
    context.fill("revocations", &mut draft);
    let mut members = std::mem::take(&mut draft.members);
    let address = Address::Revocation(draft.name.clone());
    let here = context.here("revocations", &draft);

    let order_id = members.remove("order_id").as_ref().and_then(id_text);
    let order_name = take_text(&mut members, "order");
    let mut implied = Vec::new();
    let mut order_account = None;
    if let Some(name) = &order_name {
        let spot = here.at(&["order"], Part::Value);
        if let Some(at) = context.order(name, spot, names) {
            implied.push((at, name.clone(), "order"));
            order_account = names.order_accounts.get(at).cloned().flatten();
        }
    }
    let target = target(order_id, order_name, &draft, &here, context);
    let after = context.after(members.remove("after"), &implied, &address, &here, names);
    let generation = take_generation(&mut members);

    // An order of this manifest says which account it is in.
    let written = take_text(&mut members, "account")
        .or_else(|| order_account.map(|account| account.to_string()));
    let account = context.account(&draft, &here, written);
    let provider = account.as_ref().and_then(|(_, provider)| provider.clone());

    let scope = scope(
        members.remove("scope"),
        provider.as_ref(),
        &draft,
        &here,
        context,
    );
    let reason = reason(&mut members, provider.as_ref(), &draft, &here, context);
    let comments = take_text(&mut members, "comments").filter(|text| !text.trim().is_empty());
    let name = provider.as_ref().map_or("the CA", Provider::name);
    let has_requests = provider
        .as_ref()
        .map(|provider| provider.authority.has_requests());
    if has_requests == Some(true) && comments.is_none() && context.may_miss(&draft, "comments") {
        context.found.push(
            Found::new(
                "missing_comments",
                format!(
                    "`{address}`: `comments` is missing: {name} wants a note for the administrator"
                ),
            )
            .spot(here.at(&["comments"], Part::Value), "in this revocation")
            .help("add `comments: \"why\"`"),
        );
    }
    let skip_approval = members.remove("skip_approval") == Some(Value::Bool(true));
    if skip_approval && has_requests == Some(false) {
        let of = context.where_offered(|authority| authority.has_requests());
        context.found.push(
            Found::new("wrong_member", format!("{name} has no approval to skip"))
                .spot(here.at(&["skip_approval"], Part::Value), format!("of {of}"))
                .help("remove `skip_approval`"),
        );
    }
    if context.found.len() > before {
        return None;
    }
    let revocation = Revocation {
        target: target?,
        scope: scope?,
        reason: reason?,
        comments,
        skip_approval,
        generation,
    };
    let place = context.place(&draft);
    let wanted = Wanted::Revocation(Box::new(revocation));
    Some(item(address, account?.0, wanted, after, place))
}

fn target(
    order_id: Option<String>,
    order_name: Option<String>,
    draft: &Draft,
    here: &Here<'_>,
    context: &mut Context<'_>,
) -> Option<RevocationTarget> {
    match (order_id, order_name) {
        (Some(_), Some(_)) => {
            context.found.push(
                Found::new("two_targets", "a revocation is about one order")
                    .spot(here.at(&["order"], Part::Key), "by name here")
                    .spot(here.at(&["order_id"], Part::Key), "by the CA's id here")
                    .help("keep one of them"),
            );
            None
        }
        (Some(id), None) => Some(RevocationTarget::OrderId(OrderId::from(id))),
        (None, Some(name)) => Some(RevocationTarget::Order(name.parse().ok()?)),
        (None, None) => {
            if context.may_miss(draft, "order_id") && context.may_miss(draft, "order") {
                context.found.push(
                    Found::new(
                        "missing_member",
                        format!(
                            "`{}` does not say which order: `order_id` is missing",
                            draft.name
                        ),
                    )
                    .spot(here.key(), "in this revocation")
                    .help("add `order_id: N`, or `order: NAME` for an order of this manifest"),
                );
            }
            None
        }
    }
}

fn scope(
    written: Option<Value>,
    provider: Option<&Provider>,
    draft: &Draft,
    here: &Here<'_>,
    context: &mut Context<'_>,
) -> Option<Scope> {
    let Some(written) = written else {
        if context.may_miss(draft, "scope") {
            context.found.push(
                Found::new(
                    "missing_scope",
                    format!("`{}`: `scope` is missing, and it has no default", draft.name),
                )
                .spot(here.key(), "in this revocation")
                .help("add `scope: order` for every certificate of the order, or name one certificate"),
            );
        }
        return None;
    };
    let scope = match &written {
        Value::String(word) if word == "duplicates" => Scope::Duplicates,
        Value::String(_) => Scope::Order,
        Value::Object(map) => single(map, here, context)?,
        _ => return None,
    };
    let kind = scope.kind();
    let offers = |authority: &dyn Authority| authority.scopes().contains(&kind);
    if let Some(provider) = provider.filter(|provider| !offers(provider.authority)) {
        let (path, part) = match &written {
            Value::Object(_) => (&["scope", kind.word()][..], Part::Key),
            _ => (&["scope"][..], Part::Value),
        };
        let right: Vec<String> = provider
            .authority
            .scopes()
            .iter()
            .map(|kind| format!("`{}`", kind.example()))
            .collect();
        let of = context.where_offered(offers);
        context.found.push(
            Found::new(
                "wrong_scope",
                format!("{} has no scope `{}`", provider.name(), kind.word()),
            )
            .spot(here.at(path, part), format!("of {of}"))
            .help(format!("write {}", right.join(" or "))),
        );
        return None;
    }
    Some(scope)
}

fn single(map: &Map<String, Value>, here: &Here<'_>, context: &mut Context<'_>) -> Option<Scope> {
    if let Some(id) = map.get("certificate_id").and_then(id_text) {
        return Some(Scope::CertificateId(CertificateId::from(id)));
    }
    if let Some(serial) = map.get("serial_number").and_then(Value::as_str) {
        let serial = serial.to_lowercase().replace(':', "");
        return Some(Scope::SerialNumber(SerialNumber::from(serial)));
    }
    let number = map.get("certificate_no").and_then(Value::as_u64)?;
    match NonZeroU64::new(number) {
        Some(number) => Some(Scope::CertificateNo(number)),
        None => {
            // A CA may read 0 as "every certificate of the order".
            context.found.push(
                Found::new(
                    "certificate_no_zero",
                    "`certificate_no: 0` would be every certificate of the order",
                )
                .spot(here.at(&["scope", "certificate_no"], Part::Value), "not 0")
                .help("if that is meant, write `scope: order`"),
            );
            None
        }
    }
}

fn reason(
    members: &mut Map<String, Value>,
    provider: Option<&Provider>,
    draft: &Draft,
    here: &Here<'_>,
    context: &mut Context<'_>,
) -> Option<RevocationReason> {
    let list = |reasons: &[RevocationReason]| {
        let names: Vec<String> = reasons.iter().map(|reason| format!("`{reason}`")).collect();
        names.join(", ")
    };
    let offered = provider.map_or(&RevocationReason::ALL[..], |provider| {
        provider.authority.reasons()
    });
    let Some(name) = take_text(members, "reason") else {
        if context.may_miss(draft, "reason") {
            context.found.push(
                Found::new(
                    "missing_reason",
                    format!(
                        "`{}`: `reason` is missing, and it has no default",
                        draft.name
                    ),
                )
                .spot(here.key(), "in this revocation")
                .help(format!("one of {}", list(offered))),
            );
        }
        return None;
    };
    let reason = RevocationReason::ALL
        .into_iter()
        .find(|reason| reason.name() == name)?;
    if !offered.contains(&reason) {
        context.found.push(
            Found::new(
                "reason_not_offered",
                format!(
                    "{} does not offer the reason `{}`",
                    provider.map_or("the CA", Provider::name),
                    shown(&name)
                ),
            )
            .spot(here.at(&["reason"], Part::Value), "not offered")
            .help(format!("it offers {}", list(offered))),
        );
        return None;
    }
    Some(reason)
}
