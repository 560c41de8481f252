//! One place among the calls in flight, and the slots that are drawn with it: what a
//! [`Permit`](crate::provider::Permit) is made of. Main type: [`Reservation`].
//!
//! Slots are drawn together or not at all: whoever waits for slots has none. So two callers never wait for
//! each other, however narrow the windows are.

use std::fmt;

use tokio::sync::OwnedSemaphorePermit;

use super::{Slot, Throttle};

/// The right to make some reads and one call, one after the other. Dropped, it gives back what was not
/// spent.
pub(in crate::provider) struct Reservation {
    throttle: Throttle,
    /// For the reads that are still planned, and for the call.
    slots: Vec<Slot>,
    /// How many slots there would be in windows that are wide enough.
    planned: usize,
    _place: Option<OwnedSemaphorePermit>,
}

impl Throttle {
    /// Waits for a place, and for the slots of so many reads and of one call.
    pub(in crate::provider) async fn reserve(&self, reads: u32) -> Reservation {
        let place = self.place().await;
        let mut reservation = Reservation {
            throttle: self.clone(),
            slots: Vec::new(),
            planned: usize::try_from(reads)
                .unwrap_or(usize::MAX)
                .saturating_add(1),
            _place: place,
        };
        reservation.ready().await;
        reservation
    }
}

impl Reservation {
    /// A slot for a read. One is kept for the call, so that nothing waits between the last read and it;
    /// where a window holds a single slot, the read takes that one. A read beyond those that were planned
    /// waits here, and keeps the place.
    pub(in crate::provider) async fn for_read(&mut self) -> Slot {
        self.planned = self.planned.max(2);
        if self.slots.len() < self.throttle.at_most(2) {
            self.slots.clear();
        }
        let slot = self.next().await;
        self.planned -= 1;
        slot
    }

    /// Gives the slots back for the time until a read is repeated. The repeat draws slots anew.
    pub(in crate::provider) fn rest(&mut self) {
        self.slots.clear();
        self.planned = self.planned.saturating_add(1);
    }

    /// Waits until there is a slot for the call.
    pub(in crate::provider) async fn ready(&mut self) {
        let slot = self.next().await;
        self.slots.push(slot);
    }

    /// The slot for the call. What else is left goes back.
    pub(in crate::provider) async fn for_call(&mut self) -> Slot {
        let slot = self.next().await;
        self.slots.clear();
        slot
    }

    /// A slot that is left, or one of all those that are planned and drawn now.
    async fn next(&mut self) -> Slot {
        if let Some(slot) = self.slots.pop() {
            return slot;
        }
        let (slot, more) = self.throttle.slots(self.planned).await;
        self.slots = more;
        slot
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Reservation")
            .field("slots", &self.slots)
            .finish_non_exhaustive()
    }
}
