//! The gate and the writing down of ends, over a ledger in memory.

use super::conclude::Concluded;
use super::{Dispatcher, Letters, Limits, Places, run};
use crate::channel::email::Composed;
use crate::channel::unsubscribe_token::Key;
use crate::channel::{Delivery, Mailer};
use crate::ledger::sqlite::SqliteLedger;
use crate::ledger::{Ledger, Message, MessageState, contract};
use crate::template::Templates;
use outreach_engine::effect::{Cancel, Channel, Decision, Refusal};
use outreach_engine::release::{Caps, Settings};
use outreach_engine::{Length, Release, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const LEAVING_MAX: usize = 4;

fn room(email: usize) -> Places {
    Places { email, in_product: LEAVING_MAX }
}

/// A dispatcher at a moment that the test moves, over `count` messages that are due at seconds 0, 1, 2, ….
struct Desk {
    dispatcher: Arc<Dispatcher<SqliteLedger>>,
    now: Arc<AtomicI64>,
}

fn desk(count: u32, change: impl Fn(u32, Decision) -> Decision) -> Desk {
    let ledger = SqliteLedger::in_memory().unwrap();
    let decisions: Vec<Decision> = (0..count).map(|n| change(n, contract::decision(n))).collect();
    ledger.transaction(|t| t.insert_decisions(0, &decisions)).unwrap();
    let settings = Settings {
        timezone: "UTC".into(),
        quiet_hours: None,
        holdout: None,
        caps: Caps::default(),
        topics: BTreeMap::new(),
        transactional_rules: Vec::new(),
        locale: None,
        hash_seed: 0,
    };
    let release = Arc::new(Release::new("r1", settings, Vec::new(), &BTreeMap::new()));
    let now = Arc::new(AtomicI64::new(Timestamp(i64::from(count) * 1_000_000).0));
    let (clock, stood) = (now.clone(), now.clone());
    let limits = Limits {
        delivers_to: Arc::new(|_| true),
        leaving_max: LEAVING_MAX,
        leaving_for_max: Length::minutes(10),
        per_second_max: None,
    };
    let dispatcher = Dispatcher::new(
        Arc::new(ledger),
        Arc::new(move || Some(release.clone())),
        letters(),
        Arc::new(move |_| Timestamp(stood.load(Ordering::Relaxed))),
        Arc::new(move || Timestamp(clock.load(Ordering::Relaxed))),
        limits,
    );
    Desk { dispatcher: Arc::new(dispatcher), now }
}

fn letters() -> Letters {
    Letters {
        templates: Arc::new(|_| Ok(Arc::new(templates()))),
        from: "Acme <hello@acme.example>".into(),
        return_path_domain: "bounce.acme.example".into(),
        sender_name: String::new(),
        sender_address: String::new(),
        public_url: "https://acme.example".into(),
        unsubscribe_key: Key::new(&[7; 32]).unwrap(),
        redirect_all_to: None,
        topic_name: Arc::new(|_, _| None),
    }
}

fn templates() -> Templates {
    let footer = "<p>{{sender.address}} <a href=\"{{unsubscribe_url}}\">off</a></p>";
    let files = [
        ("stalled-onboarding/subject.hbs", "Hi"),
        ("stalled-onboarding/body.html", footer),
        ("stalled-onboarding/sample.json", "{}"),
        ("card/in_product.toml", "title = \"Hi\"\nbody = \"Hello\"\n"),
        ("card/sample.json", "{}"),
    ];
    let files = files.map(|(path, text)| (format!("templates/{path}"), text.to_owned()));
    Templates::load(&BTreeMap::from(files)).0
}

/// A message in the product.
fn card(decision: Decision) -> Decision {
    Decision { channel: Channel::InProduct, template: "card".into(), address: None, ..decision }
}

/// A mail server that takes the connection and never says a word.
struct Hung;

impl Mailer for Hung {
    async fn deliver(&self, _: Composed) -> Delivery {
        std::future::pending().await
    }
}

impl Desk {
    fn count(&self, state: MessageState) -> u64 {
        let counts = self.dispatcher.ledger.transaction(|t| t.message_counts()).unwrap();
        counts.iter().find(|(found, _)| *found == state).map_or(0, |(_, count)| *count)
    }
}

fn ended(message: Message, delivery: Delivery) -> Concluded {
    Concluded { message, delivery: Some(delivery), kept: None }
}

fn accepted() -> Delivery {
    Delivery::Accepted { reply: "250 ok".into() }
}

#[test]
fn a_round_writes_ends_down_and_lets_the_next_leave_and_never_are_more_leaving_than_may_be() {
    let desk = desk(10, |_, decision| decision);
    let mut leaving = desk.dispatcher.conclude_and_pass(&[], room(LEAVING_MAX)).unwrap().leaving;
    assert_eq!(leaving.len(), LEAVING_MAX);
    for sent in 1..=10 {
        let first = ended(leaving.remove(0), accepted());
        let passed = desk.dispatcher.conclude_and_pass(&[first], room(LEAVING_MAX - leaving.len())).unwrap();
        leaving.extend(passed.leaving);
        assert_eq!(desk.count(MessageState::Sent), sent);
        assert_eq!(desk.count(MessageState::Leaving), leaving.len() as u64);
        assert_eq!(leaving.len() as u64, (10 - sent).min(LEAVING_MAX as u64));
    }
    assert_eq!(desk.dispatcher.ledger.transaction(|t| t.outbox(100)).unwrap().len(), 10);
}

#[test]
fn what_was_taken_back_while_it_was_leaving_for_the_product_is_not_kept() {
    let desk = desk(1, |_, decision| Decision { channel: Channel::InProduct, ..decision });
    let room = Places::all(&desk.dispatcher.limits);
    let message = desk.dispatcher.conclude_and_pass(&[], room).unwrap().leaving.remove(0);
    let (key, at) = (message.key, Timestamp(1));
    let cancel = Cancel { decision: key.id, reason: Refusal::Exit.into(), at };
    desk.dispatcher.ledger.transaction(|t| t.cancel(&[cancel])).unwrap();
    let kept = Concluded { kept: Some("{}".into()), ..ended(message, accepted()) };
    desk.dispatcher.conclude(&[kept]).unwrap();
    assert_eq!(desk.count(MessageState::Cancelled), 1);
    assert_eq!(desk.dispatcher.ledger.transaction(|t| t.kept(key)).unwrap(), None);
}

#[test]
fn messages_that_may_not_leave_do_not_keep_back_those_behind_them() {
    let desk = desk(20, |number, decision| {
        let expires_at = if number < 15 { Timestamp::EPOCH } else { decision.expires_at };
        Decision { expires_at, ..decision }
    });
    let passed = desk.dispatcher.conclude_and_pass(&[], room(LEAVING_MAX)).unwrap();
    assert_eq!((passed.looked_at, passed.leaving.len()), (19, LEAVING_MAX));
    assert_eq!(desk.count(MessageState::Expired), 15);
}

#[test]
fn a_server_that_is_down_is_known_to_the_gate_before_the_next_message_passes() {
    let desk = desk(10, |_, decision| decision);
    let down = || Delivery::Transient { code: None, reply: "no connection".into() };
    let leaving = desk.dispatcher.conclude_and_pass(&[], room(LEAVING_MAX)).unwrap().leaving;
    let ends: Vec<Concluded> = leaving.into_iter().map(|message| ended(message, down())).collect();
    let passed = desk.dispatcher.conclude_and_pass(&ends, room(LEAVING_MAX)).unwrap();
    assert!(passed.leaving.is_empty());
    assert_eq!(desk.count(MessageState::Held), 6);
    desk.now.fetch_add(Length::minutes(1).0, Ordering::Relaxed);
    let passed = desk.dispatcher.conclude_and_pass(&[], room(LEAVING_MAX)).unwrap();
    assert_eq!(passed.leaving.len(), LEAVING_MAX);
}

#[test]
fn one_mail_that_waits_for_a_server_that_is_down_keeps_the_trouble_told_and_leaves_soon_after() {
    // It would else be tried once an hour at last, and the trouble is told for two minutes after an attempt.
    let desk = desk(1, |_, decision| decision);
    let down = || Delivery::Transient { code: None, reply: "no connection".into() };
    let pass = || desk.dispatcher.pass(room(LEAVING_MAX)).unwrap().leaving;
    for attempt in 1..=20 {
        let mut waited = Length::seconds(0);
        let message = loop {
            if let Some(message) = pass().pop() {
                break message;
            }
            let breaker = *desk.dispatcher.breaker.lock().unwrap();
            let now = Timestamp(desk.now.fetch_add(Length::seconds(1).0, Ordering::Relaxed));
            assert!(attempt <= 3 || breaker.is_in_trouble(Channel::Email, now), "attempt {attempt}");
            waited = Length(waited.0 + Length::seconds(1).0);
            assert!(waited <= Length::seconds(61), "attempt {attempt} comes too late");
        };
        desk.dispatcher.conclude(&[ended(message, down())]).unwrap();
    }
}

#[tokio::test]
async fn a_mail_server_that_hangs_keeps_no_message_in_the_product() {
    let desk = desk(50, |_, decision| decision);
    let running = tokio::spawn(run(desk.dispatcher.clone(), Arc::new(Hung), CancellationToken::new()));
    let within_a_second = async |state, count| {
        let reached = async {
            while desk.count(state) < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(1), reached).await.is_ok()
    };
    assert!(within_a_second(MessageState::Leaving, LEAVING_MAX as u64).await, "no mail is leaving");
    let decision = card(contract::decision(50));
    desk.now.store(decision.judged_at.0, Ordering::Relaxed);
    desk.dispatcher.ledger.transaction(|t| t.insert_decisions(0, &[decision])).unwrap();
    let is_kept = within_a_second(MessageState::Sent, 1).await;
    running.abort();
    assert!(is_kept, "a message in the product waits behind mails that hang");
    let counts = desk.dispatcher.ledger.transaction(|t| t.message_counts()).unwrap();
    let [queued, leaving] = [46, LEAVING_MAX as u64];
    let expected =
        [(MessageState::Queued, queued), (MessageState::Leaving, leaving), (MessageState::Sent, 1)];
    assert_eq!(counts, expected);
}

#[test]
fn what_a_crash_left_of_a_message_in_the_product_was_not_kept_and_goes_again() {
    let desk = desk(2, |number, decision| if number == 0 { card(decision) } else { decision });
    assert_eq!(desk.dispatcher.pass(room(LEAVING_MAX)).unwrap().leaving.len(), 2);
    desk.now.fetch_add(Length::minutes(11).0, Ordering::Relaxed);
    assert_eq!(desk.dispatcher.sweep().unwrap(), 2);
    assert_eq!((desk.count(MessageState::Queued), desk.count(MessageState::Unknown)), (1, 1));
    let again = desk.dispatcher.pass(room(LEAVING_MAX)).unwrap().leaving.remove(0);
    assert_eq!((again.channel, again.attempts), (Channel::InProduct, 2));
    let died = Delivery::Unknown { why: "the attempt died".into() };
    desk.dispatcher.conclude(&[ended(again, died)]).unwrap();
    assert_eq!(desk.count(MessageState::Queued), 1);
}

#[test]
fn what_was_not_handed_over_lets_others_go_first_and_is_asked_again_soon() {
    let desk = desk(2, |_, decision| decision);
    let first = desk.dispatcher.pass(room(1)).unwrap().leaving.remove(0);
    let back = Concluded { message: first.clone(), delivery: None, kept: None };
    let passed = desk.dispatcher.conclude_and_pass(&[back], room(LEAVING_MAX)).unwrap();
    let keys = |leaving: &[Message]| leaving.iter().map(|message| message.key).collect::<Vec<_>>();
    assert!(!keys(&passed.leaving).contains(&first.key) && passed.leaving.len() == 1);
    desk.now.fetch_add(Length::seconds(1).0, Ordering::Relaxed);
    assert_eq!(keys(&desk.dispatcher.pass(room(LEAVING_MAX)).unwrap().leaving), [first.key]);
}
