//! What rules ask of the past: an event that answers a question is kept, before anything is judged by it.

use super::exit;
use crate::event::{Event, SubjectKind};
use crate::release::Asked;
use crate::state::{Profile, Shard};

/// Keeps the event for the questions that it answers; the number of the person, if it was kept.
pub(crate) fn take_in(
    shard: &mut Shard,
    known: Option<usize>,
    asked: &[Asked],
    event: &Event<'_>,
) -> Option<usize> {
    let nobody = Profile::default();
    let profile = known.map_or(&nobody, |index| &shard.people[index].profile);
    let answers: Vec<&Asked> =
        asked.iter().filter(|asked| is_kept(shard, asked) && is_answer(asked, event, profile)).collect();
    if answers.is_empty() {
        return None;
    }
    let index = known.unwrap_or_else(|| shard.keep(event.subject));
    let person = &mut shard.people[index];
    let hash = xxhash_rust::xxh3::xxh3_64(event.message_id.as_bytes());
    let at = event.occurred_at;
    let is_news = person.change_aside(|aside| {
        let add = |asked: &&Asked| aside.history.add(asked.question.id, asked.room, at, hash);
        answers.iter().map(add).fold(false, |one, other| one | other)
    });
    if is_news && person.has_messages_out() {
        person.recheck(at);
    }
    Some(index)
}

/// A question of an earlier release alone is kept for the people inside it, and not for its own sake.
fn is_kept(shard: &Shard, asked: &Asked) -> bool {
    asked.is_now || shard.turnover.asked.contains(&asked.question.id)
}

fn is_answer(asked: &Asked, event: &Event<'_>, profile: &Profile) -> bool {
    let question = &asked.question;
    let is_heard = event.is_proven || question.takes_unproven || event.subject.kind == SubjectKind::Anon;
    is_heard
        && question.condition.as_ref().is_none_or(|condition| condition.holds(&exit::scope(event, profile)))
}
