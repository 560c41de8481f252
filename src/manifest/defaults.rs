//! What entries have that do not say otherwise. It is read once, and joined with each entry member by
//! member. Main type: [`Defaults`].

use super::members::{Authorities, Purpose, Rest, offer, read_order, split};
use super::raw;
use super::yaml::Reading;
use crate::model::Authority;
use crate::model::form::{At, OrderDraft, Problem, Reader, Value};

/// The defaults of a manifest.
#[derive(Default)]
pub(super) struct Defaults {
    pub(super) order: raw::Order,
    pub(super) revocation: raw::Revocation,
    /// What each CA's form has read of the defaults for orders.
    drafts: Vec<(&'static str, Box<dyn OrderDraft>)>,
}

impl Defaults {
    /// Reads them.
    pub(super) fn read(
        section: Option<At<raw::Defaults>>,
        readings: &[Reading<'_>],
        authorities: Authorities<'_>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut defaults = Self::default();
        let Some(At { value: written, .. }) = section else {
            return defaults;
        };
        let values = [written.orders.given(), written.revocations.given()].map(|point| {
            let reading = readings.get(point?.file as usize)?;
            Some(reading.document.value(point?.node))
        });
        if let Some(orders) = values[0] {
            defaults.read_orders(orders, authorities, problems);
        }
        if let Some(revocations) = values[1] {
            let mut reader = Reader::new("revocations", problems);
            let mut rest = Rest::default();
            let shape = &mut defaults.revocation;
            split(
                shape,
                revocations,
                Purpose::Defaults,
                &mut reader,
                &mut rest,
            );
            offer(
                shape,
                &mut [],
                &rest,
                Purpose::Defaults,
                authorities,
                &mut reader,
            );
        }
        // A default that is there and wrong is not missing in any entry either.
        for (member, is_damaged) in [
            (written.orders.is_refused(), &mut defaults.order.is_damaged),
            (
                written.revocations.is_refused(),
                &mut defaults.revocation.is_damaged,
            ),
        ] {
            *is_damaged |= member || written.is_damaged;
        }
        defaults
    }

    fn read_orders(
        &mut self,
        value: Value<'_>,
        authorities: Authorities<'_>,
        problems: &mut Vec<Problem>,
    ) {
        let forms = authorities
            .iter()
            .filter_map(|authority| Some((authority.name(), authority.order_form()?)));
        self.drafts = forms.map(|(name, form)| (name, form.draft())).collect();
        let mut drafts: Vec<&mut dyn OrderDraft> = self
            .drafts
            .iter_mut()
            .map(|(_, draft)| draft.as_mut())
            .collect();
        let mut reader = Reader::new("orders", problems);
        read_order(
            &mut self.order,
            &mut drafts,
            value,
            Purpose::Defaults,
            authorities,
            &mut reader,
        );
    }

    /// What the form of a CA has read.
    pub(super) fn draft(&self, authority: &dyn Authority) -> Option<&dyn OrderDraft> {
        let mut drafts = self.drafts.iter();
        let (_, draft) = drafts.find(|(name, _)| *name == authority.name())?;
        Some(draft.as_ref())
    }
}
