//! Where each order and revocation stands, as text and as Markdown.

use std::io;

use super::amounts::{count, counted};
use super::details;
use super::page::{Entry, LIMIT, Page};
use super::phrase::Phrase;
use super::terminal::{Terminal, Tone};
use super::{StatusEntry, Style};

/// From so many days on the days left are no longer called out.
const SOON: i64 = 30;

/// Writes a table, then the notes. The last line counts the entries.
pub fn status_text(
    out: &mut dyn io::Write,
    entries: &[StatusEntry],
    style: &Style,
) -> io::Result<()> {
    let mut terminal = Terminal::new(out, style);
    let rows: Vec<_> = entries
        .iter()
        .map(|entry| (cells(entry), waits(entry)))
        .collect();
    if !rows.is_empty() {
        let header = [
            "ADDRESS",
            "STATE",
            "ORDER",
            "CERTIFICATE",
            "REQUEST",
            "VALID TILL",
            "DAYS",
            "WAITS FOR",
        ];
        terminal.table("", &header, &rows)?;
        terminal.blank()?;
    }
    for entry in entries {
        if let Some(note) = &entry.note {
            let phrase = Phrase::of("Note: ")
                .datum(&entry.address)
                .own(": ")
                .datum(note);
            terminal.line(Tone::Notice, &phrase)?;
        }
    }
    terminal.words(Tone::Strong, total(entries))
}

/// Writes a Markdown table of at most 60,000 characters; what does not fit is announced.
pub fn status_markdown(out: &mut dyn io::Write, entries: &[StatusEntry]) -> io::Result<()> {
    let mut page = Page::new(LIMIT);
    let total = total(entries);
    let _ = page.offer(&format!("## certplan: status\n\n**{total}**\n"));
    if !entries.is_empty() {
        let _ = page.offer(
            "| address | state | order | certificate | request | valid till | days | waits for | note |\n\
             |---|---|---|---|---|---|---:|---|---|",
        );
    }
    let rows = entries.iter().map(|entry| {
        Entry::new(1, || {
            let mut row = cells(entry);
            row.push(waits(entry));
            row.push(optional(entry.note.as_ref()));
            let row: Vec<String> = row.iter().map(Phrase::markdown).collect();
            format!("| {} |", row.join(" | "))
        })
    });
    page.list(rows, usize::MAX, 200, |more, _| {
        format!(
            "\n… and {} more; `certplan status --format json` shows all",
            count(more)
        )
    });
    let _ = page.offer(&format!("\n**{total}**"));
    out.write_all(page.finish().as_bytes())
}

fn cells(entry: &StatusEntry) -> Vec<Phrase> {
    vec![
        Phrase::of_datum(&entry.address),
        Phrase::of_datum(entry.state),
        optional(entry.order_id.as_ref()),
        optional(entry.certificate_id.as_ref()),
        optional(entry.request_id.as_ref()),
        optional(entry.valid_till.as_ref()),
        entry
            .days_left
            .map_or_else(absent, |days| Phrase::of(days.to_string())),
    ]
}

fn waits(entry: &StatusEntry) -> Phrase {
    let Some(words) = entry.waiting_for.as_ref().map(super::words::cause) else {
        return absent();
    };
    let what = match &entry.successor_order_id {
        Some(order) => Phrase::of("renewal ").datum(order).own(": ").datum(words),
        None => Phrase::of_datum(words),
    };
    details::of_owner(what, &entry.labels)
}

fn optional<T: std::fmt::Display>(value: Option<&T>) -> Phrase {
    value.map_or_else(absent, Phrase::of_datum)
}

fn absent() -> Phrase {
    Phrase::of("-")
}

fn total(entries: &[StatusEntry]) -> String {
    let number =
        |is: &dyn Fn(&StatusEntry) -> bool| entries.iter().filter(|entry| is(entry)).count();
    format!(
        "Status: {}, {} waiting, {} with less than {SOON} days left.",
        counted(entries.len(), "entry", "entries"),
        count(number(&|entry| entry.waiting_for.is_some())),
        count(number(&|entry| entry
            .days_left
            .is_some_and(|days| days < SOON))),
    )
}
