//! Parse and engine together, in time on one core: `cargo bench -p outreach-engine`.
//!
//! The mix: track events of about 400 bytes in Segment's form, of 100,000 people who are all known with three traits. Every
//! event bears one name and a property `feature`; one in ten names a feature that exactly one rule waits for, the others
//! match no rule. Rules are by thirds an event, a third within a day, and an absence of an hour; all `once_per = "always"`.
//! Every event has its own message id, time moves a millisecond an event, and a tick comes every thousand events; what
//! it sends is answered at once. Behind it: bytes of rule state a person, at a million people, and for how long a snapshot
//! stops a shard that has an eighth of them.

mod cpu_time;

use cpu_time::CpuTime;
use criterion::{BatchSize, Criterion, Throughput};
use outreach_engine::event::{
    Arrival, Body, Envelope, Event, EventKind, MissingTime, Outcome, OutcomeKind, Place, Record, Subject,
};
use outreach_engine::release::{Caps, Settings};
use outreach_engine::rule::{Known, parse};
use outreach_engine::{Effect, Length, Release, Shard, Timestamp, Verdict, apply};
use std::collections::BTreeMap;
use std::hint::black_box;

const PEOPLE: u64 = 100_000;
const EVENTS: usize = 50_000;
const BETWEEN_TICKS: usize = 1_000;
/// 2026-03-02T10:00Z.
const START: Timestamp = Timestamp(1_772_445_600_000_000);

fn main() {
    let mut criterion: Criterion<CpuTime> =
        Criterion::default().with_measurement(CpuTime).configure_from_args().sample_size(20);
    let mut group = criterion.benchmark_group("parse+engine");
    group.throughput(Throughput::Elements(EVENTS as u64));
    for rules in [0, 1, 10, 100, 10_000] {
        let mut stream = Stream::new(rules);
        group.bench_function(format!("{rules} rules"), |bencher| {
            bencher.iter_batched(|| stream.stamp(), stream_run, BatchSize::PerIteration);
        });
    }
    group.finish();
    snapshot_pause(&mut criterion);
    criterion.final_summary();
    // A profile of one measure is about nothing else.
    if !std::env::args().any(|argument| argument == "--profile-time") {
        state_sizes();
    }
}

/// What one pass works on, moved in and out so that stamping stays outside the measure.
struct Pass {
    texts: std::rc::Rc<std::cell::RefCell<Vec<Vec<u8>>>>,
    world: std::rc::Rc<std::cell::RefCell<World>>,
    at: Timestamp,
}

struct World {
    release: Release,
    shard: Shard,
    offset: u64,
}

struct Stream {
    texts: std::rc::Rc<std::cell::RefCell<Vec<Vec<u8>>>>,
    world: std::rc::Rc<std::cell::RefCell<World>>,
    passes: u64,
}

/// The same draw on every machine.
fn draw(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

const ID_AT: &str = "\"messageId\":\"";
const TIME_AT: &str = "\"timestamp\":\"";

fn text(number: u64, rules: u64) -> Vec<u8> {
    let person = draw(number) % PEOPLE;
    let is_wanted = rules > 0 && draw(number ^ 0xABCD).is_multiple_of(10);
    let feature = if is_wanted { draw(number ^ 0xEF) % rules } else { 1_000_000 + draw(number) % 1_000 };
    format!(
        r#"{{"type":"track","event":"Feature Used",{ID_AT}aaaaaaaa-0000-4000-8000-000000000000","userId":"user-{person:07}",{TIME_AT}2026-03-02T10:00:00.000Z","properties":{{"feature":"f-{feature}","plan":"trial","seats":12,"source":"web"}},"context":{{"library":{{"name":"analytics.js","version":"2.1.0"}},"page":{{"path":"/projects/1234/board","title":"Board"}},"locale":"en-US","ip":"203.0.113.7"}}}}"#
    )
    .into_bytes()
}

fn rule(number: usize) -> String {
    let form = match number % 3 {
        0 => "",
        1 => "count = 3\nwithin = \"1 day\"\n",
        _ => "without = \"Feature Left\"\nwithin = \"1 hour\"\n",
    };
    format!(
        "name = \"Rule\"\n[trigger]\nevent = \"Feature Used\"\nwhere = {{ \"properties.feature\" = \"f-{number}\" }}\n\
         {form}[limits]\nonce_per = \"always\"\n[[step]]\nin_product = \"card\"\n"
    )
}

fn release(rules: usize) -> Release {
    let settings = Settings {
        timezone: "Europe/Paris".into(),
        quiet_hours: None,
        holdout: None,
        caps: Caps::default(),
        topics: BTreeMap::new(),
        transactional_rules: Vec::new(),
        locale: None,
        hash_seed: 1,
    };
    let checked = |number| parse(&format!("rule-{number}"), "rule", &rule(number), &Known::default());
    let rules = (0..rules).map(|number| checked(number).expect("a good rule").0).collect();
    Release::new("bench", settings, rules, &BTreeMap::new())
}

impl Stream {
    fn new(rules: usize) -> Stream {
        let mut world = World { release: release(rules), shard: Shard::new(), offset: 0 };
        for person in 0..PEOPLE {
            world.identify(&format!("user-{person:07}"), START);
        }
        let texts = (0..EVENTS as u64).map(|number| text(number, rules as u64)).collect();
        Stream { texts: shared(texts), world: shared(world), passes: 0 }
    }

    /// Gives every event its own id and time.
    fn stamp(&mut self) -> Pass {
        let at = START + Length(self.passes as i64 * EVENTS as i64 * 1_000);
        for (number, text) in self.texts.borrow_mut().iter_mut().enumerate() {
            let id = format!("{:012}", self.passes * EVENTS as u64 + number as u64);
            let place = find(text, ID_AT) + "aaaaaaaa-0000-4000-8000-".len();
            text[place..place + 12].copy_from_slice(id.as_bytes());
            let time = (at + Length(number as i64 * 1_000)).to_string();
            let place = find(text, TIME_AT);
            text[place..place + 23].copy_from_slice(&time.as_bytes()[..23]);
        }
        self.passes += 1;
        Pass { texts: self.texts.clone(), world: self.world.clone(), at }
    }
}

fn shared<T>(value: T) -> std::rc::Rc<std::cell::RefCell<T>> {
    std::rc::Rc::new(std::cell::RefCell::new(value))
}

fn find(text: &[u8], what: &str) -> usize {
    let at = text.windows(what.len()).position(|window| window == what.as_bytes());
    at.expect("it is in every text") + what.len()
}

fn stream_run(pass: Pass) {
    let texts = pass.texts.borrow();
    let mut world = pass.world.borrow_mut();
    for (number, text) in texts.iter().enumerate() {
        let received_at = pass.at + Length(number as i64 * 1_000 + 500);
        world.take_in(text, received_at);
        if number % BETWEEN_TICKS == BETWEEN_TICKS - 1 {
            world.tick(received_at);
        }
    }
}

impl World {
    fn apply(&mut self, at: Timestamp, body: Body<'_>) -> Vec<Effect> {
        self.offset += 1;
        let place = Place { offset: self.offset, index: 0 };
        apply(&self.release, &mut self.shard, &Record { place, appended_at: at, body })
    }

    fn take_in(&mut self, text: &[u8], received_at: Timestamp) {
        let envelope = Envelope::parse(text).expect("a good event");
        let arrival = Arrival {
            received_at,
            batch_sent_at: None,
            default_kind: None,
            is_proven: true,
            corrects_clock: false,
            default_message_id: "",
            origin: None,
            missing_time: MissingTime::UseReceivedAt,
        };
        let event = envelope.resolve(&arrival).expect("a good event");
        black_box(self.apply(received_at, Body::Event(event)));
    }

    fn tick(&mut self, at: Timestamp) {
        for effect in self.apply(at, Body::Tick { at, until: None }) {
            let Effect::Decide(decision) = effect else { continue };
            if decision.verdict == Verdict::Send {
                let (subject, kind) = (decision.subject.as_ref(), OutcomeKind::Sent);
                self.apply(at, Body::Outcome(Outcome { subject, decision: decision.id, kind, at }));
            }
        }
    }

    fn identify(&mut self, id: &str, at: Timestamp) {
        let traits = r#"{"email":"somebody@example.com","plan":"trial","country":"FR"}"#;
        self.event(EventKind::Identify, id, "", "{}", traits, at);
    }

    fn event(
        &mut self,
        kind: EventKind,
        id: &str,
        name: &str,
        properties: &str,
        traits: &str,
        at: Timestamp,
    ) {
        let message_id = format!("aaaaaaaa-0000-4000-8000-{:012}", self.offset);
        let event = Event {
            kind,
            subject: Subject::user(id),
            name: name.into(),
            message_id: message_id.as_str().into(),
            occurred_at: at,
            received_at: at,
            is_proven: true,
            origin: None,
            other_id: None,
            properties: properties.into(),
            traits: traits.into(),
            context: "{}".into(),
        };
        self.apply(at, Body::Event(event));
    }
}

const MILLION: u64 = 1_000_000;

/// Bytes of rule state a person when each of a million has done one thing that one rule of a form looks at.
fn state_sizes() {
    let forms = ["entered by an event", "one of three in a count", "waiting for an absence"];
    let mut all = 0;
    for (number, form) in forms.into_iter().enumerate() {
        let mut world = World { release: release(3), shard: Shard::new(), offset: 0 };
        for person in 0..MILLION {
            let id = format!("user-{person:07}");
            world.identify(&id, START);
            let properties = format!(r#"{{"feature":"f-{number}"}}"#);
            world.event(
                EventKind::Track,
                &id,
                "Feature Used",
                &properties,
                "{}",
                START + Length(person as i64),
            );
            if person % BETWEEN_TICKS as u64 == 0 {
                world.tick(START + Length::seconds(1));
            }
        }
        // A tick judges two thousand at most.
        (0..MILLION / 1_000).for_each(|_| world.tick(START + Length::seconds(2)));
        let bytes = world.shard.rule_state_bytes();
        all += bytes;
        println!("rule state a person, {form}: {} bytes", bytes as u64 / MILLION);
    }
    println!("rule state a person, a third of each: {} bytes", all as u64 / MILLION / 3);
}

/// A million people in eight partitions.
const SHARD_PEOPLE: u64 = MILLION / 8;

/// So many people a worker writes between two frames.
const SLICE: usize = 4_096;

/// For how long a snapshot stops a shard: for a slice at a time, and no longer than all together.
fn snapshot_pause(criterion: &mut Criterion<CpuTime>) {
    let mut world = World { release: release(3), shard: Shard::new(), offset: 0 };
    for person in 0..SHARD_PEOPLE {
        let id = format!("user-{person:07}");
        world.identify(&id, START);
        for number in 0..3 {
            let properties = format!(r#"{{"feature":"f-{number}"}}"#);
            let at = START + Length(person as i64);
            world.event(EventKind::Track, &id, "Feature Used", &properties, "{}", at);
        }
    }
    let megabytes = world.shard.to_bytes().len() / 1_000_000;
    let mut group = criterion.benchmark_group("snapshot");
    group.bench_function(format!("{SHARD_PEOPLE} people as {megabytes} MB, at once"), |bencher| {
        bencher.iter(|| world.shard.to_bytes());
    });
    world.shard.begin_bytes();
    group.bench_function(format!("{SLICE} of them"), |bencher| {
        bencher.iter(|| {
            if world.shard.more_bytes(SLICE).is_some() {
                world.shard.begin_bytes();
            }
        });
    });
    group.finish();
}
