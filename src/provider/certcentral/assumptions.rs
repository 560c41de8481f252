//! What certplan assumes about CertCentral, and what follows where that is false.

use super::assumptions_renewals::{RENEWAL_WINDOW, RENEWED_AT_ONCE, TLS_LIFETIMES};
use crate::model::Assumption;

/// Every assumption, in the order in which they are shown.
pub(super) static ALL: &[&Assumption] = &[
    &ACCOUNT_ID,
    &KEY_RIGHTS,
    &DATE_HEADER,
    &PAGE_TOTAL,
    &PAGE_OFFSET,
    &SORT_ORDER,
    &EMPTY_LISTS,
    &UNKNOWN_ORDER,
    &TAG_UNUSED,
    &TAG_IN_ORDER_INFO,
    &TAG_LOOK_UP,
    &WAITING_IN_REQUESTS,
    &REQUEST_FILTERS,
    &WAITING_STATUS,
    &WAITING_IN_LIST,
    &TAG_SHOWS_WAITING,
    &FEED_COMPLETE,
    &ARCHIVED_DUPLICATES,
    &REISSUE_NEW_ID,
    &CERTIFICATE_FILTER,
    &VALID_TILL_DAY,
    &EXPIRED_ISSUED,
    &REVOKED_WORD,
    &NO_DUPLICATES_404,
    &DUPLICATES_OF_TLS,
    &REGION_US,
    &TAG_LENGTH,
    &LISTING_DELAY,
    &FUNDS_CODE,
    &REVOCATION_REASONS,
    &MEMBERS_OF_AN_ORDER,
    &MEMBERS_OF_A_REISSUE,
    &COMMON_NAME_CASE,
    &EMAIL_COUNTS_AS_NAME,
    &NO_LATE_RENEWAL,
    &END_OF_ORDER,
    &REISSUE_TAKES_NAMES,
    &COMMON_NAME_INDICATORS,
    &ORDER_SHOWS_CSR,
    &PEM_ALL_CHAIN,
    &TLS_LIFETIMES,
    &RENEWAL_WINDOW,
    &RENEWED_AT_ONCE,
];

pub(super) static ACCOUNT_ID: Assumption = Assumption {
    id: "account-id",
    assumes: "`GET /user/me` shows the id of the account that the key belongs to.",
    if_false: "A state of one account could be used with the key of another.",
    then: "The binding compares the endpoint alone; the look-ups by tag find nothing that is foreign.",
    by_reads: true,
};

pub(super) static KEY_RIGHTS: Assumption = Assumption {
    id: "key-rights",
    assumes: "The key that `key_id` names is active and may order and revoke (`restricted_to_role_id` 0, 100 or 101).",
    if_false: "Each change is refused with 403.",
    then: "`doctor` and `plan` name the key; `apply` refuses a revoked, a view-only and an ACME key before anything is sent.",
    by_reads: true,
};

pub(super) static DATE_HEADER: Assumption = Assumption {
    id: "date-header",
    assumes: "Every answer has a `Date` header that shows the CA's clock.",
    if_false: "A clock that is off would not be noticed, and periods that guard money would be measured by ours alone.",
    then: "Periods are measured by the time since boot; `doctor` cannot compare the clocks.",
    by_reads: true,
};

pub(super) static PAGE_TOTAL: Assumption = Assumption {
    id: "page-total",
    assumes: "`page.total` counts all rows of a list, and a page behind the last row is empty.",
    if_false: "A list could end too early, and an order of ours would look as if it were not there.",
    then: "A list goes on while rows come; a total that does not fit is an error or one more pass, never a shorter list.",
    by_reads: true,
};

pub(super) static PAGE_OFFSET: Assumption = Assumption {
    id: "page-offset",
    assumes: "`offset` is heeded.",
    if_false: "The same rows come again and the others never.",
    then: "A page that brings nothing new ends the list; where the total says more, that is an error.",
    by_reads: true,
};

pub(super) static SORT_ORDER: Assumption = Assumption {
    id: "sort-order",
    assumes: "`sort=order_id` sorts by the id, the oldest first.",
    if_false: "An order that is placed while pages are read could push another one out of them.",
    then: "Rows are told apart by their id, and what comes to the list meanwhile is read after the last page.",
    by_reads: true,
};

pub(super) static EMPTY_LISTS: Assumption = Assumption {
    id: "empty-lists",
    assumes: "A list without rows is `[]`, null or missing in an answer with 200.",
    if_false: "An account without orders could not be read.",
    then: "An error other than `not_found` of a look-up is an error of the run; nothing is bought.",
    by_reads: true,
};

pub(super) static UNKNOWN_ORDER: Assumption = Assumption {
    id: "unknown-order",
    assumes: "An order that does not exist, or that the key may not see, is 404 `not_found`.",
    if_false: "An unknown id would end the run instead of being told.",
    then: "The run ends with the CA's own answer; nothing is sent.",
    by_reads: true,
};

pub(super) static TAG_UNUSED: Assumption = Assumption {
    id: "tag-unused",
    assumes: "`GET /order/alternate/{tag}` shows orders that carry the tag and no others.",
    if_false: "An order of somebody else could be taken for ours.",
    then: "The look-up's filter is not trusted: each order that is found is read, and one that shows another tag is left out.",
    by_reads: true,
};

pub(super) static TAG_IN_ORDER_INFO: Assumption = Assumption {
    id: "tag-in-order-info",
    assumes: "Order info shows the tag as `alternative_order_id`.",
    if_false: "What was found could not be told from what was not asked for.",
    then: "The order must agree in product, names and key before it is taken; otherwise a person decides.",
    by_reads: true,
};

pub(super) static TAG_LOOK_UP: Assumption = Assumption {
    id: "tag-look-up",
    assumes: "`GET /order/alternate/{tag}` finds an order that carries the tag.",
    if_false: "An order whose answer was lost would not be found.",
    then: "An older order of ours is looked up the same way in the same minute: where that one is not found, nothing is concluded and nothing is ordered again.",
    by_reads: true,
};

pub(super) static WAITING_IN_REQUESTS: Assumption = Assumption {
    id: "waiting-in-requests",
    assumes: "`GET /request` shows every order that waits for approval, with its id, as `pending` or `submitted`.",
    if_false: "An order that waits could be missing from the second source of a look-up.",
    then: "The lists and the look-up by tag are read all the same; `then: ask`, the default, never orders again by itself.",
    by_reads: true,
};

pub(super) static REQUEST_FILTERS: Assumption = Assumption {
    id: "request-filters",
    assumes: "`filters[type]` and `filters[status]` of `GET /request` are heeded.",
    if_false: "Requests that were decided would be taken for open ones.",
    then: "Each order that is found so is read before anything follows from it.",
    by_reads: true,
};

pub(super) static WAITING_STATUS: Assumption = Assumption {
    id: "waiting-status",
    assumes: "An order that waits for approval is `needs_approval` and shows no certificate id; `pending` means approved.",
    if_false: "The plan would name the wrong reason why an order waits.",
    then: "An undecided request of the order counts more than the status; an unknown status is in progress, never a success.",
    by_reads: true,
};

pub(super) static WAITING_IN_LIST: Assumption = Assumption {
    id: "waiting-in-list",
    assumes: "`GET /order/certificate` shows orders that wait for approval.",
    if_false: "An order that waits would look as if it were not there.",
    then: "Before anything is bought, the requests that wait are listed as well.",
    by_reads: true,
};

pub(super) static TAG_SHOWS_WAITING: Assumption = Assumption {
    id: "tag-shows-waiting",
    assumes: "`GET /order/alternate/{tag}` finds orders that wait for approval.",
    if_false: "An order whose answer was lost would be ordered a second time.",
    then: "The requests that wait are the second source: each order among them that could be it is read, which shows its tag.",
    by_reads: true,
};

pub(super) static FEED_COMPLETE: Assumption = Assumption {
    id: "feed-complete",
    assumes: "The status changes of the last seven days show every order that was placed in them.",
    if_false: "`apply --wait` would learn late of what was issued.",
    then: "What waits is read by itself when the wait ends, and by the next run.",
    by_reads: true,
};

pub(super) static ARCHIVED_DUPLICATES: Assumption = Assumption {
    id: "archived-duplicates",
    assumes: "`show_archived=true` shows every duplicate that an order counts.",
    if_false: "A duplicate that dies with its order would be missing from the plan of a revocation.",
    then: "The plan counts what the lists show; the order's own count is not lowered.",
    by_reads: true,
};

pub(super) static REISSUE_NEW_ID: Assumption = Assumption {
    id: "reissue-new-id",
    assumes: "A reissue brings another certificate id, larger than those before.",
    if_false: "A reissue would look as if it were not there, and could be asked for again.",
    then: "Where names, key and units agree as well, the reissue counts as done; otherwise it stays in doubt for the quiet period.",
    by_reads: true,
};

pub(super) static CERTIFICATE_FILTER: Assumption = Assumption {
    id: "certificate-filter",
    assumes: "`filters[certificate_id]` of the list finds the order of a certificate, and no other order.",
    if_false: "A certificate that no list of its order shows could not be revoked alone.",
    then: "Two rows, or none, prove nothing: the plan waits and says so.",
    by_reads: true,
};

pub(super) static VALID_TILL_DAY: Assumption = Assumption {
    id: "valid-till-day",
    assumes: "`valid_till` is a day alone and means its end in UTC.",
    if_false: "The last day of a certificate would be off by one.",
    then: "A time of day is read as well; what is no date at all is no date.",
    by_reads: true,
};

pub(super) static EXPIRED_ISSUED: Assumption = Assumption {
    id: "expired-issued",
    assumes: "An order whose certificate ran out stays `issued`.",
    if_false: "A renewal or a revocation would meet a status that nobody expects.",
    then: "`expired` is known as well; the date decides.",
    by_reads: true,
};

static REVOKED_WORD: Assumption = Assumption {
    id: "revoked-word",
    assumes: "A certificate that was revoked alone is `revoked` in the list and in order info.",
    if_false: "A dead certificate would count as in force.",
    then: "A revocation of ours is settled by the CA's answer too.",
    by_reads: false,
};

static NO_DUPLICATES_404: Assumption = Assumption {
    id: "no-duplicates-404",
    assumes: "For an order that was just read, 404 on its duplicates or reissues means that there are none.",
    if_false: "The plan of a revocation would count too few certificates.",
    then: "The counts of the order are compared where it has them.",
    by_reads: false,
};

static DUPLICATES_OF_TLS: Assumption = Assumption {
    id: "duplicates-of-tls",
    assumes: "Only TLS certificates are duplicated.",
    if_false: "An archived duplicate of another product, which its order does not count, would be missing from the plan of a revocation.",
    then: "What the order counts is listed for every product.",
    by_reads: false,
};

static REGION_US: Assumption = Assumption {
    id: "region-us",
    assumes: "An account without `region` is on the US platform.",
    if_false: "The key is refused with 403.",
    then: "The error says to check the region.",
    by_reads: false,
};

static TAG_LENGTH: Assumption = Assumption {
    id: "tag-length",
    assumes: "A tag of 29 characters of `[a-z0-9-]` is accepted for every product.",
    if_false: "Each order is refused.",
    then: "The refusal is shown; nothing was bought.",
    by_reads: false,
};

static LISTING_DELAY: Assumption = Assumption {
    id: "listing-delay",
    assumes: "An order is listed as soon as its answer was sent.",
    if_false: "An order that was placed a moment ago looks as if it were gone.",
    then: "What the journal knows is read by its id before anything follows.",
    by_reads: false,
};

static FUNDS_CODE: Assumption = Assumption {
    id: "funds-code",
    assumes: "Every code of a shortage of funds or licences starts with `insufficient_`.",
    if_false: "The advice would be the wrong one.",
    then: "It is a refusal all the same: nothing was done.",
    by_reads: false,
};

static REVOCATION_REASONS: Assumption = Assumption {
    id: "revocation-reasons",
    assumes: "The five reasons that public clients send are the ones that exist, spelt in snake_case.",
    if_false: "A revocation is refused.",
    then: "The refusal is shown, and the next plan asks again.",
    by_reads: false,
};

static MEMBERS_OF_AN_ORDER: Assumption = Assumption {
    id: "members-of-an-order",
    assumes: "Members of an entry that no call changes reach no order that is placed.",
    if_false: "An edit would be told as waiting for the renewal and be in force at once.",
    then: "Nothing is sent for it; the plan says when it comes into force.",
    by_reads: false,
};

static MEMBERS_OF_A_REISSUE: Assumption = Assumption {
    id: "members-of-a-reissue",
    assumes: "A reissue takes every member of `certificate` that an order takes.",
    if_false: "A reissue would leave a difference, and be asked for once more.",
    then: "The difference is told as a warning after the reissue.",
    by_reads: false,
};

static COMMON_NAME_CASE: Assumption = Assumption {
    id: "common-name-case",
    assumes: "A common name is shown with the letter case that it was asked for with.",
    if_false: "A reissue for the letter case alone would come again and again.",
    then: "The plan shows each reissue and its reason before anything is sent.",
    by_reads: false,
};

static EMAIL_COUNTS_AS_NAME: Assumption = Assumption {
    id: "email-counts-as-name",
    assumes: "An address that a reissue takes away makes the CA revoke what was issued before, as a DNS name does.",
    if_false: "The plan would show certificates to die that stay.",
    then: "The plan shows too many, never too few.",
    by_reads: false,
};

static NO_LATE_RENEWAL: Assumption = Assumption {
    id: "no-late-renewal",
    assumes: "An order that is over is not renewed, as public clients of the API have it.",
    if_false: "Another order is advised where a renewal would have been cheaper.",
    then: "Nothing is bought by itself: the plan says what to type, and `renewal_of` still asks the CA.",
    by_reads: false,
};

static END_OF_ORDER: Assumption = Assumption {
    id: "end-of-order",
    assumes: "An order whose end the CA does not show ends with its certificate.",
    if_false: "An order that is still paid is told as over.",
    then: "Nothing is bought by itself: the plan advises, and a person decides.",
    by_reads: false,
};

static REISSUE_TAKES_NAMES: Assumption = Assumption {
    id: "reissue-takes-names",
    assumes: "Where a reissue took names away, the CA revokes the certificates before it some days later, and no list tells.",
    if_false: "A certificate that is dead already is counted as one that will die.",
    then: "The count is too high, never too low; a revocation of it alone is settled by reading.",
    by_reads: false,
};

static COMMON_NAME_INDICATORS: Assumption = Assumption {
    id: "common-name-indicators",
    assumes: "`common_name_indicator` has no other word than the four of the schema.",
    if_false: "`validate` refuses a word that the CA would take.",
    then: "The message names the words that are known; the order is not sent.",
    by_reads: false,
};

static ORDER_SHOWS_CSR: Assumption = Assumption {
    id: "order-shows-csr",
    assumes: "An order that is read shows the CSR that it was placed or reissued with.",
    if_false: "The key of an order that is found by its tag could not be compared with the one that was made for it.",
    then: "Product, names and tag decide; the certificate is held against its private key before a file is written.",
    by_reads: false,
};

static PEM_ALL_CHAIN: Assumption = Assumption {
    id: "pem-all-chain",
    assumes: "The download format `pem_all` holds the certificate and those of its issuers, in whatever order.",
    if_false: "No file could be made of the certificate.",
    then: "The certificate is found by its key, and each signature is checked; what does not fit is refused, and `live` stays as it is.",
    by_reads: false,
};
