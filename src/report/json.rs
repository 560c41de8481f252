//! The JSON form of a plan: contract section 5. Keys are added, never renamed or
//! removed without a new `format_version`; ids are strings, times RFC 3339 in UTC, money strings.

use std::collections::BTreeMap;
use std::io;

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::json_files::{FileDocument, KeyDocument};
use super::json_renewal::RenewalDocument;
use super::safe_json::{self, Each};
use super::words;
use crate::model::{Cause, CertificateKind, CertificatePin};
use crate::plan::{Action, Happened, News, Plan, Step, Warning};

pub(super) const FORMAT_VERSION: u32 = 1;

/// Writes the plan; the same plan gives the same bytes, whenever it was made.
pub fn plan_json(out: &mut dyn io::Write, plan: &Plan) -> io::Result<()> {
    safe_json::write(out, &PlanDocument::of(plan))
}

/// An id is a string, whatever the CA sends.
pub(super) fn text<T: ToString>(value: Option<&T>) -> Option<String> {
    value.map(ToString::to_string)
}

pub(super) fn texts<K: ToString, V: Clone>(map: &BTreeMap<K, V>) -> BTreeMap<String, V> {
    map.iter()
        .map(|(key, value)| (key.to_string(), value.clone()))
        .collect()
}

fn money(amount: &Decimal) -> String {
    amount.to_string()
}

fn happened_words() -> Vec<&'static str> {
    Happened::ALL.map(Happened::word).to_vec()
}

pub(super) fn action_words() -> Vec<&'static str> {
    Action::ALL.map(Action::word).to_vec()
}

/// `certplan plan --format json`: what apply would do, and why.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "certplan plan")]
pub(super) struct PlanDocument<'a> {
    /// Raised when a key is renamed or removed.
    #[schemars(extend("const" = FORMAT_VERSION))]
    format_version: u32,
    /// The digest of what would be done and against what; for `apply --expect`.
    #[schemars(regex(pattern = "^sha256:[0-9a-f]{64}$"))]
    plan_id: String,
    /// The manifest's digest.
    #[schemars(regex(pattern = "^sha256:[0-9a-f]{64}$"))]
    manifest: String,
    /// True when the CA was not asked: such a plan cannot be applied.
    offline: bool,
    /// What `--target` named; empty for everything.
    targets: Vec<String>,
    /// How many items have each action.
    summary: PlanSummary,
    /// How many certificates die, collateral of reissues included.
    revoked_certificates: usize,
    /// The accounts that the plan touches, by name.
    accounts: BTreeMap<String, AccountDocument>,
    /// One for each item, in an order in which dependencies come first.
    #[schemars(with = "Vec<StepDocument>")]
    actions: Each<'a, Step, StepDocument>,
    /// What became of items since the last run.
    news: Vec<NewsDocument>,
    /// What a person should know.
    warnings: Vec<WarningDocument>,
    /// Policy limits that the plan breaks; apply refuses it.
    breaches: Vec<BreachDocument>,
    /// What the plan takes.
    cost: CostDocument,
}

#[derive(Serialize, JsonSchema)]
struct PlanSummary {
    order: u32,
    renew: u32,
    reissue: u32,
    revoke: u32,
    adopt: u32,
    settle: u32,
    collect: u32,
    wait: u32,
    keep: u32,
}

#[derive(Serialize, JsonSchema)]
struct AccountDocument {
    /// `certcentral` or `ncloud`.
    provider: String,
    /// The base URL.
    endpoint: String,
    /// The CA's id of the customer account, where it was read.
    account_id: Option<String>,
    /// How many certificates in force were known.
    certificates: u32,
}

#[derive(Serialize, JsonSchema)]
struct StepDocument {
    /// `orders.NAME` or `revocations.NAME`.
    address: String,
    /// What is done.
    #[schemars(extend("enum" = action_words()))]
    action: &'static str,
    /// The account in the manifest.
    account: String,
    labels: BTreeMap<String, String>,
    owner: Option<String>,
    /// Why, for people.
    reason: String,
    /// The same as a stable word.
    reason_code: &'static str,
    /// The addresses that must come first.
    after: Vec<String>,
    /// The same with how far each must have come.
    dependencies: Vec<DependencyDocument>,
    order_id: Option<String>,
    certificate_id: Option<String>,
    /// The request that an administrator decides.
    request_id: Option<String>,
    /// What it waits for.
    waits_for: Option<String>,
    /// The same as a stable word.
    waiting_code: Option<&'static str>,
    /// What of a revocation's reason is not sent and why, for people.
    unsent_reason: Option<String>,
    /// When and by which way the order is renewed, where the entry asks for that.
    renewal: Option<RenewalDocument>,
    /// The key that is made here.
    key: Option<KeyDocument>,
    /// The certificate's files, the key's own among them.
    files: Vec<FileDocument>,
    /// The calls that apply will send, without keys.
    requests: Vec<RequestDocument>,
    /// Every certificate that dies.
    revokes: Vec<PinDocument>,
    /// How many more die that the CA counts and no list of it shows.
    unnamed: u32,
    /// Changed members.
    changes: Vec<ChangeDocument>,
    /// What this account last paid for the product, where the CA shows it.
    #[schemars(regex(pattern = r"^-?[0-9]+(\.[0-9]+)?$"))]
    price: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct DependencyDocument {
    address: String,
    #[schemars(extend("enum" = ["submitted", "issued", "revoked"]))]
    until: &'static str,
}

#[derive(Serialize, JsonSchema)]
struct RequestDocument {
    method: String,
    /// Below the account's endpoint.
    path: String,
    /// The JSON body.
    #[schemars(with = "Value")]
    body: Map<String, Value>,
}

/// A certificate as it was seen when the plan was made.
#[derive(Serialize, JsonSchema)]
pub(super) struct PinDocument {
    certificate_id: String,
    serial_number: Option<String>,
    names: Vec<String>,
    /// The last day, as the CA writes it.
    valid_till: Option<String>,
    #[schemars(extend("enum" = ["original", "duplicate", "reissue", "unlisted"]))]
    kind: &'static str,
}

#[derive(Serialize, JsonSchema)]
struct ChangeDocument {
    /// For example `certificate.dns_names`.
    member: String,
    old: Option<String>,
    new: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct WarningDocument {
    /// The item it is about; null for the whole.
    address: Option<String>,
    message: String,
}

/// What became of an item since the last run.
#[derive(Serialize, JsonSchema)]
pub(super) struct NewsDocument {
    address: String,
    #[schemars(extend("enum" = happened_words()))]
    what: &'static str,
    order_id: Option<String>,
    certificate_id: Option<String>,
    serial_number: Option<String>,
    /// The last day.
    valid_till: Option<String>,
    /// When it was seen.
    at: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct BreachDocument {
    /// The policy's member, for example `max_revocations`.
    rule: String,
    /// What, how much, the limit, and how to allow it.
    message: String,
}

#[derive(Serialize, JsonSchema)]
struct CostDocument {
    /// API requests that apply will send, by account.
    requests: BTreeMap<String, u32>,
    /// The least time that the rate limits allow for them; null when it cannot be told.
    seconds: Option<f64>,
    /// The sum of the known prices.
    #[schemars(regex(pattern = r"^-?[0-9]+(\.[0-9]+)?$"))]
    money: Option<String>,
    currency: Option<String>,
    /// Orders for which the CA shows no price.
    unpriced: u32,
    /// Spendable funds by account, where the CA tells.
    funds: BTreeMap<String, String>,
}

impl<'a> PlanDocument<'a> {
    fn of(plan: &'a Plan) -> Self {
        let summary = plan.summary();
        let count = |action| summary.get(&action).copied().unwrap_or(0);
        Self {
            format_version: FORMAT_VERSION,
            plan_id: plan.plan_id.to_string(),
            manifest: plan.manifest.to_string(),
            offline: plan.offline,
            targets: plan.targets.iter().map(ToString::to_string).collect(),
            summary: PlanSummary {
                order: count(Action::Order),
                renew: count(Action::Renew),
                reissue: count(Action::Reissue),
                revoke: count(Action::Revoke),
                adopt: count(Action::Adopt),
                settle: count(Action::Settle),
                collect: count(Action::Collect),
                wait: count(Action::Wait),
                keep: count(Action::Keep),
            },
            revoked_certificates: plan.revoked_certificates(),
            accounts: plan
                .accounts
                .iter()
                .map(|(name, account)| {
                    let document = AccountDocument {
                        provider: account.provider.clone(),
                        endpoint: account.endpoint.clone(),
                        account_id: account.account_id.clone(),
                        certificates: account.certificates,
                    };
                    (name.to_string(), document)
                })
                .collect(),
            actions: Each(&plan.steps, StepDocument::of),
            news: news(&plan.news),
            warnings: warnings(&plan.warnings),
            breaches: plan
                .breaches
                .iter()
                .map(|breach| BreachDocument {
                    rule: breach.rule.clone(),
                    message: breach.message.clone(),
                })
                .collect(),
            cost: CostDocument {
                requests: texts(&plan.cost.requests),
                seconds: Some(plan.cost.seconds).filter(|seconds| seconds.is_finite()),
                money: plan.cost.money.as_ref().map(money),
                currency: plan.cost.currency.clone(),
                unpriced: plan.cost.unpriced,
                funds: plan
                    .cost
                    .funds
                    .iter()
                    .map(|(account, funds)| (account.to_string(), money(funds)))
                    .collect(),
            },
        }
    }
}

impl StepDocument {
    fn of(step: &Step) -> Self {
        Self {
            address: step.address.to_string(),
            action: step.action.word(),
            account: step.account.to_string(),
            labels: step.labels.0.clone(),
            owner: step.labels.owner().map(str::to_owned),
            reason: words::reason(&step.reason),
            reason_code: step.reason.code(),
            after: step
                .after
                .iter()
                .map(|after| after.address.to_string())
                .collect(),
            dependencies: step
                .after
                .iter()
                .map(|after| DependencyDocument {
                    address: after.address.to_string(),
                    until: after.until.word(),
                })
                .collect(),
            order_id: text(step.order_id.as_ref()),
            certificate_id: text(step.certificate_id.as_ref()),
            request_id: text(step.request_id.as_ref()),
            waits_for: step.standing.waits().map(words::cause),
            waiting_code: step.standing.waits().map(Cause::code),
            unsent_reason: step.unsent_reason.clone(),
            renewal: RenewalDocument::of(step),
            key: KeyDocument::of(step),
            files: FileDocument::of(step),
            requests: step
                .requests
                .iter()
                .map(|request| RequestDocument {
                    method: request.method.clone(),
                    path: request.path.clone(),
                    body: request.body.map(),
                })
                .collect(),
            revokes: step.revokes.iter().map(PinDocument::of).collect(),
            unnamed: step.unnamed,
            changes: step
                .changes
                .iter()
                .map(|change| ChangeDocument {
                    member: change.member.clone(),
                    old: change.old.clone(),
                    new: change.new.clone(),
                })
                .collect(),
            price: step.price.as_ref().map(money),
        }
    }
}

impl PinDocument {
    pub(super) fn of(pin: &CertificatePin) -> Self {
        Self {
            certificate_id: pin.certificate_id.to_string(),
            serial_number: text(pin.serial_number.as_ref()),
            names: pin.names.clone(),
            valid_till: text(pin.valid_till.as_ref()),
            kind: match pin.kind {
                CertificateKind::Original => "original",
                CertificateKind::Duplicate => "duplicate",
                CertificateKind::Reissue => "reissue",
                CertificateKind::Unlisted => "unlisted",
            },
        }
    }
}

pub(super) fn news(news: &[News]) -> Vec<NewsDocument> {
    news.iter()
        .map(|news| NewsDocument {
            address: news.address.to_string(),
            what: news.what.word(),
            order_id: text(news.order_id.as_ref()),
            certificate_id: text(news.certificate_id.as_ref()),
            serial_number: text(news.serial_number.as_ref()),
            valid_till: text(news.valid_till.as_ref()),
            at: text(news.at.as_ref()),
        })
        .collect()
}

pub(super) fn warnings(warnings: &[Warning]) -> Vec<WarningDocument> {
    warnings
        .iter()
        .map(|warning| WarningDocument {
            address: text(warning.address.as_ref()),
            message: warning.message.clone(),
        })
        .collect()
}
