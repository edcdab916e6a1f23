//! Rules, caps, quiet hours, topics and zones of one version, compiled.
