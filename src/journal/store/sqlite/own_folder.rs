//! The folder that journals stand in where none is named. Git does not see it.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Beside the first manifest.
const NAME: &str = ".certplan";

/// Makes the folder for a manifest in `above`.
pub(crate) fn make_own_folder(above: &Path) -> io::Result<()> {
    let folder = above.join(NAME);
    match DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    hide(&folder, true);
    Ok(())
}

/// A journal must not be published by `git add`. A folder that is neither new nor of our name may hold other
/// things, and a `.gitignore` that stands there is the user's.
pub(super) fn hide(folder: &Path, is_new: bool) {
    if !is_new && !folder.ends_with(NAME) {
        return;
    }
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(folder.join(".gitignore"));
    if let Ok(mut file) = made {
        // Without it everything goes on; only Git would see the folder.
        let _ = file.write_all(b"*\n");
    }
}
