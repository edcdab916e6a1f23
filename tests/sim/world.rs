//! The world of one run: what is durable, the owners' processes, and one queue of all that is to happen.
//!
//! One thread, one queue ordered by (true time, chance): whoever could run next runs when the seed says so.

use crate::dice::Dice;
use crate::faults::{Fault, Plan};
use crate::ledger::Interloper;
use crate::life::{Life, Trouble};
use crate::log::{SimLog, Told};
use crate::mail_server::{Accepted, Course, Left, MailServer};
use crate::operators::{Held, Off, Team, team};
use crate::people::{self, ACTS_FOR, Workload};
use crate::process::{Durable, Process, Weather};
use crate::project::{self, Version};
use crate::source::Topic;
use crate::suppress::{self, No, Nos};
use crate::time::{DAY, MINUTE, MachineClock, SECOND, TrueTime};
use crate::trace::Trace;
use object_store::memory::InMemory;
use outreach::dispatch::Concluded;
use outreach::ledger::Message;
use outreach::ledger::sqlite::SqliteLedger;
use outreach::log::LogError;
use outreach_engine::Timestamp;
use outreach_engine::effect::DecisionId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

pub const PARTITIONS: u32 = 2;
/// When the world is made whole again.
pub const WHOLE_AT: i64 = ACTS_FOR + DAY / 4;
/// In a deadly start each call kills so often in a million: it has about six.
const DEADLY: u32 = 200_000;

/// The parts of a process that are called now and then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Actor {
    Worker(u32),
    Gate,
    Conclude,
    Sweep,
    Pump,
    Copier,
    Snapshots,
}

/// What happens once.
pub enum Event {
    Deed(usize),
    /// A client posts a deed's event, or looks whether its last try was answered.
    Post {
        deed: usize,
        attempt: u32,
    },
    Commit,
    Told(Told),
    /// A message that passed the gate is taken in hand.
    HandOver {
        life: Arc<Life>,
        message: Message,
        left: Left,
    },
    /// The end of a mail was sent.
    HandedOver {
        life: Arc<Life>,
        course: Course,
        mail: Accepted,
        ended: Concluded,
    },
    Accept(Accepted),
    Answered {
        life: Arc<Life>,
        ended: Concluded,
    },
    Fault(Fault),
    /// Somebody wants no more.
    No(No),
    /// The team releases a version, holds a rule, lets it go, and looks what became of that.
    Deploy(usize),
    Hold(usize),
    Resume(usize),
    Look(usize),
    Start(usize),
    Whole,
}

/// A machine with at most one process of the service.
pub struct Owner {
    pub machine: MachineClock,
    pub process: Option<Process>,
    pub is_wanted: bool,
    /// It does nothing before.
    pub paused_until: i64,
}

/// A client's event on its way in.
#[derive(Clone, Debug, Default)]
pub struct Posted {
    pub attempt: u32,
    pub is_kept: bool,
}

pub type Answers = Arc<Mutex<Vec<(usize, Result<(), LogError>)>>>;

pub struct World {
    pub time: TrueTime,
    pub dice: Dice,
    pub durable: Durable,
    pub server: MailServer,
    pub workload: Workload,
    pub plan: Plan,
    pub trouble: Arc<Trouble>,
    pub interloper: Arc<Mutex<Option<Interloper>>>,
    pub owners: Vec<Owner>,
    pub nos: Nos,
    pub posted: BTreeMap<usize, Posted>,
    pub answers: Answers,
    pub stalled_until: i64,
    pub team: Team,
    /// The folder that a process starts with, and whether one has.
    pub version: Version,
    pub is_released: bool,
    /// So many starts are likely to die while they announce.
    pub deadly_starts: u32,
    pub started_at: i64,
    pub held: Vec<Held>,
    pub offs: Vec<Off>,
    /// Everything that passed the gate.
    pub passes: Vec<(DecisionId, String, Left)>,
    /// When ends may have been written, and by which clock.
    pub ends: BTreeMap<DecisionId, Vec<Left>>,
    /// Of each partition, when its position had moved where.
    pub written: Vec<Vec<(i64, u64)>>,
    pub trace: Trace,
    pub violations: Vec<String>,
    pub lives: u64,
    queue: BTreeMap<(i64, u64, u64), Event>,
    queued: u64,
    wakes: BTreeMap<(usize, Actor), i64>,
    log_ends: Vec<u64>,
    is_commit_queued: bool,
}

impl World {
    /// The world of a seed, before anything happens.
    pub fn new(seed: u64, plan: Plan, is_loud: bool) -> World {
        let time = TrueTime::new(Timestamp::parse(people::START).expect("a time"));
        let workload = people::workload(seed);
        let dice = Dice::new(seed, 3);
        let ledger = Arc::new(SqliteLedger::in_memory().expect("a ledger in memory"));
        let nos = Nos::default();
        let interloper = plan
            .is_faulty
            .then(|| suppress::interloper(&ledger, PARTITIONS, &time, &Dice::new(seed, 4), &nos, 25_000));
        let durable = Durable {
            log: SimLog::new(PARTITIONS, time.clone()),
            ledger,
            snapshots: Arc::new(InMemory::new()),
            topic: Arc::new(Topic::new(&workload.deeds)),
        };
        let owner = |is_wanted| Owner {
            machine: MachineClock::new(time.clone()),
            process: None,
            is_wanted,
            paused_until: i64::MIN,
        };
        let mut world = World {
            server: MailServer::new(Dice::new(seed, 5)),
            trouble: Trouble::new(Dice::new(seed, 6)),
            interloper: Arc::new(Mutex::new(interloper)),
            owners: vec![owner(true), owner(false)],
            trace: Trace::new(is_loud),
            time,
            dice,
            durable,
            workload,
            plan,
            nos,
            posted: BTreeMap::new(),
            answers: Answers::default(),
            stalled_until: i64::MIN,
            team: team(seed),
            version: Version::default(),
            is_released: false,
            deadly_starts: 0,
            started_at: i64::MIN,
            held: Vec::new(),
            offs: Vec::new(),
            passes: Vec::new(),
            ends: BTreeMap::new(),
            written: vec![Vec::new(); PARTITIONS as usize],
            violations: Vec::new(),
            lives: 0,
            queue: BTreeMap::new(),
            queued: 0,
            wakes: BTreeMap::new(),
            log_ends: vec![0; PARTITIONS as usize],
            is_commit_queued: false,
        };
        world.begin();
        world
    }

    fn begin(&mut self) {
        let now = self.time.now();
        for number in 0..self.workload.deeds.len() {
            self.at(self.workload.deeds[number].at, Event::Deed(number));
        }
        for (after, fault) in self.plan.faults.clone() {
            self.at(now + after.max(0), Event::Fault(fault));
        }
        for (number, deploy) in self.team.deploys.clone().into_iter().enumerate() {
            self.at(now + deploy.after, Event::Deploy(number));
        }
        for (number, hold) in self.team.holds.clone().into_iter().enumerate() {
            self.at(now + hold.from, Event::Hold(number));
        }
        self.at(now + WHOLE_AT, Event::Whole);
        self.at(now, Event::Start(0));
    }

    /// Runs to the end: until nothing is left to happen, or something is wrong.
    pub fn run(&mut self) {
        let end = self.time.now() + ACTS_FOR + project::DRAIN.0;
        loop {
            let event = self.queue.first_key_value().map(|((at, _, _), _)| *at).unwrap_or(i64::MAX);
            let wake = self.wakes.iter().map(|(who, at)| (*at, *who)).min();
            let next = event.min(wake.map_or(i64::MAX, |(at, _)| at));
            if next == i64::MAX || next > end || !self.violations.is_empty() {
                return;
            }
            self.time.advance_to(next.max(self.time.now()));
            match wake {
                Some((at, (owner, actor))) if at < event || (at == event && self.dice.happens(500_000)) => {
                    self.wakes.remove(&(owner, actor));
                    self.act(owner, actor);
                }
                _ => {
                    let (_, event) = self.queue.pop_first().expect("the queue is not empty");
                    self.happen(event);
                }
            }
            self.see_what_follows();
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Deed(number) => self.deed(number),
            Event::Post { deed, attempt } => self.post(deed, attempt),
            Event::Commit => {
                self.is_commit_queued = false;
                let told = self.durable.log.commit();
                self.tell_later(told);
            }
            Event::Told((life, done)) => {
                if life.is_none_or(|life| !life.is_over()) {
                    done(Ok(()));
                }
            }
            Event::HandOver { life, message, left } => self.hand_over(life, message, left),
            Event::HandedOver { life, course, mail, ended } => self.handed_over(life, course, mail, ended),
            Event::Accept(mail) => {
                self.note(&format!("accepted {} for {}", mail.decision, mail.to));
                self.server.accepted.push(Accepted { at: self.time.now(), ..mail });
            }
            Event::Answered { life, ended } => self.answered(life, ended),
            Event::Fault(fault) => self.fault(fault),
            Event::No(no) => self.no(no),
            Event::Deploy(number) => self.deploy(number),
            Event::Hold(number) => self.hold(number),
            Event::Resume(number) => self.resume(number),
            Event::Look(number) => self.look(number),
            Event::Start(owner) => self.start(owner),
            Event::Whole => self.make_whole(),
        }
    }

    /// After each step: who died, what became durable, who has something to do now.
    fn see_what_follows(&mut self) {
        for owner in 0..self.owners.len() {
            let is_dead = self.owners[owner].process.as_ref().is_some_and(|process| process.life.is_over());
            if is_dead {
                self.bury(owner);
            }
        }
        let told = self.durable.log.take_told();
        self.tell_later(told);
        if !self.is_commit_queued && self.durable.log.has_waiting() {
            self.is_commit_queued = true;
            self.after(self.dice.between(1, 5_000), Event::Commit);
        }
        self.take_answers();
        let ends = self.durable.log.ends();
        for partition in 0..PARTITIONS {
            if ends[partition as usize] == self.log_ends[partition as usize] {
                continue;
            }
            for owner in 0..self.owners.len() {
                if let Some(process) = &mut self.owners[owner].process {
                    process.looked[partition as usize].1 = 0;
                }
                self.wake(owner, Actor::Worker(partition), 20_000);
            }
        }
        self.log_ends = ends;
    }

    fn tell_later(&mut self, told: Vec<Told>) {
        for told in told {
            let is_slow = self.plan.is_faulty && self.dice.happens(30_000);
            let delay = self.dice.between(1, if is_slow { 10 * SECOND } else { 20_000 });
            self.after(delay, Event::Told(told));
        }
    }

    /// Queues what happens at a moment.
    pub fn at(&mut self, at: i64, event: Event) {
        self.queued += 1;
        self.queue.insert((at, self.dice.number(), self.queued), event);
    }

    pub fn after(&mut self, delay: i64, event: Event) {
        self.at(self.time.now() + delay, event);
    }

    /// Lets a part of a process run within so many microseconds, or earlier if it would anyway.
    pub fn wake(&mut self, owner: usize, actor: Actor, within: i64) {
        let at = self.time.now() + self.dice.between(1, within + 1);
        self.wake_at(owner, actor, at);
    }

    pub fn wake_at(&mut self, owner: usize, actor: Actor, at: i64) {
        if self.owners[owner].process.is_none() {
            return;
        }
        let at = at.max(self.time.now() + 1).max(self.owners[owner].paused_until);
        self.wakes.entry((owner, actor)).and_modify(|old| *old = at.min(*old)).or_insert(at);
    }

    /// The ledger has something new: the gates and the outbox pumps look.
    pub fn ledger_grew(&mut self) {
        for owner in 0..self.owners.len() {
            self.wake(owner, Actor::Gate, 20_000);
            self.wake(owner, Actor::Pump, 100_000);
        }
    }

    /// The process is gone; what is durable stays, and more or less of what was on its way.
    pub fn bury(&mut self, owner: usize) {
        let Some(process) = self.owners[owner].process.take() else { return };
        self.note(&format!("owner {owner} died"));
        process.life.end();
        // What was being written is there, or not.
        while self.dice.happens(500_000) && process.write_snapshot() {}
        self.forget(owner, &process.life);
        if self.dice.happens(200_000) {
            self.tear(self.dice.between(0, i64::from(PARTITIONS)) as u32);
        }
        let is_long = self.dice.happens(200_000);
        let down_for = self.dice.between(SECOND, if is_long { 120 * MINUTE } else { MINUTE });
        self.after(down_for, Event::Start(owner));
    }

    /// What was on its way from a life that is over.
    pub fn forget(&mut self, owner: usize, life: &Arc<Life>) {
        life.end();
        self.wakes.retain(|(of, _), _| *of != owner);
        self.durable.log.crash(life, &self.dice);
    }

    fn start(&mut self, owner: usize) {
        if !self.owners[owner].is_wanted || self.owners[owner].process.is_some() {
            return;
        }
        self.lives += 1;
        self.note(&format!("owner {owner} starts with {:?}, life {}", self.version, self.lives));
        let machine = self.owners[owner].machine.clone();
        let life = Life::new(owner, self.time.clone(), machine.ahead());
        let weather = Weather {
            trouble: &self.trouble,
            interloper: &self.interloper,
            stalled_until: self.stalled_until,
        };
        let start = || Process::start(&self.durable, self.version, &machine, life.clone(), &weather);
        let is_deadly = self.deadly_starts > 0;
        let started = if is_deadly { self.trouble.while_calls_kill(DEADLY, start) } else { start() };
        self.deadly_starts -= u32::from(is_deadly);
        match started {
            Ok(process) => {
                self.owners[owner].process = Some(process);
                self.started_at = self.time.now();
                self.has_released();
                self.wake_all(owner);
            }
            Err(error) => {
                self.note(&format!("owner {owner} does not start: {error}"));
                self.forget(owner, &life);
                self.after(self.dice.between(SECOND, MINUTE), Event::Start(owner));
            }
        }
    }

    pub fn wake_all(&mut self, owner: usize) {
        for partition in 0..PARTITIONS {
            self.wake(owner, Actor::Worker(partition), 50_000);
        }
        for actor in [Actor::Gate, Actor::Conclude, Actor::Sweep, Actor::Pump, Actor::Copier] {
            self.wake(owner, actor, 50_000);
        }
    }

    pub fn note(&mut self, text: &str) {
        self.trace.line(self.time.now(), text);
    }

    pub fn violated(&mut self, text: String) {
        self.note(&format!("VIOLATION {text}"));
        self.violations.push(text);
    }
}
