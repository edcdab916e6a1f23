//! A way through the steps of a rule.
