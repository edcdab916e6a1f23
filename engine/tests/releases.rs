//! What becomes of people who wait when another release is announced: who waits is inside, and finishes by the release of
//! their wait, as long as the rule goes on.

mod world;

use outreach_engine::effect::NonEntryReason;
use outreach_engine::{Effect, Length, Timestamp};
use world::{Driver, Entry, What, project};

const START: Timestamp = Timestamp(1_772_445_600_000_000);

fn hour(hour: i64) -> Timestamp {
    START + Length::hours(hour)
}

/// An absence; `beside` is what the case is about.
fn absence(event: &str, without: &str, beside: &str) -> String {
    format!(
        "name = \"R\"\n[trigger]\nevent = \"{event}\"\nwithout = \"{without}\"\nwithin = \"3 days\"\n\
         {beside}\n[limits]\nonce_per = \"always\"\n[[step]]\nin_product = \"card\"\n"
    )
}

fn track(name: &str, at: Timestamp) -> Entry {
    Entry::track("user:ada", at, name, &format!("{name} {at}"), r#"{"plan":"trial"}"#)
}

/// A driver that runs a rule under the releases r1, r2, …: each from its hour on, knowing the others. An empty text is no
/// rule.
struct World {
    driver: Driver,
    releases: Vec<(i64, String)>,
}

impl World {
    fn new(rules: &[(i64, &str)]) -> World {
        let releases: Vec<_> = rules.iter().map(|(from, rule)| (*from, (*rule).to_owned())).collect();
        let driver = Driver::new(release_of(&releases, 0));
        World { driver, releases }
    }

    /// Brings what happens, each release announced at its hour.
    fn run(mut self, happenings: &[(&str, i64)]) -> Driver {
        let mut happenings = happenings.iter().peekable();
        for number in 0..self.releases.len() {
            let (from, _) = self.releases[number];
            self.driver.tick_until(hour(from));
            self.driver.release = release_of(&self.releases, number);
            let announced = What::Release(format!("r{}", number + 1));
            self.driver.append(Entry {
                who: String::new(),
                at: hour(from),
                arrives: hour(from),
                what: announced,
            });
            let until = self.releases.get(number + 1).map_or(i64::MAX, |(next, _)| *next);
            while let Some((name, at)) = happenings.next_if(|(_, at)| *at < until) {
                self.driver.run(&[track(name, hour(*at))]);
            }
        }
        self.driver.run_out();
        self.driver
    }
}

fn release_of(releases: &[(i64, String)], number: usize) -> outreach_engine::Release {
    let build = |at: usize| {
        let rule = Some(&releases[at].1).filter(|text| !text.is_empty());
        let rules = rule.map(|text| project::rule("rule", text)).into_iter().collect();
        project::release(&format!("r{}", at + 1), project::bare_settings(), rules)
    };
    let others = (0..releases.len()).filter(|at| *at != number);
    others.fold(build(number), |release, other| release.with_earlier(&build(other)))
}

/// (hour at which it was due, release, the trigger's fact) of each message.
fn sent(driver: &Driver) -> Vec<(i64, String, String)> {
    let of = |decision: &outreach_engine::Decision| {
        let due = decision.due_at.since(START).0 / Length::hours(1).0;
        let trigger = decision.facts[0].value.split(" at ").next().unwrap_or_default().to_owned();
        (due, decision.release.to_string(), trigger)
    };
    driver.decisions().map(of).collect()
}

fn row(due: i64, release: &str, trigger: &str) -> (i64, String, String) {
    (due, release.to_owned(), trigger.to_owned())
}

#[test]
fn who_waits_finishes_by_the_release_of_the_wait_and_its_event_keeps_its_name() {
    let (old, new) = (absence("Signed Up", "Project Created", ""), absence("Invited", "Accepted", ""));
    let driver =
        World::new(&[(0, &old), (10, &new)]).run(&[("Signed Up", 1), ("Signed Up", 20), ("Invited", 30)]);
    assert_eq!(sent(&driver), [row(73, "r1", "Signed Up"), row(102, "r2", "Invited")]);
    let rendered: Vec<_> = driver.decisions().map(|decision| decision.render.to_string()).collect();
    assert!(rendered[0].contains(r#""event":{"name":"Signed Up"}"#), "{}", rendered[0]);
    assert!(rendered[0].contains(r#""plan":"trial""#), "{}", rendered[0]);
}

#[test]
fn what_the_release_of_the_wait_calls_its_second_event_ends_it_and_no_other() {
    let (old, new) = (absence("Signed Up", "Project Created", ""), absence("Invited", "Accepted", ""));
    let world = World::new(&[(0, &old), (10, &new)]);
    let driver = world.run(&[("Signed Up", 1), ("Invited", 20), ("Project Created", 30)]);
    assert_eq!(sent(&driver), [row(92, "r2", "Invited")]);
}

/// In doubt nothing is sent: a rule whose second event was wrong is corrected for those who wait, too.
#[test]
fn what_the_new_release_calls_its_second_event_ends_every_wait() {
    let (old, new) =
        (absence("Signed Up", "Projct Created", ""), absence("Signed Up", "Project Created", ""));
    let world = World::new(&[(0, &old), (10, &new)]);
    assert_eq!(sent(&world.run(&[("Signed Up", 1), ("Project Created", 30)])), []);
}

#[test]
fn a_first_event_while_one_of_an_earlier_release_waits_changes_nothing() {
    let (old, new) = (absence("Signed Up", "B", ""), absence("Signed Up", "C", ""));
    let driver = World::new(&[(0, &old), (10, &new)]).run(&[("Signed Up", 1), ("Signed Up", 20)]);
    assert_eq!(sent(&driver), [row(73, "r1", "Signed Up")]);
}

#[test]
fn a_wait_keeps_audience_exit_and_captures_of_its_release() {
    let old = absence(
        "Signed Up",
        "B",
        "[audience]\nwhere = { \"properties.plan\" = \"trial\" }\n[exit]\nevent = \"Closed\"",
    );
    let new = absence("Signed Up", "B", "[audience]\nwhere = { \"properties.country\" = \"FR\" }");
    let releases = [(0, old.as_str()), (10, new.as_str())];
    assert_eq!(sent(&World::new(&releases).run(&[("Signed Up", 1)])), [row(73, "r1", "Signed Up")]);
    let driver = World::new(&releases).run(&[("Signed Up", 1), ("Closed", 20)]);
    let refusal = driver.decisions().next().and_then(|decision| decision.verdict.refusal());
    assert_eq!(refusal, Some(outreach_engine::Refusal::Exit));
}

fn count_off(driver: &Driver) -> usize {
    let is_off =
        |effect: &&Effect| matches!(effect, Effect::Count(no) if no.reason == NonEntryReason::RuleOff);
    driver.effects.iter().filter(is_off).count()
}

#[test]
fn a_rule_that_is_gone_or_waits_no_longer_ends_its_waits_at_the_deadline() {
    let old = absence("Signed Up", "B", "");
    let event = "name = \"R\"\n[trigger]\nevent = \"Signed Up\"\n[[step]]\nin_product = \"card\"\n";
    for new in ["", event] {
        let driver = World::new(&[(0, &old), (10, new)]).run(&[("Signed Up", 1)]);
        assert_eq!((sent(&driver), count_off(&driver), driver.effects.len()), (Vec::new(), 1, 1), "{new}");
    }
}

#[test]
fn a_rule_that_was_gone_for_a_while_goes_on_and_what_came_meanwhile_ends_its_waits() {
    let rule = absence("Signed Up", "B", "");
    let releases = [(0, rule.as_str()), (10, ""), (20, rule.as_str())];
    assert_eq!(sent(&World::new(&releases).run(&[("Signed Up", 1)])), [row(73, "r1", "Signed Up")]);
    assert_eq!(sent(&World::new(&releases).run(&[("Signed Up", 1), ("B", 15)])), []);
}

#[test]
fn a_rule_that_is_switched_off_ends_its_waits_for_good() {
    let rule = absence("Signed Up", "B", "");
    let off = format!("status = \"off\"\n{rule}");
    let releases = [(0, rule.as_str()), (10, &off), (20, &rule)];
    let driver = World::new(&releases).run(&[("Signed Up", 1), ("Signed Up", 30)]);
    assert_eq!((sent(&driver), count_off(&driver)), (vec![row(102, "r3", "Signed Up")], 1));
}

#[test]
fn a_rule_that_is_switched_off_ends_its_journeys_for_good() {
    let steps = "[[step]]\nwait = \"2 days\"\n[[step]]\nin_product = \"two\"\n";
    let rule = format!("name = \"R\"\n[trigger]\nevent = \"A\"\n[[step]]\nin_product = \"one\"\n{steps}");
    let off = format!("status = \"off\"\n{rule}");
    let releases = [(0, rule.as_str()), (10, &off), (20, &rule)];
    let driver = World::new(&releases).run(&[("A", 1), ("A", 30)]);
    assert_eq!((sent(&driver), count_off(&driver)), (vec![row(1, "r1", "A")], 1));
    let once = |effect: &Effect| matches!(effect, Effect::Count(no) if no.reason == NonEntryReason::OncePer);
    assert!(driver.effects.iter().any(once), "the entry counts: {:?}", driver.effects);
}

/// A trigger, entered every time.
fn every_time(trigger: &str) -> String {
    format!(
        "name = \"R\"\n[trigger]\n{trigger}\n[limits]\nonce_per = \"always\"\n[[step]]\nin_product = \"card\"\n"
    )
}

#[test]
fn a_sequence_goes_on_over_a_release_that_says_the_same_trigger() {
    let rule = every_time("sequence = [\"A\", \"B\"]\nwithin = \"1 day\"");
    let named = format!("description = \"other words\"\n{rule}");
    let driver = World::new(&[(0, &rule), (10, &named)]).run(&[("A", 1), ("B", 20)]);
    assert_eq!(sent(&driver), [row(20, "r2", "B")]);
}

/// Else the first step of the old one would be taken for the first of the new one.
#[test]
fn what_was_seen_for_another_sequence_is_no_part_of_the_new_one() {
    let old = every_time("sequence = [\"A\", \"B\"]\nwithin = \"1 day\"");
    let new = every_time("sequence = [\"C\", \"B\"]\nwithin = \"1 day\"");
    let driver = World::new(&[(0, &old), (10, &new)]).run(&[("A", 1), ("B", 20), ("C", 21), ("B", 22)]);
    assert_eq!(sent(&driver), [row(22, "r2", "B")]);
    let releases = [(0, old.as_str()), (10, ""), (15, new.as_str())];
    let driver = World::new(&releases).run(&[("A", 1), ("B", 20), ("C", 21), ("B", 22)]);
    assert_eq!(sent(&driver), [row(22, "r3", "B")]);
}

#[test]
fn an_absence_after_a_sequence_finishes_by_the_release_of_its_wait() {
    let absence = |c: &str| {
        every_time(&format!(
            "sequence = [\"A\", \"B\"]\nwithin = \"1 day\"\nwithout = {{ event = \"{c}\", within = \"3 days\" }}"
        ))
    };
    let (old, new) = (absence("C"), absence("D"));
    let releases = [(0, old.as_str()), (10, new.as_str())];
    assert_eq!(sent(&World::new(&releases).run(&[("A", 1), ("B", 2)])), [row(74, "r1", "B")]);
    assert_eq!(sent(&World::new(&releases).run(&[("A", 1), ("B", 2), ("C", 20)])), []);
    assert_eq!(sent(&World::new(&releases).run(&[("A", 1), ("B", 2), ("D", 20)])), []);
}

/// Fires by A where B was done; A may come again.
fn after(event: &str) -> String {
    format!(
        "name = \"R\"\n[trigger]\nevent = \"A\"\n[audience]\nwhere = {{ did = {{ event = \"{event}\" }} }}\n\
         [limits]\nonce_per = \"always\"\n[[step]]\nin_product = \"card\"\n"
    )
}

#[test]
fn what_a_rule_asks_of_the_past_is_kept_from_its_release_on() {
    let (old, new) = (after("X"), after("B"));
    let world = World::new(&[(0, &old), (10, &new)]);
    let driver = world.run(&[("B", 5), ("A", 12), ("B", 14), ("A", 16)]);
    assert_eq!(sent(&driver), [row(16, "r2", "A")]);
}

#[test]
fn a_past_that_was_not_asked_for_a_while_is_forgotten_and_an_unchanged_question_keeps_it() {
    let (rule, gone) = (after("B"), after("X"));
    let longer = rule.replace("event = \"B\" }", "event = \"B\", within = \"90 days\" }");
    let forgot = World::new(&[(0, &rule), (10, &gone), (20, &rule)]).run(&[("B", 5), ("A", 25)]);
    assert_eq!(sent(&forgot), []);
    let kept = World::new(&[(0, &rule), (10, &longer)]).run(&[("B", 5), ("A", 25)]);
    assert_eq!(sent(&kept), [row(25, "r2", "A")]);
}

#[test]
fn what_an_earlier_release_asks_is_kept_for_those_inside_it() {
    let old = absence("Signed Up", "X", "[audience]\nwhere = { did = { event = \"B\" } }");
    let new = absence("Signed Up", "X", "");
    let world = |releases: &[(i64, &str)]| World::new(releases);
    let inside = world(&[(0, &old), (10, &new)]).run(&[("Signed Up", 1), ("B", 20)]);
    assert_eq!(sent(&inside), [row(73, "r1", "Signed Up")]);
    let held = |driver: &Driver| {
        let ada = driver.shard.everybody().next().expect("ada").1;
        ada.history().is_some()
    };
    assert!(held(&inside), "she was inside when it was announced");
    let nobody = world(&[(0, &old), (10, &new)]).run(&[("B", 5), ("B", 20)]);
    assert!(!held(&nobody), "nobody inside asks for it");
}

/// An inactivity of so many hours, entered every time.
fn inactive(hours: i64, beside: &str) -> String {
    every_time(&format!("inactive_for = \"{hours} hours\"\n{beside}"))
}

#[test]
fn a_silence_is_judged_by_the_release_of_its_deadline_with_its_length() {
    let (day, half) = (inactive(24, ""), inactive(12, ""));
    assert_eq!(sent(&World::new(&[(0, &day), (10, &half)]).run(&[("A", 1)])), [row(13, "r2", "A")]);
    assert_eq!(sent(&World::new(&[(0, &half), (10, &day)]).run(&[("A", 1)])), [row(25, "r2", "A")]);
}

/// With `backfill` it holds at the release, once; what is done later begins the next silence.
#[test]
fn a_silence_that_was_over_when_the_rule_was_released_is_none_to_it_without_backfill() {
    let day = inactive(24, "");
    for events in ["", "events = [\"A\"]\n"] {
        let day = if events.is_empty() { day.clone() } else { inactive(24, events) };
        let hours = inactive(2, events);
        let happenings = [("A", 1), ("A", 30)];
        let driver = World::new(&[(0, &day), (10, &hours)]).run(&happenings);
        assert_eq!(sent(&driver), [row(32, "r2", "A")], "{events}");
        let hours = inactive(2, &format!("{events}backfill = true"));
        let driver = World::new(&[(0, &day), (10, &hours)]).run(&happenings);
        assert_eq!(sent(&driver), [row(10, "r2", "A"), row(32, "r2", "A")], "{events}");
        let driver = World::new(&[(0, &day), (10, &hours), (15, &hours)]).run(&happenings);
        assert_eq!(sent(&driver).len(), 2, "{events}");
    }
}

#[test]
fn what_was_done_of_other_events_is_nothing_to_a_rule_that_names_others_now() {
    let (old, new) = (inactive(24, "events = [\"A\"]"), inactive(24, "events = [\"B\"]"));
    let driver = World::new(&[(0, &old), (10, &new)]).run(&[("A", 1), ("B", 20)]);
    assert_eq!(sent(&driver), [row(44, "r2", "B")]);
}

#[test]
fn a_silence_goes_on_over_a_release_that_says_the_same_trigger() {
    let day = inactive(24, "events = [\"A\"]");
    let named = format!("description = \"other words\"\n{day}");
    assert_eq!(sent(&World::new(&[(0, &day), (10, &named)]).run(&[("A", 1)])), [row(25, "r2", "A")]);
}

#[test]
fn a_rule_that_is_off_or_gone_knows_no_silence_when_it_comes_back() {
    for events in ["", "events = [\"A\"]"] {
        let day = inactive(24, events);
        let off = format!("status = \"off\"\n{day}");
        for between in ["", &off] {
            // Over while it was off; then what is done after it came back counts.
            let releases = [(0, day.as_str()), (10, between), (40, day.as_str())];
            let driver = World::new(&releases).run(&[("A", 1), ("A", 50)]);
            assert_eq!(sent(&driver), [row(74, "r3", "A")], "{events} {between}");
        }
    }
}

#[test]
fn who_is_inside_a_list_goes_on_by_the_steps_of_their_release() {
    let rule = |steps: &str| {
        format!("name = \"R\"\n[trigger]\nevent = \"A\"\n[limits]\nonce_per = \"always\"\n{steps}")
    };
    let old = rule(
        "[[step]]\nif = { \"properties.plan\" = \"trial\" }\n\
         then = [ { wait = \"20 hours\" }, { in_product = \"one\" }, { exit = true } ]\n[[step]]\nin_product = \"two\"\n",
    );
    let new = rule("[[step]]\nin_product = \"three\"\n");
    let driver = World::new(&[(0, &old), (10, &new)]).run(&[("A", 1), ("A", 11)]);
    assert_eq!(sent(&driver), [row(11, "r2", "A"), row(21, "r1", "A")]);
    assert_eq!(
        driver.decisions().map(|decision| decision.step.to_string()).collect::<Vec<_>>(),
        ["three", "one"]
    );
}
