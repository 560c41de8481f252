//! The steps of a run: what is read right before a call, the intent, the call, and what became of it.

use certplan::model::{
    Adoption, Attempt, Digest, FactBody, ObservedOrder, Operation, OperationKind, OrderOperation,
    Part, PartState, Phase, ReissueOperation, RevokeOperation, Standing, Tag, Untrusted,
    live_state, rejected_reissue, seen,
};
use certplan::plan::{Action, Step};

use super::ca::{self, About, CaOrder, Maker, Stage, certificate_id, request_id};
use super::manifest::{order, order_id, place_of, tag};
use super::runs::{TODAY, is_watched};
use super::state::{Reached, State};
use super::{Item, Life, promises};

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Taken,
    Refused,
    /// The answer is lost; the call had its effect, or it had not.
    Lost(bool),
    /// The run is killed after the intent; the call had its effect, or it had not.
    Killed(bool),
}

impl Outcome {
    pub(super) const ALL: [Self; 6] = [
        Self::Taken,
        Self::Refused,
        Self::Lost(true),
        Self::Lost(false),
        Self::Killed(true),
        Self::Killed(false),
    ];

    fn has_effect(self) -> bool {
        matches!(self, Self::Taken | Self::Lost(true) | Self::Killed(true))
    }
}

impl Life {
    /// Carries a step out; `None` where it cannot be, or where the call cannot end so.
    pub(super) fn carry_out(&self, state: &State, item: Item, outcome: Outcome) -> Option<State> {
        let run = state.run.as_ref()?;
        if run.done[item as usize] {
            return None;
        }
        let steps = self.steps(run.plan);
        let step = steps.iter().find(|step| Item::of(step) == item)?;
        let open = |until| run.reached >= Reached::of(Some(until));
        // A doubt is settled whatever the step waits for.
        let free = step.action == Action::Settle
            || self.rules.opens_every_gate
            || step.after.iter().all(|after| open(after.until));
        if !step.action.is_change() || step.action == Action::Adopt || !free {
            return None;
        }
        let mut next = state.clone();
        if outcome != Outcome::Taken {
            next.trouble = state.trouble.checked_sub(1)?;
        }
        if let Some(run) = &mut next.run {
            run.done[item as usize] = true;
        }
        let mut taken = outcome == Outcome::Taken;
        let called = match (step.action, &step.operation) {
            (Action::Settle, _) => {
                taken = self.settle(&mut next, item);
                false
            }
            (_, Some(Operation::Order(operation))) => self.place(&mut next, operation, outcome),
            (_, Some(Operation::Reissue(operation))) => self.reissue(&mut next, operation, outcome),
            (_, Some(Operation::Revoke(operation))) => {
                self.revoke(&mut next, (step, operation), outcome)
            }
            (_, None) => return None,
        };
        // Without a call nothing can go wrong with it.
        if !called && outcome != Outcome::Taken {
            return None;
        }
        // What was not taken leaves the item where the plan saw it.
        if item == Item::Shop && taken && (called || step.action == Action::Settle) {
            self.look(&mut next, step, None);
        }
        Some(next)
    }

    /// How far `shop` has come, by the journal and by what was just read. A gate that is open stays so.
    fn look(&self, state: &mut State, step: &Step, read: Option<&ObservedOrder>) {
        let record = self.record(state, Item::Shop);
        let more = step.asks_for_more(&record) && !self.rules.forgets_the_entry;
        let standing = Standing::of_order(Some(&record), read, more, TODAY);
        let reached = Reached::of(standing.reached());
        let good = self.is_good(state);
        if let Some(run) = &mut state.run
            && reached > run.reached
        {
            run.reached = reached;
            run.was_good = good;
        }
        state.must(reached < Reached::Issued || good, promises::IN_FORCE);
    }

    /// Makes a call under an intent.
    fn call(
        &self,
        state: &mut State,
        (item, attempt): (Item, Attempt),
        outcome: Outcome,
        effect: impl FnOnce(&mut State) -> FactBody,
    ) {
        self.write(state, item, vec![FactBody::Intended(attempt)]);
        let taken = outcome.has_effect().then(|| effect(state));
        let fact = match (outcome, taken) {
            (Outcome::Taken, Some(taken)) => taken,
            (Outcome::Refused, _) => FactBody::Refused {
                code: None,
                message: Untrusted::new("model"),
            },
            (Outcome::Lost(_) | Outcome::Taken, _) => doubted(),
            (Outcome::Killed(_), _) => {
                state.run = None;
                return;
            }
        };
        self.write(state, item, vec![fact]);
    }

    fn place(&self, state: &mut State, operation: &OrderOperation, outcome: Outcome) -> bool {
        let wanted = &operation.order;
        let generation = u8::try_from(wanted.generation).expect("few generations");
        let maker = Maker::Entry(generation, state.manifest.renamed);
        let of_entry =
            |order: &CaOrder| matches!(order.maker, Maker::Entry(of, _) if of == generation);
        let twice = state.orders.iter().any(of_entry);
        state.must(!twice, promises::ONE_ORDER);
        let twin = state.run.as_ref().is_some_and(|run| run.twin_was_there);
        state.must(!twin || wanted.allow_similar, promises::NO_TWIN);
        let attempt = Attempt {
            tag: Some(operation.tag.clone()),
            certificate: Some(wanted.certificate.digest()),
            terms: Some(wanted.terms()),
            asked: None,
            ..self.attempt(state, Item::Shop, OperationKind::Order, wanted.generation)
        };
        let key = state.manifest.key;
        self.call(state, (Item::Shop, attempt), outcome, |state| {
            state.orders.push(CaOrder::asked_for(maker, key));
            accepted(state, state.orders.len() - 1)
        });
        true
    }

    fn reissue(&self, state: &mut State, operation: &ReissueOperation, outcome: Outcome) -> bool {
        let at = place_of(&operation.order_id);
        let read = ca::read(&state.orders, at);
        // Anything but an order in force is not what the plan saw; a dead certificate shows in the order alone.
        if read.status != certplan::model::OrderStatus::Issued {
            return false;
        }
        let attempt = Attempt {
            order_id: Some(operation.order_id.clone()),
            replaces: read.certificate_id,
            certificate: Some(operation.order.certificate.digest()),
            ..self.attempt(
                state,
                Item::Shop,
                OperationKind::Reissue,
                operation.order.generation,
            )
        };
        let key = state.manifest.key;
        self.call(state, (Item::Shop, attempt), outcome, |state| {
            state.orders[at].ask(About::Reissue(key));
            accepted(state, at)
        });
        true
    }

    fn revoke(
        &self,
        state: &mut State,
        (step, operation): (&Step, &RevokeOperation),
        outcome: Outcome,
    ) -> bool {
        let at = place_of(&operation.order_id);
        let record = self.record(state, Item::Leak);
        let asked = record.requested(&operation.order_id);
        let generation = asked.map_or(0, |asked| asked.generation);
        // What was declined is open again for a later generation.
        let taken = |part: &Part| match record.part(&operation.order_id, part) {
            None => false,
            Some(PartState::Declined) => operation.generation <= generation,
            Some(PartState::Requested { .. } | PartState::Revoked) => true,
        };
        let Some(part) = operation.parts().into_iter().find(|part| !taken(part)) else {
            return false;
        };
        let order = &state.orders[at];
        let pinned = |number: usize| {
            let id = certificate_id(at, number);
            operation.pins.iter().any(|pin| pin.certificate_id == id)
        };
        let as_planned = order.certificates.iter().enumerate().all(|(number, one)| {
            let alive = one.end.is_none();
            match &part {
                Part::Order => alive == pinned(number),
                Part::Certificate(id) => *id != certificate_id(at, number) || alive,
            }
        });
        if order.stage != Stage::Issued || !as_planned {
            return false;
        }
        let about = match &part {
            Part::Order => About::Revocation,
            Part::Certificate(id) => {
                let mut numbers = 0..order.certificates.len();
                let number = numbers.find(|&number| certificate_id(at, number) == *id);
                About::RevocationOf(u8::try_from(number.unwrap_or(0)).expect("few"))
            }
        };
        // While a reissue waits the CA takes no revocation.
        if order.reissue_waits() && outcome.has_effect() {
            return false;
        }
        // Where more than one certificate is in force, nobody can tell what a request is about: asking once
        // more kills nothing more.
        let in_force = order.certificates.iter().filter(|one| one.end.is_none());
        let twice = order.open(|open| open == about) && in_force.count() <= 1;
        state.must(!twice, promises::ASKED_ONCE);
        let place = u8::try_from(at).expect("few orders");
        state.must(state.may_kill(place), promises::MEANT);
        let gated = step
            .after
            .iter()
            .any(|after| after.until == certplan::model::Milestone::Issued);
        let good = state.run.as_ref().is_some_and(|run| run.was_good);
        state.must(!gated || good, promises::GATE);
        let attempt = Attempt {
            part: Some(part.clone()),
            order_id: Some(operation.order_id.clone()),
            ..self.attempt(
                state,
                Item::Leak,
                OperationKind::Revoke,
                operation.generation,
            )
        };
        let at_once = operation.skip_approval;
        self.call(state, (Item::Leak, attempt), outcome, |state| {
            let order = &mut state.orders[at];
            match (at_once, about) {
                (true, About::RevocationOf(number)) => order.revoke_one(number),
                (true, _) => order.revoke(),
                (false, _) => {
                    let number = order.ask(about);
                    return FactBody::Requested {
                        request_id: Some(request_id(at, number)),
                    };
                }
            }
            FactBody::Revoked
        });
        true
    }

    fn attempt(&self, state: &State, item: Item, kind: OperationKind, generation: u32) -> Attempt {
        Attempt {
            renews: None,
            why: Default::default(),
            public_key: None,
            kind,
            part: None,
            number: self.record(state, item).attempts + 1,
            generation,
            order_id: None,
            replaces: None,
            tag: None,
            body: Digest::of(b"body"),
            certificate: None,
            terms: None,
            asked: None,
        }
    }

    /// Finds out what became of an earlier call, by reading; true when it was taken. The quiet period is over,
    /// and an order shows under its tag at once: when it does not is what the model of the protocol is for.
    fn settle(&self, state: &mut State, item: Item) -> bool {
        let record = self.record(state, item);
        let Some(open) = record.open else {
            return false;
        };
        if open.phase == Phase::Sending {
            self.write(state, item, vec![doubted()]);
        }
        let facts = match (open.attempt.kind, &open.attempt.order_id) {
            _ if matches!(open.phase, Phase::Parked { .. }) => Vec::new(),
            (OperationKind::Order | OperationKind::Renew, _) => self.found(state, &open.attempt),
            (OperationKind::Reissue, Some(id)) => {
                let at = place_of(id);
                let read = ca::read(&state.orders, at);
                let order = &state.orders[at];
                let another = open.attempt.replaces != read.certificate_id;
                if order.reissue_waits() || another {
                    vec![accepted_again(order, at), seen(&read, TODAY)]
                } else {
                    vec![dead()]
                }
            }
            (OperationKind::Revoke, Some(id)) => {
                vec![revoked_or_asked(
                    state,
                    place_of(id),
                    &open.attempt,
                    &self.known(state),
                )]
            }
            (OperationKind::Reissue | OperationKind::Revoke, None) => Vec::new(),
        };
        let taken = |fact: &FactBody| {
            matches!(
                fact,
                FactBody::Adopted { .. } | FactBody::Accepted { .. } | FactBody::Revoked
            )
        };
        let is_taken = facts.iter().any(taken);
        self.write(state, item, facts);
        is_taken
    }

    /// Requests that belong to calls that were settled.
    fn known(&self, state: &State) -> Vec<certplan::model::RequestId> {
        let record = self.record(state, Item::Leak);
        let known = record.revocation_requests();
        known.map(|(_, _, request)| request.clone()).collect()
    }

    /// What a look-up by the tag of an order in doubt comes to.
    fn found(&self, state: &State, attempt: &Attempt) -> Vec<FactBody> {
        let carried = |at: &usize| match state.orders[*at].maker {
            Maker::Entry(generation, renamed) => Some(tag(generation, renamed)) == attempt.tag,
            Maker::Twin | Maker::Old => false,
        };
        let hits: Vec<usize> = (0..state.orders.len()).filter(carried).collect();
        let [at] = hits.as_slice() else {
            return if hits.is_empty() {
                vec![FactBody::LookedUp, dead()]
            } else {
                vec![parked()]
            };
        };
        let read = ca::read(&state.orders, *at);
        let wanted = order(&state.manifest);
        let now: Tag = tag(state.manifest.generation, state.manifest.renamed);
        let adoption = Adoption::of(Some(attempt), &read, &wanted, Some(&now));
        if adoption.differences().is_empty() {
            vec![adoption.fact("model"), seen(&read, TODAY)]
        } else {
            vec![parked()]
        }
    }

    /// One look at the CA's feed, as `--wait` makes it: it shows an order's status and its certificate. What a
    /// gate waits for is read before it counts as issued.
    pub(super) fn poll(&self, state: &State) -> Option<State> {
        let run = state.run.as_ref()?;
        let steps = self.steps(run.plan);
        let shop = steps.iter().find(|step| Item::of(step) == Item::Shop)?;
        if !(is_watched(shop) || run.done[Item::Shop as usize]) || run.reached != Reached::Submitted
        {
            return None;
        }
        let mut next = state.clone();
        let (at, _) = self.bound(state)?;
        let read = ca::read(&state.orders, at);
        let bare = ObservedOrder::bare(
            read.id.clone(),
            read.status.clone(),
            read.certificate_id.clone(),
        );
        let line = if self.rules.gates_by_status {
            bare
        } else {
            read
        };
        let live = self.record(state, Item::Shop).live?;
        let rejected = rejected_reissue(&live, &line);
        self.write(&mut next, Item::Shop, rejected.into_iter().collect());
        if live_state(&line, TODAY) != live.state || line.certificate_id != live.certificate_id {
            self.write(&mut next, Item::Shop, vec![seen(&line, TODAY)]);
        }
        self.look(&mut next, shop, Some(&line));
        Some(next)
    }
}

/// What a read shows of a call of a revocation in doubt.
fn revoked_or_asked(
    state: &State,
    at: usize,
    attempt: &Attempt,
    known: &[certplan::model::RequestId],
) -> FactBody {
    let order = &state.orders[at];
    let over = match &attempt.part {
        Some(Part::Certificate(id)) => {
            let mut all = order.certificates.iter().enumerate();
            all.any(|(number, one)| certificate_id(at, number) == *id && one.end.is_some())
        }
        Some(Part::Order) | None => false,
    };
    if order.stage == Stage::Revoked || over {
        return FactBody::Revoked;
    }
    let in_force = order.certificates.iter().filter(|one| one.end.is_none());
    let alone = in_force.count() <= 1;
    let requests = order.requests.iter().enumerate();
    let mut open = requests.filter(|(number, request)| {
        let revokes = matches!(request.about, About::Revocation | About::RevocationOf(_));
        revokes && request.decided.is_none() && !known.contains(&request_id(at, *number))
    });
    match open.next() {
        Some((number, _)) if alone => FactBody::Requested {
            request_id: Some(request_id(at, number)),
        },
        _ => dead(),
    }
}

fn accepted(state: &State, at: usize) -> FactBody {
    accepted_again(&state.orders[at], at)
}

fn accepted_again(order: &CaOrder, at: usize) -> FactBody {
    let requests = order.requests.iter().enumerate();
    let mut open = requests.filter(|(_, request)| request.decided.is_none());
    let open = open.next_back();
    FactBody::Accepted {
        order_id: order_id(u8::try_from(at).expect("few orders")),
        request_id: open.map(|(number, _)| request_id(at, number)),
        certificate_id: None,
        approved: false,
        validation: Vec::new(),
    }
}

fn doubted() -> FactBody {
    FactBody::Doubted {
        why: Untrusted::new("model"),
        boot: None,
        at_ca: None,
    }
}

fn dead() -> FactBody {
    FactBody::Dead {
        evidence: Untrusted::new("model"),
    }
}

fn parked() -> FactBody {
    FactBody::Parked {
        why: Untrusted::new("model"),
    }
}
