//! What a process's parts do when they are called, as the service's loops call them.

use crate::life::Life;
use crate::mail_server::{Accepted, Course, Left, Mood, header};
use crate::process::Process;
use crate::suppress;
use crate::time::{MINUTE, SECOND};
use crate::world::{Actor, Event, PARTITIONS, World};
use outreach::channel::{Delivery, Outgoing, in_product};
use outreach::dispatch::{Concluded, Places};
use outreach::ingest::outbox::{OutboxError, pump};
use outreach::ledger::{Ledger, LedgerError, Message};
use outreach::log::LogError;
use outreach::worker::{Step, WorkerError};
use std::sync::Arc;

/// After a failure a part tries again within this time.
const AGAIN: i64 = SECOND / 2;
/// A worker is looked after at least so often while the gate has work: in service it looks four times a second.
const LOOKS_EVERY: i64 = 10 * SECOND;

impl World {
    /// Calls one part of a process.
    pub fn act(&mut self, owner: usize, actor: Actor) {
        let now = self.time.now();
        if self.owners[owner].paused_until > now {
            return self.wake_at(owner, actor, self.owners[owner].paused_until);
        }
        match actor {
            Actor::Worker(partition) => self.work(owner, partition),
            Actor::Gate => self.gate(owner),
            Actor::Conclude => self.conclude(owner),
            Actor::Sweep => self.sweep(owner),
            Actor::Pump => self.pump(owner),
            Actor::Copier => self.copy(owner),
            Actor::Snapshots => self.write_snapshot(owner),
        }
    }

    fn work(&mut self, owner: usize, partition: u32) {
        let now = self.time.now();
        let Some(process) = &mut self.owners[owner].process else { return };
        process.life.saw_clock(process.guard.now().0 - now);
        let commits = process.ledger.commits();
        let looks = &mut process.looked[partition as usize];
        *looks = (now, looks.1 + 1);
        let looks = looks.1;
        let stepped = process.worker(partition).and_then(|worker| {
            let step = worker.step()?;
            Ok((step, worker.shard().next_due_at()))
        });
        let has_written = process.ledger.commits() > commits;
        let has_snapshot = !process.writing.lock().expect("no panic while held").is_empty();
        let actor = Actor::Worker(partition);
        match stepped {
            Ok((Step::Busy, _)) => self.wake(owner, actor, 2_000),
            Ok((Step::Idle { .. }, due_at)) => {
                let due = due_at.map(|at| at.0.max(process.true_time_of(at)));
                let is_in_doubt = process.guard.doubt().is_some();
                // It looks again soon; then, for nothing would happen, only when there is something to see.
                let again =
                    if looks <= 4 { now + [1, 4, 20, 24][looks as usize - 1] * SECOND / 4 } else { i64::MAX };
                let soonest = now + self.dice.between(SECOND / 20, SECOND / 2);
                let soonest = if is_in_doubt { soonest + SECOND } else { soonest };
                let at = due.map_or(again, |due| due.max(soonest).min(again));
                if at < i64::MAX {
                    self.wake_at(owner, actor, at);
                }
            }
            Ok((Step::Blocked { .. }, _)) => self.wake_at(owner, actor, now + SECOND),
            Err(error) => self.worker_stopped(owner, partition, error),
        }
        if has_written {
            self.note_position(partition);
            self.ledger_grew();
        }
        if has_snapshot {
            self.wake(owner, Actor::Snapshots, MINUTE);
        }
    }

    fn write_snapshot(&mut self, owner: usize) {
        let Some(process) = &self.owners[owner].process else { return };
        if process.write_snapshot() {
            self.note(&format!("owner {owner} has written a snapshot"));
            self.wake(owner, Actor::Snapshots, MINUTE);
        }
    }

    /// What a worker has written by now.
    pub fn note_position(&mut self, partition: u32) {
        let position = self.durable.ledger.transaction(|transaction| transaction.position(partition));
        let position = position.expect("the real ledger stands");
        self.written[partition as usize].push((self.time.now(), position));
    }

    fn worker_stopped(&mut self, owner: usize, partition: u32, error: WorkerError) {
        let Some(process) = &mut self.owners[owner].process else { return };
        if process.life.is_over() {
            return;
        }
        let starts_again = match &error {
            WorkerError::Ledger(LedgerError::Unavailable { .. })
            | WorkerError::Log(LogError::Unavailable { .. }) => self.dice.happens(500_000),
            // The ledger that releases are read from may be back in a moment; one that is missing keeps it from ending.
            WorkerError::Ledger(LedgerError::Fenced { .. }) | WorkerError::Release { .. } => true,
            WorkerError::Ledger(LedgerError::Damaged { .. })
            | WorkerError::Log(LogError::Damaged { .. })
            | WorkerError::Frame { .. }
            | WorkerError::Unproven { .. } => {
                return self
                    .violated(format!("owner {owner}'s worker of {partition} stops for good: {error}"));
            }
        };
        if starts_again {
            process.workers[partition as usize] = None;
        }
        self.note(&format!("owner {owner} worker {partition}: {error}"));
        self.wake(owner, Actor::Worker(partition), AGAIN);
    }

    fn gate(&mut self, owner: usize) {
        for partition in 0..PARTITIONS {
            let Some(process) = &self.owners[owner].process else { return };
            let is_old = process.looked[partition as usize].0 < self.time.now() - LOOKS_EVERY;
            if is_old && (!self.plan.is_faulty || self.dice.happens(950_000)) {
                self.work(owner, partition);
            }
        }
        let left = self.left(owner);
        let now = left.at;
        self.note_ends(owner);
        let Some(process) = &mut self.owners[owner].process else { return };
        if process.is_stopping {
            return self.stop_in_order(owner);
        }
        // As the service's own loop does: what has ended is written in the transaction that lets the next leave.
        let room =
            Places::all(&process.dispatcher.limits).without(process.leaving.without(process.ended_places()));
        match process.dispatcher.conclude_and_pass(&process.ended, room) {
            Ok(passed) => {
                let has_moved = !process.ended.is_empty() || passed.looked_at > 0;
                process.forget_ended();
                let life = process.life.clone();
                for message in passed.leaving {
                    self.takes_place(owner, &message);
                    let line =
                        format!("owner {owner} lets {} leave, attempt {}", message.key.id, message.attempts);
                    self.note(&line);
                    let is_slow = self.plan.is_faulty
                        && self.dice.happens(if self.server.mood == Mood::Slow { 500_000 } else { 50_000 });
                    let delay = self.dice.between(1, if is_slow { 70 * SECOND } else { 50_000 });
                    self.may_say_no(&message, if is_slow { 500_000 } else { 30_000 });
                    self.passes.push((message.key.id, message.rule.clone(), left));
                    self.after(delay, Event::HandOver { life: life.clone(), message, left });
                    self.wake_at(owner, Actor::Sweep, now + 10 * MINUTE + 2 * SECOND);
                }
                if has_moved {
                    self.ledger_grew();
                } else if let Some(next_at) = passed.next_at.filter(|_| room.email > 0) {
                    let process = self.owners[owner].process.as_ref().expect("it has just let them pass");
                    let at = process.true_time_of(next_at);
                    self.wake_at(owner, Actor::Gate, at.max(now + 20_000));
                }
            }
            Err(error) => self.failed(owner, Actor::Gate, error),
        }
    }

    fn takes_place(&mut self, owner: usize, message: &Message) {
        if let Some(Process { leaving, .. }) = &mut self.owners[owner].process {
            *leaving.of_mut(message.channel) += 1;
        }
    }

    fn left(&self, owner: usize) -> Left {
        let at = self.time.now();
        let process = self.owners[owner].process.as_ref();
        Left { at, ahead: process.map_or(0, |process| process.guard.now().0 - at) }
    }

    /// The ends that are about to be written are so by this machine's clock.
    fn note_ends(&mut self, owner: usize) {
        let left = self.left(owner);
        let Some(process) = &self.owners[owner].process else { return };
        for ended in &process.ended {
            self.ends.entry(ended.message.key.id).or_default().push(left);
        }
    }

    /// A failed call to the ledger: what passes is tried again, what does not is a bug.
    fn failed(&mut self, owner: usize, actor: Actor, error: LedgerError) {
        let is_dead = self.owners[owner].process.as_ref().is_none_or(|process| process.life.is_over());
        match error {
            _ if is_dead => {}
            LedgerError::Unavailable { .. } => self.wake(owner, actor, AGAIN),
            LedgerError::Damaged { .. } | LedgerError::Fenced { .. } => {
                self.violated(format!("owner {owner}'s {actor:?} cannot go on: {error}"));
            }
        }
    }

    pub fn hand_over(&mut self, life: Arc<Life>, message: Message, left: Left) {
        let now = self.time.now();
        if life.is_over() {
            return;
        }
        let owner = life.owner;
        if self.owners[owner].paused_until > now {
            return self.at(self.owners[owner].paused_until, Event::HandOver { life, message, left });
        }
        let Some(process) = &self.owners[owner].process else { return };
        let at = self.owners[owner].machine.now();
        let over = |delivery| move |message| Concluded { message, delivery, kept: None };
        match process.dispatcher.letters.prepare(&message, at) {
            // The ledger that holds its templates is away.
            Err(None) => self.answered(life, over(None)(message)),
            Err(Some(unfit)) => self.violated(format!("a message cannot be written: {unfit:?}")),
            // Keeping it is delivering it: with its end, in one transaction.
            Ok(Outgoing::InProduct(kept)) => {
                let ended = Concluded { message, delivery: Some(in_product::deliver()), kept: Some(kept) };
                self.answered(life, ended);
            }
            Ok(Outgoing::Email(_)) if !process.dispatcher.may_still_leave(&message) => {
                self.note(&format!("{} goes back to the gate", message.key.id));
                self.answered(life, over(None)(message));
            }
            Ok(Outgoing::Email(mail)) => {
                let course = self.server.take(&mail, now);
                self.trace.bytes(&mail.bytes);
                let accepted = Accepted {
                    decision: mail.decision,
                    to: mail.envelope_to.to_string(),
                    at: now,
                    message_id: header(&mail, "message-id:"),
                    subject: header(&mail, "subject:"),
                    left,
                };
                let ended = over(Some(course.delivery.clone()))(message);
                match course.handed_over_at {
                    Some(at) => self.at(at, Event::HandedOver { life, course, mail: accepted, ended }),
                    None => self.at(course.answered_at, Event::Answered { life, ended }),
                }
            }
        }
    }

    /// The moment of the end of a mail: who is dead by then has not sent it, who sleeps has lost the connection.
    pub fn handed_over(&mut self, life: Arc<Life>, course: Course, mail: Accepted, mut ended: Concluded) {
        if life.is_over() {
            return;
        }
        if self.owners[life.owner].paused_until > self.time.now() {
            ended.delivery = Some(Delivery::Transient { code: None, reply: "the connection broke".into() });
            return self.at(self.owners[life.owner].paused_until, Event::Answered { life, ended });
        }
        if let Some(at) = course.accepted_at {
            self.at(at, Event::Accept(mail));
        }
        self.at(course.answered_at, Event::Answered { life, ended });
    }

    pub fn answered(&mut self, life: Arc<Life>, ended: Concluded) {
        if life.is_over() {
            return;
        }
        let owner = life.owner;
        let end = ended.delivery.as_ref().map_or("not handed over", Delivery::code);
        self.note(&format!("owner {owner} hears of {}: {end}", ended.message.key.id));
        let Some(process) = &mut self.owners[owner].process else { return };
        process.ended.push(ended);
        self.wake(owner, Actor::Conclude, 20_000);
    }

    fn conclude(&mut self, owner: usize) {
        self.note_ends(owner);
        let Some(process) = &mut self.owners[owner].process else { return };
        if process.ended.is_empty() {
            return;
        }
        match process.dispatcher.conclude(&process.ended) {
            Ok(()) => {
                process.forget_ended();
                self.ledger_grew();
            }
            Err(error) => self.failed(owner, Actor::Conclude, error),
        }
    }

    fn sweep(&mut self, owner: usize) {
        let left = self.left(owner);
        for decision in suppress::leaving(&self.durable.ledger) {
            self.ends.entry(decision).or_default().push(left);
        }
        let Some(process) = &mut self.owners[owner].process else { return };
        match process.dispatcher.sweep() {
            Ok(0) => {}
            Ok(count) => {
                self.note(&format!("owner {owner} sweeps {count}"));
                self.ledger_grew();
            }
            Err(error) => self.failed(owner, Actor::Sweep, error),
        }
        if !suppress::leaving(&self.durable.ledger).is_empty() {
            self.wake(owner, Actor::Sweep, MINUTE);
        }
    }

    fn pump(&mut self, owner: usize) {
        let Some(process) = &mut self.owners[owner].process else { return };
        match pump(&*process.ledger, &process.outbox) {
            Ok(0) => {}
            Ok(count) => {
                self.note(&format!("owner {owner} pumps {count}"));
                self.wake(owner, Actor::Pump, 20_000);
            }
            Err(OutboxError::Ledger(error)) => self.failed(owner, Actor::Pump, error),
            Err(OutboxError::Log(LogError::Unavailable { .. })) => self.wake(owner, Actor::Pump, AGAIN),
            Err(error) => self.violated(format!("the outbox cannot be emptied: {error}")),
        }
    }

    fn copy(&mut self, owner: usize) {
        let Some(process) = &mut self.owners[owner].process else { return };
        match process.copier.step(&process.door, &process.ledger) {
            Ok(true) => self.wake(owner, Actor::Copier, 20_000),
            Ok(false) => {
                // It stands at the end: who waited for it may go on.
                (0..PARTITIONS).for_each(|partition| self.wake(owner, Actor::Worker(partition), SECOND / 4));
            }
            Err(_) => {
                let at = (self.time.now() + AGAIN).max(self.stalled_until);
                self.wake_at(owner, Actor::Copier, at);
            }
        }
    }
}
