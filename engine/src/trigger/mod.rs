//! One file a trigger form.
