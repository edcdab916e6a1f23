//! The partials of a project, and how far what includes them may be rendered.

use super::load::is_name;
use super::partials::{self, Partials};
use super::problem::TemplateProblem;
use super::source::Source;
use super::syntax;
use std::collections::{BTreeMap, BTreeSet};

/// All partials with what is wrong with them.
pub(super) struct Shared {
    /// One that cannot be read stands here as an empty text, so that nobody is told that it does not exist.
    pub all: Partials,
    /// Those with a problem.
    faulty: BTreeSet<String>,
    /// Those that cannot be read, or that could call themselves without end.
    unsafe_to_render: BTreeSet<String>,
}

/// What the partials of a text, and theirs, let be done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Footing {
    Sound,
    /// It can be rendered, and what fails was told.
    Faulty,
    /// It must not be rendered.
    Unsafe,
}

/// What makes a partial known only while rendering: so it may be the one that it stands in.
const UNSAFE: [&str; 2] = ["inline-partial", "computed-partial"];

impl Shared {
    /// Reads the files of `templates/partials/`, by name.
    pub fn load(
        folder: &str,
        files: Option<&BTreeMap<&str, &str>>,
        problems: &mut Vec<TemplateProblem>,
    ) -> Shared {
        let mut shared =
            Shared { all: Partials::new(), faulty: BTreeSet::new(), unsafe_to_render: BTreeSet::new() };
        for (file, text) in files.into_iter().flatten() {
            let path = format!("{folder}{file}");
            let Some(name) = file.strip_suffix(".hbs").filter(|name| is_name(name)) else {
                let message = format!("expected NAME.hbs with a name of [a-z0-9-], found `{file}`");
                let help = "Rename or remove it.";
                problems.push(TemplateProblem::new(&path, (1, 1), "unknown-file", message, help));
                continue;
            };
            let source = Source::parse(&path, text).or_else(|problem| {
                problems.push(problem);
                shared.unsafe_to_render.insert(name.to_owned());
                Source::parse(&path, "")
            });
            shared.all.extend(source.ok().map(|source| (name.to_owned(), source)));
        }
        shared.judge(problems);
        shared
    }

    fn judge(&mut self, problems: &mut Vec<TemplateProblem>) {
        for (name, partial) in &self.all {
            let found = syntax::problems(partial, &self.all);
            if !found.is_empty() {
                self.faulty.insert(name.clone());
            }
            if found.iter().any(|problem| UNSAFE.contains(&problem.code)) {
                self.unsafe_to_render.insert(name.clone());
            }
            problems.extend(found);
            // A partial on a cycle is reached from itself.
            if partials::closure(partial, &self.all).contains(name) {
                self.unsafe_to_render.insert(name.clone());
            }
        }
        problems.extend(partials::recursion(&self.all));
    }

    /// What may be done with a text that has these problems of its own.
    pub fn footing(&self, source: &Source, own: &[TemplateProblem]) -> Footing {
        let included = partials::closure(source, &self.all);
        let has = |names: &BTreeSet<String>| !included.is_disjoint(names);
        if has(&self.unsafe_to_render) || own.iter().any(|problem| UNSAFE.contains(&problem.code)) {
            Footing::Unsafe
        } else if has(&self.faulty) || !own.is_empty() {
            Footing::Faulty
        } else {
            Footing::Sound
        }
    }
}
