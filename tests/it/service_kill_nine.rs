//! kill -9, twenty times at random moments under load, with a real broker and a mail server that misbehaves: nothing is
//! decided twice or otherwise, and no marketing message is handed over twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use outreach::ledger::{Ledger, LedgerEntry, MessageState};
use outreach_engine::effect::Channel;
use outreach_engine::{Length, Timestamp};
use serde_json::{Value, json};

use crate::service_desk::{
    self, SOON, ago, decisions, entries, identify, ledger, reasons, rule, send, track,
};
use crate::service_kafka::{billed, keyed, two_sources};
use crate::world::http::Http;
use crate::world::kafka::Kafka;
use crate::world::service::{Project, Service};
use crate::world::smtp_sink::{Fault, Mail, SmtpSink};
use crate::world::solo::SERVER_KEY;
use crate::world::wait;

const KILLS: usize = 20;
const USERS_A_ROUND: usize = 12;
/// One with, one without acceptance.
const CUTS_A_ROUND: usize = 2;
/// Of the 31 mails of a round.
const SLOW_REPLIES_A_ROUND: usize = 24;
/// `connections_max` of a solo project.
const CONNECTIONS: usize = 4;
/// Three mails and a card for each person.
const DECISIONS_EACH: usize = 4;
/// A start takes about half of this.
const ROUND_MILLISECONDS: u64 = 2_500;
/// Fewer mails than a round brings.
const GROWTH_MAX: u64 = 12;

const PRODUCT: &str = "killed-product";
const BILLING: &str = "killed-billing";

/// What is the same of a decision in every run.
type Essence = (String, String, String, String, String, Timestamp);

#[test]
fn twenty_kills_under_load_change_no_decision_and_repeat_no_marketing_mail() {
    let input = Input::new();
    let kafka = Kafka::shared();
    kafka.create_topic(PRODUCT, 4, &[]);
    kafka.create_topic(BILLING, 2, &[]);

    let sink = SmtpSink::start();
    let killed = four_rules(&sink, kafka);
    run_with_kills(&input, kafka, &killed, &sink);
    let written = all_entries(&input, &killed);
    check_mailbox(&written, &sink.mails());

    let calm_sink = SmtpSink::start();
    let calm = four_rules(&calm_sink, kafka);
    let mut service = Service::start(&calm);
    send(&service, &input.identities());
    for round in 0..KILLS {
        send(&service, &input.by_http(round));
    }
    wait_until_all_ended(&service, &input);
    assert!(service.stop().success());
    let expected = all_entries(&input, &calm);
    assert_eq!(calm_sink.count(), expected.iter().filter(|entry| is_mail(entry)).count());
    assert_eq!(essences(&written), essences(&expected));
}

/// The same events for both runs: all of the last hours, so that nothing is late and no time of the clock enters.
struct Input {
    base: Timestamp,
}

impl Input {
    fn new() -> Input {
        Input { base: ago(Length::hours(3)) }
    }

    fn users(&self) -> Vec<String> {
        (0..KILLS * USERS_A_ROUND).map(|number| format!("u{number}")).collect()
    }

    fn of_round(&self, round: usize) -> impl Iterator<Item = (usize, String)> {
        (round * USERS_A_ROUND..(round + 1) * USERS_A_ROUND).map(|number| (number, format!("u{number}")))
    }

    /// Every eighth has no address: those are refused mail.
    fn identities(&self) -> Vec<Value> {
        let identity = |(number, user): (usize, &String)| {
            let mut event = identify(user, &address(user));
            if number % 8 == 7 {
                event["traits"] = json!({ "first_name": "Nobody" });
            }
            event
        };
        self.users().iter().enumerate().map(identity).collect()
    }

    fn produce(&self, kafka: &Kafka, round: usize) {
        let product = self.of_round(round).flat_map(|(number, user)| {
            let at = self.base + Length::seconds(number as i64);
            let event =
                |name: &str| track(&user, name, &format!("{name}-{user}"), at, json!({ "plan": "trial" }));
            [keyed(&event("Trial Begun")), keyed(&event("Signed Up"))]
        });
        kafka.produce(PRODUCT, product);
        // Of one person in one partition: which failure is the third depends on the order of arrival.
        let billing = self.of_round(round).flat_map(|(number, user)| {
            (0..3).map(move |nth| {
                let at = self.base + Length::minutes(90 + nth);
                billed(&user, "Payment Failed", &format!("failed-{user}-{nth}"), at).to(number as i32 % 2)
            })
        });
        kafka.produce(BILLING, billing);
    }

    fn by_http(&self, round: usize) -> Vec<Value> {
        let at = self.base + Length::minutes(150);
        let created = |(_, user): (usize, String)| {
            track(&user, "Project Created", &format!("created-{user}"), at, json!({}))
        };
        self.of_round(round).map(created).collect()
    }
}

fn address(user: &str) -> String {
    format!("{user}@mail.test")
}

fn four_rules(sink: &SmtpSink, kafka: &Kafka) -> Project {
    let more = format!("[dispatch]\nleaving_seconds_max = 3\n{}", two_sources(PRODUCT, BILLING));
    let project = service_desk::project(sink.port(), Some(kafka), &more);
    let absence = "event = \"Trial Begun\"\nwithout = \"Project Created\"\nwithin = \"1 hour\"";
    let third = "event = \"Payment Failed\"\ncount = 3\nwithin = \"1 day\"";
    rule(&project, "welcome", "onboarding", "event = \"Signed Up\"", "email = \"note\"");
    rule(&project, "stalled", "onboarding", absence, "email = \"note\"");
    rule(&project, "third-failed-payment", "billing", third, "email = \"note\"\ntransactional = true");
    rule(&project, "checklist", "onboarding", "event = \"Project Created\"", "in_product = \"card\"");
    project
}

fn run_with_kills(input: &Input, kafka: &Kafka, project: &Project, sink: &SmtpSink) {
    let mut random = Random::new();
    let mut service = Service::start(project);
    send(&service, &input.identities());
    let (rounds, wanted) = mpsc::channel();
    std::thread::scope(|scope| {
        // A client that repeats each request until it hears a 200, whatever happens to the service.
        scope.spawn(move || {
            let http = Http::new(project.http_port);
            wanted.into_iter().for_each(|round| send_until_taken(&http, &input.by_http(round)));
        });
        for round in 0..KILLS {
            sink.behave();
            sink.misbehave(Fault::DropAfterData, 1);
            sink.misbehave(Fault::DropBeforeAcceptance, 1);
            // Accepted and not yet answered: the moment in which a kill leaves nobody who knows.
            sink.misbehave(
                Fault::SlowReply(Duration::from_millis(20 + random.below(200))),
                SLOW_REPLIES_A_ROUND,
            );
            let before = sink.count();
            rounds.send(round).expect("the client listens");
            input.produce(kafka, round);
            let has_come = random_moment(&mut random, sink, before);
            let mails = sink.count() - before;
            assert!(has_come, "round {round}: {mails} mails, {:?}\n{}", reasons(&service), service.log());
            service.kill();
            service.launch_again();
        }
        drop(rounds);
    });
    service.wait_ready().expect("ready after all");
    wait_until_all_ended(&service, input);
    assert!(service.stop().success());
}

/// Waits for a moment by the clock, mostly while it starts; or, oftener, for one in which mails are on their way.
fn random_moment(random: &mut Random, sink: &SmtpSink, before: usize) -> bool {
    let is_by_clock = random.below(4) == 0;
    let (started, after) = (Instant::now(), Duration::from_millis(random.below(ROUND_MILLISECONDS)));
    let enough = before + 1 + random.below(GROWTH_MAX) as usize;
    let has_come = || if is_by_clock { started.elapsed() >= after } else { sink.count() >= enough };
    wait::for_value(SOON, || has_come().then_some(())).is_some()
}

fn send_until_taken(http: &Http, events: &[Value]) {
    for event in events {
        wait::until("the service takes an event", SOON, || {
            http.try_post("/v1/track", SERVER_KEY, event).is_ok_and(|reply| reply.status == 200)
        });
    }
}

/// All are decided, and every message has come to its end.
fn wait_until_all_ended(service: &Service<'_>, input: &Input) {
    let mut left = input.users();
    let waiting = ["queued", "held", "leaving"].map(Value::from);
    let ended = wait::for_value(SOON, || {
        left.retain(|user| {
            let found = decisions(service, user);
            let has_ended = |decision: &Value| !waiting.contains(&decision["message"]["state"]);
            found.len() < DECISIONS_EACH || !found.iter().all(has_ended)
        });
        left.is_empty().then_some(())
    });
    assert!(
        ended.is_some(),
        "{} people are not done; of the first: {:#?}\n{}",
        left.len(),
        decisions(service, &left[0]),
        service.log()
    );
}

fn all_entries(input: &Input, project: &Project) -> Vec<LedgerEntry> {
    let ledger = ledger(project);
    let letters = ledger.transaction(|transaction| transaction.dead_letters(0, 10)).expect("letters");
    assert_eq!(letters, [], "all of the input is good");
    input.users().iter().flat_map(|user| entries(&ledger, user)).collect()
}

fn essences(entries: &[LedgerEntry]) -> Vec<Essence> {
    let essence = |entry: &LedgerEntry| {
        let decision = &entry.decision;
        let refusal = decision.verdict.refusal().map_or("", |refusal| refusal.code());
        let verdict = format!("{} {refusal}", decision.verdict.code());
        let (rule, step) = (decision.rule.to_string(), decision.step.to_string());
        (rule, decision.subject.to_string(), decision.key.to_string(), step, verdict, decision.due_at)
    };
    let mut all: Vec<Essence> = entries.iter().map(essence).collect();
    all.sort();
    all
}

fn is_mail(entry: &LedgerEntry) -> bool {
    entry.message.is_some() && entry.decision.channel == Channel::Email
}

/// Each decision's mails: a marketing one is there once, or unknown and there at most once; a transactional one is there,
/// always under one Message-ID. No mail is there without a decision.
fn check_mailbox(entries: &[LedgerEntry], mails: &[Mail]) {
    let mut boxes: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for mail in mails {
        let message_id = mail.header("Message-ID").expect("a message id");
        boxes.entry((mail.to[0].clone(), rule_of(mail))).or_default().push(message_id);
    }
    // By a kill, and by a connection that the server cut; of the former, those that the server had accepted.
    let (mut killed, mut cut, mut accepted) = (0, 0, 0);
    for entry in entries.iter().filter(|entry| is_mail(entry)) {
        let decision = &entry.decision;
        let whose = (address(&decision.subject.id), decision.rule.to_string());
        let copies = boxes.remove(&whose).unwrap_or_default();
        let state = entry.message.as_ref().map(|(state, _, _)| *state);
        let ids: BTreeSet<&String> = copies.iter().collect();
        assert!(copies.iter().all(|id| id.contains(&decision.id.to_string())), "{whose:?}: {copies:?}");
        assert!(ids.len() <= 1, "{whose:?} under several Message-IDs: {ids:?}");
        match (state, decision.is_transactional) {
            (Some(MessageState::Sent), false) => assert_eq!(copies.len(), 1, "{whose:?} is sent"),
            (Some(MessageState::Sent), true) => assert!(!copies.is_empty(), "{whose:?} is sent"),
            (Some(MessageState::Unknown), false) => {
                assert!(copies.len() <= 1, "{whose:?} is unknown, and there {} times", copies.len());
                let reason = entry.message.as_ref().and_then(|(_, _, reason)| reason.as_deref());
                if reason == Some("no word of it since it left") {
                    killed += 1;
                    accepted += copies.len();
                } else {
                    cut += 1;
                }
            }
            (state, is_transactional) => panic!("{whose:?}: {state:?}, transactional: {is_transactional}"),
        }
    }
    assert_eq!(boxes.into_keys().collect::<Vec<_>>(), [], "mails that nobody decided");
    println!("{} mails; unknown: {killed} by kills, {accepted} of them accepted; {cut} cut off", mails.len());
    assert!(killed <= CONNECTIONS * KILLS && cut <= CUTS_A_ROUND * KILLS, "{killed} and {cut} are unknown");
    assert!(accepted > 0, "no kill fell between acceptance and its note: the test has shown little");
}

fn rule_of(mail: &Mail) -> String {
    let feedback_id = mail.header("Feedback-ID").expect("the rule in a header");
    feedback_id.split(':').next().expect("a part").to_owned()
}

/// Numbers for moments; another sequence in every run.
struct Random(u64);

impl Random {
    fn new() -> Random {
        let seed = (ago(Length(0)).0 as u64) | 1;
        println!("seed {seed}");
        Random(seed)
    }

    /// Xorshift: below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}
