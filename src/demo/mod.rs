//! The sample product, its stream and a mail catcher.
