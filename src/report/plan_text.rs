//! A plan as text: what cannot be undone first, the cost and the one line that scripts read last.

use std::io;

use super::Style;
use super::amounts::count;
use super::conclusion::conclusion;
use super::details;
use super::phrase::Phrase;
use super::summary::{
    LISTED, NEWS, PERSON, certificates, for_a_person, harmless, heading, is_lethal, lethal, news,
    noun, plan_headline, plan_line,
};
use super::terminal::{Terminal, Tone};
use crate::model::Cause;
use crate::plan::{Action, News, Plan, Step};

/// So many steps of one kind are listed; steps by which certificates die are all listed.
const LISTED_STEPS: usize = 200;

/// Writes the plan. The last line is the contract's; revocations come first with every certificate.
pub fn plan_text(out: &mut dyn io::Write, plan: &Plan, style: &Style) -> io::Result<()> {
    let mut terminal = Terminal::new(out, style);
    write_news(&mut terminal, &plan.news)?;
    legend(&mut terminal, plan)?;
    if let Some(headline) = plan_headline(plan) {
        terminal.words(
            Tone::Danger,
            format!("{headline} A revocation cannot be undone."),
        )?;
        terminal.blank()?;
        for step in lethal(plan) {
            write_step(&mut terminal, step)?;
        }
    }
    for action in LISTED {
        if action == Action::Wait {
            let steps = for_a_person(plan);
            listed(&mut terminal, PERSON, Action::Wait, &steps)?;
        }
        let steps = harmless(plan, action);
        listed(&mut terminal, heading(action), action, &steps)?;
    }
    remarks(&mut terminal, plan)?;
    if plan.has_changes() {
        for detail in details::of_cost(plan) {
            terminal.fact(&detail)?;
        }
    } else {
        terminal.words(Tone::Strong, conclusion(plan))?;
    }
    terminal.words(Tone::Strong, plan_line(plan))
}

fn legend(terminal: &mut Terminal<'_>, plan: &Plan) -> io::Result<()> {
    let summary = plan.summary();
    let used: Vec<String> = summary
        .iter()
        .filter(|(_, number)| **number > 0)
        .filter_map(|(action, _)| Some(format!("{} {}", action.symbol()?, action.word())))
        .collect();
    if !used.is_empty() {
        terminal.words(Tone::Plain, format!("Symbols: {}", used.join("   ")))?;
    }
    let id = Phrase::of("Plan id: ").datum(plan.plan_id);
    terminal.line(Tone::Plain, &id)?;
    if !plan.targets.is_empty() {
        let targets = Phrase::of("Only: ").list(&plan.targets);
        terminal.line(Tone::Notice, &targets)?;
    }
    if plan.offline {
        let words = "Made offline: the CA was not asked, and this plan cannot be applied.";
        terminal.words(Tone::Notice, words.to_owned())?;
    }
    terminal.blank()
}

/// What became of items since the last run, first of all.
pub(super) fn write_news(terminal: &mut Terminal<'_>, all: &[News]) -> io::Result<()> {
    if all.is_empty() {
        return Ok(());
    }
    terminal.words(Tone::Strong, NEWS.to_owned())?;
    for phrase in news(&all[..all.len().min(LISTED_STEPS)]) {
        terminal.line(Tone::Plain, &Phrase::of("  ").then(phrase))?;
    }
    let more = all.len().saturating_sub(LISTED_STEPS);
    if more > 0 {
        let words = format!("  … and {} more; the JSON form shows all", count(more));
        terminal.words(Tone::Plain, words)?;
    }
    terminal.blank()
}

fn listed(
    terminal: &mut Terminal<'_>,
    title: &str,
    action: Action,
    steps: &[&Step],
) -> io::Result<()> {
    if steps.is_empty() {
        return Ok(());
    }
    let title = format!("{title} ({})", count(steps.len()));
    terminal.words(Tone::Strong, title)?;
    terminal.blank()?;
    for step in steps.iter().take(LISTED_STEPS) {
        write_step(terminal, step)?;
    }
    let more = steps.len().saturating_sub(LISTED_STEPS);
    if more > 0 {
        let words = format!(
            "  … and {} more {} like these; --format json shows all",
            count(more),
            noun(action, more)
        );
        terminal.words(Tone::Plain, words)?;
        terminal.blank()?;
    }
    Ok(())
}

fn write_step(terminal: &mut Terminal<'_>, step: &Step) -> io::Result<()> {
    let person = step.standing.waits().and_then(Cause::decision).is_some();
    let symbol = if person {
        '!'
    } else {
        step.action.symbol().unwrap_or(' ')
    };
    let title = Phrase::of(format!("  {symbol} "))
        .datum(&step.address)
        .own("  (")
        .datum(&step.account)
        .own(")");
    terminal.line(Tone::of(step.action), &title)?;
    if is_lethal(step) {
        deaths(terminal, step)?;
    }
    for detail in details::of_step(step, terminal.body_width()) {
        terminal.detail(&detail)?;
    }
    terminal.blank()
}

/// Every certificate that dies, never folded.
fn deaths(terminal: &mut Terminal<'_>, step: &Step) -> io::Result<()> {
    if step.revokes.is_empty() {
        let words = "      no certificate in force is known that would die by this";
        return terminal.words(Tone::Danger, words.to_owned());
    }
    let by = if step.action == Action::Revoke {
        ""
    } else {
        ": the CA revokes what this step replaces"
    };
    let words = format!("      {} will die{by}", certificates(step.dying()));
    terminal.words(Tone::Danger, words)?;
    if step.unnamed > 0 {
        let words = format!("      {} of them in no list of the CA", step.unnamed);
        terminal.words(Tone::Danger, words)?;
    }
    let unknown = || Phrase::of("?");
    let rows: Vec<_> = step
        .revokes
        .iter()
        .map(|pin| {
            let cells = vec![
                Phrase::of_datum(&pin.certificate_id),
                pin.serial_number
                    .as_ref()
                    .map_or_else(unknown, Phrase::of_datum),
                pin.valid_till
                    .as_ref()
                    .map_or_else(unknown, Phrase::of_datum),
                Phrase::of(details::kind(pin)),
            ];
            (cells, Phrase::new().list(&pin.names))
        })
        .collect();
    let header = ["CERTIFICATE", "SERIAL", "VALID TILL", "KIND", "NAMES"];
    terminal.table("       ", &header, &rows)
}

fn remarks(terminal: &mut Terminal<'_>, plan: &Plan) -> io::Result<()> {
    for warning in &plan.warnings {
        let phrase = Phrase::of("Warning: ").then(details::of_warning(warning));
        terminal.line(Tone::Notice, &phrase)?;
    }
    for breach in &plan.breaches {
        let phrase = Phrase::of("Refused by policy ")
            .datum(&breach.rule)
            .own(": ")
            .datum(&breach.message);
        terminal.line(Tone::Danger, &phrase)?;
    }
    if !plan.warnings.is_empty() || !plan.breaches.is_empty() {
        terminal.blank()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::testing::{order_step, plan_of, revoke_step};
    use crate::report::tests::samples::text_of;

    #[test]
    fn a_plan_reads_like_this() {
        let mut plan = plan_of(vec![order_step("a"), revoke_step("leaver", 1)]);
        plan.plan_id = crate::model::Digest::of(b"plan");
        let shown = text_of(|out| {
            let style = Style {
                color: false,
                width: 100,
            };
            plan_text(out, &plan, &style)
        });
        insta::assert_snapshot!(shown, @r#"
        Symbols: + order   - revoke
        Plan id: sha256:64879f7d6b960a01909762d911a32d4582c20010c5641ee90278b644a9e3b525

        This plan revokes 1 certificate. A revocation cannot be undone.

          - revocations.leaver  (digicert)
              1 certificate will die
                CERTIFICATE  SERIAL  VALID TILL  KIND      NAMES
                1            0a0001  2027-06-30  original  leaver-1@example.com
              why        not in the journal; the CA was not asked which certificates of order 98765 are in force
              at the CA  order 98765
              request    PUT /order/certificate/98765/revoke
              body       {"comments":"left the company","skip_approval":false}
              after      orders.a is issued

        Orders (1)

          + orders.a  (digicert)
              why        nothing at the CA answers to this name
              request    POST /order/certificate/client_premium_sha2
              body       {"alternative_order_id":"c1-3tdzkmow5brdgmbc66cecyyu5h","certificate":{"csr":"(PEM, 471 characters)","emails":["a@example.com"]}}
              price      175.00, as last paid

        Warning: orders.gone: no longer in the manifest; it is not revoked

        API requests: 2 to digicert
        Time:         less than a second under the rate limits
        Money:        1 × 175.00 = 175.00 USD
        Funds:        5,000.00 USD to spend in digicert
        Plan: 1 to order, 0 to renew, 0 to reissue, 1 to revoke, 0 to adopt, 0 to settle, 0 waiting, 0 unchanged.
        "#);
    }
}
