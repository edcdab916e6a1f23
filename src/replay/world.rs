//! The ideal world: ticks come at each due time, and every decided message leaves at once.
//!
//! Invariants:
//! - Records come in order of their time. A tick at *T* comes after the last record of *T*, and only when somebody is
//!   due: at each due time, and at *T* when something is due by then.
//! - A message that is sent is accepted at the time of its tick, before anything else happens; what follows from that at
//!   the same time is judged at the same time.
//! - Time ends at one moment for everybody. What is due by then is judged, at the time its grace or its hold is over,
//!   and nothing else is.
//! - The effects, and so all that is made of them, come in order of `judged_at`.

use outreach_engine::event::{Body, Outcome, OutcomeKind, Place, Record};
use outreach_engine::{Effect, Release, Shard, Timestamp, Verdict, apply};
use std::borrow::Cow;

/// One partition of the ideal world.
pub struct World<'r> {
    release: &'r Release,
    shard: Shard,
    /// The time of the last record or tick.
    now: Timestamp,
    /// Of the next record: a running number.
    offset: u64,
}

impl<'r> World<'r> {
    /// A world that decides by `release` from the beginning of time.
    pub fn new(release: &'r Release) -> World<'r> {
        let mut world = World { release, shard: Shard::new(), now: Timestamp::MIN, offset: 0 };
        world.feed(&Body::Release { id: Cow::Borrowed(&release.id) }, &mut |_| {});
        world
    }

    /// Takes in the next record, which came at `at`; first everything happens that is due before. `at` is no earlier
    /// than that of the record before.
    pub fn take_in(&mut self, at: Timestamp, body: Body<'_>, see: &mut impl FnMut(Effect)) {
        self.tick_while(|due_at| due_at < at, see);
        self.now = self.now.max(at);
        self.feed(&body, see);
    }

    /// Lets time run to its end.
    pub fn end(mut self, until: Timestamp, see: &mut impl FnMut(Effect)) {
        self.tick_while(|due_at| due_at <= until, see);
        while let Some(due_at) = self.shard.next_due_until(until) {
            self.tick(due_at.max(self.now), Some(until), see);
        }
    }

    fn tick_while(&mut self, is_in: impl Fn(Timestamp) -> bool, see: &mut impl FnMut(Effect)) {
        // What a late record made due in the past is due now.
        while let Some(due_at) = self.shard.next_due_at().map(|at| at.max(self.now)).filter(|at| is_in(*at)) {
            self.tick(due_at, None, see);
        }
    }

    fn tick(&mut self, at: Timestamp, until: Option<Timestamp>, see: &mut impl FnMut(Effect)) {
        self.now = at;
        let mut sent = Vec::new();
        self.feed(&Body::Tick { at, until }, &mut |effect| {
            if let Effect::Decide(decision) = &effect
                && decision.verdict == Verdict::Send
            {
                sent.push((decision.subject.clone(), decision.id));
            }
            see(effect);
        });
        for (subject, decision) in sent {
            let subject = subject.as_ref();
            self.feed(&Body::Outcome(Outcome { subject, decision, kind: OutcomeKind::Sent, at }), see);
        }
    }

    fn feed(&mut self, body: &Body<'_>, see: &mut impl FnMut(Effect)) {
        let place = Place { offset: self.offset, index: 0 };
        self.offset += 1;
        let record = Record { place, appended_at: self.now, body: body.clone() };
        for effect in apply(self.release, &mut self.shard, &record) {
            see(effect);
        }
    }
}
