//! What the team does: versions of the project are released, and operators hold rules and let them go. Made from the seed
//! before the run, the same with faults and without.
//!
//! A release goes the service's way: the folder has changed, and the next start of a process announces it
//! (`app::announce`), after an ordered stop or a crash. A pause is `app::operations::set_pause`.

use crate::dice::Dice;
use crate::people::ACTS_FOR;
use crate::project::{RULES, VERSIONS, Version};
use crate::suppress;
use crate::time::{HOUR, MINUTE, SECOND};
use crate::world::{Actor, Event, PARTITIONS, World};
use outreach::app::operations::set_pause;
use outreach::ledger::{Ledger, Message, MessageState};
use outreach::worker::Step;
use outreach_engine::Timestamp;
use outreach_engine::effect::{Channel, DecisionId};
use std::collections::BTreeSet;

/// All that is planned.
#[derive(Clone, Debug)]
pub struct Team {
    pub deploys: Vec<Deploy>,
    pub holds: Vec<Hold>,
}

#[derive(Clone, Debug)]
pub struct Deploy {
    /// Since the beginning.
    pub after: i64,
    pub version: Version,
    /// Processes are asked to stop, rather than killed.
    pub is_ordered: bool,
    /// So many starts are likely to die while they announce it.
    pub deadly_starts: u32,
}

/// A rule, or everything, is held so long.
#[derive(Clone, Debug)]
pub struct Hold {
    pub rule: Option<&'static str>,
    pub from: i64,
    pub until: i64,
}

/// What was held: from when an operator was told so, to when one began to let it go.
#[derive(Clone, Debug)]
pub struct Held {
    pub number: usize,
    pub rule: Option<&'static str>,
    pub from: i64,
    pub until: i64,
    /// What was leaving at its beginning.
    pub leaving: BTreeSet<DecisionId>,
}

/// A rule that is off: from when a process runs with that release, to when the next is on its way.
#[derive(Clone, Debug)]
pub struct Off {
    pub rule: &'static str,
    pub from: i64,
    pub until: i64,
}

/// What the team of this seed does.
pub fn team(seed: u64) -> Team {
    let dice = Dice::new(seed, 7);
    let mut team = Team { deploys: Vec::new(), holds: Vec::new() };
    for _ in 0..if dice.happens(400_000) { 0 } else { dice.between(1, 5) } {
        team.deploys.push(Deploy {
            after: dice.between(HOUR, ACTS_FOR),
            version: Version(dice.between(0, i64::from(VERSIONS)) as u8),
            is_ordered: dice.happens(500_000),
            deadly_starts: dice.between(0, 4) as u32,
        });
    }
    let mut rules: Vec<Option<&str>> = RULES.into_iter().map(Some).chain([None, None, None]).collect();
    for _ in 0..dice.between(0, 4) {
        let rule = rules.remove(dice.between(0, rules.len() as i64) as usize);
        if rule.is_none() {
            rules.retain(Option::is_some);
        }
        let from = dice.between(MINUTE, ACTS_FOR - HOUR);
        let longest = *dice.one(&[MINUTE, HOUR, 14 * HOUR]);
        team.holds.push(Hold { rule, from, until: (from + dice.between(SECOND, longest)).min(ACTS_FOR) });
    }
    team
}

impl World {
    pub fn deploy(&mut self, number: usize) {
        let deploy = self.team.deploys[number].clone();
        self.note(&format!("{deploy:?}"));
        let now = self.time.now();
        self.offs.iter_mut().for_each(|off| off.until = off.until.min(now));
        (self.version, self.is_released) = (deploy.version, false);
        self.deadly_starts = if self.plan.is_faulty { deploy.deadly_starts } else { 0 };
        for owner in 0..self.owners.len() {
            let Some(process) = &mut self.owners[owner].process else { continue };
            if deploy.is_ordered || !self.plan.is_faulty {
                process.is_stopping = true;
                self.wake(owner, Actor::Gate, SECOND);
            } else {
                self.bury(owner);
            }
        }
    }

    /// A process runs: what it was started with is released.
    pub fn has_released(&mut self) {
        if std::mem::replace(&mut self.is_released, true) {
            return;
        }
        let from = self.time.now();
        let off = |rule: &&'static str| Off { rule, from, until: i64::MAX };
        self.offs.extend(self.version.rules_off().iter().map(off));
    }

    /// Once nothing is leaving any more, all is written down.
    pub fn stop_in_order(&mut self, owner: usize) {
        let Some(process) = &mut self.owners[owner].process else { return };
        if process.leaving.count() > 0 {
            return self.wake(owner, Actor::Gate, SECOND);
        }
        let life = process.life.clone();
        let mut notes = vec![format!("owner {owner} stops in order")];
        for partition in 0..PARTITIONS {
            let ended = process.worker(partition).and_then(|worker| {
                while worker.step()? == Step::Busy {}
                worker.finish()
            });
            notes.extend(ended.err().map(|error| format!("worker {partition} cannot finish: {error}")));
        }
        while process.write_snapshot() {}
        notes.iter().for_each(|text| self.note(text));
        (0..PARTITIONS).for_each(|partition| self.note_position(partition));
        self.owners[owner].process = None;
        self.forget(owner, &life);
        self.ledger_grew();
        self.after(self.dice.between(SECOND, 2 * SECOND), Event::Start(owner));
    }

    /// An operator holds a rule, and tries again until told that it is held.
    pub fn hold(&mut self, number: usize) {
        let Hold { rule, until, .. } = self.team.holds[number];
        let now = self.time.now();
        if !self.set_pause(rule, true) {
            return self.after(self.dice.between(SECOND, MINUTE), Event::Hold(number));
        }
        let leaving = suppress::leaving(&self.durable.ledger);
        self.held.push(Held { number, rule, from: now, until: i64::MAX, leaving });
        let start = Timestamp::parse(crate::people::START).expect("a time").0;
        self.at((start + until).max(now + 1), Event::Resume(number));
    }

    /// And lets it go; from the first try on it may be.
    pub fn resume(&mut self, number: usize) {
        let now = self.time.now();
        let held = self.held.iter_mut().find(|held| held.number == number).expect("held before");
        held.until = held.until.min(now);
        let rule = held.rule;
        if !self.set_pause(rule, false) {
            return self.after(self.dice.between(SECOND, MINUTE), Event::Resume(number));
        }
        if !self.plan.is_faulty {
            self.after(SECOND, Event::Look(number));
        }
    }

    fn set_pause(&mut self, rule: Option<&'static str>, is_on: bool) -> bool {
        let Some(owner) = self.answering() else { return false };
        let Some(process) = &self.owners[owner].process else { return false };
        let set = set_pause(&*process.ledger, rule, is_on, process.guard.now());
        self.note(&format!("hold {rule:?}, {is_on}: {}", set.is_ok()));
        self.ledger_grew();
        set.is_ok()
    }

    /// A second after it was let go nothing is held by it any more.
    pub fn look(&mut self, number: usize) {
        let now = self.time.now();
        let runs = |process: &crate::process::Process| !process.is_stopping;
        let has_run = self.started_at + 2 * SECOND <= now;
        if !has_run || !self.owners[0].process.as_ref().is_some_and(runs) {
            return;
        }
        let all = self.durable.ledger.transaction(|transaction| {
            let mut all = transaction.due_messages(Channel::Email, Timestamp::MAX, 9_999)?;
            all.extend(transaction.due_messages(Channel::InProduct, Timestamp::MAX, 9_999)?);
            Ok(all)
        });
        let is_about = |rule: Option<&str>, message: &Message| rule.is_none_or(|rule| rule == message.rule);
        let rule = self.team.holds[number].rule;
        let others: Vec<_> = self.held.iter().filter(|held| held.until > now).map(|held| held.rule).collect();
        for message in all.expect("the real ledger stands") {
            let is_paused =
                message.state == MessageState::Held && message.reason.as_deref() == Some("paused");
            if is_paused && is_about(rule, &message) && !others.iter().any(|rule| is_about(*rule, &message)) {
                self.violated(format!("a second after {rule:?} was let go {} is held", message.key.id));
            }
        }
    }
}
