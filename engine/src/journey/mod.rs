//! A person's way through the steps of a rule: it is entered, its message steps are judged, and it goes on, or ends.

mod advance;
pub(crate) mod backfill;
pub(crate) mod begin;
mod clock;
mod decide;
pub(crate) mod enter;
pub(crate) mod exit;
mod follow;
pub(crate) mod judge;
pub(crate) mod outcome;
pub(crate) mod past;
mod rename;
pub mod render;
mod set;
pub(crate) mod silence;
mod shown;
mod split;
pub(crate) mod turnover;
pub(crate) mod wake;
