//! The members of an entry whose CA is not known when they are first looked at: what every entry has is
//! read, and the rest is offered to the form of the CA.

use super::raw;
use crate::model::Authority;
use crate::model::form::{
    At, Kind, Location, Member, MemberOf, OrderDraft, Point, Problem, Reader, Shape, Taken, Value,
    Within, meant,
};

/// The CAs that a manifest may speak of.
pub(super) type Authorities<'a> = &'a [&'static dyn Authority];

/// What members are read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// An entry of its own.
    Entry,
    /// What entries have that do not say otherwise.
    Defaults,
}

/// Members that the shape of every entry does not have: keys and values.
#[derive(Debug)]
pub(super) struct Rest<'v> {
    pub(super) members: Vec<(Value<'v>, Value<'v>)>,
    within: Within,
}

impl Default for Rest<'_> {
    fn default() -> Self {
        Self::of(Within::Order)
    }
}

impl Rest<'_> {
    /// None so far, of an entry or of its certificate.
    pub(super) fn of(within: Within) -> Self {
        Self {
            members: Vec::new(),
            within,
        }
    }
}

/// Whether an entry is a mapping; if not, that is a problem.
pub(super) fn is_mapping(value: Value<'_>, reader: &mut Reader<'_>) -> bool {
    match value.kind() {
        Kind::Mapping => return true,
        // What could not be parsed was reported then.
        Kind::Refused => {}
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text | Kind::List => {
            reader.wrong_type(value, "a mapping");
        }
    }
    false
}

/// Reads the members that a shape has, and keeps the others.
pub(super) fn split<'v, S: Shape>(
    shape: &mut S,
    mapping: Value<'v>,
    purpose: Purpose,
    reader: &mut Reader<'_>,
    rest: &mut Rest<'v>,
) {
    for (key, value) in mapping.members() {
        let Some(name) = key.text() else {
            shape.damage();
            continue;
        };
        if purpose == Purpose::Defaults && is_own(S::MEMBERS, name) {
            not_a_default(name, key, reader);
            continue;
        }
        match shape.set(name, value, reader) {
            Taken::Yes => {}
            Taken::Twice(first) => {
                reader.given_twice(name, key.point(), Location::Key(first));
                shape.damage();
            }
            Taken::No => rest.members.push((key, value)),
        }
    }
}

/// Offers what is left to the forms; what none of them has is unknown.
pub(super) fn offer<S: Shape>(
    shape: &mut S,
    drafts: &mut [&mut dyn OrderDraft],
    rest: &Rest<'_>,
    purpose: Purpose,
    authorities: Authorities<'_>,
    reader: &mut Reader<'_>,
) {
    let mut wanted: Vec<(&str, Point)> = Vec::new();
    for &(key, value) in &rest.members {
        let name = key.text().unwrap_or_default();
        if purpose == Purpose::Defaults && is_own(&of_forms(drafts, rest.within), name) {
            not_a_default(name, key, reader);
            continue;
        }
        let mut taken = Taken::No;
        for draft in drafts.iter_mut() {
            match draft.set(rest.within, name, value, reader) {
                Taken::No => {}
                now => taken = now,
            }
        }
        match taken {
            Taken::Yes => {}
            Taken::Twice(first) => {
                reader.given_twice(name, key.point(), Location::Key(first));
                shape.damage();
            }
            Taken::No => {
                let own = of_forms(drafts, rest.within);
                let known = S::MEMBERS
                    .iter()
                    .chain(&own)
                    .filter(|member| purpose == Purpose::Entry || !member.is_own())
                    .map(|member| member.name);
                if authorities.iter().any(|one| one.tag_member() == Some(name)) {
                    tag_in_manifest(name, key, reader);
                    continue;
                }
                reader.unknown_member(name, key.point(), known.clone());
                wanted.extend(meant(name, known).map(|name| (name, value.point())));
            }
        }
    }
    // What was meant by a mistyped key is not missing. It may also be there.
    for (name, point) in wanted {
        shape.refuse(name, point);
        for draft in drafts.iter_mut() {
            draft.refuse(rest.within, name, point);
        }
    }
}

/// Reads an order, or the defaults of orders: what every order has into the shape, the rest into the
/// drafts of the CAs' forms.
pub(super) fn read_order(
    order: &mut raw::Order,
    drafts: &mut [&mut dyn OrderDraft],
    value: Value<'_>,
    purpose: Purpose,
    authorities: Authorities<'_>,
    reader: &mut Reader<'_>,
) {
    let mut rest = Rest::of(Within::Order);
    split(order, value, purpose, reader, &mut rest);
    let parts = (value, rest);
    read_parts(order, drafts, parts, purpose, authorities, reader);
}

/// The same where the members that every order has are read: what is left, and the certificate.
pub(super) fn read_parts(
    order: &mut raw::Order,
    drafts: &mut [&mut dyn OrderDraft],
    (value, mut rest): (Value<'_>, Rest<'_>),
    purpose: Purpose,
    authorities: Authorities<'_>,
    reader: &mut Reader<'_>,
) {
    let levels = (raw::Order::MEMBERS, raw::Certificate::MEMBERS);
    let moved = take_misplaced(drafts, &mut rest, levels, reader);
    offer(order, drafts, &rest, purpose, authorities, reader);
    read_certificate(order, drafts, value, authorities, reader);
    // What stands in the wrong place is not missing in the right one.
    for (name, point) in moved {
        match &mut order.certificate {
            Member::Given(given) => given.value.0.refuse(name, point),
            absent => absent.refuse(point),
        }
        for draft in drafts.iter_mut() {
            draft.refuse(Within::Certificate, name, point);
        }
    }
}

/// Tells members of the order that stand in its certificate, and the other way round, and takes them out. Both
/// levels have members that every order has. Returns what is meant by them.
fn take_misplaced(
    drafts: &[&mut dyn OrderDraft],
    rest: &mut Rest<'_>,
    (here, there): (&[MemberOf], &[MemberOf]),
    reader: &mut Reader<'_>,
) -> Vec<(&'static str, Point)> {
    let (other, right) = match rest.within {
        Within::Order => (Within::Certificate, "one level deeper, in `certificate`"),
        Within::Certificate => (Within::Order, "one level higher, beside `certificate`"),
    };
    let all = |own: Vec<MemberOf>, members: &[MemberOf]| -> Vec<&'static str> {
        let all = own.iter().chain(members);
        all.map(|member| member.name).collect()
    };
    let here = all(of_forms(drafts, rest.within), here);
    let there = all(of_forms(drafts, other), there);
    let mut moved = Vec::new();
    rest.members.retain(|&(key, value)| {
        let name = key.text().unwrap_or_default();
        let exact = there.iter().copied().find(|member| *member == name);
        // `subject: NAME` in a certificate is the word of other tools for the common name.
        let is_ours = meant(name, here.iter().copied()).is_some();
        let misplaced = match exact {
            Some(member) if !is_ours || value.kind() == Kind::Mapping => Some(member),
            None if !is_ours => meant(name, there.iter().copied()),
            Some(_) | None => None,
        };
        if let Some(member) = misplaced {
            reader.misplaced_member((name, member), key.point(), right);
            moved.push((member, value.point()));
        }
        misplaced.is_none()
    });
    moved
}

/// Reads what the certificate of an order holds.
fn read_certificate(
    order: &mut raw::Order,
    drafts: &mut [&mut dyn OrderDraft],
    value: Value<'_>,
    authorities: Authorities<'_>,
    reader: &mut Reader<'_>,
) {
    let Member::Given(At {
        value: raw::Joined(certificate),
        point,
    }) = &mut order.certificate
    else {
        return;
    };
    let mapping = value.of(*point);
    let moved = reader.member("certificate", |reader| {
        let mut rest = Rest::of(Within::Certificate);
        split(certificate, mapping, Purpose::Entry, reader, &mut rest);
        let levels = (raw::Certificate::MEMBERS, raw::Order::MEMBERS);
        let moved = take_misplaced(drafts, &mut rest, levels, reader);
        offer(
            certificate,
            drafts,
            &rest,
            Purpose::Entry,
            authorities,
            reader,
        );
        moved
    });
    for (name, point) in moved {
        order.refuse(name, point);
        for draft in drafts.iter_mut() {
            draft.refuse(Within::Order, name, point);
        }
    }
}

/// The members of an account that not every CA has.
pub(super) fn own_members(authority: &dyn Authority) -> Vec<&'static str> {
    let has_regions = authority
        .regions()
        .iter()
        .any(|region| region.name.is_some());
    let region = has_regions.then_some("region");
    let key_id = authority.has_key_check().then_some("key_id");
    let credentials = authority.credentials().iter().map(|member| member.name);
    region
        .into_iter()
        .chain(credentials)
        .chain(key_id)
        .collect()
}

fn of_forms(drafts: &[&mut dyn OrderDraft], within: Within) -> Vec<MemberOf> {
    drafts
        .iter()
        .flat_map(|draft| draft.members(within))
        .collect()
}

fn is_own(members: &[MemberOf], name: &str) -> bool {
    members
        .iter()
        .any(|member| member.name == name && member.is_own())
}

fn not_a_default(name: &str, key: Value<'_>, reader: &mut Reader<'_>) {
    let problem = Problem::new(
        "not_a_default",
        format!("`{name}` cannot have a default: each entry says it"),
    )
    .at(Location::Value(key.point()), "move this into the entries");
    reader.tell(problem);
}

fn tag_in_manifest(name: &str, key: Value<'_>, reader: &mut Reader<'_>) {
    let problem = Problem::new(
        "tag_in_manifest",
        format!("`{name}` is set by certplan: it is how an order is found again"),
    )
    .at(Location::Value(key.point()), "remove this");
    reader.tell(problem);
}
