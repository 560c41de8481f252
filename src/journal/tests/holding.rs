//! Taking the journal: the lock, the files and their modes, what is refused, backups.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn unusable(result: Result<HeldJournal, JournalError>) -> String {
    match result {
        Err(error @ JournalError::Unusable { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn one_run_holds_it_and_the_next_one_is_told_who() {
    let bench = Bench::new();
    let first = hold(&bench.location(), holder("resolve"), Duration::ZERO)
        .await
        .unwrap();
    let error = bench.try_hold().await.unwrap_err();
    assert!(matches!(error, JournalError::Held { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains(&format!("process {}", std::process::id())),
        "{text}"
    );
    assert!(
        text.contains("`certplan resolve`") && text.contains("since 20"),
        "{text}"
    );
    drop(first);
    bench.hold().await.close().await.unwrap();
    bench.hold().await;
}

#[tokio::test]
async fn a_run_waits_for_the_lock_as_long_as_it_was_told() {
    let bench = Bench::new();
    let first = bench.hold().await;
    let location = bench.location();
    let waiting =
        tokio::spawn(
            async move { hold(&location, holder("apply"), Duration::from_secs(60)).await },
        );
    tokio::task::yield_now().await;
    first.append(vec![intended("a", 1)]).await.unwrap();
    first.close().await.unwrap();
    let second = waiting.await.unwrap().unwrap();
    assert_eq!(second.mark().serial, 1);
    let error = hold(&bench.location(), holder("apply"), Duration::from_millis(1)).await;
    assert!(matches!(error, Err(JournalError::Held { .. })));
}

#[tokio::test]
async fn the_note_in_the_lock_file_cannot_steer_a_terminal() {
    let bench = Bench::new();
    let _first = bench.hold().await;
    for note in [
        r#"{"pid":1,"host":"\u001b[2J","command":"x","run":"r","since":"2026-11-21T10:00:00Z"}"#,
        "\u{1b}[2J",
        "",
    ] {
        fs::write(bench.beside(".lock"), note).unwrap();
        let text = bench.try_hold().await.unwrap_err().to_string();
        assert!(
            text.contains("is held by") && !text.contains('\u{1b}'),
            "{text}"
        );
    }
}

#[tokio::test]
async fn row_108_only_the_owner_can_read_what_is_made() {
    let bench = Bench::new();
    let journal = bench.hold().await;
    journal.append(story()).await.unwrap();
    assert_eq!(mode(bench.folder()), 0o700);
    let backup = copy(&journal).await.unwrap();
    for path in [
        bench.path.clone(),
        bench.beside(".lock"),
        bench.beside("-wal"),
        bench.beside("-shm"),
        backup,
    ] {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn reading_leaves_no_trace() {
    let bench = Bench::new();
    assert_eq!(bench.read().unwrap(), None);
    assert!(!bench.folder().exists());
    let bench = Bench::with(story()).await;
    let bytes = fs::read(&bench.path).unwrap();
    assert_eq!(
        bench.names(),
        [".gitignore", "state.db", "state.db.head", "state.db.lock"]
    );
    assert_eq!(bench.read().unwrap().unwrap().mark.serial, 9);
    verify(&bench.location()).unwrap();
    assert_eq!(bench.facts().len(), 9);
    assert_eq!(
        bench.names(),
        [".gitignore", "state.db", "state.db.head", "state.db.lock"]
    );
    assert_eq!(fs::read(&bench.path).unwrap(), bytes);
}

#[tokio::test]
async fn a_killed_run_loses_nothing() {
    let bench = Bench::new();
    let journal = bench.hold().await;
    journal.append(story()).await.unwrap();
    // What is on the disk at this moment is what a killed run leaves.
    let killed = Bench::new();
    fs::create_dir_all(killed.folder()).unwrap();
    for suffix in ["", "-wal", "-shm"] {
        fs::copy(bench.beside(suffix), killed.beside(suffix)).unwrap();
    }
    assert_eq!(killed.read().unwrap(), bench.read().unwrap());
    assert_eq!(killed.hold().await.records(), journal.records());
    // Without the database its log is a loss that a new database would hide.
    fs::remove_file(&killed.path).unwrap();
    fs::copy(bench.beside("-wal"), killed.beside("-wal")).unwrap();
    assert!(matches!(killed.read(), Err(JournalError::Unusable { .. })));
    let error = killed.try_hold().await.unwrap_err();
    assert!(error.to_string().contains("it is gone"), "{error}");
    assert!(!killed.path.exists());
}

#[tokio::test]
async fn row_84_a_run_killed_while_it_made_the_journal_leaves_nothing_in_the_way() {
    let bench = Bench::new();
    fs::create_dir_all(bench.folder()).unwrap();
    fs::write(bench.beside(".new"), b"half").unwrap();
    assert_eq!(bench.read().unwrap(), None);
    bench.hold().await.append(story()).await.unwrap();
    assert_eq!(bench.facts(), story());
    assert!(!bench.beside(".new").exists());
}

#[tokio::test]
async fn row_86_what_is_not_a_plain_file_of_ones_own_is_refused() {
    let real = Bench::with(story()).await;
    let bench = Bench::new();
    fs::create_dir_all(bench.folder()).unwrap();

    symlink(&real.path, &bench.path).unwrap();
    assert!(unusable(bench.try_hold().await).contains("symbolic link"));
    assert!(matches!(bench.read(), Err(JournalError::Unusable { .. })));
    fs::remove_file(&bench.path).unwrap();

    fs::create_dir(&bench.path).unwrap();
    assert!(unusable(bench.try_hold().await).contains("a folder"));
    assert!(matches!(bench.read(), Err(JournalError::Unusable { .. })));
    fs::remove_dir(&bench.path).unwrap();

    let socket = std::os::unix::net::UnixListener::bind(&bench.path).unwrap();
    assert!(unusable(bench.try_hold().await).contains("not a regular file"));
    drop(socket);
    fs::remove_file(&bench.path).unwrap();

    fs::hard_link(&real.path, &bench.path).unwrap();
    assert!(unusable(bench.try_hold().await).contains("hard link"));
    fs::remove_file(&bench.path).unwrap();

    fs::set_permissions(&real.path, fs::Permissions::from_mode(0o622)).unwrap();
    assert!(unusable(real.try_hold().await).contains("chmod 600"));
    assert!(matches!(real.read(), Err(JournalError::Unusable { .. })));

    // A lock file that leads elsewhere is not written to.
    fs::remove_file(bench.beside(".lock")).unwrap();
    let victim = bench.folder().join("victim");
    fs::write(&victim, "keep").unwrap();
    symlink(&victim, bench.beside(".lock")).unwrap();
    assert!(unusable(bench.try_hold().await).contains("lock file"));
    assert_eq!(fs::read_to_string(&victim).unwrap(), "keep");
}

#[tokio::test]
async fn a_place_that_cannot_be_written_to_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    // Neither in a file, nor below one, nor where the kernel takes no files: true for root as well.
    for path in [
        file.join("state.db"),
        file.join("deep/state.db"),
        PathBuf::from("/proc/state.db"),
    ] {
        let location = path.clone();
        let result = hold(&location, holder("apply"), Duration::ZERO).await;
        assert!(unusable(result).contains(&path.display().to_string()));
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "x");
}

#[tokio::test]
async fn backups_are_journals_and_the_newest_ten_are_kept() {
    let bench = Bench::new();
    let journal = bench.hold().await;
    journal.append(vec![intended("a", 1)]).await.unwrap();
    fs::write(bench.beside(".backup-mine"), "keep").unwrap();
    let first = copy(&journal).await.unwrap();
    let old = read(&first).unwrap().unwrap();
    assert_eq!(old, bench.read().unwrap().unwrap());
    journal.append(vec![accepted("a", 1)]).await.unwrap();
    let mut later = Vec::new();
    for _ in 0..10 {
        later.push(copy(&journal).await.unwrap());
    }
    assert!(!first.exists());
    assert!(later.iter().all(|path| path.exists()), "{later:?}");
    assert!(bench.beside(".backup-mine").exists());
    assert!(later.is_sorted());
    drop(journal);

    // Going back to one, as the message for a damaged journal says.
    fs::write(&bench.path, b"damaged").unwrap();
    let error = bench.try_hold().await.unwrap_err().to_string();
    assert!(error.contains(later[9].to_str().unwrap()), "{error}");
    fs::copy(&later[9], &bench.path).unwrap();
    let journal = bench.hold().await;
    journal.append(vec![issued("a")]).await.unwrap();
    drop(journal);
    assert_eq!(
        bench.facts(),
        [intended("a", 1), accepted("a", 1), issued("a")]
    );
}

#[tokio::test]
async fn a_path_may_hold_any_character() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "file:a?mode=memory",
        "b #%41?.db",
        "ä 証\u{1f512}.db",
        ":memory:",
    ] {
        let location = folder.path().join(name);
        let journal = hold(&location, holder("apply"), Duration::ZERO)
            .await
            .unwrap();
        journal.append(story()).await.unwrap();
        let backup = copy(&journal).await.unwrap();
        let beside = read(&location).unwrap();
        drop(journal);
        assert_eq!(beside.unwrap().records, replayed(&story()), "{name}");
        assert_eq!(read(&location).unwrap(), read(&backup).unwrap());
        assert!(location.exists(), "{name}");
    }
}

/// A run that is killed while it opens the journal may leave its index as it made it: full of zeros, beside a log
/// without a fact.
#[tokio::test]
async fn an_index_that_a_killed_run_had_only_begun_keeps_nobody_from_reading() {
    let bench = Bench::with(story()).await;
    for (log, index) in [(Some(0), 32_768), (None, 32_768), (Some(0), 100)] {
        if let Some(length) = log {
            fs::write(bench.beside("-wal"), vec![0; length]).unwrap();
        }
        fs::write(bench.beside("-shm"), vec![0; index]).unwrap();
        let read = bench.read().map(|read| read.map(|read| read.mark.serial));
        assert!(matches!(read, Ok(Some(9))), "{log:?} {index}: {read:?}");
        // Nothing is changed by who only reads.
        let left = fs::read(bench.beside("-shm")).unwrap();
        assert!(
            left == vec![0; index],
            "{log:?} {index}: the index was written to"
        );
        for suffix in ["-wal", "-shm"] {
            let _ = fs::remove_file(bench.beside(suffix));
        }
    }
}

/// A backup that is put back is not changed before the first fact is: nothing is half done where the run is
/// killed while it opens it.
#[tokio::test]
async fn a_backup_has_a_log_of_its_own() {
    let bench = Bench::new();
    let journal = bench.hold().await;
    journal.append(story()).await.unwrap();
    let backup = copy(&journal).await.unwrap();
    // Bytes 18 and 19 of the header: 2 is the write-ahead log.
    assert_eq!(fs::read(&backup).unwrap()[18..20], [2, 2]);
    let left: Vec<String> = bench
        .names()
        .into_iter()
        .filter(|name| name.contains(".backup"))
        .collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

/// A copy without a log of its own, from `VACUUM INTO` by hand, whose first run was killed in the middle of a change.
#[tokio::test]
async fn a_change_that_a_killed_run_left_half_done_is_told_and_taken_back() {
    let bench = Bench::with(story()).await;
    let connection = rusqlite::Connection::open(&bench.path).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = DELETE; PRAGMA cache_size = 1; BEGIN IMMEDIATE;
             CREATE TABLE half_done (text);
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
             INSERT INTO half_done SELECT hex(randomblob(200)) FROM n;",
        )
        .unwrap();
    let killed = Bench::new();
    fs::create_dir_all(killed.folder()).unwrap();
    for suffix in ["", "-journal"] {
        fs::copy(bench.beside(suffix), killed.beside(suffix)).unwrap();
    }
    let error = killed.read().unwrap_err().to_string();
    assert!(
        error.contains("(`certplan apply`) takes that back"),
        "{error}"
    );
    drop(killed.hold().await);
    assert_eq!(killed.facts(), story());
    assert_eq!(killed.read().unwrap().unwrap().mark.serial, 9);
}
