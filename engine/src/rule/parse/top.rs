//! The keys at the top of a rule file, and the order in which its parts are read.

use super::{Known, condition, exit, expect, goal, is_id, limits, steps, trigger};
use crate::rule::condition::Condition;
use crate::rule::diagnostic::Code;
use crate::rule::document::{Item, Problems, Table, closest};
use crate::rule::{OnChange, Rule, Status};
use std::sync::Arc;

/// Nothing only where a part that every rule needs cannot be read.
pub(super) fn parse(problems: &mut Problems, id: &str, mut table: Table<'_>, known: &Known) -> Option<Rule> {
    let name = table
        .require(problems, "name", "add name = \"Stalled onboarding\"")
        .and_then(|item| item.words(problems));
    let description = table.take("description").and_then(|item| item.text(problems)).unwrap_or_default();
    let owner = table.take("owner").and_then(|item| item.words(problems));
    let topic_item = table.take("topic");
    let topic = topic_item.as_ref().and_then(|item| topic(problems, item, known));
    let status = table.take("status").and_then(|item| status(problems, &item)).unwrap_or(Status::Live);
    let tags = table.take("tags").and_then(|item| item.texts(problems)).unwrap_or_default();
    let priority = table.take("priority").and_then(|item| item.integer(problems, i64::MIN..=i64::MAX));
    let on_changes = [("keep", OnChange::Keep), ("follow", OnChange::Follow), ("leave", OnChange::Leave)];
    let on_change = table.take("on_change").and_then(|item| item.choice(problems, &on_changes));
    let formerly = table.take("formerly").and_then(|item| formerly(problems, &item, id));
    let unproven = table.take("unproven").and_then(|item| item.boolean(problems)).unwrap_or_default();
    let trigger = table
        .require(problems, "trigger", "add [trigger], and below it event = \"Signed Up\"")
        .and_then(|item| trigger::parse(problems, &item, unproven));
    let key = trigger.as_ref().and_then(|trigger| trigger.form.matches().find_map(|event| event.key.clone()));
    let audience = table.take("audience").and_then(|item| audience(problems, &item, unproven));
    let exits = table
        .take("exit")
        .map(|item| exit::parse(problems, &item, key.as_ref(), unproven))
        .unwrap_or_default();
    let limits = limits::parse(problems, table.take("limits"));
    let goal = table.take("goal").and_then(|item| goal::parse(problems, &item, key.as_ref()));
    let expect = table.take("expect").and_then(|item| expect::parse(problems, &item));
    let rule = steps::OfRule {
        id,
        key: key.as_ref(),
        is_unproven: unproven,
        topic: topic.as_ref(),
        has_topic: topic_item.is_some(),
        late: limits.late,
    };
    let steps = table
        .require(
            problems,
            "step",
            "add [[step]], and below it email = \"stalled-onboarding\", the name of a folder in templates/",
        )
        .map(|item| steps::parse(problems, &item, &rule, known));
    table.finish(problems, &[]);
    Some(Rule {
        id: Arc::from(id),
        name: name?,
        description: description.to_owned(),
        owner,
        topic,
        status,
        tags,
        priority: priority.unwrap_or_default(),
        on_change: on_change.unwrap_or_default(),
        formerly,
        trigger: trigger?,
        audience,
        exits,
        limits,
        goal,
        expect,
        steps: steps?,
    })
}

/// A topic that outreach.toml declares.
pub(super) fn topic(problems: &mut Problems, item: &Item<'_>, known: &Known) -> Option<Arc<str>> {
    let topic = item.words(problems)?;
    if let Some(topics) = known.topics.as_ref().filter(|topics| !topics.contains(topic.as_str())) {
        let help = match closest(&topic, topics.iter().map(|topic| &**topic)) {
            Some(name) => format!("did you mean \"{name}\"?"),
            None => format!("declare it in outreach.toml: [topics.{topic}]"),
        };
        let message = format!("unknown topic \"{topic}\"");
        problems.error(Code::UnknownTopic, &item.place, message).with_help(help);
    }
    Some(Arc::from(topic))
}

fn status(problems: &mut Problems, item: &Item<'_>) -> Option<Status> {
    item.choice(problems, &[("live", Status::Live), ("shadow", Status::Shadow), ("off", Status::Off)])
}

/// The id that a rule had before it was renamed.
fn formerly(problems: &mut Problems, item: &Item<'_>, id: &str) -> Option<Arc<str>> {
    let old = item.words(problems)?;
    if !is_id(&old) {
        let message = format!("expected the id of a rule, a-z, 0-9 and -, found \"{old}\"");
        problems.error(Code::BadId, &item.place, message).with_help("it is the stem of the file's old name");
        return None;
    }
    if old == id {
        let message = "`formerly` names this very rule: it says which id the rule had before";
        problems.error(Code::ContradictoryForm, &item.place, message).with_help("leave it out");
        return None;
    }
    Some(Arc::from(old))
}

/// Its `properties.` and `context.` are those of the record that completed the trigger.
fn audience(problems: &mut Problems, item: &Item<'_>, is_unproven: bool) -> Option<Condition> {
    let mut table = item.table(problems)?;
    let tests = table.require(
        problems,
        "where",
        "add where = { \"traits.country\" = \"FR\" }, or leave [audience] out",
    );
    table.finish(problems, &[]);
    condition::parse(problems, &tests?, condition::About::RecordAndPast { is_unproven })
}
