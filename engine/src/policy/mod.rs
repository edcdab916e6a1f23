//! The guard rails in their order.
