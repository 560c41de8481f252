//! What trying the assumptions came to, as text and as JSON. Nothing in it names a person, a domain or a key.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::engine::TriedAccount;
use crate::model::Finding;

/// One line for each assumption; what is contradicted has its consequences below.
pub fn assumptions_text(accounts: &[TriedAccount], out: &mut dyn Write) -> io::Result<()> {
    for one in accounts {
        let requests = if one.requests == 1 {
            "request"
        } else {
            "requests"
        };
        writeln!(
            out,
            "account `{}` ({}), {} {requests}",
            one.account, one.provider, one.requests
        )?;
        for tried in &one.tried {
            writeln!(
                out,
                "  {:<18} {:<20} {}",
                tried.finding.phrase(),
                tried.assumption.id,
                tried.evidence
            )?;
            if tried.finding == Finding::Contradicted {
                writeln!(out, "      assumed   {}", tried.assumption.assumes)?;
                writeln!(out, "      if false  {}", tried.assumption.if_false)?;
                writeln!(out, "      then      {}", tried.assumption.then)?;
            }
        }
        let count = |finding: Finding| {
            let tried = one.tried.iter();
            tried.filter(|tried| tried.finding == finding).count()
        };
        writeln!(
            out,
            "Assumptions: {} confirmed, {} contradicted, {} not testable here.",
            count(Finding::Confirmed),
            count(Finding::Contradicted),
            count(Finding::NotTestable)
        )?;
    }
    Ok(())
}

/// For a bug report.
pub fn assumptions_json(accounts: &[TriedAccount]) -> Value {
    let accounts: Vec<Value> = accounts
        .iter()
        .map(|one| {
            let tried: Vec<Value> = one
                .tried
                .iter()
                .map(|tried| {
                    json!({
                        "id": tried.assumption.id,
                        "verdict": tried.finding.word(),
                        "evidence": tried.evidence.to_string(),
                        "assumes": tried.assumption.assumes,
                        "if_false": tried.assumption.if_false,
                        "then": tried.assumption.then,
                    })
                })
                .collect();
            json!({
                "account": one.account.as_str(),
                "provider": one.provider,
                "requests": one.requests,
                "assumptions": tried,
            })
        })
        .collect();
    json!({ "format_version": 1, "accounts": accounts })
}
