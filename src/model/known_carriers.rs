//! What a record knows of other orders under its name's tag.

use jiff::Timestamp;

use super::carriers::Carriers;
use super::ids::OrderId;
use super::record::Record;

impl Record {
    /// What is known of other orders under the tag, as long as the name stands for the same order.
    pub fn known_carriers(&self) -> Option<&Carriers> {
        let live = self.live.as_ref()?;
        let known = self.carriers.as_deref()?;
        (known.order_id == live.order_id).then_some(known)
    }

    pub(super) fn take_carriers(
        &mut self,
        orders: &[OrderId],
        at: Timestamp,
    ) -> Result<(), &'static str> {
        let live = self.live.as_ref().ok_or("no order is bound to the name")?;
        self.carriers = Some(Box::new(Carriers {
            order_id: live.order_id.clone(),
            orders: orders.to_vec(),
            at,
        }));
        Ok(())
    }
}
