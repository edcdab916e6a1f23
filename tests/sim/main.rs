//! The whole solo service in one thread from a seed.
