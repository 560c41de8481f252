//! Records kept beside the database: they say what the facts say, or the facts are replayed.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::journal::condensed::{self, Condensed, FACTS_APART};
use crate::journal::store::sqlite::state_file::StateFile;

fn place(bench: &Bench) -> StateFile {
    StateFile::find(&bench.location()).unwrap().unwrap()
}

fn kept(bench: &Bench) -> Option<Condensed> {
    condensed::read(&place(bench))
}

/// The story, with its records kept as of its sixth fact.
async fn kept_in_the_middle() -> (Bench, Snapshot) {
    let bench = Bench::with(story()[..6].to_vec()).await;
    keep(&bench, |_| ());
    let journal = bench.hold().await;
    journal.append(story()[6..].to_vec()).await.unwrap();
    journal.close().await.unwrap();
    let truth = bench.read().unwrap().unwrap();
    assert_eq!(truth.records, replayed(&story()));
    (bench, truth)
}

/// Keeps the records of a journal as it stands, after a change to them.
fn keep(bench: &Bench, change: impl FnOnce(&mut Records)) {
    let snapshot = bench.read().unwrap().unwrap();
    let mut records = snapshot.records;
    change(&mut records);
    let tip = snapshot.mark.head;
    condensed::write(
        &place(bench),
        &snapshot.mark.lineage,
        snapshot.mark.serial,
        tip,
        &records,
    )
    .unwrap();
}

fn tamper(bench: &Bench, sql: &str) {
    let raw = bench.raw();
    raw.execute_batch(
        "DROP TRIGGER facts_are_never_changed; DROP TRIGGER facts_are_never_deleted;",
    )
    .unwrap();
    raw.execute_batch(sql).unwrap();
    raw.close().unwrap();
}

#[tokio::test]
async fn they_are_kept_when_many_facts_were_written_and_read_instead_of_them() {
    let bench = Bench::new();
    let journal = bench.hold().await;
    let many = |from: u64| {
        (from..from + FACTS_APART / 2)
            .flat_map(|number| {
                let name = format!("item-{number}");
                [intended(&name, 1), accepted(&name, number)]
            })
            .collect::<Vec<_>>()
    };
    journal.append(many(0)[2..].to_vec()).await.unwrap();
    journal.close().await.unwrap();
    assert!(kept(&bench).is_none(), "too few to keep");
    let journal = bench.hold().await;
    journal.append(many(0)[..2].to_vec()).await.unwrap();
    let (records, mark) = (journal.records(), journal.mark());
    journal.close().await.unwrap();
    let found = kept(&bench).unwrap();
    assert_eq!(found.replay.records, records);
    assert_eq!(found.replay.serial, FACTS_APART);
    assert_eq!((found.lineage, found.replay.tip), (mark.lineage, mark.head));
    let mode = fs::metadata(bench.beside(".records"))
        .unwrap()
        .permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);

    // The next run begins with them and does not write them again for a few facts.
    let written = fs::metadata(bench.beside(".records")).unwrap().modified();
    let journal = bench.hold().await;
    assert_eq!(journal.records(), records);
    journal.append(vec![intended("last", 1)]).await.unwrap();
    let records = journal.records();
    journal.close().await.unwrap();
    let again = fs::metadata(bench.beside(".records")).unwrap().modified();
    assert_eq!(written.unwrap(), again.unwrap());
    assert_eq!(bench.read().unwrap().unwrap().records, records);
    let verified = verify(&bench.location()).unwrap().unwrap();
    assert_eq!(verified.facts, FACTS_APART + 1);
}

#[tokio::test]
async fn a_changed_old_fact_changes_no_record_and_is_found_by_a_full_check() {
    let (bench, truth) = kept_in_the_middle().await;
    tamper(
        &bench,
        "UPDATE facts SET body = replace(body, '1001', '1003') WHERE seq = 2",
    );
    assert_eq!(bench.read().unwrap().as_ref(), Some(&truth));
    let journal = bench.hold().await;
    assert_eq!(journal.records(), truth.records);
    // Before anything is changed at a CA a backup is made, and that reads all of it.
    let refused = journal.backup().unwrap_err();
    assert!(refused.to_string().contains("fact 2: "), "{refused}");
    drop(journal);
    match verify(&bench.location()).unwrap_err() {
        VerifyError::Broken { seq, .. } => assert_eq!(seq, 2),
        other @ VerifyError::Journal(_) => panic!("{other}"),
    }
    assert!(history(&bench.location(), &HistoryFilter::default()).is_err());
}

#[tokio::test]
async fn a_change_where_they_end_or_later_is_refused_at_once() {
    for sql in [
        "DELETE FROM facts WHERE seq = 2",
        "DELETE FROM facts WHERE seq > 5",
        "UPDATE facts SET hash = zeroblob(32) WHERE seq = 6",
        "UPDATE facts SET body = replace(body, 'timeout', 'no') WHERE seq = 7",
        "UPDATE meta SET value = '8' WHERE key = 'serial'",
    ] {
        let (bench, _) = kept_in_the_middle().await;
        tamper(&bench, sql);
        for error in [
            bench.read().unwrap_err(),
            bench.try_hold().await.unwrap_err(),
        ] {
            assert!(
                matches!(error, JournalError::Corrupt { .. }),
                "{sql}: {error}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_not_whole_or_not_ours_is_not_believed() {
    let (bench, truth) = kept_in_the_middle().await;
    let file = bench.beside(".records");
    let good = fs::read(&file).unwrap();
    assert!(kept(&bench).is_some());
    let mut spoilt = vec![
        Vec::new(),
        good[..good.len() / 2].to_vec(),
        b"{}\n".repeat(3),
        [&good[..], b"\n"].concat(),
        String::from_utf8(good.clone())
            .unwrap()
            .replace("certplan 0", "certplan 9")
            .into_bytes(),
    ];
    for at in (0..good.len()).step_by(97) {
        let mut flipped = good.clone();
        flipped[at] ^= 1;
        spoilt.push(flipped);
    }
    for bytes in spoilt {
        fs::write(&file, &bytes).unwrap();
        assert!(
            kept(&bench).is_none(),
            "{}",
            String::from_utf8_lossy(&bytes)
        );
        assert_eq!(bench.read().unwrap().as_ref(), Some(&truth));
        assert_eq!(bench.hold().await.records(), truth.records);
    }
    fs::write(&file, &good).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(kept(&bench).is_none(), "others may read it");
}

#[tokio::test]
async fn those_of_another_journal_are_not_believed() {
    let (bench, truth) = kept_in_the_middle().await;
    // Another file that went another way, and an older copy of this one.
    let other = Bench::with(vec![intended("z", 1), accepted("z", 9)]).await;
    keep(&other, |_| ());
    fs::copy(other.beside(".records"), bench.beside(".records")).unwrap();
    assert_eq!(bench.read().unwrap().as_ref(), Some(&truth));
    assert_eq!(bench.hold().await.records(), truth.records);
    assert!(verify(&bench.location()).is_ok());

    let (bench, _) = kept_in_the_middle().await;
    let old = fs::read(&bench.path).unwrap();
    let journal = bench.hold().await;
    journal.append(vec![issued("b")]).await.unwrap();
    journal.close().await.unwrap();
    keep(&bench, |_| ());
    fs::write(&bench.path, old).unwrap();
    assert_eq!(
        bench.read().unwrap().unwrap().records,
        replayed(&story()),
        "they are newer than the journal"
    );
}

#[tokio::test]
async fn sealed_but_wrong_records_are_found_by_a_full_check() {
    let bench = Bench::with(story()).await;
    keep(&bench, |records| {
        records.pop_first();
    });
    let kept = kept(&bench).unwrap();
    assert_ne!(kept.replay.records, replayed(&story()));
    let error = verify(&bench.location()).unwrap_err().to_string();
    assert!(
        error.contains("state.db.records") && error.contains("remove that file"),
        "{error}"
    );
}
