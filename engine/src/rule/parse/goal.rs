//! `[goal]`: what is hoped for, and who is held out to compare with.

use super::condition::{self, About};
use super::trigger::other_key;
use crate::rule::condition::Path;
use crate::rule::diagnostic::Code;
use crate::rule::document::{Item, Problems};
use crate::rule::{EventMatch, Goal, Share};
use std::sync::Arc;

/// `key` is the trigger's.
pub(super) fn parse(problems: &mut Problems, item: &Item<'_>, key: Option<&Path>) -> Option<Goal> {
    let mut table = item.table(problems)?;
    let event = table.take("event");
    let beside = [table.take("where"), table.take("key"), table.take("within")];
    let holdout = table.take("holdout");
    table.finish(problems, &[]);
    for item in beside.iter().flatten().filter(|_| event.is_none()) {
        let message = format!("`{}` needs `event`: what is hoped for", item.key);
        problems.error(Code::ContradictoryForm, &item.key_place, message);
    }
    let [tests, own_key, within] = beside;
    let condition = tests.and_then(|item| condition::parse(problems, &item, About::Record));
    let key = own_key.and_then(|item| other_key(problems, &item, key)).or_else(|| key.cloned());
    let event = event.and_then(|item| item.words(problems));
    Some(Goal {
        event: event.map(|event| EventMatch { event: Arc::from(event), condition, key }),
        within: within.and_then(|item| item.length(problems)),
        holdout: holdout.and_then(|item| share(problems, &item)),
    })
}

fn share(problems: &mut Problems, item: &Item<'_>) -> Option<Share> {
    let text = item.text(problems)?;
    Share::parse(text).map_err(|message| problems.error(Code::BadValue, &item.place, message)).ok()
}
