//! What certplan assumes about CertCentral's renewals, and what follows where that is false.

use crate::model::Assumption;

pub(super) static TLS_LIFETIMES: Assumption = Assumption {
    id: "tls-lifetimes",
    assumes: "A public TLS certificate is issued for 199 days, for 99 from 2027-03-15 and for 46 from 2029-03-15 on, and a reissue ends no later than its order.",
    if_false: "A reissue brings less than was counted, or an order is renewed earlier than needed.",
    then: "What a reissue brought is read: one that brought no later end is not repeated, and waits for a person.",
    by_reads: false,
};

pub(super) static RENEWAL_WINDOW: Assumption = Assumption {
    id: "renewal-window",
    assumes: "Renewals are taken from 90 days before the end of an order on, as public clients of the API have it.",
    if_false: "The CA refuses a renewal that comes too early.",
    then: "The refusal is told, and the CA is asked again a day later.",
    by_reads: false,
};

pub(super) static RENEWED_AT_ONCE: Assumption = Assumption {
    id: "renewed-at-once",
    assumes: "An order shows that it was renewed (`is_renewed`) as soon as its renewal is placed.",
    if_false: "A state that was lost could miss the last renewal of a chain.",
    then: "A state that may lack something looks the renewal's tag up before it buys one; the CA takes no second renewal.",
    by_reads: false,
};
