//! What went wrong between certplan and the database: a lost connection, which may be made anew, or a
//! refusal, which may not.

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use super::server::Server;
use crate::journal::JournalError;
use crate::journal::store::Fault;
use crate::model::Untrusted;

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

/// What an error means for the person at the keyboard.
pub(super) fn explain(server: &Server, error: &Error) -> JournalError {
    let said = match error.as_db_error() {
        Some(said) => said.message().to_owned(),
        None => match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    };
    let said = Untrusted::new(said);
    let hint = match error.code() {
        Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
            "; the role lacks a right: see the README's section on PostgreSQL"
        }
        Some(code) if code.code().starts_with("28") => {
            "; is `PGPASSWORD` set, or the password in CERTPLAN_STATE?"
        }
        // A statement was made ready in one session and looked for in another.
        Some(code)
            if *code == SqlState::INVALID_SQL_STATEMENT_NAME
                || *code == SqlState::DUPLICATE_PSTATEMENT =>
        {
            "; a pooler in transaction mode stands between: connect to the server itself, or pool by session"
        }
        _ => "",
    };
    server.unusable(format!("{said}{hint}"))
}
