//! What the tests of the budget do to its file.

use super::Store;

impl Store {
    pub(in crate::budget) fn execute_batch(&self, statements: &str) -> rusqlite::Result<()> {
        self.connection.execute_batch(statements)
    }

    pub(in crate::budget) fn count_calls(&self) -> rusqlite::Result<i64> {
        self.connection
            .query_row("SELECT count(*) FROM calls", [], |row| row.get(0))
    }
}
