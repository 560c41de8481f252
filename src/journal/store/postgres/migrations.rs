//! The steps that make the tables, oldest first. Main function: [`runner`].

use refinery_core::{Error, Migration, Runner};

/// Each file of the folder `migrations`: its name without `.sql`, and what it holds. A step that a server may have
/// taken never changes.
const STEPS: [(&str, &str); 4] = [
    ("V1__journal", include_str!("migrations/V1__journal.sql")),
    ("V2__budget", include_str!("migrations/V2__budget.sql")),
    ("V3__records", include_str!("migrations/V3__records.sql")),
    (
        "V4__budget_limits",
        include_str!("migrations/V4__budget_limits.sql"),
    ),
];

/// The version of the tables after the last step.
pub(super) const NEWEST: i32 = STEPS.len() as i32;

/// What takes the steps that a server has not taken.
///
/// # Errors
///
/// A step whose name is not `V`, a number, `__` and words.
pub(super) fn runner() -> Result<Runner, Error> {
    let steps = STEPS.iter();
    let steps: Result<Vec<Migration>, Error> = steps
        .map(|(name, sql)| Migration::unapplied(name, sql))
        .collect();
    Ok(Runner::new(&steps?))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_is_a_step_and_the_last_one_is_the_newest_version() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(file!());
        let files = std::fs::read_dir(folder.with_extension("")).unwrap();
        let mut files: Vec<String> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        assert_eq!(files, STEPS.map(|(name, _)| format!("{name}.sql")));
        let runner = runner().unwrap();
        let versions = runner.get_migrations().iter().map(Migration::version);
        assert_eq!(versions.collect::<Vec<i32>>(), [1, 2, 3, 4]);
        assert_eq!(NEWEST, 4);
    }
}
