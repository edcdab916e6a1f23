//! Up to when everything stands in the log: what ticks go by.

use super::*;
use crate::world::kafka::records::Outgoing;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

fn now() -> Timestamp {
    Timestamp::from(jiff::Timestamp::now())
}

#[test]
fn an_idle_source_is_read_through_up_to_now_and_a_full_log_holds_it() {
    let kafka = Kafka::shared();
    let name = topic("through");
    kafka.create_topic(&name, 2, &[]);
    let desk = Desk::new(kafka);
    let sources = desk.start(&[segment("product", &name)]);
    let read_through = sources.read_through();
    let started = now();
    wait::until("time moves", SOON, || read_through.least() > Some(started));

    desk.log.is_full.store(true, Ordering::Relaxed);
    kafka.produce(&name, [Outgoing::new(track("ada", 1))]);
    let produced = now();
    wait::until("the log was tried", SOON, || desk.log.refused.load(Ordering::Relaxed) > 3);
    assert!(read_through.least() < Some(produced), "the record is not in the log");
    assert_eq!(status_of(&sources, "product").lag, 1);
    desk.log.is_full.store(false, Ordering::Relaxed);
    wait::until("time moves on", SOON, || read_through.least() > Some(produced));
    assert_eq!(desk.copied().len(), 1, "the record stands before the time");
    drop(sources);
}

#[test]
fn a_topic_that_ends_in_a_transactions_marker_does_not_hold_time() {
    let kafka = Kafka::shared();
    let name = topic("transactions");
    kafka.create_topic(&name, 1, &[]);
    let desk = Desk::new(kafka);
    let sources = desk.start(&[segment("product", &name)]);
    let producer: BaseProducer = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", kafka.bootstrap())
        .set("transactional.id", &name)
        .create()
        .expect("a producer");
    producer.init_transactions(SOON).expect("transactions");
    for (number, is_committed) in [(1, true), (2, false)] {
        producer.begin_transaction().expect("a transaction");
        let value = track("ada", number);
        producer
            .send(BaseRecord::<(), str>::to(&name).payload(&value))
            .map_err(|(e, _)| e)
            .expect("a record");
        producer.flush(SOON).expect("delivered");
        let ended =
            if is_committed { producer.commit_transaction(SOON) } else { producer.abort_transaction(SOON) };
        ended.expect("an end of the transaction");
    }
    desk.wait_for_count(1);
    let ended = now();
    let read_through = sources.read_through();
    wait::until("time moves on", SOON, || read_through.least() > Some(ended));
    assert_eq!(status_of(&sources, "product").lag, 0);
    drop(sources);
    assert_eq!(desk.log.source_marks().expect("marks")[0].next_offset, 4, "behind the last marker");
    assert_eq!(desk.copied().len(), 1, "what was aborted is not copied");
}
