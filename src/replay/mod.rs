//! History in, the ideal world: replay and rule tests.
