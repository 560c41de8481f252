//! The transitions for keys and files: a certificate is in the files folder, and what became of its program.

use super::collected::{Collected, Delivery};
use super::fact::{Fact, FactBody};
use super::ids::SerialNumber;
use super::live_state::LiveState;
use super::record::Record;

impl Record {
    /// Notes that a certificate is in the files folder.
    pub(super) fn collect(&mut self, fact: &Fact) -> Result<(), &'static str> {
        let FactBody::Collected {
            certificate_id: _,
            serial_number,
            public_key,
            files,
            passphrase,
        } = &fact.body
        else {
            return Err("nothing was collected");
        };
        let live = self.live.as_mut().ok_or("no order is bound to the name")?;
        if !matches!(live.state, LiveState::Issued | LiveState::Reissuing) {
            return Err("the order is not in force");
        }
        let seen = live.serial_number.as_ref();
        if seen.is_some_and(|seen| !seen.is_same(serial_number)) {
            return Err("another certificate of the order was seen");
        }
        live.collected = Some(Box::new(Collected {
            serial_number: serial_number.clone(),
            public_key: *public_key,
            files: files.clone(),
            passphrase: passphrase.clone(),
            at: fact.at,
            delivery: Delivery::Open,
        }));
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
