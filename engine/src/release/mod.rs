//! Rules, caps, quiet hours, topics and zones of one version, compiled: all that decides, beside the records.

mod exits;
mod inactivity;
mod index;
mod program;
mod segments;
mod questions;
mod settings;
mod shape;

pub(crate) use inactivity::{Group, is_activity};
pub use index::{Hook, Index, Role};
pub use program::{END, Op, OpKind, Program};
pub use settings::{Cap, Caps, QuietHours, Settings, Topic, Window};

use crate::event::Event;
use crate::rule::watch::Watch;
use crate::rule::{EventMatch, Path, Root, Rule, Status, StepKind};
use crate::time::Length;
use exits::Exits;
use inactivity::Inactivities;
pub(crate) use questions::{Asked, Questions, asked_by};
use segments::Segments;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One version of a project, compiled.
#[derive(Clone, Debug)]
pub struct Release {
    /// Names the content: the same project has the same id everywhere.
    pub id: Arc<str>,
    pub settings: Settings,
    /// Sorted by id.
    rules: Vec<Arc<Compiled>>,
    index: Index,
    segments: Segments,
    inactivities: Inactivities,
    exits: Exits,
    questions: Questions,
    /// Rules of earlier releases, for the people who entered with them: by (release id, rule id).
    earlier: BTreeMap<(Arc<str>, Arc<str>), Arc<Compiled>>,
    /// What rules were called before, as this release or an earlier one says: both ways, for a rename may be taken back.
    formerly: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
}

/// A rule, and what follows from it once for all.
#[derive(Clone, Debug)]
pub struct Compiled {
    pub rule: Rule,
    /// Its steps, flat: what a journey goes through.
    pub program: Program,
    /// The release that it belongs to.
    pub release: Arc<str>,
    /// First segments of `properties.` and `context.` that are captured from the record that completes the trigger.
    pub captures: BTreeSet<(Root, Box<str>)>,
    /// Paths that each of its templates reads.
    pub reads: BTreeMap<Arc<str>, Vec<Path>>,
    /// Tells one first part of the trigger from another, in this process.
    pub(crate) first_hash: u64,
    /// Tells one rule that decides from another, in this process.
    pub(crate) shape: u64,
}

fn note_former(formerly: &mut BTreeMap<Arc<str>, BTreeSet<Arc<str>>>, rule: &Rule) {
    if let Some(old) = &rule.formerly {
        formerly.entry(rule.id.clone()).or_default().insert(old.clone());
        formerly.entry(old.clone()).or_default().insert(rule.id.clone());
    }
}

/// How long before a wait of any rule could still be judged after it is due: bounds the end of a replay.
const GRACE_MAX: Length = Length::days(1);

impl Release {
    /// Compiles checked rules. `reads` says which paths each template reads; a path that no rule could provide is left out.
    pub fn new(
        id: &str,
        settings: Settings,
        rules: Vec<Rule>,
        reads: &BTreeMap<String, BTreeSet<String>>,
    ) -> Release {
        let id: Arc<str> = id.into();
        let mut rules: Vec<_> =
            rules.into_iter().map(|rule| Arc::new(Compiled::new(rule, id.clone(), reads))).collect();
        rules.sort_by(|a, b| a.rule.id.cmp(&b.rule.id));
        let index = Index::new(&rules);
        let segments = Segments::new(&rules);
        let inactivities = Inactivities::new(&rules);
        let mut exits = Exits::default();
        let mut questions = Questions::default();
        let mut formerly = BTreeMap::new();
        for compiled in &rules {
            exits.add(&compiled.rule);
            questions.add(&compiled.rule, true);
            note_former(&mut formerly, &compiled.rule);
        }
        Release {
            id,
            settings,
            rules,
            index,
            segments,
            inactivities,
            exits,
            questions,
            earlier: BTreeMap::new(),
            formerly,
        }
    }

    /// Lets somebody look at the steps of a rule, who has a watch for each of [`Rule::all_steps`].
    pub fn watch_steps(&mut self, id: &str, watches: &[Watch]) {
        if let Some(compiled) = self.rules.iter_mut().find(|compiled| *compiled.rule.id == *id) {
            Arc::make_mut(compiled).program.watch(watches);
        }
    }

    /// Adds an earlier release, whose rules people may still be inside.
    pub fn with_earlier(mut self, earlier: &Release) -> Release {
        for compiled in &earlier.rules {
            self.exits.add(&compiled.rule);
            self.questions.add(&compiled.rule, false);
            note_former(&mut self.formerly, &compiled.rule);
            if let Some(without) = compiled.rule.trigger.form.without()
                && !self.asks_for(&compiled.rule.id, without)
            {
                self.exits.add_second(without);
            }
            self.earlier.insert((earlier.id.clone(), compiled.rule.id.clone()), compiled.clone());
        }
        self
    }

    /// Whether this second event ends the rule's waits by its own trigger.
    fn asks_for(&self, id: &str, without: &EventMatch) -> bool {
        let now = self.rule(id).and_then(|compiled| compiled.rule.trigger.form.without());
        now.is_some_and(|now| format!("{now:?}") == format!("{without:?}"))
    }

    /// All rules, by id.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = &Arc<Compiled>> {
        self.rules.iter()
    }

    pub fn rule(&self, id: &str) -> Option<&Arc<Compiled>> {
        self.rules
            .binary_search_by(|compiled| compiled.rule.id.as_ref().cmp(id))
            .ok()
            .map(|at| &self.rules[at])
    }

    /// The rule that somebody entered with: of this release, or of an earlier one.
    pub fn rule_of(&self, release: &Arc<str>, id: &Arc<str>) -> Option<&Arc<Compiled>> {
        let own = |id: &Arc<str>| {
            if *release == self.id { self.rule(id) } else { self.earlier.get(&(release.clone(), id.clone())) }
        };
        own(id).or_else(|| self.former_ids(id).iter().find_map(own))
    }

    /// What a rule was called before, the newest first.
    fn former_ids(&self, id: &Arc<str>) -> Vec<Arc<str>> {
        let mut ids = vec![id.clone()];
        let mut at = 0;
        while let Some(id) = ids.get(at).filter(|_| !self.formerly.is_empty()) {
            let older: Vec<_> = self.formerly.get(id).into_iter().flatten().cloned().collect();
            ids.extend(older.into_iter().filter(|old| !ids.contains(old)).collect::<Vec<_>>());
            at += 1;
        }
        ids.split_off(1)
    }

    /// Whether the rule is switched off now: that ends the journeys of earlier releases too.
    pub fn is_off(&self, id: &str) -> bool {
        self.rule(id).is_some_and(|compiled| compiled.rule.status == Status::Off)
    }

    /// Whether the rule only decides and records now.
    pub fn is_shadow(&self, id: &str) -> bool {
        self.rule(id).is_some_and(|compiled| compiled.rule.status == Status::Shadow)
    }

    /// Whether this event could be an exit of any rule, so that the person's journeys are to be asked.
    pub(crate) fn may_end_journeys(&self, event: &Event<'_>) -> bool {
        self.exits.may_be(event)
    }

    /// What the rules ask of the past.
    pub(crate) fn questions(&self) -> &Questions {
        &self.questions
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    pub(crate) fn inactivities(&self) -> &Inactivities {
        &self.inactivities
    }

    pub(crate) fn segments(&self) -> &Segments {
        &self.segments
    }

    pub(crate) fn compiled(&self, number: u32) -> &Arc<Compiled> {
        &self.rules[number as usize]
    }

    /// The longest grace a rule may have.
    pub fn grace_max() -> Length {
        GRACE_MAX
    }
}

impl Compiled {
    fn new(rule: Rule, release: Arc<str>, reads: &BTreeMap<String, BTreeSet<String>>) -> Compiled {
        let mut own = BTreeMap::new();
        for message in rule.messages() {
            let paths = reads.get(message.template.as_ref()).into_iter().flatten();
            own.insert(
                message.template.clone(),
                paths.filter_map(|path| Path::parse(path).ok()).collect::<Vec<_>>(),
            );
        }
        let mut captures = BTreeSet::new();
        let mut capture = |path: &Path| {
            if let (Root::Properties | Root::Context, Some(first)) = (path.root, path.segments.first()) {
                captures.insert((path.root, first.clone()));
            }
        };
        own.values().flatten().for_each(&mut capture);
        if let Some(audience) = &rule.audience {
            audience.each_test(&mut |test| capture(&test.path));
        }
        for step in rule.all_steps() {
            if let StepKind::If(branch) = &step.kind {
                branch.condition.each_test(&mut |test| capture(&test.path));
            }
        }
        let form = &rule.trigger.form;
        let events = form.inactivity().map(|inactivity| &inactivity.events);
        let first_hash = xxhash_rust::xxh3::xxh3_64(format!("{:?} {events:?}", form.first()).as_bytes());
        let program = Program::new(&rule.steps);
        let shape = shape::of(&rule);
        Compiled { rule, program, release, captures, reads: own, first_hash, shape }
    }
}

#[cfg(test)]
mod index_tests;
