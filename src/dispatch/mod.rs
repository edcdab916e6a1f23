//! The gate, and what leaves through it: retries, pace, breakers, outcomes.
