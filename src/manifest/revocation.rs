//! One revocation: which order, which certificates, why, and whether the CA offers that.

use super::collect::Entry;
use super::context::Context;
use super::dependency::{Implied, Names};
use super::members::{Purpose, Rest, is_mapping, offer, split};
use super::order::generation;
use super::raw;
use crate::model::form::{Location, Member, Problem, Reader, Shape, Within};
use crate::model::{
    AccountName, Address, Authority, Item, Labels, OrderId, Revocation, RevocationReason,
    RevocationTarget, Scope, Wanted,
};

impl Context<'_> {
    /// Lowers one revocation. `account_of` is the account of the order at a position. Everything that is
    /// wrong with it is in the context; then the result is nothing.
    pub(super) fn lower_revocation(
        &mut self,
        entry: &Entry<'_>,
        names: &Names<'_>,
        account_of: impl Fn(usize) -> Option<AccountName>,
    ) -> Option<Item> {
        let before = self.problems.len();
        let mut written = raw::Revocation::default();
        let mut rest = Rest::of(Within::Order);
        let mut reader = Reader::new(entry.name.as_str(), &mut self.problems);
        if !is_mapping(entry.value, &mut reader) {
            return None;
        }
        split(
            &mut written,
            entry.value,
            Purpose::Entry,
            &mut reader,
            &mut rest,
        );
        offer(
            &mut written,
            &mut [],
            &rest,
            Purpose::Entry,
            self.authorities,
            &mut reader,
        );
        if !names.is_whole || entry.is_misnamed {
            return None;
        }
        written.take_defaults(&self.defaults.revocation);

        let address = Address::Revocation(entry.name.clone());
        let named = written.order.get();
        let order = named.and_then(|name| {
            let at = self.order(&name.value.0, name.here(), names)?;
            Some((at, Implied::order(at, &name.value.0, name.point)?))
        });
        let order_account = order.as_ref().and_then(|(at, _)| account_of(*at));
        let target = self.target(entry, &written);
        let implied = order.map(|(_, implied)| implied);
        let after = self.after(written.after.get(), implied, &address, names);

        // An order of this manifest says which account it is in.
        let account = match order_account {
            Some(name) if written.account.is_absent() => {
                let account = self.accounts.get(name.as_str()).and_then(Option::as_ref);
                Some((name, account.map(|account| account.provider.authority)))
            }
            // What is wrong with the order was reported, and it would have said.
            None if written.account.is_absent() && !written.order.is_absent() => None,
            _ => self.account(entry, "revocations", written.is_damaged, &written.account),
        };
        let authority = account.as_ref().and_then(|(_, authority)| *authority);
        let scope = self.scope(entry, &written, authority);
        let reason = self.reason(entry, &written, authority);
        self.approvals(entry, &written, authority);
        if self.problems.len() > before {
            return None;
        }
        let labels = written.labels.value().cloned().unwrap_or_default();
        let revocation = Revocation {
            target: target?,
            scope: scope?,
            reason: reason?,
            comments: note(&written).map(str::to_owned),
            skip_approval: written.skip_approval.value() == Some(&true),
            generation: generation(&written.generation),
        };
        Some(Item {
            address,
            account: account?.0,
            wanted: Wanted::Revocation(Box::new(revocation)),
            after,
            labels: Labels(labels.0),
            location: self.location(entry),
        })
    }

    fn target(&mut self, entry: &Entry<'_>, written: &raw::Revocation) -> Option<RevocationTarget> {
        match (&written.order_id, &written.order) {
            (Member::Given(id), Member::Given(name)) => {
                self.problems.push(
                    Problem::new("two_targets", "a revocation is about one order")
                        .at(name.key(), "by name here")
                        .at(id.key(), "by the CA's id here")
                        .help("keep one of them"),
                );
                None
            }
            (Member::Given(id), _) => Some(RevocationTarget::OrderId(OrderId::from(id.value.0))),
            (_, Member::Given(name)) => Some(RevocationTarget::Order(name.value.0.parse().ok()?)),
            (Member::Absent, Member::Absent) if !written.is_damaged => {
                self.problems.push(
                    Problem::new(
                        "missing_member",
                        format!(
                            "`{}` does not say which order: `order_id` is missing",
                            entry.name
                        ),
                    )
                    .at(entry.here(), "in this revocation")
                    .help("add `order_id: N`, or `order: NAME` for an order of this manifest"),
                );
                None
            }
            (Member::Absent | Member::Refused(_), Member::Absent | Member::Refused(_)) => None,
        }
    }

    fn scope(
        &mut self,
        entry: &Entry<'_>,
        written: &raw::Revocation,
        authority: Option<&'static dyn Authority>,
    ) -> Option<Scope> {
        let given = match &written.scope {
            Member::Given(given) => given,
            Member::Refused(_) => return None,
            Member::Absent => {
                if !written.is_damaged {
                    self.problems.push(
                        Problem::new(
                            "missing_scope",
                            format!(
                                "`{}`: `scope` is missing, and it has no default",
                                entry.name
                            ),
                        )
                        .at(entry.here(), "in this revocation")
                        .help("add `scope: order` for every certificate of the order, or name one certificate"),
                    );
                }
                return None;
            }
        };
        let kind = given.value.scope.kind();
        let offers = |authority: &dyn Authority| authority.scopes().contains(&kind);
        let Some(authority) = authority.filter(|authority| !offers(*authority)) else {
            return Some(given.value.scope.clone());
        };
        let here = given.value.member.map_or(given.here(), Location::Key);
        let right: Vec<String> = authority
            .scopes()
            .iter()
            .map(|kind| format!("`{}`", kind.example()))
            .collect();
        let of = self.where_offered(offers);
        self.problems.push(
            Problem::new(
                "wrong_scope",
                format!("{} has no scope `{}`", authority.name(), kind.word()),
            )
            .at(here, format!("of {of}"))
            .help(format!("write {}", right.join(" or "))),
        );
        None
    }

    fn reason(
        &mut self,
        entry: &Entry<'_>,
        written: &raw::Revocation,
        authority: Option<&'static dyn Authority>,
    ) -> Option<RevocationReason> {
        let offered = authority.map_or(&RevocationReason::ALL[..], |authority| authority.reasons());
        let list = || {
            let names: Vec<String> = offered.iter().map(|reason| format!("`{reason}`")).collect();
            names.join(", ")
        };
        let given = match &written.reason {
            Member::Given(given) => given,
            Member::Refused(_) => return None,
            Member::Absent => {
                if !written.is_damaged {
                    self.problems.push(
                        Problem::new(
                            "missing_reason",
                            format!(
                                "`{}`: `reason` is missing, and it has no default",
                                entry.name
                            ),
                        )
                        .at(entry.here(), "in this revocation")
                        .help(format!("one of {}", list())),
                    );
                }
                return None;
            }
        };
        let reason = given.value.0;
        if !offered.contains(&reason) {
            let ca = authority.map_or("the CA", |authority| authority.name());
            self.problems.push(
                Problem::new(
                    "reason_not_offered",
                    format!("{ca} does not offer the reason `{reason}`"),
                )
                .at(given.here(), "not offered")
                .help(format!("it offers {}", list())),
            );
            return None;
        }
        Some(reason)
    }

    /// The note for who decides, and whether somebody does.
    fn approvals(
        &mut self,
        entry: &Entry<'_>,
        written: &raw::Revocation,
        authority: Option<&'static dyn Authority>,
    ) {
        let Some(authority) = authority else { return };
        let ca = authority.name();
        if authority.has_requests() {
            let here = match &written.comments {
                Member::Absent if !written.is_damaged => entry.here(),
                Member::Given(given) if note(written).is_none() => given.here(),
                Member::Absent | Member::Given(_) | Member::Refused(_) => return,
            };
            let name = &entry.name;
            self.problems.push(
                Problem::new(
                    "missing_comments",
                    format!("`revocations.{name}`: `comments` is missing: {ca} wants a note for the administrator"),
                )
                .at(here, "in this revocation")
                .help("add `comments: \"why\"`"),
            );
        } else if let Some(skip) = written.skip_approval.get().filter(|skip| skip.value) {
            let of = self.where_offered(|authority| authority.has_requests());
            self.problems.push(
                Problem::new("wrong_member", format!("{ca} has no approval to skip"))
                    .at(skip.here(), format!("of {of}"))
                    .help("remove `skip_approval`"),
            );
        }
    }
}

/// The note of a revocation, if it says anything.
fn note(written: &raw::Revocation) -> Option<&str> {
    let text = written.comments.value().map(|text| text.0.as_str());
    text.filter(|text| !text.trim().is_empty())
}
