//! `[[step]]`: one kind each, names unique in the rule.

use super::{Known, is_id, top};
use crate::effect::{Channel, OnCap};
use crate::rule::diagnostic::Code;
use crate::rule::document::{Item, Place, Problems, Table};
use crate::rule::{MessageStep, Step, StepKind};
use crate::time::Length;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const NOT_BUILT: [&str; 9] =
    ["webhook", "wait_until", "wait_for", "if", "then", "else", "split", "set", "exit"];

/// What of its rule a step falls back on.
pub(super) struct OfRule<'r> {
    pub id: &'r str,
    pub topic: Option<&'r Arc<str>>,
    /// Whether it says a topic, be it a good one or not.
    pub has_topic: bool,
    pub late: Length,
}

/// A step before it has its name.
struct Unnamed<'d> {
    name: Option<(String, Place<'d>)>,
    /// What its name is made of where it says none.
    default_name: String,
    place: Place<'d>,
    kind: StepKind,
}

pub(super) fn parse(problems: &mut Problems, item: &Item<'_>, rule: &OfRule<'_>, known: &Known) -> Vec<Step> {
    let elements = item.elements(problems).unwrap_or_default();
    if elements.is_empty() && item.value.is_array() {
        problems
            .error(Code::BadValue, &item.place, "expected at least one step")
            .with_help("write [[step]], and below it email = \"stalled-onboarding\"");
    }
    let unnamed: Vec<_> =
        elements.iter().filter_map(|element| step(problems, element, rule, known)).collect();
    if unnamed.len() == elements.len() {
        warn_of_silence(problems, &unnamed);
    }
    with_names(problems, unnamed)
}

/// Waits alone end in nothing.
fn warn_of_silence(problems: &mut Problems, steps: &[Unnamed<'_>]) {
    let Some(last) = steps.last() else { return };
    let says = |step: &Unnamed<'_>| matches!(step.kind, StepKind::Message(_));
    if !steps.iter().any(says) {
        let message = "expected a step with a message, found nothing but waits: this rule can send nothing";
        let help =
            "add a [[step]] with email = \"…\" or in_product = \"…\", the name of a folder in templates/";
        problems.warn(Code::SendsNothing, &last.place, message).with_help(help);
    }
}

fn step<'d>(
    problems: &mut Problems,
    item: &Item<'d>,
    rule: &OfRule<'_>,
    known: &Known,
) -> Option<Unnamed<'d>> {
    let mut table = item.table(problems)?;
    let place = table.place.clone();
    let name = table.take("name");
    let kinds = [table.take("email"), table.take("in_product"), table.take("wait")];
    let mut of_message = MessageKeys::take(&mut table);
    let has_other_kind = table.finish(problems, &NOT_BUILT);
    let name = name.and_then(|item| item.words(problems).map(|name| (name, item.place)));
    let mut present = kinds.iter().flatten();
    let first = present.next();
    if let (Some(first), Some(second)) = (first, present.next()) {
        let message = format!("a step is one thing, found `{}` beside `{}`", second.key, first.key);
        problems
            .error(Code::ContradictoryForm, &second.key_place, message)
            .with_help("make it a [[step]] of its own");
        return None;
    }
    if first.is_none() && !has_other_kind {
        let message = "missing key `email`, `in_product` or `wait`: what the step does";
        let help = "add email = \"stalled-onboarding\", or wait = \"2 days\"";
        problems.error(Code::MissingKey, &place, message).with_help(help);
    }
    let first = first?;
    let channel = match first.key {
        "email" => Some(Channel::Email),
        "in_product" => Some(Channel::InProduct),
        _ => None,
    };
    let (default_name, kind) = match channel {
        Some(channel) => {
            let template = template(problems, first);
            let message = of_message.message(problems, first, channel, rule, known);
            let template = template?;
            (template.clone(), StepKind::Message(MessageStep { template: Arc::from(template), ..message }))
        }
        None => {
            of_message.refuse(problems);
            ("wait".to_owned(), StepKind::Wait(first.length(problems)?))
        }
    };
    Some(Unnamed { name, default_name, place, kind })
}

/// The keys that only a message step has.
struct MessageKeys<'d> {
    topic: Option<Item<'d>>,
    expires: Option<Item<'d>>,
    on_cap: Option<Item<'d>>,
    transactional: Option<Item<'d>>,
}

impl<'d> MessageKeys<'d> {
    fn take(table: &mut Table<'d>) -> MessageKeys<'d> {
        MessageKeys {
            topic: table.take("topic"),
            expires: table.take("expires"),
            on_cap: table.take("on_cap"),
            transactional: table.take("transactional"),
        }
    }

    /// A message step, but for its template.
    fn message(
        &mut self,
        problems: &mut Problems,
        kind: &Item<'_>,
        channel: Channel,
        rule: &OfRule<'_>,
        known: &Known,
    ) -> MessageStep {
        if channel == Channel::Email && self.topic.is_none() && !rule.has_topic {
            let message = "mail needs a topic: what a recipient can opt out of";
            let help = "add `topic` at the top of the rule or to this step, and declare it in outreach.toml";
            problems.error(Code::TopicRequired, &kind.key_place, message).with_help(help);
        }
        let topic = self.topic.take().and_then(|item| top::topic(problems, &item, known));
        let expires = self.expires.take().and_then(|item| item.length(problems));
        let on_caps = [("skip", OnCap::Skip), ("wait", OnCap::Wait)];
        let on_cap = self.on_cap.take().and_then(|item| item.choice(problems, &on_caps));
        let is_transactional =
            self.transactional.take().is_some_and(|item| transactional(problems, &item, rule, known));
        MessageStep {
            channel,
            template: Arc::from(""),
            topic: topic.or_else(|| rule.topic.cloned()),
            expires: expires.unwrap_or(rule.late),
            on_cap: on_cap.unwrap_or(OnCap::Skip),
            is_transactional,
        }
    }

    /// None of them belongs to a wait.
    fn refuse(&mut self, problems: &mut Problems) {
        let all = [self.topic.take(), self.expires.take(), self.on_cap.take(), self.transactional.take()];
        for item in all.iter().flatten() {
            let message = format!("`{}` belongs to a message, found it on a wait", item.key);
            problems.error(Code::ContradictoryForm, &item.key_place, message);
        }
    }
}

fn transactional(problems: &mut Problems, item: &Item<'_>, rule: &OfRule<'_>, known: &Known) -> bool {
    let is_transactional = item.boolean(problems).unwrap_or_default();
    let allowed = known.transactional_rules.as_ref().is_none_or(|rules| rules.contains(rule.id));
    if is_transactional && !allowed {
        let message = format!("rule \"{}\" may not send transactional messages", rule.id);
        let help =
            format!("the operator allows it in outreach.toml: transactional_rules = [\"{}\"]", rule.id);
        problems.error(Code::TransactionalNotAllowed, &item.place, message).with_help(help);
    }
    is_transactional
}

/// The name of a folder under `templates/`.
fn template(problems: &mut Problems, item: &Item<'_>) -> Option<String> {
    let name = item.words(problems)?;
    if !is_id(&name) || name == "partials" {
        let message =
            format!("expected the name of a folder in templates/ (a-z, 0-9 and -), found \"{name}\"");
        problems.error(Code::BadValue, &item.place, message);
        return None;
    }
    Some(name)
}

/// A step's name is what it says, else its template or `wait`, with an ordinal from the second on.
fn with_names(problems: &mut Problems, steps: Vec<Unnamed<'_>>) -> Vec<Step> {
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    let mut taken = BTreeSet::new();
    let mut named = Vec::new();
    for step in steps {
        let (name, place) = step.name.unwrap_or_else(|| {
            let ordinal = uses.entry(step.default_name.clone()).or_default();
            *ordinal += 1;
            let base = &step.default_name;
            (if *ordinal == 1 { base.clone() } else { format!("{base}-{ordinal}") }, step.place)
        });
        if !taken.insert(name.clone()) {
            let message = format!("two steps are named \"{name}\": a name is unique in its rule");
            problems
                .error(Code::DuplicateStepName, &place, message)
                .with_help("give this step another `name`");
        }
        named.push(Step { name: Arc::from(name), kind: step.kind });
    }
    named
}
