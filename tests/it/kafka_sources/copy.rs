//! What is copied, what is a dead letter, and that each record is one of the two, once.

use super::*;
use crate::world::kafka::records::Outgoing;
use std::collections::BTreeSet;

#[test]
fn keyed_and_unkeyed_topics_of_two_formats_are_copied_whole() {
    let kafka = Kafka::shared();
    let (product, billing) = (topic("product"), topic("billing"));
    kafka.create_topic(&product, 3, &[]);
    kafka.create_topic(&billing, 2, &[]);
    let desk = Desk::new(kafka);
    let sources = desk.start(&[segment("product", &product), json("billing", &billing)]);
    let places = kafka.produce(
        &product,
        (0..300).map(|number| {
            let user = format!("user-{}", number % 7);
            Outgoing::keyed(user.clone(), track(&user, number))
        }),
    );
    let payment = r#"{"kind":"Payment Failed","at":1772445600000,"customer":{"id":42},"data":{"amount":7}}"#;
    let payments = kafka.produce(&billing, (0..200).map(|number| Outgoing::new(payment).to(number % 2)));
    let copied = desk.wait_for_count(500);
    assert_eq!(copied.len(), 500, "each place once");
    let of_product: BTreeSet<_> = copied.values().flatten().map(|event| event.message_id.clone()).collect();
    for number in 0..places.len() {
        assert!(of_product.contains(&format!("m-{number}")), "{number}");
    }
    let last = payments.last().expect("a payment");
    let wanted = Copied {
        subject: "user:42".into(),
        name: "Payment Failed".into(),
        message_id: format!("{billing}/{}/{}", last.partition, last.offset),
        properties: r#"{"amount":7}"#.into(),
    };
    assert!(copied.values().flatten().any(|event| *event == wanted), "{wanted:?}");
    assert!(desk.letters().is_empty());
    drop(sources);
}

#[test]
fn malformed_records_become_letters_with_their_place_and_the_stream_goes_on() {
    let kafka = Kafka::shared();
    let name = topic("malformed");
    kafka.create_topic(&name, 1, &[("max.message.bytes", "16000000")]);
    let large = format!(r#"{{"x":"{}"}}"#, "x".repeat(10_000_000));
    let deep = format!(r#"{{"type":"track","x":{}{}}}"#, "[".repeat(100_000 / 8), "]".repeat(100_000 / 8));
    let bad: Vec<(&str, Vec<u8>)> = vec![
        ("malformed-json", b"{\"type\":\"track\"".to_vec()),
        ("too-large", large.into_bytes()),
        ("invalid-utf8", b"{\"type\":\"\xff\"}".to_vec()),
        ("schema-registry", b"\0\0\0\0\x09hello".to_vec()),
        ("too-deep", deep.into_bytes()),
        ("duplicate-key", track("ada", 1).replace("\"type\"", "\"event\":\"x\",\"type\"").into_bytes()),
        ("no-id", track("ada", 1).replace("userId", "user").into_bytes()),
        ("wrong-type", b"[1]".to_vec()),
        ("bad-time", track("ada", 1).replace("10:00:00Z", "10:00:00").into_bytes()),
        ("time-in-future", track("ada", 1).replace("2026-03", "2999-03").into_bytes()),
        ("time-before-1970", track("ada", 1).replace("2026-03", "1969-03").into_bytes()),
        ("malformed-json", Vec::new()),
    ];
    let good = |number| Outgoing::new(track("ada", number));
    let records =
        bad.iter().enumerate().flat_map(|(number, (_, value))| [Outgoing::new(value.clone()), good(number)]);
    let places = kafka.produce(&name, records.collect::<Vec<_>>());
    let desk = Desk::new(kafka);
    let sources = desk.start(&[segment("product", &name)]);
    desk.wait_for_count(bad.len());
    drop(sources);
    let letters = desk.letters();
    let found: Vec<_> = letters.iter().map(|letter| (letter.code.as_str(), letter.origin.clone())).collect();
    let expected = bad.iter().zip(places.chunks(2)).map(|((code, _), places)| {
        (*code, Some((name.clone(), places[0].partition as u32, places[0].offset as u64)))
    });
    assert_eq!(found, expected.collect::<Vec<_>>());
    assert_eq!(letters[1].payload.len(), 64 * 1024, "a large payload is cut");
    assert!(letters[1].reason.contains("of 10000008 bytes are kept"), "{}", letters[1].reason);
    assert!(letters.iter().all(|letter| letter.source == "kafka:product" && !letter.reason.is_empty()));
}

#[test]
fn a_source_that_is_stopped_anywhere_goes_on_without_loss_or_repetition() {
    const RECORDS: usize = 20_000;
    let kafka = Kafka::shared();
    let (name, other) = (topic("stopped"), topic("stopped-too"));
    kafka.create_topic(&name, 3, &[]);
    kafka.create_topic(&other, 1, &[]);
    // Every fiftieth is malformed: letters must be neither lost nor doubled, just as records.
    let record = |number: usize| match number % 50 {
        0 => Outgoing::new("{"),
        _ => Outgoing::new(track(&format!("user-{}", number % 100), number)),
    };
    kafka.produce(&name, (0..RECORDS).map(|number| record(number).to((number % 3) as i32)));
    kafka.produce(&other, (0..RECORDS).map(record));
    let desk = Desk::new(kafka);
    let mut seed = 0x2545_f491_4f6c_dd1du64;
    let mut rounds = 0;
    let good = 2 * RECORDS - 2 * RECORDS / 50;
    while desk.log.records_appended.load(Ordering::Relaxed) < good as u64 {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let sources = desk.start(&[segment("product", &name), segment("other", &other)]);
        // At a moment, not at a count: it may fall between letters and records, or before the first of them.
        let moment = std::time::Instant::now() + Duration::from_millis(seed % 60);
        wait::until("the moment has come", SOON, || std::time::Instant::now() >= moment);
        if rounds > 25 {
            wait::until("the rest is copied", SOON, || {
                desk.log.records_appended.load(Ordering::Relaxed) >= good as u64
            });
        }
        drop(sources);
        rounds += 1;
    }
    let sources = desk.start(&[segment("product", &name), segment("other", &other)]);
    wait::until("all is copied", SOON, || {
        sources.status().iter().all(|status| status.read_through.is_some() && status.lag == 0)
    });
    drop(sources);
    let copied = desk.wait_for_count(good);
    assert_eq!(copied.len(), good, "no place twice");
    assert_eq!(desk.letters().len(), 2 * RECORDS / 50);
    assert!(rounds > 5, "it was stopped on the way: {rounds} rounds");
}

#[test]
fn a_log_that_takes_nothing_is_waited_for_and_nothing_is_lost_or_doubled() {
    let kafka = Kafka::shared();
    let name = topic("full");
    kafka.create_topic(&name, 2, &[]);
    let desk = Desk::new(kafka);
    let sources = desk.start(&[segment("product", &name)]);
    wait_until_copying(&sources, "product");
    desk.log.is_full.store(true, Ordering::Relaxed);
    kafka.produce(&name, (0..5_000).map(|number| Outgoing::new(track("ada", number))));
    wait::until("the source says why it waits", SOON, || {
        let state = status_of(&sources, "product").state;
        matches!(state, SourceState::Waiting { reason } if reason.contains("the disk is full"))
    });
    wait::until("it tried more than once", SOON, || desk.log.refused.load(Ordering::Relaxed) > 2);
    desk.log.is_full.store(false, Ordering::Relaxed);
    let copied = desk.wait_for_count(5_000);
    assert_eq!(copied.len(), 5_000);
    wait_until_copying(&sources, "product");
}
