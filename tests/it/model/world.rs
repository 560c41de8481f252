//! What befalls the runs: the network, the CA, and crashes.

use super::journal::Kind;
use super::protocol::{Move, Variant};
use super::state::{Answer, CaOrder, Call, Run, State};

impl Variant {
    /// The CA and the network.
    pub(super) fn world(&self, state: &State, moves: &mut Vec<(Move, State)>) {
        let mut add = |by: Move, change: &dyn Fn(&mut State)| {
            let mut next = state.clone();
            change(&mut next);
            moves.push((by, next));
        };
        for at in 0..state.in_flight.len() {
            let Call { item, run } = state.in_flight[at];
            let answer = |next: &mut State, answer: Answer| {
                if let Some(run) = run
                    && next.runs[run] == Run::Waiting(item)
                {
                    next.runs[run] = Run::Answered(item, answer);
                }
            };
            add(Move::Arrive(at), &|next| {
                next.in_flight.remove(at);
                let said = match self.rules.items[item] {
                    Kind::Revocation => {
                        next.revoked = true;
                        Answer::Revoked
                    }
                    Kind::Order if self.rules.unique_tag && next.ordered(item) > 0 => {
                        Answer::Refused
                    }
                    Kind::Order => {
                        next.orders.push(CaOrder {
                            item,
                            indexed: false,
                        });
                        Answer::Ordered(u8::try_from(next.orders.len() - 1).expect("few orders"))
                    }
                };
                answer(next, said);
            });
            add(Move::Refuse(at), &|next| {
                next.in_flight.remove(at);
                answer(next, Answer::Refused);
            });
            add(Move::Vanish(at), &|next| {
                next.in_flight.remove(at);
            });
        }
        for at in 0..state.orders.len() {
            if !state.orders[at].indexed {
                add(Move::Index(at), &|next| next.orders[at].indexed = true);
            }
        }
        if state.synced != state.seen {
            add(Move::Sync, &|next| next.synced = next.seen);
        }
    }

    /// Kills, power cuts and leases that run out.
    pub(super) fn crashes(&self, state: &State, moves: &mut Vec<(Move, State)>) {
        if state.crashes == self.rules.crashes {
            return;
        }
        let mut add = |by: Move, change: &dyn Fn(&mut State)| {
            let mut next = state.clone();
            next.crashes += 1;
            change(&mut next);
            moves.push((by, next));
        };
        for run in 0..2 {
            if state.runs[run] != Run::Down {
                add(Move::Kill(run), &|next| {
                    next.runs[run] = Run::Down;
                    next.hang_up(run);
                    next.lock = next.lock.filter(|holder| *holder != run);
                });
            }
        }
        add(Move::PowerCut, &|next| {
            next.runs = [Run::Down; 2];
            next.hang_up(0);
            next.hang_up(1);
            next.lock = None;
            next.seen = next.synced;
        });
        if self.rules.lease && state.lock.is_some() {
            add(Move::LeaseRunsOut, &|next| {
                next.lock = None;
            });
        }
    }
}
