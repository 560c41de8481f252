//! Answers that never came: found again, or asked about; never sent twice.

mod answers;
mod breaker;
mod by_hand;
mod changes;
mod lost;
mod person;
mod waiting;
