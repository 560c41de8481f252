//! The stored records: they say what the facts say, or they are made anew from them.

use std::fs;

use super::*;
use crate::journal::load::{Loaded, MANY, load_many};
use crate::journal::records::text;
use crate::journal::store::{FactReader, sqlite};

/// Reads a journal with another measure of what is long: from the stored records, if they can be believed.
fn loaded(bench: &Bench, many: u64) -> Result<Loaded, JournalError> {
    let read = sqlite::read(&bench.path, async |reader: &mut dyn FactReader| {
        let loaded = load_many(reader, many).await;
        loaded.map_err(|broken| broken.explain(reader))
    });
    at_once(read).map(|found| found.expect("a journal"))
}

fn stored(bench: &Bench) -> Vec<(String, String)> {
    let raw = bench.raw();
    let mut rows = raw
        .prepare("SELECT address, record FROM records ORDER BY address")
        .unwrap();
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}

fn texts(records: &Records) -> Vec<(String, String)> {
    let row = |(address, record): (&Address, &Record)| (address.to_string(), text(record).unwrap());
    records.iter().map(row).collect()
}

/// Runs SQL on the file with no trigger in the way.
fn tamper(bench: &Bench, sql: &str) {
    let raw = bench.raw();
    raw.execute_batch(
        "DROP TRIGGER IF EXISTS facts_are_never_changed;
         DROP TRIGGER IF EXISTS facts_are_never_deleted;",
    )
    .unwrap();
    raw.execute_batch(sql).unwrap();
    raw.close().unwrap();
}

#[tokio::test]
async fn they_change_with_the_facts_and_stand_in_for_them() {
    let bench = Bench::new();
    for facts in story().chunks(2) {
        let journal = bench.hold().await;
        journal.append(facts.to_vec()).await.unwrap();
        let (records, mark) = (journal.records(), journal.mark());
        assert_eq!(stored(&bench), texts(&records));
        let short = loaded(&bench, 1).unwrap();
        assert!(short.sum.is_some(), "they are not believed");
        assert_eq!(short.mark(), mark);
        assert_eq!(short.replay.records, records);
        let long = loaded(&bench, MANY).unwrap();
        assert!(long.sum.is_none(), "the facts of a short journal are read");
        assert_eq!(long.replay, short.replay);
    }
    assert_eq!(
        loaded(&bench, 1).unwrap().replay.records,
        replayed(&story())
    );
}

#[tokio::test]
async fn a_record_that_moves_is_stored_under_its_new_name_alone() {
    let moved = |from: &str, to: &str| {
        let from = format!("orders.{from}").parse().unwrap();
        fact(to, FactBody::Moved { from })
    };
    // In a commit of its own; in one commit with the facts before and after it; and back to the first name.
    for size in [1, 4, 99] {
        let bench = Bench::new();
        let facts = [
            story(),
            vec![moved("a", "d"), moved("c", "e"), intended("a", 1)],
            vec![moved("d", "f"), moved("e", "c"), intended("d", 1)],
        ]
        .concat();
        for facts in facts.chunks(size) {
            let journal = bench.hold().await;
            journal.append(facts.to_vec()).await.unwrap();
            let records = journal.records();
            assert_eq!(stored(&bench), texts(&records));
            journal.close().await.unwrap();
            assert_eq!(loaded(&bench, 1).unwrap().replay.records, records);
            assert!(loaded(&bench, 1).unwrap().sum.is_some());
        }
        let records = replayed(&facts);
        let names: Vec<String> = records.keys().map(ToString::to_string).collect();
        assert_eq!(
            names,
            ["orders.a", "orders.b", "orders.c", "orders.d", "orders.f"]
        );
        assert_eq!(loaded(&bench, 1).unwrap().replay.records, records);
        verify(&bench.location()).unwrap();
    }
}

#[tokio::test]
async fn a_move_that_cannot_be_leaves_the_journal_as_it_is() {
    let bench = Bench::with(story()).await;
    let journal = bench.hold().await;
    let before = journal.records();
    for (from, to) in [("nobody", "d"), ("a", "b"), ("a", "a")] {
        let from = format!("orders.{from}").parse().unwrap();
        let facts = vec![intended("z", 1), fact(to, FactBody::Moved { from })];
        let refused = journal.append(facts).await.unwrap_err();
        assert!(matches!(refused, JournalError::Illegal(_)), "{refused}");
    }
    assert_eq!(journal.records(), before);
    journal.close().await.unwrap();
    assert_eq!(bench.read().unwrap().unwrap().records, before);
}

#[tokio::test]
async fn a_long_journal_is_opened_with_them_and_goes_on() {
    let bench = Bench::new();
    let journal = bench.hold().await;
    let many = (0..MANY / 2).flat_map(|number| {
        let name = format!("item-{number}");
        [intended(&name, 1), accepted(&name, number)]
    });
    journal.append(many.collect()).await.unwrap();
    journal.close().await.unwrap();
    assert!(loaded(&bench, MANY).unwrap().sum.is_some());
    let journal = bench.hold().await;
    journal.append(vec![intended("last", 1)]).await.unwrap();
    let records = journal.records();
    journal.close().await.unwrap();
    assert_eq!(bench.read().unwrap().unwrap().records, records);
    let verified = verify(&bench.location()).unwrap().unwrap();
    assert_eq!(verified.facts, MANY + 1);

    // A changed old fact changes no record. Before anything is changed at a CA a backup is made, and that
    // looks at all of them.
    tamper(
        &bench,
        "UPDATE facts SET body = replace(body, '1001', '1003') WHERE seq = 2004",
    );
    assert_eq!(bench.read().unwrap().unwrap().records, records);
    let journal = bench.hold().await;
    assert_eq!(journal.records(), records);
    let refused = copy(&journal).await.unwrap_err();
    assert!(refused.to_string().contains("fact 2004: "), "{refused}");
    drop(journal);
    match verify(&bench.location()).unwrap_err() {
        VerifyError::Broken { seq, .. } => assert_eq!(seq, 2004),
        other @ VerifyError::Journal(_) => panic!("{other}"),
    }
    assert!(history(&bench.location(), &HistoryFilter::default()).is_err());
}

#[tokio::test]
async fn a_fact_that_is_missing_or_a_changed_end_is_refused_at_once() {
    for sql in [
        "DELETE FROM facts WHERE seq = 2",
        "DELETE FROM facts WHERE seq > 5",
        "UPDATE facts SET hash = zeroblob(32) WHERE seq = 9",
        "UPDATE facts SET body = replace(body, '1002', '1003') WHERE seq = 9",
        "UPDATE meta SET value = '8' WHERE key = 'serial'",
        "UPDATE meta SET value = 'x' WHERE key = 'lineage'",
    ] {
        let bench = Bench::with(story()).await;
        tamper(&bench, sql);
        let error = loaded(&bench, 1).unwrap_err();
        assert!(
            matches!(error, JournalError::Corrupt { .. }),
            "{sql}: {error}"
        );
    }
}

#[tokio::test]
async fn what_is_not_whole_or_not_ours_is_not_believed_and_made_anew() {
    for sql in [
        "DELETE FROM records",
        "DELETE FROM records WHERE address = 'orders.b'",
        "INSERT INTO records SELECT 'orders.z', record FROM records LIMIT 1",
        "INSERT INTO records VALUES ('nonsense', '{}')",
        "UPDATE records SET record = replace(record, '1001', '1003')",
        "UPDATE records SET record = substr(record, 2) WHERE address = 'orders.a'",
        "UPDATE records SET address = 'orders.y' WHERE address = 'orders.a'",
        "UPDATE meta SET value = value || ' 2' WHERE key = 'records_version'",
        "DELETE FROM meta WHERE key = 'records_seal'",
    ] {
        let bench = Bench::with(story()).await;
        let truth = replayed(&story());
        tamper(&bench, sql);
        let found = loaded(&bench, 1).unwrap();
        assert!(found.sum.is_none(), "{sql}: they are believed");
        assert_eq!(found.replay.records, truth, "{sql}");
        // Whoever holds a journal whose seal does not fit stores them anew.
        let unseal = "UPDATE meta SET value = 'another' WHERE key = 'records_version'";
        tamper(&bench, unseal);
        let journal = bench.hold().await;
        assert_eq!(journal.records(), truth, "{sql}");
        drop(journal);
        assert_eq!(stored(&bench), texts(&truth), "{sql}");
        assert!(loaded(&bench, 1).unwrap().sum.is_some(), "{sql}");
        verify(&bench.location()).unwrap();
    }
}

#[tokio::test]
async fn sealed_but_wrong_records_are_found_by_a_full_check() {
    for sql in [
        "DELETE FROM records WHERE address = 'orders.b'",
        "UPDATE records SET record = replace(record, '1001', '1003')",
        "INSERT INTO records SELECT 'orders.z', record FROM records LIMIT 1",
        "UPDATE records SET record = '[]' WHERE address = 'orders.b'",
    ] {
        let bench = Bench::with(story()).await;
        tamper(&bench, sql);
        let error = verify(&bench.location()).unwrap_err().to_string();
        assert!(
            error.contains("`certplan migrate` makes the records anew"),
            "{sql}: {error}"
        );
    }
}

#[tokio::test]
async fn what_an_earlier_certplan_kept_beside_the_journal_goes() {
    let bench = Bench::with(story()).await;
    let kept = bench.beside(".lookalike");
    for left_over in [".records", ".look.digicert"] {
        fs::write(bench.beside(left_over), "{}").unwrap();
    }
    fs::write(&kept, "mine").unwrap();
    assert_eq!(bench.read().unwrap().unwrap().records, replayed(&story()));
    drop(bench.hold().await);
    assert!(!bench.beside(".records").exists() && !bench.beside(".look.digicert").exists());
    assert!(kept.exists());
}

#[tokio::test]
async fn every_kind_of_record_is_kept_as_it_is() {
    use crate::journal::records::parse;
    use crate::model::{Ending, Failure, Part, PartState, RequestedParts};
    let mut odd = replayed(&story())[&"orders.a".parse::<Address>().unwrap()].clone();
    let parts = [
        (Part::Order, PartState::Revoked),
        (Part::Certificate(7_u64.into()), PartState::Declined),
        (
            Part::Certificate(8_u64.into()),
            PartState::Requested { request_id: None },
        ),
    ]
    .into();
    let requested = RequestedParts {
        parts,
        generation: 3,
    };
    odd.revocations.insert(OrderId::from("4711"), requested);
    odd.live.as_mut().unwrap().state = LiveState::Ended(Ending::Revoked);
    odd.failure = Some(Box::new(Failure {
        kind: OperationKind::Revoke,
        code: Some(Untrusted::new("x\u{0}\n")),
        message: Untrusted::new("\u{202e}"),
        at: "2026-11-21T10:00:00.5Z".parse().unwrap(),
        body: Digest::of(b"b"),
    }));
    let text = text(&odd).unwrap();
    let (address, read) = parse("revocations.odd", &text).unwrap();
    assert_eq!(
        (address.to_string().as_str(), read),
        ("revocations.odd", odd)
    );
}
