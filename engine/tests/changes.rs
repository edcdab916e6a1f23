//! What becomes of people inside where a rule changes and says what is to become of them, is renamed, or was a shadow.

mod world;

use outreach_engine::effect::NonEntryReason;
use outreach_engine::{Effect, Length, Release, Timestamp};
use world::{Answers, Driver, Entry, What, project};

const START: Timestamp = Timestamp(1_772_445_600_000_000);

fn hour(hour: i64) -> Timestamp {
    START + Length::hours(hour)
}

/// What is released at an hour: rules by id.
type Rules<'r> = (i64, &'r [(&'r str, &'r str)]);

fn release(releases: &[Rules<'_>], number: usize) -> Release {
    let build = |at: usize| {
        let rules = releases[at].1.iter().map(|(id, text)| project::rule(id, text)).collect();
        project::release(&format!("r{}", at + 1), project::bare_settings(), rules)
    };
    let others = (0..releases.len()).filter(|at| *at != number);
    others.fold(build(number), |release, other| release.with_earlier(&build(other)))
}

/// Announces each release at its hour, and brings Ada's events; messages leave at once.
fn run(releases: &[Rules<'_>], happenings: &[(&str, i64)]) -> Driver {
    run_with(Answers::AtOnce, releases, happenings)
}

fn run_with(answers: Answers, releases: &[Rules<'_>], happenings: &[(&str, i64)]) -> Driver {
    let mut driver = Driver::new(release(releases, 0));
    driver.answers = answers;
    let mut happenings = happenings.iter().peekable();
    for (number, (from, _)) in releases.iter().enumerate() {
        driver.tick_until(hour(*from));
        driver.release = release(releases, number);
        let what = What::Release(format!("r{}", number + 1));
        driver.append(Entry { who: String::new(), at: hour(*from), arrives: hour(*from), what });
        let until = releases.get(number + 1).map_or(i64::MAX, |(next, _)| *next);
        while let Some((name, at)) = happenings.next_if(|(_, at)| *at < until) {
            driver.run(&[Entry::track("user:ada", hour(*at), name, &format!("{name} {at}"), "{}")]);
        }
    }
    driver.run_out();
    driver
}

/// `hour rule/step verdict release` of each decision.
fn decided(driver: &Driver) -> Vec<String> {
    let of = |decision: &outreach_engine::Decision| {
        let at = decision.due_at.since(START).0 / Length::hours(1).0;
        let (rule, step, verdict) = (&decision.rule, &decision.step, decision.verdict.code());
        format!("{at} {rule}/{step} {verdict} {}", decision.release)
    };
    driver.decisions().map(of).collect()
}

fn counted(driver: &Driver, reason: NonEntryReason) -> usize {
    let is_it = |effect: &&Effect| matches!(effect, Effect::Count(no) if no.reason == reason);
    driver.effects.iter().filter(is_it).count()
}

/// By A: one, a day, two.
fn two_steps(beside: &str) -> String {
    format!(
        "name = \"R\"\n{beside}\n[trigger]\nevent = \"A\"\n[[step]]\nin_product = \"one\"\n[[step]]\nwait = \"1 day\"\n\
         [[step]]\nin_product = \"two\"\n"
    )
}

#[test]
fn those_inside_keep_their_steps_unless_the_rule_says_otherwise() {
    let old = two_steps("");
    let new = |beside: &str| two_steps(beside).replace("\"two\"", "\"two\"\ntopic = \"news\"");
    let run = |new: &str| run(&[(0, &[("r", &old)]), (10, &[("r", new)])], &[("A", 1)]);
    assert_eq!(decided(&run(&new(""))), ["1 r/one send r1", "25 r/two send r1"]);
    assert_eq!(decided(&run(&new("on_change = \"keep\""))), ["1 r/one send r1", "25 r/two send r1"]);
    let followed = run(&new("on_change = \"follow\""));
    assert_eq!(decided(&followed), ["1 r/one send r1", "25 r/two send r2"]);
    let left = run(&new("on_change = \"leave\""));
    assert_eq!(decided(&left), ["1 r/one send r1"]);
    assert_eq!(counted(&left, NonEntryReason::RuleChanged), 1);
}

#[test]
fn a_rule_of_which_only_words_changed_has_not_changed() {
    let (old, new) =
        (two_steps(""), two_steps("on_change = \"leave\"\ndescription = \"Other words.\"\nowner = \"x\""));
    let driver = run(&[(0, &[("r", &old)]), (10, &[("r", &new)])], &[("A", 1)]);
    assert_eq!(decided(&driver), ["1 r/one send r1", "25 r/two send r1"]);
}

#[test]
fn who_follows_goes_on_at_the_next_step_that_is_still_there_and_else_is_done() {
    let old = two_steps("");
    let third = "[[step]]\nwait = \"1 hour\"\nname = \"pause\"\n[[step]]\nin_product = \"three\"\n";
    let old = format!("{old}{third}");
    let gone = old
        .replace("in_product = \"two\"", "in_product = \"other\"")
        .replace("name = \"R\"", "name = \"R\"\non_change = \"follow\"");
    let driver = run(&[(0, &[("r", &old)]), (10, &[("r", &gone)])], &[("A", 1)]);
    assert_eq!(decided(&driver), ["1 r/one send r1", "25 r/three send r2"]);
    let none =
        "name = \"R\"\non_change = \"follow\"\n[trigger]\nevent = \"A\"\n[[step]]\nin_product = \"new\"\n";
    let driver = run(&[(0, &[("r", &old)]), (10, &[("r", none)])], &[("A", 1)]);
    assert_eq!(decided(&driver), ["1 r/one send r1"]);
}

fn absence(beside: &str, within: &str) -> String {
    format!(
        "name = \"R\"\n{beside}\n[trigger]\nevent = \"A\"\nwithout = \"B\"\nwithin = \"{within}\"\n[[step]]\nin_product = \"card\"\n"
    )
}

#[test]
fn who_waits_follows_to_the_new_deadline_or_leaves() {
    let old = absence("", "3 days");
    let run = |new: &str| run(&[(0, &[("r", &old)]), (10, &[("r", new)])], &[("A", 1)]);
    assert_eq!(decided(&run(&absence("", "2 days"))), ["73 r/card send r1"]);
    assert_eq!(decided(&run(&absence("on_change = \"follow\"", "2 days"))), ["49 r/card send r2"]);
    let left = run(&absence("on_change = \"leave\"", "2 days"));
    assert_eq!((decided(&left).len(), counted(&left, NonEntryReason::RuleChanged)), (0, 1));
}

#[test]
fn a_message_in_flight_of_who_leaves_is_taken_back() {
    let (old, new) = (two_steps(""), two_steps("on_change = \"leave\"\npriority = 7"));
    let driver = run_with(Answers::ByHand, &[(0, &[("r", &old)]), (10, &[("r", &new)])], &[("A", 1)]);
    let cancels = driver.effects.iter().filter(|effect| matches!(effect, Effect::Cancel(_)));
    assert_eq!((decided(&driver).len(), cancels.count()), (1, 1));
}

#[test]
fn a_renamed_rule_takes_over_journeys_marks_and_waits() {
    let (old, new) = (two_steps(""), two_steps("formerly = \"old\""));
    let releases: [Rules<'_>; 2] = [(0, &[("old", &old)]), (10, &[("new", &new)])];
    let driver = run(&releases, &[("A", 1), ("A", 30)]);
    assert_eq!(decided(&driver), ["1 old/one send r1", "25 new/two send r1"]);
    assert_eq!(counted(&driver, NonEntryReason::OncePer), 1);
    let (old, new) = (absence("", "3 days"), absence("formerly = \"old\"", "3 days"));
    let releases: [Rules<'_>; 2] = [(0, &[("old", &old)]), (10, &[("new", &new)])];
    assert_eq!(decided(&run(&releases, &[("A", 1)])), ["73 new/card send r1"]);
    assert_eq!(decided(&run(&releases, &[("A", 1), ("B", 20)])), [""; 0]);
}

#[test]
fn a_rename_lasts_when_the_file_says_it_no_more_and_is_taken_back_with_the_old_name() {
    let (old, new) = (two_steps(""), two_steps("formerly = \"old\""));
    let releases: [Rules<'_>; 3] = [(0, &[("old", &old)]), (10, &[("new", &new)]), (20, &[("new", &old)])];
    let driver = run(&releases, &[("A", 1), ("A", 30)]);
    assert_eq!(decided(&driver), ["1 old/one send r1", "25 new/two send r1"]);
    let back: [Rules<'_>; 3] = [(0, &[("old", &old)]), (10, &[("new", &new)]), (20, &[("old", &old)])];
    let driver = run(&back, &[("A", 1), ("A", 30)]);
    assert_eq!(decided(&driver), ["1 old/one send r1", "25 old/two send r1"]);
    assert_eq!(counted(&driver, NonEntryReason::OncePer), 1);
}

#[test]
fn a_name_that_was_another_rules_takes_over_the_marks_and_their_journeys_finish() {
    let (old, new) = (two_steps(""), two_steps("formerly = \"old\""));
    let other = two_steps("").replace("event = \"A\"", "event = \"X\"");
    let releases: [Rules<'_>; 2] = [(0, &[("old", &old), ("new", &other)]), (10, &[("new", &new)])];
    let driver = run(&releases, &[("X", 0), ("A", 1), ("A", 30)]);
    let all = ["0 new/one send r1", "1 old/one send r1", "24 new/two send r1", "25 old/two send r1"];
    assert_eq!(decided(&driver), all);
    assert_eq!(counted(&driver, NonEntryReason::OncePer), 1);
}

#[test]
fn a_shadows_journeys_and_marks_end_when_it_becomes_live() {
    let (shadow, live) = (two_steps("status = \"shadow\""), two_steps(""));
    let driver = run(&[(0, &[("r", &shadow)]), (10, &[("r", &live)])], &[("A", 1), ("A", 30)]);
    assert_eq!(decided(&driver), ["1 r/one shadow r1", "30 r/one send r2", "54 r/two send r2"]);
    let again: [Rules<'_>; 3] = [(0, &[("r", &shadow)]), (10, &[]), (20, &[("r", &live)])];
    let driver = run(&again, &[("A", 1), ("A", 30)]);
    assert_eq!(decided(&driver)[1..], ["30 r/one send r3", "54 r/two send r3"], "gone in between");
}

#[test]
fn a_mark_of_when_it_was_live_outlives_a_shadow() {
    let (live, shadow) = (two_steps(""), two_steps("status = \"shadow\""));
    let releases: [Rules<'_>; 3] = [(0, &[("r", &live)]), (10, &[("r", &shadow)]), (40, &[("r", &live)])];
    let driver = run(&releases, &[("A", 1), ("A", 30), ("A", 50)]);
    assert_eq!(decided(&driver), ["1 r/one send r1", "25 r/two shadow r1"], "nothing is sent by a shadow");
    assert_eq!(counted(&driver, NonEntryReason::OncePer), 2);
}

#[test]
fn who_waits_by_a_shadow_enters_what_is_live_at_the_deadline() {
    let (shadow, live) = (absence("status = \"shadow\"", "3 days"), absence("", "3 days"));
    let driver = run(&[(0, &[("r", &shadow)]), (10, &[("r", &live)])], &[("A", 1)]);
    assert_eq!(decided(&driver), ["73 r/card send r1"]);
}

#[test]
fn a_rule_that_is_gone_lets_those_inside_finish() {
    let rule = two_steps("");
    let driver = run(&[(0, &[("r", &rule)]), (10, &[])], &[("A", 1), ("A", 30)]);
    assert_eq!(decided(&driver), ["1 r/one send r1", "25 r/two send r1"]);
}
