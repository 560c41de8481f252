//! How an order is renewed: its `renew`, and what would not come in time.

use super::raw;
use crate::model::form::{Member, OrderForm};
use crate::model::{Lead, Renew};
use jiff::civil::Date;

/// What an entry says; `None` where certplan never renews it.
pub(super) fn renew(member: &Member<raw::Renew>) -> Option<Renew> {
    let raw::Renew::As(said) = member.value()? else {
        return None;
    };
    let default = Renew::default();
    Some(Renew {
        before: said.before.value().map_or(default.before, |lead| lead.0),
        order_before: said
            .order_before
            .value()
            .map_or(default.order_before, |days| days.0),
        spread: said.spread.value().map_or(default.spread, |days| {
            u32::from(days.0).saturating_mul(24 * 3600)
        }),
        route: said.route.value().copied().unwrap_or_default(),
    })
}

/// That `before` is longer than half of what the CA gives within the next year, in words.
pub(super) fn cut(
    renew: Renew,
    product: &str,
    form: &dyn OrderForm,
    today: Date,
) -> Option<String> {
    let Lead::Days(days) = renew.before else {
        return None;
    };
    let in_a_year = today.checked_add(jiff::Span::new().days(365)).ok()?;
    let lifetimes = [today, in_a_year].map(|day| form.lifetime(product, day));
    let shortest = lifetimes.into_iter().flatten().min()?;
    let half = shortest / 2;
    (days > half).then(|| {
        format!(
            "`before: {days}d` is cut to {half} days where a certificate lives for {shortest} days, which the CA gives within the next year: write a part, for example `before: 33%`"
        )
    })
}
