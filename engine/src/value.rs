//! Values of events and people, and the paths that name them.
