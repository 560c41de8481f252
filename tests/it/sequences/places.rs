//! The places that the state of a sequence stands in: it is moved to another one, an older copy is put
//! back, all of it is deleted.
//!
//! Files alone: who moves into a database and out of it is held in the tests of PostgreSQL, and a lease
//! that a killed run leaves there would only be waited for.

use std::path::PathBuf;

use serde_json::Value;

use super::play::Game;
use crate::crash::truth::facts;

/// Where the state stands in the beginning, as nobody names it.
const FIRST: &str = ".certplan";

/// The folder of the state that is in use, and how often it was moved.
#[derive(Debug, Default)]
pub(super) struct Place(usize);

impl Place {
    fn folder(&self) -> String {
        match self.0 {
            0 => FIRST.to_owned(),
            moved => format!("place-{moved}"),
        }
    }

    fn state(&self) -> String {
        format!("{}/state.db", self.folder())
    }
}

impl Game {
    /// Takes the state over into a new place. What was written and what is in doubt goes with it, whoever
    /// uses the old place is told, and sends nothing.
    pub(super) fn move_state(&mut self) -> Result<(), String> {
        let old = self.place.state();
        if !self.rig.path(&old).exists() {
            return Ok(());
        }
        let before = facts(&self.rig);
        self.place.0 += 1;
        let new = self.place.state();
        let moved = self
            .rig
            .certplan(&["migrate", "--from", &old, "--state", &new]);
        if moved.code != Some(0) {
            return Err(format!("{:?}: {}", moved.code, moved.stderr));
        }
        self.rig.set("CERTPLAN_STATE", &new);
        let after = facts(&self.rig);
        let words: Vec<&Value> = after
            .iter()
            .skip(before.len())
            .map(|fact| &fact["body"]["fact"])
            .collect();
        if !after.starts_with(&before) || words != ["moved", "taken_over"] {
            return Err(format!("{before:?} became {after:?}"));
        }
        let calls = self.rig.changes().len();
        let refused = self.rig.certplan(&["apply", "--yes", "--state", &old]);
        let told = refused.stderr.contains("was moved to") && refused.stderr.contains(&new);
        if refused.code != Some(1) || !told || self.rig.changes().len() != calls {
            return Err(format!(
                "the old place was used: {:?}: {}",
                refused.code, refused.stderr
            ));
        }
        Ok(())
    }

    /// Deletes the state, wherever it has stood.
    pub(super) fn delete_state(&mut self) {
        if !self.edited.is_empty() {
            return;
        }
        self.wait_for_the_index();
        let places = (0..=self.place.0).map(|moved| Place(moved).folder());
        for folder in places {
            let _ = std::fs::remove_dir_all(self.rig.path(&folder));
        }
        self.rig.unset("CERTPLAN_STATE");
        self.place = Place::default();
        self.forgot = true;
    }

    /// Puts one of the tool's own backups back.
    pub(super) fn restore(&mut self, at: usize) {
        let mut backups: Vec<PathBuf> = std::fs::read_dir(self.rig.path(&self.place.folder()))
            .into_iter()
            .flatten()
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.to_string_lossy().contains(".backup-"))
            .collect();
        backups.sort();
        if backups.is_empty() {
            return;
        }
        self.wait_for_the_index();
        let state = self.place.state();
        for log in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(self.rig.path(&format!("{state}{log}")));
        }
        let state = self.rig.path(&state);
        std::fs::copy(&backups[at % backups.len()], state).expect("a copy");
        self.forgot = true;
    }
}
