//! The files of a name that has another name now. Everything is moved by renames, and nothing is overwritten.

use super::beneath::Dir;
use super::clock;
use super::error::FilesError;
use super::live;
use super::place::{FilesFolder, Part};
use crate::model::ItemName;

impl FilesFolder {
    /// Moves the versions, the link and the pending keys of a name to another one. What was moved before, by a
    /// run that was killed, is left alone. When this returns, all of it is on the disk.
    ///
    /// # Errors
    ///
    /// What stands in the way. Then everything is still under one name or the other.
    pub fn move_name(&self, from: &ItemName, to: &ItemName) -> Result<(), FilesError> {
        for part in [Part::Archive, Part::Pending] {
            if let Some(folder) = self.part(part)? {
                move_folder(&folder, from, to)?;
            }
        }
        if let Some(folder) = self.part(Part::Live)? {
            self.move_link(&folder, from, to)?;
        }
        Ok(())
    }

    /// Makes the link anew under the new name, for the versions' new place, and takes the old one away.
    fn move_link(&self, folder: &Dir, from: &ItemName, to: &ItemName) -> Result<(), FilesError> {
        // What is no link, or leads out of the folder, is nobody's to move.
        live::read(folder, from, self.path())?;
        live::read(folder, to, self.path())?;
        let Some(target) = folder.read_link(from.as_str())? else {
            return Ok(());
        };
        let own = target.strip_prefix(&live::target(from, ""));
        let target = own.map_or_else(|| target.clone(), |version| live::target(to, version));
        let draft = live::draft_name(to);
        folder.remove_file(&draft)?;
        folder.link_to(&target, &draft)?;
        folder.rename(&draft, to.as_str())?;
        folder.sync()?;
        folder.remove_file(from.as_str())?;
        folder.sync()
    }
}

fn move_folder(part: &Dir, from: &ItemName, to: &ItemName) -> Result<(), FilesError> {
    let Some(old) = part.dir(from.as_str())? else {
        return Ok(());
    };
    let Some(new) = part.dir(to.as_str())? else {
        part.rename(from.as_str(), to.as_str())?;
        return part.sync();
    };
    for name in old.names()? {
        let free = free_name(&new, &name)?;
        old.move_to(&name, &new, &free)?;
    }
    new.sync()?;
    old.sync()?;
    part.remove_empty(from.as_str())?;
    part.sync()
}

/// The name itself, or one beside it where something has it.
fn free_name(folder: &Dir, name: &str) -> Result<String, FilesError> {
    let mut free = name.to_owned();
    let mut count = 1_u32;
    while folder.holds(&free)? {
        let day = clock::now().at.strftime("%Y-%m-%d").to_string();
        free = match count {
            1 => format!("{name}.moved-{day}"),
            _ => format!("{name}.moved-{day}-{count}"),
        };
        count = count.saturating_add(1);
    }
    Ok(free)
}
