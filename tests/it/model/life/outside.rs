//! What happens outside of the runs: people in the console, people who edit the manifest, time, and a lost
//! state.

use super::ca::{About, CaOrder, Certificate, End, Maker, Stage};
use super::manifest::{Aim, Leak};
use super::state::State;

/// Something that happens outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// An administrator grants everything that waits.
    Approve,
    /// An administrator refuses everything that waits.
    Reject,
    /// Somebody revokes the certificate of an order, by its place at the CA; the order goes on.
    RevokeCertificate(usize),
    /// Somebody revokes an order.
    RevokeOrder(usize),
    /// The certificate of an order runs out.
    RunOut(usize),
    /// Somebody reissues an order in the console, with the key that it has.
    Reissue(usize),
    /// Somebody orders the same names in the console.
    BuyTwin,
    /// The state is lost.
    LoseState,
    /// The entry asks for another key.
    AskForAnotherKey,
    /// The entry asks for another order.
    RaiseGeneration,
    /// `leak` is written into the manifest, or taken out.
    WriteLeak,
    /// `leak` is asked for once more.
    RaiseLeak,
    /// `leak` names its target in another way.
    Aim(Aim),
    /// `leak` is for one certificate, or for the order.
    OneCertificate,
    AllowSimilar,
    /// The entries get other names.
    Rename,
    /// The entry takes an order over, by its place at the CA.
    TakeOver(u8),
}

impl Event {
    /// The moment after it; `None` where it cannot happen.
    pub(super) fn after(self, state: &State, leak: &Leak) -> Option<State> {
        let left = state.events.checked_sub(1)?;
        let mut next = state.clone();
        let running = state.run.is_some();
        let manifest = &mut next.manifest;
        match self {
            Self::Approve => next.orders.iter_mut().for_each(|order| order.decide(true)),
            Self::Reject => next.orders.iter_mut().for_each(|order| order.decide(false)),
            Self::RevokeCertificate(at) => {
                let order = issued(&mut next, at)?;
                order
                    .certificates
                    .last_mut()?
                    .end
                    .get_or_insert(End::Revoked);
            }
            Self::RunOut(at) => {
                let order = issued(&mut next, at)?;
                order
                    .certificates
                    .last_mut()?
                    .end
                    .get_or_insert(End::RanOut);
            }
            Self::RevokeOrder(at) => issued(&mut next, at)?.revoke(),
            Self::Reissue(at) => {
                let order = issued(&mut next, at)?;
                let key = order.primary()?.key;
                if order.certificates.len() > 2 {
                    return None;
                }
                order.certificates.push(Certificate { key, end: None });
            }
            Self::BuyTwin => {
                if next.orders.iter().any(|order| order.maker == Maker::Twin) {
                    return None;
                }
                next.orders.push(CaOrder::issued(Maker::Twin, 0));
            }
            Self::LoseState if !running => {
                (next.shop, next.leak, next.forgot) = (0, 0, true);
                next.moved = [false; 2];
            }
            // Who edits the manifest meanwhile changes nothing for the run.
            _ if running => return None,
            Self::LoseState => return None,
            Self::AskForAnotherKey => manifest.key ^= 1,
            Self::RaiseGeneration => manifest.generation += 1,
            Self::WriteLeak => {
                manifest.leak = match manifest.leak {
                    None => Some(leak.clone()),
                    Some(_) => None,
                };
            }
            Self::RaiseLeak => {
                manifest.leak.as_mut()?.generation += 1;
                next.means_anew();
            }
            Self::Aim(aim) => {
                manifest.leak.as_mut()?.target = aim;
                next.means_anew();
            }
            Self::OneCertificate => manifest.leak.as_mut()?.one_certificate ^= true,
            Self::AllowSimilar => manifest.allow_similar ^= true,
            Self::Rename => manifest.renamed = true,
            Self::TakeOver(at) => manifest.existing = Some(at),
        }
        if next == *state {
            return None;
        }
        next.events = left;
        Some(next)
    }
}

/// An issued order of which no reissue waits.
fn issued(state: &mut State, at: usize) -> Option<&mut CaOrder> {
    let order = state.orders.get_mut(at)?;
    let quiet = !order.open(|about| matches!(about, About::Reissue(_)));
    (order.stage == Stage::Issued && quiet).then_some(order)
}
