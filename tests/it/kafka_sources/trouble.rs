//! Kafka away at the start or later: waited for, told, and nothing lost.

use super::*;
use crate::world::kafka::records::Outgoing;

#[test]
fn kafka_may_be_away_at_the_start_and_later_and_nothing_is_lost() {
    let kafka = Kafka::start();
    let name = topic("away");
    kafka.create_topic(&name, 2, &[]);
    kafka.produce(&name, (0..1_000).map(|number| Outgoing::new(track("ada", number))));
    kafka.stop();

    let desk = Desk::new(&kafka);
    let config = segment("product", &name);
    let optional = SourceConfig { required: false, ..segment("optional", &topic("never-there")) };
    let sources = desk.start(&[config, optional]);
    wait::until("the source says that it waits", SOON, || {
        matches!(status_of(&sources, "product").state, SourceState::Waiting { .. })
    });
    assert_eq!(sources.read_through().least(), Some(Timestamp::MIN), "time is held");

    kafka.restart();
    assert_eq!(desk.wait_for_count(1_000).len(), 1_000);
    wait_until_copying(&sources, "product");
    wait::until("time moves", SOON, || sources.read_through().least() > Some(Timestamp::MIN));

    kafka.kill();
    wait::until("the source says that it waits", SOON, || {
        matches!(status_of(&sources, "product").state, SourceState::Waiting { .. })
    });
    let held = sources.read_through().least();
    kafka.restart();
    kafka.produce(&name, (1_000..2_000).map(|number| Outgoing::new(track("ada", number))));
    assert_eq!(desk.wait_for_count(2_000).len(), 2_000);
    wait::until("time moves again", SOON, || sources.read_through().least() > held);
    wait_until_copying(&sources, "product");
    let SourceState::Waiting { reason } = status_of(&sources, "optional").state else {
        panic!("expected a source without a topic to wait")
    };
    assert!(reason.contains("does not exist"), "{reason}");
    drop(sources);
}
