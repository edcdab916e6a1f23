//! The record of all decisions and what became of them. All SQL lives here.
