//! What a user sees, against real components: one binary, a file an aspect.

#[path = "../world/mod.rs"]
mod world;

mod kafka_sources;
mod check;
mod demo;
mod replay_online_retail;
mod service_desk;
mod service_first_light;
mod service_unsubscribe;
mod tidy;
mod world_works;
