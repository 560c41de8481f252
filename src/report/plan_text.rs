//! A plan as text: what cannot be undone first, the cost and the one line that scripts read last.

use std::io;

use super::Style;
use super::amounts::count;
use super::details;
use super::phrase::Phrase;
use super::summary::{
    LISTED, certificates, harmless, heading, is_lethal, lethal, noun, plan_headline, plan_line,
};
use super::terminal::{Terminal, Tone};
use crate::plan::{Action, Plan, Step};

/// So many steps of one kind are listed; steps by which certificates die are all listed.
const LISTED_STEPS: usize = 200;

/// Writes the plan. The last line is the contract's; revocations come first with every certificate.
pub fn plan_text(out: &mut dyn io::Write, plan: &Plan, style: &Style) -> io::Result<()> {
    let mut terminal = Terminal::new(out, style);
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
        section(&mut terminal, plan, action)?;
    }
    remarks(&mut terminal, plan)?;
    if plan.has_changes() {
        for detail in details::of_cost(plan) {
            terminal.fact(&detail)?;
        }
    } else {
        terminal.words(Tone::Strong, "Nothing to do.".to_owned())?;
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

fn section(terminal: &mut Terminal<'_>, plan: &Plan, action: Action) -> io::Result<()> {
    let steps = harmless(plan, action);
    if steps.is_empty() {
        return Ok(());
    }
    let title = format!("{} ({})", heading(action), count(steps.len()));
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
    let symbol = step.action.symbol().unwrap_or(' ');
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
    let words = format!("      {} will die{by}", certificates(step.revokes.len()));
    terminal.words(Tone::Danger, words)?;
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
