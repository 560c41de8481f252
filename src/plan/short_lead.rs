//! Renewals that would come too late: how long certificates of an account took, against the time that `before` leaves.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::inputs::Inputs;
use super::{Step, Warning};
use crate::model::{AccountName, Address, Took, duration_words};

/// For how long what a certificate took is remembered.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24 * 90);

/// One warning for each account in which certificates took so long that a lead is short. `leads` says of each step
/// how many days before its end the certificate is due.
pub(super) fn short_leads(
    inputs: &Inputs<'_>,
    steps: &[Step],
    leads: &BTreeMap<Address, i64>,
) -> Vec<Warning> {
    let mut longest: BTreeMap<&AccountName, i64> = BTreeMap::new();
    for item in &inputs.batch.items {
        let record = inputs.record(item);
        let took = record.and_then(|record| record.live.as_ref()?.took);
        let recent = took.filter(|took: &Took| inputs.now.duration_since(took.at) <= REMEMBERED);
        if let Some(took) = recent {
            let known = longest.entry(&item.account).or_default();
            *known = took.seconds.max(*known);
        }
    }
    let mut short: BTreeMap<&AccountName, Vec<(i64, &Address)>> = BTreeMap::new();
    for step in steps {
        let (Some(lead), Some(took)) = (leads.get(&step.address), longest.get(&step.account))
        else {
            continue;
        };
        // A lead shorter than one and a half of that.
        if lead.saturating_mul(24 * 3600 * 2) < took.saturating_mul(3) {
            let of_account = short.entry(&step.account).or_default();
            of_account.push((*lead, &step.address));
        }
    }
    let words = |(account, mut of): (&AccountName, Vec<(i64, &Address)>)| {
        of.sort();
        let took = longest.get(account).copied().unwrap_or_default();
        let took = duration_words(SignedDuration::from_secs(took));
        let (lead, first) = of.first()?;
        let days = if *lead == 1 { "day" } else { "days" };
        let more = match of.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} more are as short"),
        };
        Some(Warning {
            address: None,
            message: format!(
                "account `{account}`: certificates took up to {took} from acceptance to issuance, and `before` leaves {lead} {days} for {first}{more}: write a longer `before`"
            ),
        })
    };
    short.into_iter().filter_map(words).collect()
}
