//! What comes in: the envelope all doors share, and the records of the log.

pub mod record;
pub mod subject;

pub use record::{
    Body, Consent, ConsentKind, Event, EventKind, Origin, Outcome, OutcomeKind, Place, Record, RecordError,
};
pub use subject::{Subject, SubjectId, SubjectKind};
