//! Damage: whatever happens to the file, the records are the same or there is an error.

use std::fs;

use super::*;

const NO_TRIGGERS: &str = "
    DROP TRIGGER facts_are_never_changed; DROP TRIGGER facts_are_never_deleted;
    DROP TRIGGER facts_follow_each_other; DROP TRIGGER facts_are_chained;";

/// The number of the first bad fact after `sql` was let loose on the story.
async fn first_bad(sql: &str) -> u64 {
    let bench = Bench::with(story()).await;
    let raw = bench.raw();
    raw.execute_batch(NO_TRIGGERS).unwrap();
    raw.execute_batch(sql).unwrap();
    raw.close().unwrap();
    let error = bench.read().unwrap_err();
    assert!(
        matches!(error, JournalError::Corrupt { .. }),
        "{sql}: {error}"
    );
    let held = bench.try_hold().await.unwrap_err();
    assert!(
        matches!(held, JournalError::Corrupt { .. }),
        "{sql}: {held}"
    );
    match verify(&bench.location()).unwrap_err() {
        VerifyError::Broken { seq, error } => {
            assert!(
                error.to_string().contains(&format!("fact {seq}: ")),
                "{error}"
            );
            seq
        }
        other @ VerifyError::Journal(_) => panic!("{sql}: {other}"),
    }
}

#[tokio::test]
async fn row_114_every_edit_is_found_at_its_fact() {
    for (column, value) in [
        ("at", "'2026-11-21T10:00:00Z'"),
        ("run", "'run-9'"),
        ("address", "'orders.z'"),
        ("account", "'other'"),
        ("word", "'refused'"),
        ("body", "replace(body, '1001', '1003')"),
        ("body", "body || ' '"),
        ("previous", "zeroblob(32)"),
        ("hash", "zeroblob(32)"),
    ] {
        let sql = format!("UPDATE facts SET {column} = {value} WHERE seq = 2");
        assert_eq!(first_bad(&sql).await, 2, "{sql}");
    }
}

#[tokio::test]
async fn deletion_reordering_and_insertion_are_found() {
    assert_eq!(first_bad("DELETE FROM facts WHERE seq = 4").await, 4);
    assert_eq!(first_bad("DELETE FROM facts WHERE seq = 1").await, 1);
    assert_eq!(first_bad("DELETE FROM facts WHERE seq > 7").await, 8);
    assert_eq!(first_bad("DELETE FROM facts").await, 1);
    let swap = "UPDATE facts SET seq = 100 WHERE seq = 3; UPDATE facts SET seq = 3 WHERE seq = 5;
        UPDATE facts SET seq = 5 WHERE seq = 100;";
    assert_eq!(first_bad(swap).await, 3);
    let close_gap = "DELETE FROM facts WHERE seq = 8; UPDATE facts SET seq = 8 WHERE seq = 9;
        UPDATE meta SET value = '8' WHERE key = 'serial';";
    assert_eq!(first_bad(close_gap).await, 8);
    let repeat = "INSERT INTO facts SELECT 10, at, run, address, account, word, body, hash, hash
        FROM facts WHERE seq = 9; UPDATE meta SET value = '10' WHERE key = 'serial';";
    assert_eq!(first_bad(repeat).await, 10);
}

#[tokio::test]
async fn a_well_linked_fact_that_cannot_follow_is_found() {
    let bench = Bench::with(vec![intended("a", 1)]).await;
    let tip = bench.read().unwrap().unwrap().mark.head;
    // An order that is taken twice: right hashes, wrong story.
    let (second, hash) =
        chain::StoredFact::link(&Entry::Item(Box::new(intended("a", 2))), 2, &tip).unwrap();
    let raw = bench.raw();
    raw.execute(
        "INSERT INTO facts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        rusqlite::params![
            second.seq,
            second.at,
            second.run,
            second.address,
            second.account,
            second.word,
            second.body,
            second.previous,
            second.hash
        ],
    )
    .unwrap();
    raw.execute_batch(&format!(
        "UPDATE meta SET value = '2' WHERE key = 'serial';
         UPDATE meta SET value = '{hash}' WHERE key = 'tip';"
    ))
    .unwrap();
    raw.close().unwrap();
    let error = bench.read().unwrap_err().to_string();
    assert!(
        error.contains("fact 2: ") && error.contains("not settled"),
        "{error}"
    );
}

#[tokio::test]
async fn what_stands_beside_the_facts_is_checked_too() {
    let account: AccountName = "digicert".parse().unwrap();
    for sql in [
        "UPDATE meta SET value = 'x' WHERE key = 'lineage'",
        "UPDATE meta SET value = '1' WHERE key = 'serial'",
        "DELETE FROM meta WHERE key = 'tip'",
        "UPDATE bindings SET endpoint = 'https://other.example'",
        "UPDATE bindings SET account_id = ''",
        "UPDATE bindings SET account = 'other'",
        "DROP TABLE bindings",
        "DROP TABLE facts",
    ] {
        let bench = Bench::new();
        let journal = bench.hold().await;
        let binding = Binding {
            provider: "certcentral".to_owned(),
            endpoint: "https://ca.example".to_owned(),
            account_id: None,
        };
        journal.bind(&account, binding).await.unwrap();
        journal.close().await.unwrap();
        let raw = bench.raw();
        raw.execute_batch(sql).unwrap();
        raw.close().unwrap();
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
async fn row_83_a_newer_journal_is_refused_and_left_alone() {
    let bench = Bench::with(story()).await;
    let raw = bench.raw();
    raw.pragma_update(None, "user_version", 99).unwrap();
    raw.close().unwrap();
    let bytes = fs::read(&bench.path).unwrap();
    for error in [
        bench.read().unwrap_err(),
        bench.try_hold().await.unwrap_err(),
    ] {
        assert!(
            matches!(
                error,
                JournalError::Newer {
                    found: 99,
                    known: 2,
                    ..
                }
            ),
            "{error}"
        );
    }
    assert_eq!(fs::read(&bench.path).unwrap(), bytes);
}

#[tokio::test]
async fn a_file_of_somebody_else_is_refused_and_left_alone() {
    let bench = Bench::new();
    fs::create_dir_all(bench.folder()).unwrap();
    let foreign = bench.raw();
    foreign
        .execute_batch("PRAGMA user_version = 1; CREATE TABLE facts (x); CREATE TABLE meta (x);")
        .unwrap();
    foreign.close().unwrap();
    let database = fs::read(&bench.path).unwrap();
    let text = b"dear diary, ".repeat(1000);
    for content in [&database[..], &text[..], b"short", b""] {
        fs::write(&bench.path, content).unwrap();
        fs::set_permissions(
            &bench.path,
            std::os::unix::fs::PermissionsExt::from_mode(0o600),
        )
        .unwrap();
        for error in [
            bench.read().unwrap_err(),
            bench.try_hold().await.unwrap_err(),
        ] {
            assert!(matches!(error, JournalError::Corrupt { .. }), "{error}");
            assert!(error.to_string().contains("backup"), "{error}");
        }
        assert_eq!(fs::read(&bench.path).unwrap(), content);
    }
}

/// A journal of several pages, its bytes and what it says.
async fn long() -> (Bench, Vec<u8>, Snapshot) {
    let bench = Bench::new();
    let journal = bench.hold().await;
    for number in 0..30 {
        let name = format!("item-{number}");
        journal
            .append(vec![intended(&name, 1), accepted(&name, number)])
            .await
            .unwrap();
    }
    journal.close().await.unwrap();
    let bytes = fs::read(&bench.path).unwrap();
    let snapshot = bench.read().unwrap().unwrap();
    (bench, bytes, snapshot)
}

/// Reads and holds what is in the file; the answer is the truth or an error.
async fn never_lies(bench: &Bench, truth: &Snapshot, what: &str) -> bool {
    let silent = match bench.read() {
        Ok(found) => {
            assert_eq!(found.as_ref(), Some(truth), "{what}");
            true
        }
        Err(_) => false,
    };
    if let Ok(journal) = bench.try_hold().await {
        assert_eq!(journal.records(), truth.records, "{what}");
        assert_eq!(journal.mark(), truth.mark, "{what}");
    }
    silent
}

#[tokio::test]
async fn a_truncated_file_is_refused() {
    let (bench, bytes, truth) = long().await;
    for part in 0..20 {
        let length = bytes.len() * part / 20;
        fs::write(&bench.path, &bytes[..length]).unwrap();
        let what = format!("{length} of {} bytes", bytes.len());
        assert!(!never_lies(&bench, &truth, &what).await, "{what}");
    }
}

#[tokio::test]
async fn a_flipped_bit_never_changes_a_record_unseen() {
    let (bench, bytes, truth) = long().await;
    let mut found = 0;
    // Spread over the file with a step that is prime, and the first page's header in full.
    let spread = (0..200).map(|number| number * 7919 % bytes.len());
    for (number, offset) in (0..100).chain(spread).enumerate() {
        let mut damaged = bytes.clone();
        damaged[offset] ^= 1 << (number % 8);
        fs::write(&bench.path, &damaged).unwrap();
        for suffix in ["-wal", "-shm", "-journal"] {
            let _ = fs::remove_file(bench.beside(suffix));
        }
        let what = format!("bit {} of byte {offset}", number % 8);
        found += u32::from(!never_lies(&bench, &truth, &what).await);
    }
    assert!(found > 60, "only {found} flips were noticed");
}

#[tokio::test]
async fn facts_of_another_journal_do_not_fit() {
    let bench = Bench::with(story()).await;
    let other = Bench::with(story()).await;
    let raw = bench.raw();
    raw.execute_batch(NO_TRIGGERS).unwrap();
    raw.execute(
        "ATTACH ?1 AS other",
        [other.path.to_str().unwrap().to_owned()],
    )
    .unwrap();
    raw.execute_batch(
        "DELETE FROM facts; INSERT INTO facts SELECT * FROM other.facts;
         UPDATE meta SET value = (SELECT value FROM other.meta WHERE key = 'tip') WHERE key = 'tip';",
    )
    .unwrap();
    raw.close().unwrap();
    let error = bench.read().unwrap_err().to_string();
    assert!(error.contains("fact 1: it does not follow"), "{error}");
    assert_eq!(other.facts(), story());
}
