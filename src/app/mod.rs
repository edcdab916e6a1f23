//! Wiring: start, roles, ordered stop, telemetry.
