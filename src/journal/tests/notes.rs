//! What a journal may not know, by what this host has noted of it.

use std::fs;

use super::*;

/// A journal with a folder for this host's notes.
struct Noting {
    bench: Bench,
    notes: TempDir,
}

impl Noting {
    /// A journal with some facts, written on this host.
    async fn with(facts: Vec<Fact>) -> Self {
        let noting = Self {
            bench: Bench::new(),
            notes: tempfile::tempdir().unwrap(),
        };
        noting.append(facts).await;
        noting
    }

    fn location(&self) -> Location {
        Location::file(self.bench.location()).noting_in(self.notes.path().to_owned())
    }

    /// Writes facts, and says what the journal may have lacked before.
    async fn append(&self, facts: Vec<Fact>) -> Option<Gap> {
        let journal = open(&self.location(), holder("apply"), Duration::ZERO)
            .await
            .unwrap();
        journal.append(facts).await.unwrap();
        journal.close().await.unwrap();
        journal.gap()
    }

    /// What is found by those who read, and by those who hold it.
    async fn gap(&self) -> Option<Gap> {
        let read = at_once(super::super::read(&self.location())).unwrap().gap;
        if self.bench.path.exists() {
            let held = open(&self.location(), holder("apply"), Duration::ZERO).await;
            assert_eq!(held.unwrap().gap(), read);
        }
        read
    }

    fn copy(&self) -> Vec<u8> {
        fs::read(&self.bench.path).unwrap()
    }

    fn put_back(&self, bytes: &[u8]) {
        fs::write(&self.bench.path, bytes).unwrap();
    }

    /// Forgets what stood in this place.
    fn forget_the_place(&self) {
        fs::remove_file(self.bench.beside(".head")).unwrap();
    }
}

#[tokio::test]
async fn a_journal_that_this_host_wrote_knows_everything() {
    let noting = Noting::with(story()).await;
    assert_eq!(noting.gap().await, None);
    // Wherever it is moved to, by whatever name it is called.
    let elsewhere = Bench::new();
    fs::create_dir_all(elsewhere.folder()).unwrap();
    fs::rename(&noting.bench.path, &elsewhere.path).unwrap();
    let location = Location::file(elsewhere.folder().join("../state/state.db"))
        .noting_in(noting.notes.path().to_owned());
    assert_eq!(at_once(super::super::read(&location)).unwrap().gap, None);
    assert_eq!(noting.gap().await, Some(Gap::Lost));
}

#[tokio::test]
async fn no_journal_and_one_without_facts_know_nothing() {
    let noting = Noting {
        bench: Bench::new(),
        notes: tempfile::tempdir().unwrap(),
    };
    assert_eq!(noting.gap().await, Some(Gap::NoState));
    assert_eq!(noting.append(Vec::new()).await, Some(Gap::NoState));
    assert_eq!(noting.gap().await, Some(Gap::NoState));
    assert_eq!(noting.append(story()).await, Some(Gap::NoState));
    assert_eq!(noting.gap().await, None);
}

#[tokio::test]
async fn a_host_without_a_note_does_not_know_what_others_wrote() {
    let mut noting = Noting::with(story()).await;
    noting.notes = tempfile::tempdir().unwrap();
    assert_eq!(noting.gap().await, Some(Gap::NoNote));
    // The note beside the journal came with it from wherever it was written.
    noting.forget_the_place();
    assert_eq!(noting.gap().await, Some(Gap::NoNote));
    noting.append(vec![issued("b")]).await;
    assert_eq!(noting.gap().await, None);
    // A note that is torn is none.
    for note in fs::read_dir(noting.notes.path()).unwrap() {
        fs::write(note.unwrap().path(), "0000").unwrap();
    }
    assert_eq!(noting.gap().await, Some(Gap::NoNote));
}

#[tokio::test]
async fn an_older_copy_is_told_with_and_without_the_note_beside_it() {
    let noting = Noting::with(story()[..4].to_vec()).await;
    let old = noting.copy();
    noting.append(story()[4..].to_vec()).await;
    noting.put_back(&old);
    assert_eq!(noting.gap().await, Some(Gap::Older));
    noting.forget_the_place();
    assert_eq!(noting.gap().await, Some(Gap::Older));
}

#[tokio::test]
async fn a_copy_that_went_another_way_is_told_however_long_it_is() {
    let noting = Noting::with(story()[..4].to_vec()).await;
    let old = noting.copy();
    noting.append(vec![issued("a")]).await;
    // The copy was put back on another host and used there.
    noting.put_back(&old);
    let there = Location::file(noting.bench.location());
    let journal = open(&there, holder("apply"), Duration::ZERO).await.unwrap();
    for number in 0..5 {
        let name = format!("x{number}");
        journal.append(vec![intended(&name, 1)]).await.unwrap();
    }
    journal.close().await.unwrap();
    assert_eq!(noting.gap().await, Some(Gap::Restored));
    noting.append(vec![issued("a")]).await;
    assert_eq!(noting.gap().await, None);
}

#[tokio::test]
async fn a_journal_that_is_gone_and_another_in_its_place_are_told() {
    let noting = Noting::with(story()).await;
    let other = Bench::with(story()).await;
    fs::remove_file(&noting.bench.path).unwrap();
    assert_eq!(noting.gap().await, Some(Gap::Lost));
    noting.put_back(&fs::read(&other.path).unwrap());
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&noting.bench.path, mode).unwrap();
    assert_eq!(noting.gap().await, Some(Gap::OtherLineage));
    fs::remove_file(&noting.bench.path).unwrap();
    assert_eq!(noting.append(Vec::new()).await, Some(Gap::OtherLineage));
}

#[test]
fn only_what_is_known_to_be_missing_is_a_loss() {
    let loss = [Gap::Lost, Gap::Older, Gap::Restored, Gap::OtherLineage];
    assert!(loss.into_iter().all(Gap::is_loss));
    assert!(![Gap::NoState, Gap::NoNote].into_iter().any(Gap::is_loss));
}
