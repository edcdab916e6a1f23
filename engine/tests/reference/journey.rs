//! Entry, steps and their judging: the table "Guard rails" of rules.md, line by line.

use super::person::{Person, Seen};
use super::rule::{Message, OncePer, Rule, Step};
use super::settings::{Counted, Settings};
use super::time::{self, Micros};
use super::trigger::Hold;

/// A journey from its entry on; it stays in the list when it is over, since it is an entry.
#[derive(Clone, Debug)]
pub struct Journey {
    pub rule: usize,
    pub hold: Hold,
    /// When the trigger held: the event's time, or the deadline.
    pub entered_at: Micros,
    /// The next step.
    step: usize,
    /// What the next wait counts from: the entry, or the outcome of the step before.
    since: Micros,
    /// The place in the log at which it began to count.
    since_place: usize,
    /// Nothing is judged earlier: the end of the grace, or of quiet hours.
    held_until: Micros,
    grace_until: Micros,
    is_held_by_cap: bool,
    has_waited_for_cap: bool,
    pub in_flight: Option<Decided>,
    pub is_over: bool,
    /// Whether each message so far was dropped as late or expired.
    dropped: Vec<bool>,
}

/// A decision, as it is compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    pub rule: String,
    pub key: String,
    pub step: String,
    pub verdict: String,
    pub triggered_at: Micros,
    pub due_at: Micros,
    pub judged_at: Micros,
    pub channel: &'static str,
    pub is_transactional: bool,
}

/// What is known besides the journey when a step is judged.
pub struct Judge<'j> {
    pub person: &'j Person,
    pub rules: &'j [Rule],
    pub settings: &'j Settings,
    pub counted: &'j [Counted],
    /// Whether this (rule, person) is in the arm that gets nothing.
    pub is_held_out: bool,
    pub now: Micros,
    pub place: usize,
}

impl Journey {
    pub fn new(hold: Hold, entered_at: Micros, grace_until: Micros, place: usize) -> Journey {
        Journey {
            rule: hold.rule,
            entered_at,
            step: 0,
            since: entered_at,
            since_place: place,
            held_until: grace_until,
            grace_until,
            is_held_by_cap: false,
            has_waited_for_cap: false,
            in_flight: None,
            is_over: false,
            dropped: Vec::new(),
            hold,
        }
    }

    /// An entry counts, unless all its messages were dropped as late or expired.
    pub fn counts(&self) -> bool {
        self.dropped.is_empty() || self.dropped.contains(&false)
    }

    /// The next message step and when it is due; none when only waits are left.
    fn next_message<'r>(&self, rule: &'r Rule) -> Option<(usize, &'r Message, Micros)> {
        let mut due = self.since;
        for (number, step) in rule.steps.iter().enumerate().skip(self.step) {
            match step {
                Step::Wait(length) => due += length,
                Step::Message(message) => return Some((number, message, due)),
            }
        }
        None
    }

    /// When the exit happened: a record after the one that completed the trigger, which came when that was known; of
    /// several the first to come.
    pub fn exit<'p>(&self, person: &'p Person) -> Option<&'p Seen> {
        let completed = (self.hold.at, self.hold.place);
        let is_mine = |key: &Option<String>| key.as_ref().is_none_or(|key| *key == self.hold.key);
        let own = person.history.iter().find(|seen| seen.place == self.hold.seen_at);
        let is_own = |seen: &Seen| own.is_some_and(|own| own.record.id == seen.record.id);
        let is_after =
            |seen: &Seen| seen.order() > completed && seen.place > self.hold.seen_at && !is_own(seen);
        let is_exit = |seen: &&Seen| is_after(seen) && seen.is[self.rule].exits.iter().any(is_mine);
        person.history.iter().find(is_exit)
    }

    /// When the next step may be judged; an exit makes it due at once.
    pub fn judged_from(&self, judge: &Judge<'_>) -> Option<Micros> {
        let (_, message, due) = self.next_message(&judge.rules[self.rule])?;
        if self.is_over || self.in_flight.is_some() {
            return None;
        }
        if self.exit(judge.person).is_some() && judge.now >= self.grace_until {
            return Some(due.min(judge.now));
        }
        if self.is_held_by_cap {
            let zone = judge.person.zone(judge.settings);
            let is_full = |at| judge.settings.is_full(judge.counted, message.channel, &zone, at);
            return Some(if is_full(judge.now) { self.held_until } else { judge.now });
        }
        Some(due.max(self.held_until))
    }

    /// When a step is due that would be due at `due`: an exit makes it due at once; one from while the message before was
    /// in flight, when that is over.
    fn due_at(&self, judge: &Judge<'_>, due: Micros) -> Micros {
        match self.exit(judge.person) {
            Some(exit) if exit.place > self.since_place => due.min(exit.record.at),
            Some(_) => self.since,
            None => due,
        }
    }

    /// In which order the steps of one tick are judged.
    pub fn rank(&self, judge: &Judge<'_>) -> (i64, Micros, usize, String) {
        let rule = &judge.rules[self.rule];
        let due = self.next_message(rule).map_or(Micros::MAX, |(_, _, due)| self.due_at(judge, due));
        (-rule.priority, due, self.hold.place, rule.id.clone())
    }

    /// Judges the next message: a row, or none where it is held.
    pub fn judge(&mut self, judge: &Judge<'_>) -> Option<Decided> {
        let rule = &judge.rules[self.rule];
        let (number, message, due) = self.next_message(rule).expect("a message is due");
        let is_exited = self.exit(judge.person).is_some();
        let verdict = self.verdict(judge, rule, message, due)?;
        let due_at = self.due_at(judge, due);
        let decided = Decided {
            rule: rule.id.clone(),
            key: self.hold.key.clone(),
            step: message.name.clone(),
            triggered_at: self.hold.at,
            due_at,
            judged_at: judge.now,
            channel: message.channel,
            is_transactional: message.is_transactional,
            verdict,
        };
        (self.is_held_by_cap, self.has_waited_for_cap, self.held_until) = (false, false, Micros::MIN);
        self.step = number + 1;
        (self.since, self.since_place) = (judge.now, judge.place);
        match decided.verdict.as_str() {
            "send" => self.in_flight = Some(decided.clone()),
            "holdout" => {
                self.dropped.push(judge.now > due + rule.late.min(message.expires.unwrap_or(rule.late)));
                self.is_over = true;
            }
            "refuse exit" | "refuse audience" | "refuse topic-opt-out" => {
                self.dropped.push(false);
                self.is_over = true;
            }
            other => {
                self.dropped.push(other == "refuse late");
                // An exit ends the journey whatever its step was refused for.
                self.is_over = is_exited;
            }
        }
        Some(decided)
    }

    fn verdict(&mut self, judge: &Judge<'_>, rule: &Rule, message: &Message, due: Micros) -> Option<String> {
        let person = judge.person;
        let refuse = |reason: &str| Some(format!("refuse {reason}"));
        // Who waits for a cap may wait until the message expires; what an exit brought forward was due later.
        let is_brought_forward =
            self.exit(person).is_some_and(|exit| exit.place > self.since_place && exit.record.at < due);
        let is_never_late = self.has_waited_for_cap || is_brought_forward;
        let due = self.due_at(judge, due);
        let expires = due + message.expires.unwrap_or(rule.late);
        let late = if is_never_late { Micros::MAX } else { expires.min(due + rule.late) };
        let is_marketing = !message.is_transactional;
        if judge.is_held_out {
            return Some("holdout".to_owned());
        }
        if judge.now > late {
            return refuse("late");
        }
        if self.exit(person).is_some() {
            return refuse("exit");
        }
        if !person.is_in_audience(rule, self.hold.place) {
            return refuse("audience");
        }
        let is_bounced = person.address().is_some_and(|address| person.bounced.contains(&address));
        if (message.channel == "email" && is_bounced) || (is_marketing && person.is_all_off) {
            return refuse("suppressed");
        }
        if is_marketing && person.topics_off.contains(&message.topic) {
            return refuse("topic-opt-out");
        }
        if message.channel == "email" && person.address().is_none() {
            return refuse("no-address");
        }
        let zone = person.zone(judge.settings);
        if is_marketing && judge.settings.is_full(judge.counted, message.channel, &zone, judge.now) {
            let free_at = judge.settings.free_at(judge.counted, message.channel, &zone, judge.now);
            if !message.waits_for_cap || free_at > expires {
                return refuse("cap");
            }
            self.held_until = free_at;
            (self.is_held_by_cap, self.has_waited_for_cap) = (true, true);
            return None;
        }
        if judge.now > expires {
            return refuse("late");
        }
        self.is_held_by_cap = false;
        if is_marketing && judge.settings.is_quiet(&zone, judge.now) {
            self.held_until = judge.settings.quiet_until(&zone, judge.now);
            return None;
        }
        Some(if rule.is_shadow { "shadow" } else { "send" }.to_owned())
    }

    /// What became of the message in flight.
    pub fn outcome(&mut self, kind: &str, at: Micros, place: usize) {
        self.in_flight = None;
        (self.since, self.since_place) = (at, place);
        self.dropped.push(kind == "expired");
    }
}

/// Why no journey begins, if none does: audience, then `once_per`.
pub fn refused_entry(
    judge: &Judge<'_>,
    journeys: &[Journey],
    hold: &Hold,
    at: Micros,
) -> Option<&'static str> {
    let rule = &judge.rules[hold.rule];
    if rule.is_off {
        return Some("rule-off");
    }
    if !judge.person.is_in_audience(rule, hold.place) {
        return Some("audience");
    }
    let zone = judge.person.zone(judge.settings);
    let forbids = |entered_at: Micros| match rule.once_per {
        OncePer::Always => false,
        OncePer::Ever => true,
        OncePer::Length(length) => (at - entered_at).abs() < length,
        OncePer::CalendarDay => time::date(&zone, at) == time::date(&zone, entered_at),
    };
    let mine = journeys.iter().filter(|journey| journey.rule == hold.rule && journey.hold.key == hold.key);
    // Of several entries the newest is asked.
    let newest = mine.filter(|journey| journey.counts()).map(|journey| journey.entered_at).max();
    newest.is_some_and(forbids).then_some("once-per")
}
