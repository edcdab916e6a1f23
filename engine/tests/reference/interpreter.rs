//! The log, record by record: what happened is written down, and at each tick everybody's whole history is looked at again.

use super::journey::{self, Decided, Journey, Judge};
use super::person::{Arrived, Person};
use super::rule::Rule;
use super::settings::{Counted, Settings};
use super::time::{Micros, shown};
use super::trigger::{self, Hold};
use std::collections::{BTreeMap, BTreeSet};

pub struct Interpreter {
    pub rules: Vec<Rule>,
    settings: Settings,
    lives: BTreeMap<String, Life>,
    /// (rule, person) in the arm that gets nothing: a hash says so, and the hash is not the language's.
    pub held_out: BTreeSet<(String, String)>,
    place: usize,
    now: Micros,
    /// Decisions, each with its person.
    pub decided: Vec<(String, Decided)>,
    /// `time rule not entered: reason`.
    pub not_entered: Vec<String>,
}

/// A person, and what the rules made of them.
#[derive(Default)]
struct Life {
    person: Person,
    holds: Vec<Hold>,
    /// Waits that were judged, the last of each rule and key last.
    judged: Vec<Hold>,
    /// First holds whose wait is over, or that began none: nothing begins by them any more, whatever comes late.
    spent: Vec<Hold>,
    journeys: Vec<Journey>,
    counted: Vec<Counted>,
}

impl Interpreter {
    pub fn new(settings: &str, rules: &[(String, String)]) -> Interpreter {
        Interpreter {
            rules: rules.iter().map(|(id, text)| Rule::read(id, text)).collect(),
            settings: Settings::read(settings),
            lives: BTreeMap::new(),
            held_out: BTreeSet::new(),
            place: 0,
            now: Micros::MIN,
            decided: Vec::new(),
            not_entered: Vec::new(),
        }
    }

    /// A record about a person comes.
    pub fn take(&mut self, who: &str, record: Arrived, now: Micros) {
        self.place += 1;
        self.now = self.now.max(now);
        let life = life(&mut self.lives, who);
        // Who has entered once for ever enters no more: what would begin it again is counted, and not remembered.
        let Life { person, holds, journeys, .. } = &mut *life;
        let ids: Vec<(usize, String)> =
            person.history.iter().map(|seen| (seen.place, seen.record.id.clone())).collect();
        let is_asked_again = |number: usize, id: &str| {
            let is_its = |hold: &&Hold| hold.rule == number && ids.contains(&(hold.place, id.to_owned()));
            let had = holds.iter().find(is_its);
            let is_entered = |journey: &Journey, before: &Hold| {
                journey.rule == number
                    && journey.hold.key == before.key
                    && journey.hold.seen_at < before.seen_at
            };
            self.rules[number].is_once_ever_for_an_event()
                && had.is_some_and(|had| journeys.iter().any(|journey| is_entered(journey, had)))
        };
        person.take(record, self.place, &self.rules, is_asked_again);
        for (number, rule) in self.rules.iter().enumerate().filter(|(_, rule)| !rule.is_off) {
            let new = trigger::new_holds(&life.person, number, rule, &life.holds);
            life.holds.extend(new.iter().cloned());
            for hold in new.into_iter().filter(|_| rule.trigger.without.is_none()) {
                let at = hold.at;
                let judge =
                    judge(&life.person, &self.rules, &self.settings, &life.counted, (self.now, self.place));
                match journey::refused_entry(&judge, &life.journeys, &hold, at) {
                    Some(reason) => self.not_entered.push(not_entered(rule, reason, at)),
                    None => life.journeys.push(Journey::new(hold, at, Micros::MIN, self.place)),
                }
            }
        }
        let mut life = self.lives.remove(who).expect("just taken");
        let waits: Vec<Hold> = self.waits(&life).into_iter().map(|(_, wait)| wait).collect();
        let over = life.holds.iter().filter(|hold| !waits.contains(hold) && !life.spent.contains(hold));
        let over: Vec<Hold> = over.cloned().collect();
        life.spent.extend(over);
        self.lives.insert(who.to_owned(), life);
    }

    /// A word of consent comes.
    pub fn consent(&mut self, who: &str, word: &str, what: &str, now: Micros) {
        self.place += 1;
        self.now = self.now.max(now);
        let person = &mut life(&mut self.lives, who).person;
        match word {
            "topic-off" => person.topics_off.push(what.to_owned()),
            "topic-on" => person.topics_off.retain(|topic| topic != what),
            "all-off" => person.is_all_off = true,
            "all-on" => person.is_all_off = false,
            "bounced" | "complained" => person.bounced.push(what.to_lowercase()),
            other => panic!("no consent: {other}"),
        }
    }

    /// What became of a message comes.
    pub fn outcome(&mut self, who: &str, decided: &Decided, kind: &str, at: Micros) {
        self.place += 1;
        self.now = self.now.max(at);
        let life = life(&mut self.lives, who);
        let journey = life.journeys.iter_mut().find(|journey| journey.in_flight.as_ref() == Some(decided));
        if let Some(journey) = journey {
            journey.outcome(kind, at, self.place);
        }
        // What never left gives its place back.
        let place = life.counted.iter().position(|counted| counted.decided == *decided);
        if let Some(place) = place.filter(|_| !["sent", "unknown"].contains(&kind)) {
            life.counted.remove(place);
        }
    }

    /// When somebody is due next.
    pub fn next_due(&self) -> Option<Micros> {
        self.lives.values().filter_map(|life| self.due_of(life)).min()
    }

    fn due_of(&self, life: &Life) -> Option<Micros> {
        let waits = self.waits(life).into_iter().map(|(rule, wait)| {
            let within = rule.trigger.without.as_ref().expect("an absence").within;
            wait.at + within + rule.grace
        });
        let judge = judge(&life.person, &self.rules, &self.settings, &life.counted, (self.now, self.place));
        waits.chain(life.journeys.iter().filter_map(|journey| journey.judged_from(&judge))).min()
    }

    /// The waits that nothing has ended and no tick has judged.
    fn waits(&self, life: &Life) -> Vec<(&Rule, Hold)> {
        let mut waits = Vec::new();
        for (number, rule) in self.rules.iter().enumerate() {
            if rule.trigger.without.is_none() || rule.is_off {
                continue;
            }
            for key in trigger::keys(&life.person, number) {
                let is_its = |hold: &&Hold| hold.rule == number && hold.key == key;
                let last = life.judged.iter().rev().find(is_its);
                let pending =
                    trigger::waits(&life.person, number, rule, &key, &life.holds, &life.spent, last);
                waits.extend(pending.into_iter().map(|wait| (rule, wait)));
            }
        }
        waits
    }

    /// All that came by `at` is known: who is due is judged.
    pub fn tick(&mut self, at: Micros) {
        self.place += 1;
        self.now = self.now.max(at);
        let names: Vec<String> = self.lives.keys().cloned().collect();
        for who in names {
            let mut life = self.lives.remove(&who).expect("a life");
            self.end_waits(&mut life);
            self.take_back(&mut life);
            self.judge_steps(&who, &mut life);
            self.lives.insert(who, life);
        }
    }

    /// A wait that is over by its deadline and the grace is an entry at the deadline.
    fn end_waits(&mut self, life: &mut Life) {
        let over = self.waits(life).into_iter().map(|(rule, wait)| {
            let within = rule.trigger.without.as_ref().expect("an absence").within;
            (wait.at + within, wait.at + within + rule.grace, wait)
        });
        let mut over: Vec<_> = over.filter(|(_, judged_at, _)| *judged_at <= self.now).collect();
        over.sort_by_key(|(deadline, _, wait)| (*deadline, wait.place));
        for (deadline, judged_at, wait) in over {
            let judge =
                judge(&life.person, &self.rules, &self.settings, &life.counted, (self.now, self.place));
            let refused = journey::refused_entry(&judge, &life.journeys, &wait, deadline);
            life.spent.push(wait.clone());
            life.judged.push(wait.clone());
            match refused {
                Some(reason) => {
                    self.not_entered.push(not_entered(&self.rules[wait.rule], reason, deadline));
                }
                None => life.journeys.push(Journey::new(wait, deadline, judged_at, self.place)),
            }
        }
    }

    /// What is still in flight is cancelled by an exit, an opt-out or lost audience, and its journey ends.
    fn take_back(&self, life: &mut Life) {
        for journey in &mut life.journeys {
            let rule = &self.rules[journey.rule];
            let Some(decided) = &journey.in_flight else { continue };
            let message = rule.message(&decided.step);
            let opted_out = !message.is_transactional
                && (life.person.is_all_off || life.person.topics_off.contains(&message.topic));
            let is_exited = journey.exit(&life.person).is_some();
            if is_exited || opted_out || !life.person.is_in_audience(rule, journey.hold.place) {
                journey.is_over = true;
            }
        }
    }

    /// All due steps of one person, by (priority descending, when due, the log's order, the rule's id).
    fn judge_steps(&mut self, who: &str, life: &mut Life) {
        loop {
            let Life { person, journeys, counted, .. } = &mut *life;
            let mut judge = judge(person, &self.rules, &self.settings, counted, (self.now, self.place));
            let is_due =
                |journey: &&mut Journey| journey.judged_from(&judge).is_some_and(|from| from <= self.now);
            let due = journeys.iter_mut().filter(is_due).min_by_key(|journey| journey.rank(&judge));
            let Some(journey) = due else { return };
            let rule = self.rules[journey.rule].id.clone();
            judge.is_held_out = self.held_out.contains(&(rule, who.to_owned()));
            let Some(decided) = journey.judge(&judge) else { continue };
            if decided.verdict == "send" && !decided.is_transactional {
                counted.push(Counted { decided: decided.clone() });
            }
            self.decided.push((who.to_owned(), decided));
        }
    }
}

fn life<'l>(lives: &'l mut BTreeMap<String, Life>, who: &str) -> &'l mut Life {
    lives.entry(who.to_owned()).or_insert_with(|| Life {
        person: Person { who: who.to_owned(), ..Person::default() },
        ..Life::default()
    })
}

fn judge<'j>(
    person: &'j Person,
    rules: &'j [Rule],
    settings: &'j Settings,
    counted: &'j [Counted],
    (now, place): (Micros, usize),
) -> Judge<'j> {
    Judge { person, rules, settings, counted, is_held_out: false, now, place }
}

fn not_entered(rule: &Rule, reason: &str, at: Micros) -> String {
    format!("{}  {}  not entered: {reason}", shown(at), rule.id)
}
