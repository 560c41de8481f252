//! What has to be read beyond the lists before a plan can be made.

use std::collections::{BTreeMap, BTreeSet};

use super::doubles::{self, may_hide_from_tags};
use super::due;
use super::ending;
use super::followers::followers;
use super::inputs::{Inputs, Knowledge};
use super::live_unread::must_be_read;
use super::order_case::OrderCase;
use super::reissue::takes_names_away;
use super::renewal;
use super::renewed_here::Renewals;
use super::renewing::asks_for_followers;
use super::target::{Answered, Target, answered, is_over, target};
use super::unlisted;
use super::view::{AccountView, Owners};
use crate::model::{
    AccountName, Item, LiveOrder, ObservedAccount, ObservedOrder, Order, OrderId, OrderStatus,
    Revocation, Sameness, Scope, Tag, Wanted,
};

/// What to read in one account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Questions {
    /// Orders to read with all their certificates.
    pub orders: BTreeSet<OrderId>,
    /// Orders to read with archived duplicates as well, because certificates of them are to die.
    pub dying: BTreeSet<OrderId>,
    /// Tags to look up.
    pub tags: BTreeSet<Tag>,
    /// Certificates whose order is to be looked up.
    pub holders: BTreeSet<Scope>,
    /// Whether to list requests to revoke.
    pub revocation_requests: bool,
    /// Whether to list orders that wait for an administrator.
    pub waiting_orders: bool,
}

impl Questions {
    /// True when nothing is left to read.
    pub fn is_empty(&self) -> bool {
        self.orders.is_empty()
            && self.dying.is_empty()
            && self.tags.is_empty()
            && self.holders.is_empty()
            && !self.revocation_requests
            && !self.waiting_orders
    }
}

/// What is still unanswered, by account. Ask, add the answers, and call again until it is empty: the
/// answer to a look-up by tag can raise the question for the order behind it.
pub fn questions(inputs: &Inputs<'_>) -> BTreeMap<AccountName, Questions> {
    let owners = Owners::of(inputs);
    let selected = inputs.selected();
    let renewals = Renewals::of(inputs);
    let mut asking: BTreeMap<&AccountName, Asking<'_>> = BTreeMap::new();
    let views: BTreeMap<&AccountName, AccountView<'_>> = inputs
        .observed
        .accounts
        .iter()
        .map(|(name, account)| (name, AccountView::of(inputs, name, account, &owners)))
        .collect();
    for item in &inputs.batch.items {
        let (Some(account), Some(view)) = (inputs.account(item), views.get(&item.account)) else {
            continue;
        };
        if !selected.contains(&item.address) {
            continue;
        }
        let asking = asking.entry(&item.account).or_default();
        match &item.wanted {
            Wanted::Order(order) => {
                let case = OrderCase::of(inputs, (item, order), &renewals);
                asking.about_order(case, account, view);
            }
            Wanted::Revocation(revocation) => {
                asking.about_revocation(inputs, item, revocation, account);
            }
        }
    }
    asking
        .into_iter()
        .map(|(name, asking)| (name.clone(), asking.done()))
        .filter(|(_, questions)| !questions.is_empty())
        .collect()
}

/// How many reissues that wait are read for what they wait for. Of more, the plan says only that they wait: a read
/// of each would take longer than the answer is worth.
const READ_REISSUES: usize = 100;

/// The questions of one account while they are put together.
#[derive(Default)]
struct Asking<'a> {
    questions: Questions,
    /// One look-up for each of these entries would rule out what could be theirs.
    lookups: BTreeSet<Tag>,
    /// Or one read of each of these orders, which shows its tag.
    reads: BTreeMap<&'a OrderId, &'a ObservedOrder>,
    /// Reissues that wait, read or not.
    reissues: usize,
    /// Lists of orders that were taken already, by where they are: whether something is unread in them, and
    /// whether a look-up by tag would show it.
    taken: BTreeMap<usize, (bool, bool)>,
}

impl<'a> Asking<'a> {
    fn about_order(
        &mut self,
        case: OrderCase<'_, 'a>,
        account: &'a ObservedAccount,
        view: &AccountView<'a>,
    ) {
        let (order, record) = (case.order, case.record);
        let moves = case.inputs.moves;
        if moves.refused(&case.item.address).is_some() {
            return;
        }
        self.questions
            .orders
            .extend(moves.unread(case.item, account));
        if record.is_some_and(|record| record.open.is_some()) {
            return;
        }
        if case.needs_new_order() {
            let unbound = record.is_none_or(|record| record.live.is_none());
            match &order.existing_order_id {
                Some(id) if unbound => self.about_existing(order, id, account),
                _ => self.about_new(case, account, view),
            }
            return;
        }
        let unclear = doubles::unclear(case, view);
        self.questions.tags.extend(unclear.tag);
        self.questions.orders.extend(unclear.orders);
        if let Some(live) = record.and_then(|record| record.live.as_ref())
            && (must_be_read(case, live, account)
                || due::must_be_read(case, live, account)
                || ending::must_be_read(case, live, account)
                || self.is_waiting_reissue(live, account))
        {
            self.questions.orders.insert(live.order_id.clone());
        }
        if let Some(live) = record.and_then(|record| record.live.as_ref())
            && asks_for_followers(case, live)
        {
            self.about_followers(case, view, (&live.order_id, true));
        }
        // What a reissue takes down dies as by a revocation.
        let read = case.bound().filter(|read| read.certificates.is_some());
        if let Some(read) = read
            && !read.all_duplicates
            && takes_names_away(order, read)
        {
            self.questions.dying.insert(read.id.clone());
        }
    }

    /// The renewals of an order that the journal may not know.
    fn about_followers(
        &mut self,
        case: OrderCase<'_, 'a>,
        view: &AccountView<'a>,
        first: (&OrderId, bool),
    ) {
        let followers = followers(case, view, first);
        self.questions.tags.extend(followers.look_up);
        self.questions.orders.extend(followers.read);
    }

    /// True for a reissue of which the list does not show whether an administrator has granted it.
    fn is_waiting_reissue(&mut self, live: &LiveOrder, account: &ObservedAccount) -> bool {
        let listed = account.orders.get(&live.order_id);
        let waits = live.change.is_some()
            && !live.approved
            && listed.is_some_and(|listed| listed.status == OrderStatus::ReissuePending);
        self.reissues += usize::from(waits);
        waits && self.reissues <= READ_REISSUES && !account.details.contains_key(&live.order_id)
    }

    /// The list is enough where it shows the names; the tag and the key stand in the order alone.
    fn about_existing(&mut self, order: &Order, id: &OrderId, account: &ObservedAccount) {
        let listed = account.orders.get(id);
        let agrees =
            listed.is_some_and(|listed| crate::model::same_names(order, listed) == Sameness::Same);
        let plain = agrees && !order.certificate.has_what_lists_lack();
        if !plain && !account.details.contains_key(id) {
            self.questions.orders.insert(id.clone());
        }
    }

    fn about_new(
        &mut self,
        case: OrderCase<'_, 'a>,
        account: &'a ObservedAccount,
        view: &AccountView<'a>,
    ) {
        let Some(tag) = case.tag() else {
            return;
        };
        self.questions
            .orders
            .extend(renewal::unread(case, account).cloned());
        let forgotten = case.record.into_iter().flat_map(|record| &record.forgotten);
        let unlisted = forgotten.filter(|id| !account.orders.contains_key(*id));
        let mut tags = vec![tag];
        tags.extend(case.former_tags().into_iter().map(|(_, tag)| tag));
        let carriers = tags.iter().flat_map(|tag| view.carriers(tag));
        for id in carriers.chain(unlisted) {
            if !account.details.contains_key(id) {
                self.questions.orders.insert(id.clone());
            }
        }
        for tag in &tags {
            if let [one] = view.carriers(tag).as_slice()
                && let Some(Some(read)) = account.details.get(*one)
            {
                self.about_followers(case, view, (one, read.renewed));
            }
        }
        tags.retain(|tag| !account.tags.contains_key(tag));
        let known = tags.is_empty();
        if !known && case.must_rule_out() && self.about_what_could_be_it(case, account, view, &tags)
        {
            return;
        }
        let ruled_out = known || case.must_rule_out();
        if ruled_out && case.order.allow_similar {
            return;
        }
        for (similar, sameness) in view.similar(case.inputs, case.order) {
            match sameness {
                Sameness::Open if !account.details.contains_key(&similar.id) => {
                    self.questions.orders.insert(similar.id.clone());
                }
                Sameness::Same | Sameness::Open if !ruled_out => {
                    self.questions.tags.extend(tags.iter().cloned());
                }
                Sameness::Same | Sameness::Open | Sameness::Different | Sameness::Unknown => {}
            }
        }
    }

    /// Rules out what could be the order itself. True while something is unread: what carries the tag is no
    /// twin, so twins come after it.
    fn about_what_could_be_it(
        &mut self,
        case: OrderCase<'_, 'a>,
        account: &'a ObservedAccount,
        view: &AccountView<'a>,
        tags: &[Tag],
    ) -> bool {
        // The CA's list may leave out what waits for an administrator.
        let unlisted = account.waiting_orders.is_none() && has_requests(case.inputs, case.item);
        self.questions.waiting_orders |= unlisted;
        // After an earlier call, what the lists show rules nothing out: the refusal may not have been true.
        let called = case.record.is_some_and(|record| record.attempts > 0);
        let candidates = match case.inputs.knowledge {
            Knowledge::MayLack | Knowledge::Whole if !called => view.candidates(case.order),
            Knowledge::MayLack | Knowledge::Whole | Knowledge::Lacks => view.all(),
        };
        let unread = |order: &&'a ObservedOrder| !account.details.contains_key(&order.id);
        let mut look_up = false;
        let mut open = unlisted;
        for order in candidates.named.values().copied().filter(unread) {
            look_up |= self.take(order);
            open = true;
        }
        for list in candidates.open {
            let place = std::ptr::from_ref(list).addr();
            let (unread_here, visible_here) = match self.taken.get(&place) {
                Some(known) => *known,
                None => {
                    let mut left = (false, false);
                    for order in list.iter().copied().filter(unread) {
                        left = (true, self.take(order) || left.1);
                    }
                    self.taken.insert(place, left);
                    left
                }
            };
            open |= unread_here;
            look_up |= visible_here;
        }
        if look_up {
            self.lookups.extend(tags.iter().cloned());
        }
        open
    }

    /// Notes an order that has to be ruled out. True where a look-up by tag would do that.
    fn take(&mut self, order: &'a ObservedOrder) -> bool {
        if may_hide_from_tags(order) {
            self.questions.orders.insert(order.id.clone());
            return false;
        }
        self.reads.insert(&order.id, order);
        true
    }

    fn about_revocation(
        &mut self,
        inputs: &Inputs<'_>,
        item: &Item,
        revocation: &Revocation,
        account: &ObservedAccount,
    ) {
        let known = match target(inputs, item, revocation) {
            Target::Order(id) | Target::New(id) => Some(id),
            Target::Unclear(id, tags) => {
                let unknown = tags.into_iter();
                let unknown = unknown.filter(|tag| !account.tags.contains_key(tag));
                self.questions.tags.extend(unknown);
                Some(id)
            }
            Target::Undecided(_) | Target::NoOrder(_) => None,
        };
        if let Some(id) = known {
            let scope = &revocation.scope;
            let today = inputs.today(&item.account);
            match answered(account, &id, scope, today) {
                Answered::Ask => {
                    let listed = account.orders.get(&id);
                    let is_over = listed.is_some_and(|listed| is_over(listed, today));
                    // Nothing of it dies any more.
                    let asked = match scope {
                        Scope::Order if is_over => &mut self.questions.orders,
                        Scope::Order
                        | Scope::Duplicates
                        | Scope::CertificateId(_)
                        | Scope::SerialNumber(_)
                        | Scope::CertificateNo(_) => &mut self.questions.dying,
                    };
                    asked.insert(id);
                }
                Answered::Known(order, certificates) => {
                    let record = inputs.record(item);
                    if unlisted::is_in_question(scope, order, &certificates, record)
                        && !account.holders.contains_key(scope)
                    {
                        self.questions.holders.insert(scope.clone());
                    }
                }
                Answered::Invisible => {}
            }
        }
        if account.revocation_requests.is_none() && has_requests(inputs, item) {
            self.questions.revocation_requests = true;
        }
    }

    /// Of the two ways to rule out what could be somebody's, the one that takes fewer requests. Where both
    /// take the same, the orders are read: a look-up that finds something leaves its order to be read.
    fn done(self) -> Questions {
        let mut questions = self.questions;
        // What waits is listed first: it may add to what has to be ruled out.
        if questions.waiting_orders {
            return questions;
        }
        let reads: usize = self.reads.values().copied().map(requests_to_read).sum();
        if reads <= self.lookups.len() {
            questions.orders.extend(self.reads.into_keys().cloned());
        } else {
            questions.tags.extend(self.lookups);
        }
        questions
    }
}

/// How many requests a full read takes: one for the order, and one for each list of further certificates that
/// may have something in it.
fn requests_to_read(order: &ObservedOrder) -> usize {
    if order.certificates.is_some() {
        return 1;
    }
    1 + usize::from(order.duplicates != Some(0)) + usize::from(order.reissues != Some(0))
}

/// True where an administrator decides requests at the CA.
fn has_requests(inputs: &Inputs<'_>, item: &Item) -> bool {
    let account = inputs.batch.accounts.get(&item.account);
    account.is_some_and(|account| account.provider.authority.has_requests())
}
