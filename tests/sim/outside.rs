//! What comes from outside: people's deeds, and things that go wrong.

use crate::faults::Fault;
use crate::ledger::SimLedger;
use crate::mail_server::Mood;
use crate::people::What;
use crate::suppress::{No, suppress};
use crate::time::{MINUTE, SECOND};
use crate::world::{Actor, Event, PARTITIONS, World};
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use outreach::ingest::intake::{Input, Intake};
use outreach::ledger::{Message, SuppressionKind};
use outreach_engine::event::{Arrival, MissingTime};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A client that hears nothing for so long tries again.
const PATIENCE: i64 = 10 * SECOND;

impl World {
    pub fn deed(&mut self, number: usize) {
        match self.workload.deeds[number].what.clone() {
            What::Source(_) => {
                for owner in 0..self.owners.len() {
                    self.wake(owner, Actor::Copier, SECOND);
                }
            }
            What::Post(_) => self.post(number, 0),
            What::Unsubscribe { user, address, topic } => {
                let topic = topic.map(str::to_owned);
                self.no(No {
                    at: self.time.now(),
                    user,
                    address,
                    topic,
                    kind: SuppressionKind::Unsubscribed,
                    leaving: BTreeSet::new(),
                });
            }
            What::Complain { user, address } => self.no(No {
                at: self.time.now(),
                user,
                address,
                topic: None,
                kind: SuppressionKind::Complained,
                leaving: BTreeSet::new(),
            }),
        }
    }

    /// Somebody's process that answers, if there is one.
    pub fn answering(&self) -> Option<usize> {
        let now = self.time.now();
        let answers = |owner: &usize| {
            let owner = &self.owners[*owner];
            owner.process.as_ref().is_some_and(|process| !process.is_stopping) && owner.paused_until <= now
        };
        (0..self.owners.len()).rev().find(answers)
    }

    /// Now and then somebody says no just when something for them is leaving.
    pub fn may_say_no(&mut self, message: &Message, in_a_million: u32) {
        let Some(user) = message.subject.strip_prefix("user:") else { return };
        if !self.plan.is_faulty || message.address.is_empty() || !self.dice.happens(in_a_million) {
            return;
        }
        let no = No {
            at: self.time.now(),
            user: user.to_owned(),
            address: message.address.clone(),
            topic: message.topic.clone(),
            kind: SuppressionKind::Unsubscribed,
            leaving: BTreeSet::new(),
        };
        let delay = self.dice.between(1, 10 * SECOND);
        self.after(delay, Event::No(no));
    }

    pub fn no(&mut self, no: No) {
        let no = No { at: self.time.now(), ..no };
        let answering = self.answering().and_then(|owner| self.owners[owner].process.as_ref());
        let ledger: Option<Arc<SimLedger>> = answering.map(|process| process.ledger.clone());
        let clock = answering.map(|process| process.guard.clock());
        let is_done = ledger.zip(clock).is_some_and(|(ledger, clock)| {
            let real = &self.durable.ledger;
            suppress(&ledger, real, clock, PARTITIONS, no.clone(), &self.nos).is_ok()
        });
        self.note(&format!("{} says no: {is_done}", no.user));
        if is_done {
            self.ledger_grew();
        } else {
            let again = self.dice.between(SECOND, MINUTE);
            self.after(again, Event::No(no));
        }
    }

    /// Posts an event, unless it is kept or a later try is on its way.
    pub fn post(&mut self, number: usize, attempt: u32) {
        let posted = self.posted.entry(number).or_default();
        if posted.is_kept || posted.attempt != attempt {
            return;
        }
        posted.attempt += 1;
        let next = Event::Post { deed: number, attempt: attempt + 1 };
        let patience = self.dice.between(PATIENCE, 2 * PATIENCE);
        self.after(patience, next);
        let What::Post(payload) = &self.workload.deeds[number].what else { return };
        let Some(owner) = self.answering() else { return };
        let Some(process) = &self.owners[owner].process else { return };
        let default_message_id = format!("http-{number}-{attempt}");
        let arrival = Arrival {
            received_at: process.guard.now(),
            batch_sent_at: None,
            default_kind: None,
            is_proven: true,
            corrects_clock: true,
            default_message_id: &default_message_id,
            origin: None,
            missing_time: MissingTime::UseReceivedAt,
        };
        let mut intake = Intake::new(PARTITIONS);
        intake.take(&Input { source: "http:backend", origin: None, payload }, &arrival);
        let answers = self.answers.clone();
        let done = move |result| answers.lock().expect("no panic while held").push((number, result));
        // An error is a 503, and so is silence: the client tries again.
        let stored = intake.store(&process.door, &*process.ledger, Box::new(done));
        let line =
            format!("owner {owner} is posted {number}, {}", if stored.is_ok() { "taken" } else { "refused" });
        self.note(&line);
    }

    /// What clients were told.
    pub fn take_answers(&mut self) {
        let answers = std::mem::take(&mut *self.answers.lock().expect("no panic while held"));
        for (number, result) in answers {
            if result.is_ok() {
                self.note(&format!("{number} is kept"));
                self.posted.entry(number).or_default().is_kept = true;
            }
        }
    }

    pub fn fault(&mut self, fault: Fault) {
        let now = self.time.now();
        self.note(&format!("{fault:?}"));
        match fault {
            Fault::Crash { owner } => self.bury(owner),
            Fault::Jump { owner, ahead } => {
                self.owners[owner].machine.set_ahead(ahead);
                self.wake_all(owner);
            }
            Fault::Calls { errors, crashes } => self.trouble.set(errors, crashes),
            Fault::Mail(mood) => self.server.mood = mood,
            Fault::Stall { for_long } => {
                self.stalled_until = now + for_long;
                let processes = self.owners.iter().filter_map(|owner| owner.process.as_ref());
                processes.for_each(|process| process.copier.stall_until(now + for_long));
                (0..self.owners.len()).for_each(|owner| self.wake_at(owner, Actor::Copier, now + for_long));
            }
            Fault::Pause { owner, for_long } => self.owners[owner].paused_until = now + for_long,
            Fault::SecondComes => {
                self.owners[1].is_wanted = true;
                self.after(1, Event::Start(1));
            }
            Fault::SecondGoes => {
                self.owners[1].is_wanted = false;
                self.bury(1);
            }
            Fault::Tear { partition } => self.tear(partition),
        }
    }

    /// Cuts the newest snapshot of a partition, or turns a bit of it.
    pub fn tear(&mut self, partition: u32) {
        let store = self.durable.snapshots.clone();
        let folder = object_store::path::Path::from(format!("p{partition:05}"));
        let (cut, turns) = (self.dice.number(), self.dice.happens(300_000));
        let torn = futures_lite::future::block_on(async {
            let listed = store.list_with_delimiter(Some(&folder)).await.ok()?;
            let newest = listed.objects.into_iter().map(|object| object.location).max()?;
            let mut bytes = store.get(&newest).await.ok()?.bytes().await.ok()?.to_vec();
            let at = (cut % bytes.len().max(1) as u64) as usize;
            if turns {
                bytes[at] ^= 1;
            } else {
                bytes.truncate(at);
            }
            store.put(&newest, PutPayload::from(bytes)).await.ok()?;
            Some(newest)
        });
        if let Some(path) = torn {
            self.note(&format!("{path} is torn"));
        }
    }

    /// Everything is well from now on: what is still to do gets done.
    pub fn make_whole(&mut self) {
        self.note("all is well from now on");
        self.trouble.set(0, 0);
        self.server.mood = Mood::Good;
        self.stalled_until = i64::MIN;
        *self.interloper.lock().expect("no panic while held") = None;
        self.owners[1].is_wanted = false;
        self.bury(1);
        for owner in &mut self.owners {
            owner.machine.set_ahead(0);
            owner.paused_until = i64::MIN;
            if let Some(process) = &owner.process {
                process.copier.stall_until(i64::MIN);
            }
        }
        self.wake_all(0);
    }
}
