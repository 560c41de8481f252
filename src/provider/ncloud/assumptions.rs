//! What certplan assumes about ncloud's Certificate Manager, and what follows where that is false.

use crate::model::Assumption;

/// Every assumption, in the order in which they are shown.
pub(super) static ALL: &[&Assumption] = &[
    &DATE,
    &PAGES,
    &ORDER_INFO,
    &STATUS_CODES,
    &NOTHING_FOUND,
    &EMPTY_LISTS,
    &TOTAL,
    &SEPARATORS,
    &KEY_LIMIT,
];

pub(super) static DATE: Assumption = Assumption {
    id: "ncloud-date",
    assumes: "Every answer has a `Date` header that shows the CA's clock.",
    if_false: "A clock that is off would only show as a wrong signature.",
    then: "A refused signature says to check the clock.",
    by_reads: true,
};

pub(super) static PAGES: Assumption = Assumption {
    id: "ncloud-pages",
    assumes: "`page` and `pageSize` are heeded.",
    if_false: "A page could hold the rows of another.",
    then: "A page that brings no new order is the last one; an order whose certificates stand on two pages is one order.",
    by_reads: true,
};

pub(super) static ORDER_INFO: Assumption = Assumption {
    id: "ncloud-order-info",
    assumes: "`GET /certificate/orders/{id}` shows state and serial number of each certificate.",
    if_false: "A revocation could not be compared with its plan.",
    then: "The whole list is read instead.",
    by_reads: true,
};

pub(super) static STATUS_CODES: Assumption = Assumption {
    id: "ncloud-status-codes",
    assumes: "The documented status codes are all there are.",
    if_false: "A certificate would look as if it were still in progress.",
    then: "An unknown code is in progress, never a success and never revoked.",
    by_reads: true,
};

static NOTHING_FOUND: Assumption = Assumption {
    id: "ncloud-nothing-found",
    assumes: "\"The search found no certificate\" is how an empty list may look.",
    if_false: "An account without certificates could not be read.",
    then: "The run ends with the CA's own answer.",
    by_reads: false,
};

static EMPTY_LISTS: Assumption = Assumption {
    id: "ncloud-empty-lists",
    assumes: "A list that is left out or null is an empty list.",
    if_false: "An account could look empty that is not.",
    then: "An answer about something else is an error, not an empty list.",
    by_reads: false,
};

static TOTAL: Assumption = Assumption {
    id: "ncloud-total",
    assumes: "The total counts orders or certificates.",
    if_false: "A list could end too early.",
    then: "A list goes on while rows come; a total that fits neither is an error.",
    by_reads: false,
};

static SEPARATORS: Assumption = Assumption {
    id: "ncloud-separators",
    assumes: "SANs are joined by a comma, a semicolon, a bar or a blank.",
    if_false: "Names would be compared wrongly.",
    then: "A revocation goes by order and certificate number, not by names.",
    by_reads: false,
};

static KEY_LIMIT: Assumption = Assumption {
    id: "ncloud-key-limit",
    assumes: "Requests are counted by access key, and ten in a second are few enough.",
    if_false: "Requests are refused with 429.",
    then: "They are repeated after a pause; changes too, for they were not taken.",
    by_reads: false,
};
