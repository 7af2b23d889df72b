//! What goes wrong between a node and its database, and what may be done about it.

use std::error::Error as _;

use littoral_store::Error;
use tokio_postgres::error::SqlState;

/// What went wrong. Its text names no password: the server's messages have none, and addresses
/// hide theirs.
#[derive(Debug)]
pub(crate) enum Failure {
    Database(tokio_postgres::Error),
    /// No connection, or one to a database that this binary does not fit.
    Connect(String),
    /// Something took longer than its limit.
    Time(&'static str),
    /// The stream went back: what this node had read of it is gone.
    Lost,
    /// Other transactions were in the way as often as is tried.
    Conflict,
    Damaged(String),
}

impl Failure {
    /// Whether the database ended the transaction for another's sake: the same again may do.
    pub(crate) fn is_conflict(&self) -> bool {
        let Self::Database(error) = self else { return matches!(self, Self::Conflict) };
        error.code().is_some_and(|code| {
            [
                &SqlState::T_R_SERIALIZATION_FAILURE,
                &SqlState::T_R_DEADLOCK_DETECTED,
                &SqlState::UNIQUE_VIOLATION,
            ]
            .contains(&code)
        })
    }

    /// Whether the server answered, so that the connection goes on.
    pub(crate) fn is_answer(&self) -> bool {
        match self {
            Self::Database(error) => error.as_db_error().is_some_and(|error| {
                // 57P01 and its like: the server is closing the connection.
                !error.code().code().starts_with("57P") && !error.code().code().starts_with("08")
            }),
            Self::Conflict => true,
            _ => false,
        }
    }

    pub(crate) fn read(self) -> Error {
        match self {
            Self::Damaged(what) => Error::Damaged(what),
            failure => Error::Read(failure.text()),
        }
    }

    pub(crate) fn write(self) -> Error {
        match self {
            Self::Damaged(what) => Error::Damaged(what),
            failure => Error::Write(failure.text()),
        }
    }

    pub(crate) fn text(&self) -> String {
        match self {
            Self::Database(error) => text(error),
            Self::Connect(why) | Self::Damaged(why) => why.clone(),
            Self::Time(what) => format!("the database did not answer in time: {what}"),
            Self::Lost => "the database has lost commits: its purge stream begins anew".into(),
            Self::Conflict => "other transactions were in the way too often".into(),
        }
    }
}

/// An error of the database with its cause.
pub(crate) fn text(error: &tokio_postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        return format!("the database says: {} ({})", error.message(), error.code().code());
    }
    match error.source() {
        Some(source) => format!("the database: {error}: {source}"),
        None => format!("the database: {error}"),
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}
