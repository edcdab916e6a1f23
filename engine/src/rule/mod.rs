//! One rule as written and checked.
