//! Where a source begins, and that it never goes on by guessing.

use super::*;
use crate::world::kafka::records::Outgoing;
use outreach::ingest::kafka::{AcceptError, accept_topic};
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;

fn produce(kafka: &Kafka, topic: &str, numbers: std::ops::Range<usize>) {
    kafka.produce(topic, numbers.map(|number| Outgoing::new(track("ada", number)).to(0)));
}

fn ids(desk: &Desk, count: usize) -> Vec<String> {
    let mut ids: Vec<_> =
        desk.wait_for_count(count).into_values().flatten().map(|event| event.message_id).collect();
    ids.sort();
    ids
}

#[test]
fn a_topic_created_anew_stops_the_source_with_words_until_it_is_accepted() {
    let kafka = Kafka::shared();
    let name = topic("anew");
    kafka.create_topic(&name, 1, &[]);
    produce(kafka, &name, 0..10);
    let desk = Desk::new(kafka);
    let config = segment("product", &name);
    let sources = desk.start(std::slice::from_ref(&config));
    desk.wait_for_count(10);
    wait::until("its end was reached", SOON, || status_of(&sources, "product").read_through.is_some());

    kafka.delete_topic(&name);
    kafka.create_topic(&name, 1, &[]);
    // More than before, so that the old position exists in the new topic too.
    produce(kafka, &name, 100..150);
    let words = words_of_stop(&sources, "product");
    assert!(words.contains("created anew") && words.contains("outreach topics accept product"), "{words}");
    let held = sources.read_through().least();
    drop(sources);
    desk.wait_for_count(10);

    let again = desk.start(std::slice::from_ref(&config));
    assert!(words_of_stop(&again, "product").contains("created anew"));
    assert_eq!(again.read_through().least(), Some(Timestamp::MIN), "{held:?}: nothing of it can be read");
    drop(again);

    let marks = accept_topic(&config, &desk.properties, &*desk.log, Start::Earliest).expect("accepted");
    assert_eq!((marks.len(), marks[0].next_offset), (1, 0));
    let sources = desk.start(std::slice::from_ref(&config));
    let copied = desk.wait_for_count(60);
    assert_eq!(copied.len(), 60, "the same offsets of another topic are other places");
    drop(sources);
}

#[test]
fn a_topic_created_anew_behind_our_back_is_not_read_at_the_old_position() {
    const RECORDS: usize = 20_000;
    let kafka = Kafka::shared();
    let name = topic("behind");
    kafka.create_topic(&name, 1, &[]);
    let mut desk = Desk::new(kafka);
    // With its queues full and the log too, the client asks for nothing: of what happens now it hears only afterwards.
    for (property, value) in [
        ("queued.min.messages", "1"),
        ("queued.max.messages.kbytes", "64"),
        ("fetch.message.max.bytes", "16384"),
        ("fetch.queue.backoff.ms", "2000"),
    ] {
        desk.properties.insert(property.into(), value.into());
    }
    let sources = desk.start(&[segment("product", &name)]);
    wait_until_copying(&sources, "product");
    desk.log.is_full.store(true, Ordering::Relaxed);
    produce(kafka, &name, 0..RECORDS);
    wait::until("the log was tried", SOON, || desk.log.refused.load(Ordering::Relaxed) > 3);
    kafka.delete_topic(&name);
    kafka.create_topic(&name, 1, &[]);
    produce(kafka, &name, RECORDS..3 * RECORDS);
    desk.log.is_full.store(false, Ordering::Relaxed);
    assert!(words_of_stop(&sources, "product").contains("created anew"));
    drop(sources);
    let copied = desk.copied();
    for (origin, events) in &copied {
        let old = events.len() == 1 && events[0].message_id == format!("m-{}", origin.offset);
        assert!(old, "{origin:?}: {events:?}");
    }
    let next = desk.log.source_marks().expect("marks")[0].next_offset;
    assert_eq!(copied.len() as u64, next, "what the mark says is copied");
}

#[test]
fn an_offset_that_is_gone_stops_the_source_with_words_until_it_is_accepted() {
    let kafka = Kafka::shared();
    let name = topic("gone");
    kafka.create_topic(&name, 1, &[]);
    produce(kafka, &name, 0..10);
    let desk = Desk::new(kafka);
    let config = segment("product", &name);
    let sources = desk.start(std::slice::from_ref(&config));
    desk.wait_for_count(10);
    drop(sources);
    produce(kafka, &name, 10..30);
    kafka.delete_records(&name, 0, 15);

    let sources = desk.start(std::slice::from_ref(&config));
    let words = words_of_stop(&sources, "product");
    assert!(words.contains(&format!("offset 10 of {name}/0")) && words.contains("15 to 30"), "{words}");
    drop(sources);
    accept_topic(&config, &desk.properties, &*desk.log, Start::Earliest).expect("accepted");
    let sources = desk.start(std::slice::from_ref(&config));
    assert_eq!(ids(&desk, 25).len(), 25);
    drop(sources);

    // What is still there is not moved.
    let marks = accept_topic(&config, &desk.properties, &*desk.log, Start::Earliest).expect("accepted");
    assert_eq!(marks[0].next_offset, 30);
}

#[test]
fn a_position_above_the_topics_end_is_never_taken_back() {
    let kafka = Kafka::shared();
    let name = topic("short");
    kafka.create_topic(&name, 1, &[]);
    produce(kafka, &name, 0..3);
    let desk = Desk::new(kafka);
    let config = segment("product", &name);
    let sources = desk.start(std::slice::from_ref(&config));
    desk.wait_for_count(3);
    drop(sources);
    let mut marks = desk.log.source_marks().expect("marks");
    marks[0].next_offset = 9;
    desk.log.append(Batch { marks, ..Batch::default() }).expect("an append");
    let sources = desk.start(std::slice::from_ref(&config));
    assert!(words_of_stop(&sources, "product").contains("offset 9"));
    drop(sources);
    let refused = accept_topic(&config, &desk.properties, &*desk.log, Start::Latest).unwrap_err();
    assert!(matches!(refused, AcceptError::Backwards { copied: 9, wanted: 3, .. }), "{refused}");
}

#[test]
fn a_source_begins_at_the_end_or_at_an_instant_when_told_so() {
    let kafka = Kafka::shared();
    let name = topic("begin");
    kafka.create_topic(&name, 1, &[("retention.ms", "-1")]);
    let at = |second: i64, number| Outgoing {
        timestamp_ms: Some(1_772_445_600_000 + second * 1000),
        ..Outgoing::new(track("ada", number))
    };
    kafka.produce(&name, [at(0, 10), at(1, 11), at(2, 12)]);
    let instant = Timestamp::parse("2026-03-02T10:00:01Z").expect("a time");
    let late = Timestamp::parse("2027-01-01T00:00:00Z").expect("a time");
    let starts = [(Start::Latest, 1), (Start::At(instant), 3), (Start::At(late), 1), (Start::Earliest, 4)];
    let desks: Vec<_> = starts
        .into_iter()
        .map(|(start, count)| {
            let desk = Desk::new(kafka);
            let sources = desk.start(&[SourceConfig { start, ..segment("product", &name) }]);
            wait_until_copying(&sources, "product");
            // Where it begins is settled before the first record.
            drop(sources);
            (desk, start, count)
        })
        .collect();
    kafka.produce(&name, [at(3, 13)]);
    for (desk, start, count) in desks {
        let sources = desk.start(&[SourceConfig { start, ..segment("product", &name) }]);
        assert_eq!(ids(&desk, count).last().map(String::as_str), Some("m-13"), "{start:?}");
        drop(sources);
    }
}

#[test]
fn new_partitions_of_a_growing_topic_are_copied_from_their_beginning() {
    let kafka = Kafka::shared();
    let name = topic("grows");
    kafka.create_topic(&name, 1, &[]);
    let desk = Desk::new(kafka);
    let config = SourceConfig { start: Start::Latest, ..segment("product", &name) };
    let sources = desk.start(std::slice::from_ref(&config));
    wait_until_copying(&sources, "product");
    let admin: AdminClient<DefaultClientContext> = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", kafka.bootstrap())
        .create()
        .expect("an admin client");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let grown =
        runtime.block_on(admin.create_partitions(&[NewPartitions::new(&name, 3)], &AdminOptions::new()));
    grown.expect("an answer")[0].as_ref().expect("three partitions");
    // The producer must know of them too.
    wait::until("all have leaders", SOON, || {
        let metadata = admin.inner().fetch_metadata(Some(&name), SOON).expect("metadata");
        metadata.topics()[0].partitions().iter().filter(|partition| partition.leader() >= 0).count() == 3
    });
    kafka.produce(&name, (0..30).map(|number| Outgoing::new(track("ada", number)).to(number as i32 % 3)));
    assert_eq!(desk.wait_for_count(30).len(), 30);
    drop(sources);
}
