//! Ways out to people: one folder a channel, of the same shape.
