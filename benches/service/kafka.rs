//! From a real Kafka to the durable log, and to decisions, beside a consumer that only polls and parses.
//!
//! All three read the same topic, filled before, with the same properties of librdkafka; each round runs all three, so
//! that their ratio is of one moment. The broker runs on the same cores.

use super::processor;
use super::project;
use super::stream::{Stream, now, users_of_all_partitions};
use super::table::{RUNS, Run, Table};
use super::world::kafka::{Kafka, records::Outgoing};
use super::world::service::{Project, Service};
use super::world::wait;
use outreach::clock;
use outreach::ingest::kafka::config::client_config;
use outreach::ingest::kafka::{KafkaSources, Properties, SourceConfig, SourceFormat, Start};
use outreach::ledger::Ledger;
use outreach::ledger::sqlite::SqliteLedger;
use outreach::log::Log;
use outreach::log::embedded::EmbeddedLog;
use outreach_engine::event::Envelope;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};
use std::sync::Arc;
use std::time::{Duration, Instant};

const EVENTS: u64 = 2_000_000;
const TOPIC: &str = "product-events";
const TOPIC_PARTITIONS: i32 = 4;
/// One run takes seconds; a machine that compiles beside it gets this long.
const DONE_WITHIN: Duration = Duration::from_secs(300);

pub fn measure(table: &mut Table) {
    let kafka = Kafka::start();
    kafka.create_topic(TOPIC, TOPIC_PARTITIONS, &[]);
    eprintln!("filling {TOPIC} with {EVENTS} events");
    let total = fill(&kafka, &Stream { made_at: now() });
    let (mut plain, mut to_log, mut to_decisions) = (Vec::new(), Vec::new(), Vec::new());
    let mut decided = Decided::default();
    for round in 1..=RUNS {
        plain.push(poll_and_parse(&kafka, total));
        to_log.push(copy_to_log(&kafka, total));
        decided = decide(&kafka, total);
        to_decisions.push(decided.run);
        eprintln!("round {round}: {:?} {:?} {:?}", plain.last(), to_log.last(), to_decisions.last());
    }
    let polled = table.add("Kafka, polled and parsed only", "events/s", &plain, "one thread");
    let logged = table.add("Kafka → durable log", "events/s", &to_log, "");
    let note = format!(
        "from the start of `outreach run` to the last decision, 101 rules, {} messages decided; copied after {:.0} % of that time; the \
         broker used {:.2} CPU ms a thousand",
        decided.count,
        100.0 * decided.copied_after,
        decided.broker_ms_a_thousand
    );
    let through = table.add("Kafka → decisions", "events/s", &to_decisions, &note);
    let ratios = format!("log {:.2}, decisions {:.2}", logged / polled, through / polled);
    table.fact("of what polling and parsing alone does", &ratios, "");
}

/// Puts the stream into the topic, round and round its partitions, and a last word for each partition of our log behind
/// each of them. Returns how many there are.
fn fill(kafka: &Kafka, stream: &Stream) -> u64 {
    let to = |number: u64| (number % TOPIC_PARTITIONS as u64) as i32;
    let events = (0..EVENTS).map(|number| Outgoing::new(stream.event(number)).to(to(number)));
    let users = users_of_all_partitions(project::PARTITIONS, TOPIC_PARTITIONS as usize);
    let last = users.iter().enumerate();
    let last = last.map(|(number, user)| Outgoing::new(stream.finale(user)).to(to(number as u64)));
    let places = kafka.produce(TOPIC, events.chain(last));
    places.len() as u64
}

fn properties(kafka: &Kafka) -> Properties {
    [("bootstrap.servers".to_owned(), kafka.bootstrap())].into()
}

fn poll_and_parse(kafka: &Kafka, total: u64) -> Run {
    let consumer: BaseConsumer =
        client_config(&properties(kafka)).expect("good properties").create().expect("a consumer");
    let (began, cpu) = (Instant::now(), processor::seconds());
    let mut assignment = TopicPartitionList::new();
    for partition in 0..TOPIC_PARTITIONS {
        assignment
            .add_partition_offset(TOPIC, partition, Offset::Beginning)
            .expect("a partition of the topic");
    }
    consumer.assign(&assignment).expect("an assignment");
    let (mut seen, mut named) = (0, 0);
    while seen < total {
        assert!(began.elapsed() < DONE_WITHIN, "read {seen} of {total} events");
        let Some(message) = consumer.poll(Duration::from_millis(50)) else { continue };
        let message = message.expect("a record");
        let envelope = Envelope::parse(message.payload().unwrap_or_default()).expect("an event");
        named += u64::from(envelope.event.is_some());
        seen += 1;
    }
    assert!(named > total / 2, "most events are track calls");
    Run::new(total as usize, began.elapsed().as_secs_f64(), processor::seconds() - cpu)
}

fn copy_to_log(kafka: &Kafka, total: u64) -> Run {
    let folder = tempfile::tempdir().expect("a folder");
    let log =
        EmbeddedLog::open(folder.path().join("log"), project::PARTITIONS, clock::system()).expect("a log");
    let log = Arc::new(log);
    let letters = Arc::new(SqliteLedger::open(folder.path().join("ledger.db")).expect("a ledger"));
    let source = SourceConfig {
        name: "product".into(),
        topic: TOPIC.into(),
        format: SourceFormat::Segment,
        start: Start::Earliest,
        required: true,
    };
    let (began, cpu) = (Instant::now(), processor::seconds());
    let sources =
        KafkaSources::start(vec![source], &properties(kafka), log.clone(), letters, clock::system())
            .expect("a good configuration");
    wait::until("all events are in the log", DONE_WITHIN, || {
        let marks = log.source_marks().expect("marks");
        marks.iter().map(|mark| mark.next_offset).sum::<u64>() == total
    });
    let run = Run::new(total as usize, began.elapsed().as_secs_f64(), processor::seconds() - cpu);
    sources.stop();
    run
}

/// A run of the service, and what else is told of it.
#[derive(Clone, Copy, Default)]
struct Decided {
    run: Run,
    count: u64,
    /// The part of its time after which all events were in the log.
    copied_after: f64,
    broker_ms_a_thousand: f64,
}

fn decide(kafka: &Kafka, total: u64) -> Decided {
    let project = project(kafka);
    let broker = processor::child_named("java").expect("the broker");
    let broker_before = processor::seconds_of(broker);
    let began = Instant::now();
    let mut service = Service::start(&project);
    let counter = r#"outreach_ingested_events_total{source="kafka:product",outcome="accepted"} "#;
    wait::until("all events are in the log", DONE_WITHIN, || {
        let metrics = service.admin.get("/metrics").body;
        metrics.lines().any(|line| line.strip_prefix(counter) == Some(&total.to_string()))
    });
    let copied = began.elapsed();
    let ledger = SqliteLedger::open(project.path().join("data/ledger.db")).expect("the service's ledger");
    let mut missing = users_of_all_partitions(project::PARTITIONS, TOPIC_PARTITIONS as usize);
    wait::until("the last word of each partition is decided on", DONE_WITHIN, || {
        while let Some(user) = missing.last() {
            let subject = format!("user:{user}");
            let found = ledger.transaction(|transaction| transaction.entries(&subject, 1));
            if found.expect("entries").is_empty() {
                return false;
            }
            missing.pop();
        }
        true
    });
    let took = began.elapsed();
    let cpu = processor::seconds_of(service.process().id());
    let broker_cpu = processor::seconds_of(broker) - broker_before;
    let counts = ledger.transaction(|transaction| transaction.message_counts()).expect("counts");
    service.stop();
    Decided {
        run: Run::new(total as usize, took.as_secs_f64(), cpu),
        count: counts.iter().map(|(_, count)| count).sum(),
        copied_after: copied.as_secs_f64() / took.as_secs_f64(),
        broker_ms_a_thousand: Run::new(total as usize, 1.0, broker_cpu).cpu_ms_a_thousand,
    }
}

/// Mail goes to nobody: the gate ends each message where it would have left.
fn project(kafka: &Kafka) -> Project {
    let email = project::email(1, "");
    let project = project::new(&format!(
        r#"{email}
[kafka.properties]
"bootstrap.servers" = "{}"
[[sources]]
name = "product"
topic = "{TOPIC}"
format = "segment"
start = "earliest"
required = true
"#,
        kafka.bootstrap()
    ));
    project::write_hundred_rules(&project);
    project
}
