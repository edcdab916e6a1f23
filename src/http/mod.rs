//! What people look at: health, metrics, unsubscribe.
