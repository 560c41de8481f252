//! One order: what every order has, and what the form of its CA has, joined with the defaults.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use super::collect::Entry;
use super::context::{Context, Warning, missing};
use super::csr::Request;
use super::dependency::{Implied, Names};
use super::members::{Purpose, Rest, is_mapping, read_parts, split};
use super::{raw, renew};
use crate::model::form::{
    At, Id, Line, List, Location, Member, Name, OrderDraft, OrderEntry, OrderPart, Problem, Reader,
    Shape, Value, Whole, Within, shown,
};
use crate::model::{
    Address, Authority, CertificateRequest, Item, Labels, Members, Order, OrderId, RenewalOf,
    SourceLine, Wanted,
};

impl Context<'_> {
    /// Lowers one order. Everything that is wrong with it is in the context; then the result is nothing.
    pub(super) fn lower_order(
        &mut self,
        position: usize,
        entry: &Entry<'_>,
        names: &Names<'_>,
    ) -> Option<Item> {
        let before = self.problems.len();
        let mut order = raw::Order::default();
        let mut rest = Rest::of(Within::Order);
        let mut reader = Reader::new(entry.name.as_str(), &mut self.problems);
        if !is_mapping(entry.value, &mut reader) {
            return None;
        }
        split(
            &mut order,
            entry.value,
            Purpose::Entry,
            &mut reader,
            &mut rest,
        );
        // Which form the rest is for is known by the account.
        let authority = self
            .order_authority(&order)
            .or_else(|| self.any_authority());
        let Some((authority, form)) = authority.and_then(|of| Some((of, of.order_form()?))) else {
            let problem = Problem::new("orders_not_offered", "no CA known here takes orders");
            self.problems.push(problem.at(entry.here(), "an order"));
            return None;
        };
        let mut draft = form.draft();
        let mut reader = Reader::new(entry.name.as_str(), &mut self.problems);
        let drafts = &mut [draft.as_mut()][..];
        read_parts(
            &mut order,
            drafts,
            (entry.value, rest),
            Purpose::Entry,
            self.authorities,
            &mut reader,
        );
        if !names.is_whole || entry.is_misnamed {
            return None;
        }
        order.take_defaults(&self.defaults.order);
        if let Some(defaults) = self.defaults.draft(authority) {
            draft.take_defaults(defaults.as_any());
        }
        let item = self.finish_order((position, entry), order, draft.as_ref(), names);
        item.filter(|_| self.problems.len() == before)
    }

    /// The CA whose form an order fills in; nothing where its account is not right, or takes no orders.
    fn order_authority(&self, order: &raw::Order) -> Option<&'static dyn Authority> {
        let said = order.account.value();
        let name = said.or_else(|| self.defaults.order.account.value())?;
        let account = self.accounts.get(&name.0)?.as_ref()?;
        let authority = account.provider.authority;
        authority.order_form().map(|_| authority)
    }

    /// A CA that takes orders, so that the members of an order without one are looked at all the same.
    fn any_authority(&self) -> Option<&'static dyn Authority> {
        let mut known = self.authorities.iter().copied();
        known.find(|authority| authority.order_form().is_some())
    }

    fn finish_order(
        &mut self,
        (position, entry): (usize, &Entry<'_>),
        order: raw::Order,
        draft: &dyn OrderDraft,
        names: &Names<'_>,
    ) -> Option<Item> {
        let address = Address::Order(entry.name.clone());
        let implied = self.renewed(&order, names);
        let after = self.after(order.after.get(), implied, &address, names);
        let account = self.account(entry, "orders", order.is_damaged, &order.account);
        if let (Some((_, Some(authority))), Some(given)) = (&account, order.account.get())
            && authority.order_form().is_none()
        {
            self.orders_not_offered(*authority, given);
            return None;
        }
        self.product_missing(entry, &order);
        self.existing_once(&order);
        let part = self.part_of_ca(entry, &order, draft);
        let location = self.location(entry);
        let renew = renew::renew(&order.renew);
        let mut warnings = part.warnings;
        if let (Some(renew), Some(product), Some((_, Some(authority)))) =
            (renew, order.product.value(), &account)
            && let Some(form) = authority.order_form()
        {
            warnings.extend(renew::cut(renew, &product.0, form, self.today));
        }
        for warning in warnings {
            self.warnings.push(Warning {
                location: location.clone(),
                address: address.clone(),
                message: format!("`{address}`: {warning}"),
                is_found_by_plans: false,
            });
        }
        let certificate = order
            .certificate
            .into_value()
            .map_or_else(Default::default, |joined| joined.0);
        let of = (position, entry.file(), &address, &location);
        let members = (part.certificate, part.delivery);
        let certificate = self.certificate(of, entry.value, certificate, members);
        let has_key = certificate.key.is_some();
        let files = self.files(entry.file(), order.files.get(), has_key);
        let labels = order.labels.into_value().unwrap_or_default();
        let (account, _) = account?;
        let wanted = Order {
            product: order.product.into_value()?.0,
            generation: generation(&order.generation),
            certificate,
            renewal_of: renewal_of(&order.renewal_of, &order.renewal_of_order_id),
            allow_similar: order.allow_similar.value() == Some(&true),
            renew,
            existing_order_id: order
                .existing_order_id
                .value()
                .map(|id| OrderId::from(id.0)),
            files,
            term_members: part.terms,
            members: part.members,
            call_members: part.call,
        };
        Some(Item {
            address,
            account,
            wanted: Wanted::Order(Box::new(wanted)),
            after,
            labels: Labels(labels.0),
            location,
        })
    }

    fn orders_not_offered(&mut self, authority: &'static dyn Authority, account: &At<Name>) {
        let ca = authority.name();
        let name = shown(&account.value.0);
        let offered = self.where_offered(|authority| authority.order_form().is_some());
        self.problems.push(
            Problem::new(
                "orders_not_offered",
                format!("orders at {ca} are not offered yet; `{name}` is an account at {ca}"),
            )
            .at(account.here(), format!("an account at {ca}"))
            .help(format!(
                "order at an account of {offered}; accounts at {ca} can revoke"
            )),
        );
    }

    fn product_missing(&mut self, entry: &Entry<'_>, order: &raw::Order) {
        if !order.product.is_absent() || order.is_damaged {
            return;
        }
        let problem = missing(entry, "product", "in this order");
        let form = self.any_authority().and_then(|known| known.order_form());
        let example = form.map(|form| {
            let product = form.product_example();
            format!("add for example `product: {product}`")
        });
        self.problems.push(problem.maybe_help(example));
    }

    /// The CA's part of an order, after its rules were checked.
    fn part_of_ca(
        &mut self,
        entry: &Entry<'_>,
        order: &raw::Order,
        draft: &dyn OrderDraft,
    ) -> OrderPart {
        let nothing = raw::Certificate::default();
        let certificate = order
            .certificate
            .value()
            .map_or(&nothing, |joined| &joined.0);
        let for_ca = OrderEntry {
            value: entry.value,
            is_damaged: order.is_damaged,
            product: order.product.value().map(|product| product.0.as_str()),
            certificate: order.certificate.given(),
            is_certificate_refused: order.certificate.is_refused() || certificate.is_damaged,
            common_name: &certificate.common_name,
            dns_names: &certificate.dns_names,
            emails: &certificate.emails,
            has_csr: !certificate.csr.is_absent() || !certificate.key.is_absent(),
            exists: !order.existing_order_id.is_absent(),
            renew: renew::renew(&order.renew).and(order.renew.point()),
            today: self.today,
        };
        let mut reader = Reader::new(entry.name.as_str(), &mut self.problems);
        draft.finish(&for_ca, &mut reader)
    }

    /// The order of the manifest that this one renews.
    fn renewed(&mut self, order: &raw::Order, names: &Names<'_>) -> Option<Implied> {
        let name = order.renewal_of.get()?;
        if let Some(id) = order.renewal_of_order_id.get() {
            self.problems.push(
                Problem::new("two_renewals", "an order renews one order")
                    .at(id.key(), "by the CA's id here")
                    .at(name.key(), "by name here")
                    .help("keep one of them"),
            );
        }
        let to = self.order(&name.value.0, name.here(), names)?;
        Implied::order(to, &name.value.0, name.point)
    }

    /// An order that exists belongs to one name.
    fn existing_once(&mut self, order: &raw::Order) {
        let (Some(id), Some(account)) = (order.existing_order_id.get(), order.account.value())
        else {
            return;
        };
        let key = (account.0.clone(), id.value.0);
        if let Some(first) = self.existing.get(&key) {
            let problem = Problem::new(
                "existing_order_twice",
                format!("order {} is taken over by two entries", id.value.0),
            )
            .at(id.here(), "again here")
            .at(Location::Value(*first), "first here")
            .help("an order belongs to one name: keep one of them");
            self.problems.push(problem);
        } else {
            self.existing.insert(key, id.point);
        }
    }

    /// What goes into the certificate; its CSR is checked later, together with all others.
    fn certificate(
        &mut self,
        (order, file, address, location): (usize, usize, &Address, &SourceLine),
        entry: Value<'_>,
        mut written: raw::Certificate,
        (members, delivery): (Members, Members),
    ) -> CertificateRequest {
        let are_names_known = are_names_known(&written);
        let key = self.key(entry, &mut written);
        let csr = written.csr.into_at();
        let certificate = CertificateRequest {
            common_name: written.common_name.into_value().map(|text| text.0),
            dns_names: list(written.dns_names),
            emails: list(written.emails),
            organization_units: list(written.organization_units),
            csr: None,
            key,
            members,
            delivery,
        };
        // Of a CSR beside a name that was mistyped nothing can be said.
        let ignores_names = !are_names_known
            || csr.as_ref().and_then(|csr| csr.value.ignore_names.value()) == Some(&true);
        if let Some(csr) = csr
            && let Some(source) = self.csr_source(csr)
        {
            self.requests.push(Request {
                order,
                file,
                source,
                names: certificate.names(),
                ignores_names,
                address: address.clone(),
                location: location.clone(),
            });
        }
        certificate
    }

    /// Warns of orders that ask for the same product and names as an earlier one, which is allowed: both
    /// would be bought.
    pub(super) fn warn_of_alike(&mut self, items: &[Item]) {
        let mut first: HashMap<u64, usize> = HashMap::with_capacity(items.len());
        let state = RandomState::new();
        for (at, item) in items.iter().enumerate() {
            let Wanted::Order(order) = &item.wanted else {
                continue;
            };
            // Not bought, or bought on purpose.
            if order.renewal_of.is_some()
                || order.existing_order_id.is_some()
                || order.allow_similar
            {
                continue;
            }
            let names = order.certificate.names();
            let hash = state.hash_one((&item.account, &order.product, names));
            let earlier = *first.entry(hash).or_insert(at);
            let Some(earlier) = items.get(earlier).filter(|_| earlier != at) else {
                continue;
            };
            self.warnings.push(Warning {
                location: item.location.clone(),
                address: item.address.clone(),
                message: format!(
                    "`{}` asks for the same product and names as `{}`: both will be bought",
                    item.address, earlier.address
                ),
                is_found_by_plans: false,
            });
        }
    }
}

/// Whether every name of the entry could be read, so that names of others can be told.
fn are_names_known(written: &raw::Certificate) -> bool {
    fn is_whole<const MOST: usize>(list: &Member<List<Line<MOST>>>) -> bool {
        !list.is_refused() && list.value().is_none_or(|list| !list.is_refused)
    }
    !written.is_damaged
        && !written.common_name.is_refused()
        && is_whole(&written.dns_names)
        && is_whole(&written.emails)
}

fn renewal_of(name: &Member<Name>, id: &Member<Id>) -> Option<RenewalOf> {
    if let Some(name) = name.value() {
        return Some(RenewalOf::Item(name.0.parse().ok()?));
    }
    Some(RenewalOf::OrderId(OrderId::from(id.value()?.0)))
}

fn list<const MOST: usize>(member: Member<List<Line<MOST>>>) -> Vec<String> {
    let values = member
        .into_value()
        .map(List::into_values)
        .unwrap_or_default();
    values.into_iter().map(|line| line.0).collect()
}

/// How often a person asked for the entry; 1 if it says nothing.
pub(super) fn generation(member: &Member<Whole<1, 1_000_000>>) -> u32 {
    let number = member.value().map(|number| u32::try_from(number.0));
    number.and_then(Result::ok).unwrap_or(1)
}
