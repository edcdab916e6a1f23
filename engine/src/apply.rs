//! Record in, effects out.
