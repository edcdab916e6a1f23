//! What holds of the engine for any rules and any stream: it is a function of its log, of each person alone, and what it
//! decides keeps the guard rails.

mod world;

use outreach_engine::event::{OutcomeKind, Place, Subject};
use outreach_engine::release::{Settings, Window};
use outreach_engine::{
    Decision, DecisionId, Effect, Length, Release, Shard, Timestamp, Verdict, apply, zone,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use world::{Answers, Driver, Entry, What, random};

/// The log that a service would leave: the stream, ticks when somebody is due, and outcomes of all kinds.
fn log_of(release: &Release, stream: &[Entry]) -> Vec<Entry> {
    let mut driver = Driver::new(release.clone());
    driver.answers = Answers::ByHand;
    let end = stream.last().map_or(random::START, |entry| entry.arrives) + Length::days(8);
    let mut answered = 0;
    let mut rest = stream.iter().peekable();
    let mut hour = random::START;
    while hour < end {
        hour = hour + Length::hours(1);
        while let Some(entry) = rest.next_if(|entry| entry.arrives <= hour) {
            driver.run(std::slice::from_ref(entry));
        }
        driver.tick_until(hour);
        let decisions: Vec<_> = driver.decisions().skip(answered).cloned().collect();
        answered += decisions.len();
        for decision in decisions.iter().filter(|decision| decision.verdict == Verdict::Send) {
            driver.answer(decision, outcome(decision.id), hour);
        }
    }
    driver.log
}

/// Mostly sent; each kind once in a while, and always the same for one decision.
fn outcome(id: DecisionId) -> OutcomeKind {
    use OutcomeKind::*;
    [Sent, Sent, Sent, Sent, Failed, Unknown, Cancelled, Expired, Skipped][usize::from(id.0[0]) % 9]
}

/// A whole run: all effects, and the shard at the end. Before each record in `stops` it goes through its bytes.
fn run(release: &Release, log: &[Entry], stops: &BTreeSet<usize>) -> (Vec<Effect>, Shard) {
    let (mut shard, mut effects) = (Shard::new(), Vec::new());
    for (number, entry) in log.iter().enumerate() {
        if stops.contains(&number) {
            shard = Shard::from_bytes(&shard.to_bytes()).expect("its own bytes");
        }
        let record = entry.record(Place { offset: number as u64, index: 0 });
        effects.extend(apply(release, &mut shard, &record));
    }
    (effects, shard)
}

/// A whole run of the log cut into frames that begin at `cuts`: a record's place is its frame and its index in it.
fn run_in_frames(release: &Release, log: &[Entry], cuts: &BTreeSet<usize>) -> Vec<Effect> {
    let (mut shard, mut effects) = (Shard::new(), Vec::new());
    let mut place = Place { offset: 0, index: 0 };
    for (number, entry) in log.iter().enumerate() {
        if cuts.contains(&number) {
            place = Place { offset: place.offset + 1, index: 0 };
        }
        effects.extend(apply(release, &mut shard, &entry.record(place)));
        place.index += 1;
    }
    effects
}

fn decisions_by_person<'e>(effects: impl IntoIterator<Item = &'e Effect>) -> BTreeMap<String, Vec<Decision>> {
    let mut by_person: BTreeMap<String, Vec<Decision>> = BTreeMap::new();
    for effect in effects {
        if let Effect::Decide(decision) = effect {
            by_person.entry(decision.subject.to_string()).or_default().push((**decision).clone());
        }
    }
    by_person
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_stop_at_any_snapshot_changes_nothing(
        release in random::release(),
        stream in random::stream(),
        stops in prop::collection::btree_set(0..200usize, 0..12),
    ) {
        let log = log_of(&release, &stream);
        let (whole, whole_shard) = run(&release, &log, &BTreeSet::new());
        let (cut, cut_shard) = run(&release, &log, &stops);
        prop_assert_eq!(&whole, &cut);
        prop_assert_eq!(whole_shard.to_bytes(), cut_shard.to_bytes());
        let (again, again_shard) = run(&release, &log, &BTreeSet::new());
        prop_assert_eq!(&whole, &again);
        prop_assert_eq!(whole_shard.to_bytes(), again_shard.to_bytes());
    }

    #[test]
    fn bytes_made_little_by_little_are_of_the_state_as_it_stood(
        release in random::release(),
        stream in random::stream(),
        begins in prop::collection::btree_set(0..200usize, 1..12),
        slice in 0..3usize,
    ) {
        let log = log_of(&release, &stream);
        let (mut shard, mut expected) = (Shard::new(), None);
        for (number, entry) in log.iter().enumerate() {
            if begins.contains(&number) {
                shard.begin_bytes();
                expected = Some(shard.to_bytes());
            }
            apply(&release, &mut shard, &entry.record(Place { offset: number as u64, index: 0 }));
            if let Some(bytes) = shard.more_bytes(slice) {
                prop_assert_eq!(Some(bytes), expected.take());
            }
        }
        if let Some(expected) = expected {
            prop_assert_eq!(shard.more_bytes(usize::MAX), Some(expected));
        }
        let (_, whole) = run(&release, &log, &BTreeSet::new());
        prop_assert_eq!(shard.to_bytes(), whole.to_bytes());
    }

    #[test]
    fn any_cut_into_frames_decides_alike(
        release in random::release(),
        stream in random::stream(),
        cuts in prop::collection::btree_set(0..200usize, 0..60),
    ) {
        let log = log_of(&release, &stream);
        let (alone, _) = run(&release, &log, &BTreeSet::new());
        prop_assert_eq!(&alone, &run_in_frames(&release, &log, &cuts));
        prop_assert_eq!(&alone, &run_in_frames(&release, &log, &BTreeSet::new()));
    }

    #[test]
    fn people_decide_alike_in_any_partition(
        release in random::release(),
        stream in random::stream(),
        parts in 1..5u32,
    ) {
        let log = log_of(&release, &stream);
        let (whole, _) = run(&release, &log, &BTreeSet::new());
        let mut of_parts = Vec::new();
        for part in 0..parts {
            let is_mine = |entry: &&Entry| {
                Subject::parse(&entry.who).is_none_or(|subject| subject.partition(parts) == part)
            };
            let log: Vec<_> = log.iter().filter(is_mine).cloned().collect();
            of_parts.extend(run(&release, &log, &BTreeSet::new()).0);
        }
        prop_assert_eq!(decisions_by_person(&whole), decisions_by_person(&of_parts));
    }

    #[test]
    fn no_two_decisions_bear_one_id(release in random::release(), stream in random::stream()) {
        let (effects, _) = run(&release, &log_of(&release, &stream), &BTreeSet::new());
        let mut seen = BTreeSet::new();
        for decision in decisions_by_person(&effects).into_values().flatten() {
            prop_assert!(seen.insert(decision.id), "{:?}", decision);
        }
    }

    #[test]
    fn what_is_sent_keeps_caps_and_quiet_hours_and_has_not_expired(release in random::release(), stream in random::stream()) {
        let log = log_of(&release, &stream);
        let mut shard = Shard::new();
        // (person, decision) of what has been sent or is in flight.
        let mut counted: Vec<Decision> = Vec::new();
        for (number, entry) in log.iter().enumerate() {
            if let What::Outcome { decision, kind } = &entry.what {
                counted.retain(|other| other.id != *decision || kind.counts_as_sent());
            }
            let record = entry.record(Place { offset: number as u64, index: 0 });
            for effect in apply(&release, &mut shard, &record) {
                let Effect::Decide(decision) = effect else { continue };
                if decision.verdict == Verdict::Send {
                    // The gate would expire it, and a replay say that it was sent.
                    prop_assert!(decision.judged_at <= decision.expires_at, "{:?}", decision);
                }
                if decision.verdict == Verdict::Send && !decision.is_transactional {
                    prop_assert!(!is_quiet(&release.settings, &decision), "{:?}", decision);
                    counted.push(*decision);
                    let full = exceeded(&release.settings, &counted);
                    prop_assert!(full.is_none(), "{:?}", full);
                }
            }
        }
    }
}

/// Whether a decision fell into the person's quiet hours, told from the local clock.
fn is_quiet(settings: &Settings, decision: &Decision) -> bool {
    let Some(quiet) = settings.quiet_hours else { return false };
    let zone = zone::find(&decision.zone).expect("a decision's zone is known");
    let local = zone.to_datetime(decision.judged_at.to_jiff());
    let minute = local.hour() as u16 * 60 + local.minute() as u16;
    if quiet.from < quiet.until {
        quiet.from <= minute && minute < quiet.until
    } else {
        quiet.from <= minute || minute < quiet.until
    }
}

/// A cap that holds more than it may after the last of `counted`, in its person's window that ends there.
fn exceeded<'d>(settings: &Settings, counted: &'d [Decision]) -> Option<&'d Decision> {
    let last = counted.last()?;
    let zone = zone::find(&last.zone).expect("a decision's zone is known");
    let own = settings
        .caps
        .by_channel
        .get(&last.channel)
        .into_iter()
        .flatten()
        .map(|cap| (cap, Some(last.channel)));
    let is_in_all = |channel| {
        channel != outreach_engine::effect::Channel::InProduct
            || settings.caps.by_channel.contains_key(&channel)
    };
    let all = settings.caps.all.iter().filter(|_| is_in_all(last.channel)).map(|cap| (cap, None));
    let is_full = own.chain(all).any(|(cap, channel)| {
        let is_inside = |at: Timestamp| match cap.window {
            Window::Rolling(length) => at.0 > last.judged_at.0 - length.0,
            Window::CalendarDay => zone::local_date(&zone, at) == zone::local_date(&zone, last.judged_at),
        };
        let counts = |other: &&Decision| {
            other.subject == last.subject
                && channel.map_or(is_in_all(other.channel), |channel| channel == other.channel)
                && is_inside(other.judged_at)
        };
        counted.iter().filter(counts).count() > cap.count as usize
    });
    is_full.then_some(last)
}
