//! The orders of one account that no entry of the manifest stands for, by what tells them apart:
//! [`AccountView`]. Finds twins, and what has to be ruled out before something is bought.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::civil::Date;

use super::inputs::Inputs;
use crate::model::{
    AccountName, LiveState, ObservedAccount, ObservedOrder, Order, OrderId, Sameness, Tag, Wanted,
    is_host, live_state, may_be, normal_name, same_names,
};

/// Twins that are named; more say nothing more.
const NAMED: usize = 5;

/// Which kinds of names an order shows that every CA writes as they were asked for: hosts and addresses.
type Kinds = (bool, bool);

/// Orders of one product that may be somebody's.
#[derive(Default)]
struct OfProduct<'a> {
    by_common_name: BTreeMap<String, Vec<&'a ObservedOrder>>,
    by_name: BTreeMap<&'a str, Vec<&'a ObservedOrder>>,
    with_common_name: BTreeMap<Kinds, Vec<&'a ObservedOrder>>,
    without_common_name: BTreeMap<Kinds, Vec<&'a ObservedOrder>>,
}

/// The orders by product; those whose product is not shown may be of any.
#[derive(Default)]
struct Products<'a> {
    known: BTreeMap<&'a str, OfProduct<'a>>,
    unknown: OfProduct<'a>,
    all: Vec<&'a ObservedOrder>,
}

/// The orders of one account.
pub(super) struct AccountView<'a> {
    account: &'a ObservedAccount,
    today: Date,
    /// Orders that some record has bound, whether its entry is still in the manifest or not.
    bound: BTreeSet<&'a OrderId>,
    /// Orders that an entry of the manifest stands for.
    spoken_for: BTreeSet<&'a OrderId>,
    /// Orders that a person parted from their names: their tags say nothing any more.
    forgotten: BTreeSet<&'a OrderId>,
    own_tags: OnceCell<HashSet<String>>,
    products: OnceCell<Products<'a>>,
    by_name: OnceCell<BTreeMap<&'a str, Vec<&'a ObservedOrder>>>,
    by_tag: OnceCell<BTreeMap<&'a str, Vec<&'a OrderId>>>,
}

impl<'a> AccountView<'a> {
    pub(super) fn of(
        inputs: &Inputs<'a>,
        name: &AccountName,
        account: &'a ObservedAccount,
        owners: &Owners<'a>,
    ) -> Self {
        let mut spoken_for = owners.of_manifest.clone();
        let forgotten = inputs.records.values();
        let forgotten: BTreeSet<_> = forgotten.flat_map(|record| &record.forgotten).collect();
        for item in &inputs.batch.items {
            if let Wanted::Order(order) = &item.wanted
                && item.account == *name
                && let Some(id) = &order.existing_order_id
            {
                spoken_for.insert(id);
            }
        }
        // A look-up is only made for a tag of the manifest.
        for hit in account.tags.values().flat_map(|lookup| &lookup.orders) {
            if !forgotten.contains(&hit.order_id) {
                spoken_for.insert(&hit.order_id);
            }
        }
        Self {
            account,
            today: inputs.today(name),
            bound: owners.all.clone(),
            spoken_for,
            forgotten,
            own_tags: OnceCell::new(),
            products: OnceCell::new(),
            by_name: OnceCell::new(),
            by_tag: OnceCell::new(),
        }
    }

    /// The account.
    pub(super) fn account(&self) -> &'a ObservedAccount {
        self.account
    }

    /// True when some name already stands for the order.
    pub(super) fn is_bound(&self, id: &OrderId) -> bool {
        self.bound.contains(id)
    }

    fn orders(&self) -> impl Iterator<Item = &'a ObservedOrder> {
        let waiting = self.account.waiting_orders.iter().flatten();
        let unlisted = waiting.filter(|order| !self.account.orders.contains_key(&order.id));
        self.account.orders.values().chain(unlisted)
    }

    fn products(&self) -> &Products<'a> {
        self.products.get_or_init(|| {
            let mut products = Products::default();
            for order in self
                .orders()
                .filter(|order| !self.bound.contains(&order.id))
            {
                products.all.push(order);
                let of = match order.product.as_deref() {
                    Some(product) => products.known.entry(product).or_default(),
                    None => &mut products.unknown,
                };
                for name in &order.names {
                    of.by_name.entry(name).or_default().push(order);
                }
                let classes = match &order.common_name {
                    Some(name) => {
                        let named = of.by_common_name.entry(normal_name(name)).or_default();
                        named.push(order);
                        &mut of.with_common_name
                    }
                    None => &mut of.without_common_name,
                };
                classes.entry(kinds(&order.names)).or_default().push(order);
            }
            products
        })
    }

    /// Orders that could be the wanted one, as far as the lists show: see [`may_be`]. Those that no name
    /// tells apart are the same for many entries, so they come as whole lists.
    pub(super) fn candidates(&self, wanted: &Order) -> Candidates<'_, 'a> {
        let common_name = wanted.certificate.common_name.as_deref().map(normal_name);
        let names = wanted.certificate.names();
        let ours = kinds(&names);
        let mut found = Candidates::default();
        let products = self.products();
        let known = products.known.get(wanted.product.as_str());
        for of in known.into_iter().chain([&products.unknown]) {
            if let Some(name) = &common_name {
                found.add(of.by_common_name.get(name).into_iter().flatten());
            }
            let shared = names
                .iter()
                .filter_map(|name| of.by_name.get(name.as_str()));
            found.add(shared.flatten().filter(|order| may_be(wanted, order)));
            let classes = of.without_common_name.iter();
            let more = of.with_common_name.iter();
            let open = classes.chain(more.filter(|_| common_name.is_none()));
            for (theirs, orders) in open {
                if !((ours.0 && theirs.0) || (ours.1 && theirs.1)) {
                    found.open.push(orders);
                }
            }
        }
        found
    }

    /// Every order that no name stands for: where the journal is known to lack facts, nothing that the lists
    /// show rules an order out.
    pub(super) fn all(&self) -> Candidates<'_, 'a> {
        Candidates {
            named: BTreeMap::new(),
            open: vec![&self.products().all],
        }
    }

    fn by_name(&self) -> &BTreeMap<&'a str, Vec<&'a ObservedOrder>> {
        self.by_name.get_or_init(|| {
            let mut by_name: BTreeMap<&str, Vec<&ObservedOrder>> = BTreeMap::new();
            for order in self.orders() {
                let over = matches!(
                    live_state(order, self.today),
                    LiveState::Ended(_) | LiveState::Lapsed
                );
                if over || self.spoken_for.contains(&order.id) {
                    continue;
                }
                for name in &order.names {
                    by_name.entry(name).or_default().push(order);
                }
            }
            by_name
        })
    }

    /// Orders in force or waiting that share a name with the wanted one and that no entry stands for, each
    /// with whether it is for the same names and product.
    pub(super) fn similar(
        &self,
        inputs: &Inputs<'_>,
        wanted: &Order,
    ) -> Vec<(&'a ObservedOrder, Sameness)> {
        let mut found: BTreeMap<&OrderId, (&ObservedOrder, Sameness)> = BTreeMap::new();
        let (mut twins, mut others) = (0, 0);
        for name in wanted.certificate.names() {
            for order in self.by_name().get(name.as_str()).into_iter().flatten() {
                if found.contains_key(&order.id) || inputs.is_renewed_by(wanted, &order.id) {
                    continue;
                }
                let read = self.account.details.get(&order.id).and_then(Option::as_ref);
                let sameness = same_names(wanted, read.unwrap_or(order));
                let count = match sameness {
                    Sameness::Same | Sameness::Open => &mut twins,
                    Sameness::Different | Sameness::Unknown => &mut others,
                };
                let tag = read
                    .filter(|_| !self.forgotten.contains(&order.id))
                    .and_then(|read| read.tag.as_deref());
                if *count >= NAMED || tag.is_some_and(|tag| self.is_own_tag(inputs, tag)) {
                    continue;
                }
                *count += 1;
                found.insert(&order.id, (order, sameness));
            }
        }
        found.into_values().collect()
    }

    /// True for the tag of an order of this manifest.
    fn is_own_tag(&self, inputs: &Inputs<'_>, tag: &str) -> bool {
        let own = self.own_tags.get_or_init(|| {
            let items = inputs.batch.items.iter();
            let orders = items.filter_map(|item| match &item.wanted {
                Wanted::Order(order) => Some((item, order.generation)),
                Wanted::Revocation(_) => None,
            });
            let orders = orders.flat_map(|(item, generation)| {
                let former = inputs.former_names(item);
                let names = former.iter().chain([&item.address]);
                names
                    .filter_map(|name| inputs.tag_under(name, item, generation))
                    .collect::<Vec<_>>()
            });
            orders.map(|tag| tag.to_string()).collect()
        });
        own.contains(tag)
    }

    /// The orders that carry a tag, as far as they were looked up or read. The look-up's own filter is not
    /// trusted: an order that shows another tag is none of them.
    pub(super) fn carriers(&self, tag: &Tag) -> Vec<&'a OrderId> {
        let shows = |id: &OrderId| {
            let read = self.account.details.get(id)?.as_ref()?;
            read.tag.as_deref()
        };
        let mut found: BTreeSet<&OrderId> = BTreeSet::new();
        if let Some(lookup) = self.account.tags.get(tag) {
            let hits = lookup.orders.iter().map(|hit| &hit.order_id);
            found.extend(hits.filter(|id| shows(id).is_none_or(|shown| shown == tag.as_str())));
        }
        let by_tag = self.by_tag.get_or_init(|| {
            let mut by_tag: BTreeMap<&str, Vec<&OrderId>> = BTreeMap::new();
            for (id, read) in &self.account.details {
                if let Some(carried) = read.as_ref().and_then(|read| read.tag.as_deref()) {
                    by_tag.entry(carried).or_default().push(id);
                }
            }
            by_tag
        });
        found.extend(by_tag.get(tag.as_str()).into_iter().flatten().copied());
        found.retain(|id| !self.forgotten.contains(*id));
        found.into_iter().collect()
    }
}

/// Which names stand for which orders, over all accounts.
pub(super) struct Owners<'a> {
    /// Every order that is bound.
    all: BTreeSet<&'a OrderId>,
    /// Those whose entry is in the manifest.
    of_manifest: BTreeSet<&'a OrderId>,
}

impl<'a> Owners<'a> {
    pub(super) fn of(inputs: &Inputs<'a>) -> Self {
        let live = inputs
            .records
            .iter()
            .flat_map(|(address, record)| record.bound_orders().map(move |id| (address, id)));
        let all: Vec<_> = live.collect();
        let wanted: HashSet<_> = inputs
            .batch
            .items
            .iter()
            .map(|item| &item.address)
            .collect();
        let of_manifest = all.iter().filter(|(address, _)| wanted.contains(address));
        Self {
            of_manifest: of_manifest.map(|(_, id)| *id).collect(),
            all: all.into_iter().map(|(_, id)| id).collect(),
        }
    }
}

/// What has to be ruled out before something is bought.
#[derive(Default)]
pub(super) struct Candidates<'v, 'a> {
    /// Orders that a name points to.
    pub(super) named: BTreeMap<&'a OrderId, &'a ObservedOrder>,
    /// Lists of orders that no name tells apart from the wanted one.
    pub(super) open: Vec<&'v Vec<&'a ObservedOrder>>,
}

impl<'a> Candidates<'_, 'a> {
    fn add<'i>(&mut self, orders: impl Iterator<Item = &'i &'a ObservedOrder>)
    where
        'a: 'i,
    {
        self.named.extend(orders.map(|order| (&order.id, *order)));
    }
}

fn kinds(names: &[String]) -> Kinds {
    (
        names.iter().any(|name| is_host(name)),
        names.iter().any(|name| name.contains('@')),
    )
}
