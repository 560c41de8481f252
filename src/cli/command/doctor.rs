//! `certplan doctor`: everything that must be right before an apply, in one look.

use jiff::SignedDuration;

use crate::cli::args::Common;
use crate::cli::exit::{CliError, Exit};
use crate::cli::observe::{Purpose, check_access};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::settings;
use crate::journal::{self, VerifyError};
use crate::model::{AccountName, KeyFacts, ObservedAccount, Untrusted};
use crate::provider::Observe;

/// ncloud refuses a signature whose clock is five minutes off; a minute is worth a word.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Good,
    Note,
    Bad,
}

struct Check {
    verdict: Verdict,
    what: String,
}

impl Check {
    fn new(verdict: Verdict, what: impl Into<String>) -> Self {
        Self {
            verdict,
            what: what.into(),
        }
    }
}

pub(super) async fn run(common: &Common, output: &mut Output) -> Result<Exit, CliError> {
    let session = Session::load(common, None, output)?;
    let (items, accounts) = (session.batch.items.len(), session.batch.accounts.len());
    let mut checks = vec![
        Check::new(
            Verdict::Good,
            format!("manifest: {items} items in {accounts} accounts"),
        ),
        check_state(&session).await,
    ];
    checks.push(check_budget(&session).await);
    for name in session.batch.accounts.keys() {
        checks.extend(check_account(&session, name, output).await);
    }
    let failed = checks.iter().any(|check| check.verdict == Verdict::Bad);
    output.result(|out| {
        for check in &checks {
            let mark = match check.verdict {
                Verdict::Good => "ok  ",
                Verdict::Note => "note",
                Verdict::Bad => "FAIL",
            };
            writeln!(out, "{mark}  {}", Untrusted::new(check.what.clone()))?;
        }
        Ok(())
    });
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

async fn check_state(session: &Session) -> Check {
    let location = &session.location;
    match journal::verify(location).await {
        Ok(None) => Check::new(Verdict::Note, format!("state: none yet at {location}")),
        Ok(Some(verified)) => Check::new(
            Verdict::Good,
            format!(
                "state: {} facts at {location}, chain intact",
                verified.facts
            ),
        ),
        Err(VerifyError::Broken { seq, error }) => Check::new(
            Verdict::Bad,
            format!("state: broken at fact {seq}: {error}"),
        ),
        Err(VerifyError::Journal(error)) => Check::new(Verdict::Bad, format!("state: {error}")),
    }
}

async fn check_budget(session: &Session) -> Check {
    let mut checked = session.budgets.location();
    for (name, account) in &session.batch.accounts {
        // Without its keys an account has no budget, and is told for them below.
        if let (Some(endpoint), Ok(keys)) = (session.endpoints.get(name), settings::keys(account)) {
            let key = keys.fingerprint(endpoint);
            if let Err(error) = session.budgets.check(&key, &account.rate_limits).await {
                checked = Err(error);
            }
        }
    }
    match checked {
        Ok(location) => Check::new(Verdict::Good, format!("rate budget: shared in {location}")),
        Err(error) => Check::new(
            if session.budgets.of_all_hosts() {
                Verdict::Bad
            } else {
                Verdict::Note
            },
            format!("rate budget: {error}; each run keeps to the limits by itself"),
        ),
    }
}

async fn check_account(session: &Session, name: &AccountName, output: &Output) -> Vec<Check> {
    let accounts = match session.open(&std::iter::once(name.clone()).collect()) {
        Ok(accounts) => accounts,
        Err(error) => return vec![Check::new(Verdict::Bad, error.to_string())],
    };
    let Some(act) = accounts.get(name) else {
        return Vec::new();
    };
    let observe: &dyn Observe = act.as_ref();
    let mut account = ObservedAccount::default();
    if let Err(error) =
        check_access(session, name, observe, Purpose::Look, output, &mut account).await
    {
        return vec![Check::new(Verdict::Bad, error.to_string())];
    }
    let mut checks = Vec::new();
    checks.extend(account.key.as_ref().map(|key| check_key(name, key)));
    if let Some(identity) = &account.identity {
        checks.push(Check::new(
            Verdict::Good,
            format!(
                "account `{name}`: {} in account {} answers at {}",
                identity.user,
                identity.account_id,
                observe.endpoint()
            ),
        ));
    }
    checks.push(match observe.orders().await {
        Ok(orders) => Check::new(
            Verdict::Good,
            format!("account `{name}`: {} orders are visible", orders.len()),
        ),
        Err(error) => Check::new(Verdict::Bad, format!("account `{name}`: {error}")),
    });
    checks.extend(check_clock(name, observe));
    if let Some(account) = session.batch.accounts.get(name) {
        let limits: Vec<String> = account
            .rate_limits
            .iter()
            .map(|limit| format!("{} requests in {:?}", limit.requests, limit.per))
            .collect();
        checks.push(Check::new(
            Verdict::Good,
            format!(
                "account `{name}`: at most {}, {} at once",
                limits.join(" and "),
                account.max_in_flight
            ),
        ));
    }
    checks
}

fn check_key(name: &AccountName, key: &KeyFacts) -> Check {
    let (verdict, kind) = if key.acme {
        (Verdict::Note, "an ACME key: it cannot be used here")
    } else if key.is_view_only() {
        (Verdict::Note, "view only: it can plan, not apply")
    } else {
        (Verdict::Good, "active")
    };
    Check::new(
        verdict,
        format!(
            "account `{name}`: key {} ({}) of {} is {kind}",
            key.id, key.name, key.user
        ),
    )
}

fn check_clock(name: &AccountName, observe: &dyn Observe) -> Option<Check> {
    let skew = observe.clock_skew()?;
    Some(if skew.abs() > SKEW {
        Check::new(
            Verdict::Bad,
            format!("account `{name}`: this clock is {skew:#} away from the CA's: set it right"),
        )
    } else {
        Check::new(Verdict::Good, format!("account `{name}`: the clocks agree"))
    })
}
