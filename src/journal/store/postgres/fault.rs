//! What went wrong between certplan and the database: a lost connection, which may be made anew, or a
//! refusal, which may not.

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use super::server::{Server, explain};
use crate::journal::JournalError;
use crate::journal::store::Fault;

/// What the trigger on facts says to a run whose lease is over.
const FENCED: &str = "CP001";

/// What an error means for what was being done: a lost connection may be made anew.
pub(super) fn fault(server: &Server, error: &Error) -> Fault {
    if error.code().map(SqlState::code) == Some(FENCED) {
        return Fault::Final(fenced());
    }
    if is_lost(error) {
        Fault::Lost(explain(server, error).to_string())
    } else {
        Fault::Final(explain(server, error))
    }
}

/// Why a run may not write any more: others take what it had for dead.
pub(super) const FENCED_OFF: &str = "the lease on the state is over: this run was paused or cut off for too long, and another may have gone on";

/// The error of a run that may not write any more.
pub(super) fn fenced() -> JournalError {
    JournalError::Write(FENCED_OFF.to_owned())
}

/// True when another connection may do better.
fn is_lost(error: &Error) -> bool {
    error.is_closed()
        || match error.code() {
            None => error.as_db_error().is_none(),
            Some(code) => {
                *code == SqlState::ADMIN_SHUTDOWN
                    || *code == SqlState::CRASH_SHUTDOWN
                    || *code == SqlState::CANNOT_CONNECT_NOW
                    || *code == SqlState::T_R_SERIALIZATION_FAILURE
                    || *code == SqlState::T_R_DEADLOCK_DETECTED
                    || code.code().starts_with("08")
            }
        }
}
