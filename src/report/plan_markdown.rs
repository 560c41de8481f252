//! A plan as Markdown that can be posted on a pull request as it is: the totals first and last, deaths
//! before everything else, below 60,000 characters whatever the plan holds.

use std::io;

use super::amounts::count;
use super::conclusion::conclusion;
use super::details;
use super::page::{Entry, LIMIT, Page, item, line};
use super::phrase::Phrase;
use super::summary::{
    LISTED, NEWS, PERSON, certificates, for_a_person, harmless, heading, lethal, news, noun,
    plan_headline, plan_line,
};
use crate::model::CertificatePin;
use crate::plan::{Action, News, Plan, Step};

/// So many steps of one kind are listed.
const LISTED_STEPS: usize = 50;
/// More steps of one kind than this are put behind a fold.
const OPEN_STEPS: usize = 10;
/// Up to so many steps by which certificates die are told in full.
const TOLD_STEPS: usize = 20;
/// What the line of such a step says already.
const TITLED: [&str; 2] = ["why", "at the CA"];
/// How many characters of a request body are shown.
const BODY_WIDTH: usize = 120;
/// Room for each section that follows, so that each can say what it leaves out, in bytes.
const SECTION: usize = 600;
/// Room for breaches, for warnings and for the cost each, in bytes.
const REMARKS: usize = 5_000;

/// Writes the plan. Every datum of a manifest or a CA stands in a code span.
pub fn plan_markdown(out: &mut dyn io::Write, plan: &Plan) -> io::Result<()> {
    let foot = foot(plan);
    let mut page = Page::new(LIMIT.saturating_sub(foot.len()));
    title(&mut page, plan);
    write_news(&mut page, &plan.news);
    head(&mut page, plan);
    deaths(&mut page, plan);
    for (index, action) in LISTED.into_iter().enumerate() {
        let later = (LISTED.len() - index - 1) * SECTION;
        if action == Action::Wait {
            let steps = for_a_person(plan);
            section(&mut page, (PERSON, action), &steps, later + SECTION);
        }
        let steps = harmless(plan, action);
        section(&mut page, (heading(action), action), &steps, later);
    }
    out.write_all(page.finish().as_bytes())?;
    out.write_all(foot.as_bytes())
}

fn title(page: &mut Page, plan: &Plan) {
    let title = match lethal(plan).next() {
        Some(_) => format!(
            "## certplan: {} will be revoked",
            certificates(plan.revoked_certificates())
        ),
        None => "## certplan: plan".to_owned(),
    };
    // The page is empty: it fits.
    let _ = page.offer(&format!("{title}\n"));
}

fn head(page: &mut Page, plan: &Plan) {
    let id = Phrase::of("Plan id: ").datum(plan.plan_id);
    let mut lines = vec![format!("**{}**", plan_line(plan))];
    lines.extend([String::new(), id.markdown(), String::new()]);
    if plan.offline {
        let words = "**Made offline: the CA was not asked, and this plan cannot be applied.**";
        lines.extend([words.to_owned(), String::new()]);
    }
    if !plan.targets.is_empty() {
        let shown = plan.targets.iter().take(20);
        let mut targets = Phrase::of("Only: ").list(shown);
        if plan.targets.len() > 20 {
            targets = targets.own(format!(" and {} more", count(plan.targets.len() - 20)));
        }
        lines.extend([targets.markdown(), String::new()]);
    }
    // The page is empty: it fits.
    let _ = page.offer(&lines.join("\n"));
    if !plan.breaches.is_empty() {
        let _ = page.offer("### Refused by policy\n");
        let mut remarks = Page::new(REMARKS);
        let entries = plan.breaches.iter().map(|breach| {
            let phrase = Phrase::of_datum(&breach.rule)
                .own(": ")
                .datum(&breach.message);
            Entry::new(1, move || item(&phrase, &[]))
        });
        remarks.list(entries, 20, 0, |more, _| {
            format!("* … and {} more", count(more))
        });
        let _ = page.offer(&remarks.finish());
    }
}

/// What became of items since the last run, first of all.
pub(super) fn write_news(page: &mut Page, all: &[News]) {
    if all.is_empty() {
        return;
    }
    let _ = page.offer(&format!("### {NEWS}\n"));
    let entries = news(all)
        .into_iter()
        .map(|phrase| Entry::new(1, move || item(&phrase, &[])));
    page.list(entries, LISTED_STEPS, LIMIT / 2, |more, _| {
        format!("* … and {} more; the JSON form shows all", count(more))
    });
    let _ = page.offer("");
}

/// Every step by which certificates die, with the certificates; what does not fit is announced.
fn deaths(page: &mut Page, plan: &Plan) {
    let Some(headline) = plan_headline(plan) else {
        return;
    };
    let _ = page.offer(&format!(
        "### Revocations\n\n{headline} A revocation cannot be undone.\n"
    ));
    // With many of them there is room for the certificates alone.
    let is_told = lethal(plan).count() <= TOLD_STEPS;
    let entries = lethal(plan).flat_map(|step| {
        let pins = step
            .revokes
            .iter()
            .map(|pin| Entry::new(1, || format!("  * {}", dying_certificate(pin).markdown())));
        let told = if is_told {
            details::of_step(step, BODY_WIDTH)
        } else {
            Vec::new()
        };
        let told = told
            .into_iter()
            .filter(|detail| !TITLED.contains(&detail.label))
            .map(|detail| Entry::new(0, move || format!("  {}", line(&detail))));
        std::iter::once(Entry::new(0, || item(&dying(step), &[])))
            .chain(pins)
            .chain(told)
    });
    page.list(entries, usize::MAX, LISTED.len() * SECTION, |_, more| {
        let what = if more > 0 {
            format!("{} that will be revoked are not shown", certificates(more))
        } else {
            "more".to_owned()
        };
        format!("\n**… and {what}: this page is full. `certplan plan --format json` shows all.**")
    });
    let _ = page.offer("");
}

fn dying_certificate(pin: &CertificatePin) -> Phrase {
    let mut phrase = Phrase::of("certificate ").datum(&pin.certificate_id);
    if let Some(serial) = &pin.serial_number {
        phrase = phrase.own(", serial ").datum(serial);
    }
    if let Some(day) = &pin.valid_till {
        phrase = phrase.own(", valid till ").datum(day);
    }
    phrase = phrase.own(format!(", {}", details::kind(pin)));
    if pin.names.is_empty() {
        return phrase;
    }
    phrase.own(": ").then(details::some_names(&pin.names))
}

/// One line for a step by which certificates die.
fn dying(step: &Step) -> Phrase {
    let mut phrase = step_title(step);
    if let Some(ids) = details::ids(
        step.order_id.as_ref().map(ToString::to_string),
        None,
        step.request_id.as_ref().map(ToString::to_string),
    ) {
        phrase = phrase.own(", ").then(ids);
    }
    phrase = phrase.own(": ").datum(super::words::reason(&step.reason));
    if step.revokes.is_empty() {
        phrase = phrase.own("; no certificate in force is known that would die by this");
    }
    phrase
}

fn step_title(step: &Step) -> Phrase {
    Phrase::new()
        .own(format!("{} ", step.action.word()))
        .datum(&step.address)
        .own(" (")
        .datum(&step.account)
        .own(")")
}

fn section(
    page: &mut Page,
    (title_words, action): (&str, Action),
    steps: &[&Step],
    kept_for_later: usize,
) {
    if steps.is_empty() {
        return;
    }
    let title_line = format!("{title_words} ({})", count(steps.len()));
    let is_folded = steps.len() > OPEN_STEPS;
    let _ = page.offer(&if is_folded {
        format!("<details><summary>{title_line}</summary>\n")
    } else {
        format!("### {title_line}\n")
    });
    let entries = steps.iter().map(|step| {
        Entry::new(1, || {
            item(&step_title(step), &details::of_step(step, BODY_WIDTH))
        })
    });
    page.list(entries, LISTED_STEPS, kept_for_later, |more, _| {
        format!(
            "* … and {} more {} like these; `certplan plan --format json` shows all",
            count(more),
            noun(action, more)
        )
    });
    let _ = page.offer(if is_folded { "\n</details>\n" } else { "" });
}

/// Warnings, cost, and the totals again as the last line.
fn foot(plan: &Plan) -> String {
    let mut page = Page::new(3 * REMARKS);
    if !plan.warnings.is_empty() {
        let _ = page.offer("### Warnings\n");
        let entries = plan
            .warnings
            .iter()
            .map(|warning| Entry::new(1, || item(&details::of_warning(warning), &[])));
        page.list(entries, LISTED_STEPS, 2 * REMARKS, |more, _| {
            format!("* … and {} more", count(more))
        });
        let _ = page.offer("");
    }
    if plan.has_changes() {
        let _ = page.offer("### Cost\n");
        let entries = details::of_cost(plan)
            .into_iter()
            .map(|detail| Entry::new(1, move || line(&detail)));
        page.list(entries, usize::MAX, REMARKS / 2, |more, _| {
            format!("* … and {} more lines", count(more))
        });
        let _ = page.offer("");
    } else {
        let _ = page.offer(&format!("{}\n", conclusion(plan)));
    }
    let _ = page.offer(&format!("**{}**", plan_line(plan)));
    page.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::testing::{order_step, plan_of, revoke_step};
    use crate::report::tests::samples::text_of;

    #[test]
    fn a_page_reads_like_this() {
        let mut plan = plan_of(vec![order_step("a"), revoke_step("leaver", 1)]);
        plan.plan_id = crate::model::Digest::of(b"plan");
        let shown = text_of(|out| plan_markdown(out, &plan));
        insta::assert_snapshot!(shown, @r#"
        ## certplan: 1 certificate will be revoked

        **Plan: 1 to order, 0 to renew, 0 to reissue, 1 to revoke, 0 to adopt, 0 to settle, 0 waiting, 0 unchanged.**

        Plan id: `sha256:64879f7d6b960a01909762d911a32d4582c20010c5641ee90278b644a9e3b525`

        ### Revocations

        This plan revokes 1 certificate. A revocation cannot be undone.

        * revoke `revocations.leaver` (`digicert`), order `98765`: `not in the journal; the CA was not asked which certificates of order 98765 are in force`
          * certificate `1`, serial `0a0001`, valid till `2027-06-30`, original: `leaver-1@example.com`
          * request: `PUT /order/certificate/98765/revoke`
          * body: `{"comments":"left the company","skip_approval":false}`
          * after: `orders.a` is issued

        ### Orders (1)

        * order `orders.a` (`digicert`)
          * why: `nothing at the CA answers to this name`
          * request: `POST /order/certificate/client_premium_sha2`
          * body: `{"alternative_order_id":"c1-3tdzkmow5brdgmbc66cecyyu5h","certificate":{"csr":"(PEM, 471 characters)","emails":["a@examp…`
          * price: 175.00, as last paid

        ### Warnings

        * `orders.gone`: `no longer in the manifest; it is not revoked`

        ### Cost

        * API requests: 2 to `digicert`
        * Time: less than a second under the rate limits
        * Money: 1 × 175.00 = 175.00 `USD`
        * Funds: 5,000.00 `USD` to spend in `digicert`

        **Plan: 1 to order, 0 to renew, 0 to reissue, 1 to revoke, 0 to adopt, 0 to settle, 0 waiting, 0 unchanged.**
        "#);
    }
}
