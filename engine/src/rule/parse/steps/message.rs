//! Message steps: a channel, a template, and the keys that only they have.

use super::Steps;
use crate::effect::{Channel, OnCap};
use crate::rule::MessageStep;
use crate::rule::diagnostic::Code;
use crate::rule::document::{Item, Problems, Table};
use crate::rule::parse::{Known, is_id, top};
use std::sync::Arc;

/// The keys that only a message step has.
pub(super) struct MessageKeys<'d> {
    topic: Option<Item<'d>>,
    expires: Option<Item<'d>>,
    on_cap: Option<Item<'d>>,
    transactional: Option<Item<'d>>,
}

impl<'d> MessageKeys<'d> {
    pub fn take(table: &mut Table<'d>) -> MessageKeys<'d> {
        MessageKeys {
            topic: table.take("topic"),
            expires: table.take("expires"),
            on_cap: table.take("on_cap"),
            transactional: table.take("transactional"),
        }
    }

    /// The message that `kind` names.
    pub fn message(
        self,
        problems: &mut Problems,
        kind: &Item<'_>,
        channel: Channel,
        steps: &Steps<'_>,
    ) -> Option<MessageStep> {
        let (rule, known) = (steps.rule, steps.known);
        let template = template(problems, kind);
        if channel == Channel::Email && self.topic.is_none() && !rule.has_topic {
            let message = "mail needs a topic: what a recipient can opt out of";
            let help = "add `topic` at the top of the rule or to this step, and declare it in outreach.toml";
            problems.error(Code::TopicRequired, &kind.key_place, message).with_help(help);
        }
        let topic = self.topic.and_then(|item| top::topic(problems, &item, known));
        let expires = self.expires.and_then(|item| item.length(problems));
        let on_caps = [("skip", OnCap::Skip), ("wait", OnCap::Wait)];
        let on_cap = self.on_cap.and_then(|item| item.choice(problems, &on_caps));
        let is_transactional =
            self.transactional.is_some_and(|item| transactional(problems, &item, rule.id, known));
        Some(MessageStep {
            channel,
            template: Arc::from(template?),
            topic: topic.or_else(|| rule.topic.cloned()),
            expires: expires.unwrap_or(rule.late),
            on_cap: on_cap.unwrap_or(OnCap::Skip),
            is_transactional,
        })
    }

    /// None of them belongs to a step that sends nothing.
    pub fn refuse(self, problems: &mut Problems, kind: &str) {
        let all = [self.topic, self.expires, self.on_cap, self.transactional];
        for item in all.iter().flatten() {
            let message = format!("`{}` belongs to a message, found it beside `{kind}`", item.key);
            problems.error(Code::ContradictoryForm, &item.key_place, message);
        }
    }
}

fn transactional(problems: &mut Problems, item: &Item<'_>, rule: &str, known: &Known) -> bool {
    let is_transactional = item.boolean(problems).unwrap_or_default();
    let allowed = known.transactional_rules.as_ref().is_none_or(|rules| rules.contains(rule));
    if is_transactional && !allowed {
        let message = format!("rule \"{rule}\" may not send transactional messages");
        let help = format!("the operator allows it in outreach.toml: transactional_rules = [\"{rule}\"]");
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
