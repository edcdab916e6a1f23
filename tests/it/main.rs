//! What a user sees, against real components: one binary, a file an aspect.
