//! The transitions for keys and files: a certificate is in the files folder, and what became of its program.

use super::collected::{Collected, Delivery};
use super::ids::SerialNumber;
use super::live_state::LiveState;
use super::record::Record;

impl Record {
    /// Notes that a certificate is in the files folder.
    pub(super) fn collect(&mut self, collected: Collected) -> Result<(), &'static str> {
        let live = self.live.as_mut().ok_or("no order is bound to the name")?;
        if !matches!(live.state, LiveState::Issued | LiveState::Reissuing) {
            return Err("the order is not in force");
        }
        let seen = live.serial_number.as_ref();
        if seen.is_some_and(|seen| !seen.is_same(&collected.serial_number)) {
            return Err("another certificate of the order was seen");
        }
        live.collected = Some(Box::new(collected));
        Ok(())
    }

    /// Notes what became of the program for the collected certificate.
    pub(super) fn deliver(
        &mut self,
        serial: &SerialNumber,
        delivery: Delivery,
    ) -> Result<(), &'static str> {
        let live = self.live.as_mut().ok_or("no order is bound to the name")?;
        match &mut live.collected {
            Some(collected) if collected.serial_number.is_same(serial) => {
                collected.delivery = delivery;
                Ok(())
            }
            _ => Err("that certificate was not collected"),
        }
    }
}
