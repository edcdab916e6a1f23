//! What comes in: the envelope all doors share, and the records of the log.

pub mod envelope;
pub mod malformed;
pub mod members;
pub mod field;
pub mod instant;
pub mod arrival;
pub mod record;
mod record_bytes;
pub mod subject;

pub use arrival::{Arrival, MissingTime};
pub use envelope::Envelope;
pub use malformed::Malformed;
pub use record::{Body, Consent, ConsentKind, Event, EventKind, Origin, Outcome, OutcomeKind, Place, Record};
pub use record_bytes::RecordError;
pub use subject::{SUBJECT_ID_BYTES_MAX, Subject, SubjectId, SubjectKind};
