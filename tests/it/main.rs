//! What a user sees, against real components: one binary, a file an aspect.

#[path = "../world/mod.rs"]
mod world;

mod fmt;
mod init;
mod kafka_sources;
mod check;
mod check_formats;
mod command_line;
mod compose;
mod replay_input;
mod demo;
mod documentation;
mod replay_answers;
mod replay_columns;
mod preview;
mod rule_tests;
mod sdks;
mod schema;
mod send_test;
mod service_bad_input;
mod service_dashboard;
mod service_desk;
mod service_first_light;
mod service_inapp;
mod service_kafka;
mod service_kill_nine;
mod service_postfix;
mod service_smtp;
mod service_unsubscribe;
mod tidy;
mod tour;
mod world_works;
