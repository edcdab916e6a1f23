//! `[[write_keys]]`: who may send events.

use super::super::environment::write_key_variable;
use super::{Context, SecretPlace, network};
use outreach_engine::rule::diagnostic::Code;
use outreach_engine::rule::document::{Item, Problems};
use outreach_engine::rule::parse::is_id;
use std::collections::BTreeSet;
use std::num::NonZeroU32;

/// One key, named; the key itself is in a file or in `OUTREACH__WRITE_KEYS__NAME`.
#[derive(Clone, Debug)]
pub struct WriteKey {
    /// Unique; `[a-z0-9-]`.
    pub name: String,
    pub kind: WriteKeyKind,
    pub key: SecretPlace,
    /// Default 5,000.
    pub events_per_second_max: NonZeroU32,
    /// Of bodies, unzipped. Default: [`EVENT_BYTES`] for each event that it may send.
    pub bytes_per_second_max: NonZeroU32,
}

/// How far its events are trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteKeyKind {
    Server,
    /// Public: its events are unproven.
    Browser,
}

const EVENTS_PER_SECOND: NonZeroU32 = NonZeroU32::new(5_000).expect("it is not zero");
/// Some ten times a usual event: what client libraries add to each is a kilobyte at most.
const EVENT_BYTES: NonZeroU32 = NonZeroU32::new(4_096).expect("it is not zero");

pub(super) fn all(problems: &mut Problems, item: &Item<'_>, context: &Context<'_>) -> Vec<WriteKey> {
    let elements = item.elements(problems).unwrap_or_default();
    let mut names = BTreeSet::new();
    elements.iter().filter_map(|element| one(problems, element, context, &mut names)).collect()
}

fn one(
    problems: &mut Problems,
    item: &Item<'_>,
    context: &Context<'_>,
    names: &mut BTreeSet<String>,
) -> Option<WriteKey> {
    let mut table = item.table(problems)?;
    let name = table
        .require(problems, "name", "add name = \"backend\"")
        .and_then(|item| unique_name(problems, &item, names));
    let kinds = [("server", WriteKeyKind::Server), ("browser", WriteKeyKind::Browser)];
    let kind = table
        .require(problems, "kind", "add kind = \"server\", or kind = \"browser\" for a key that is public")
        .and_then(|item| item.choice(problems, &kinds));
    let file = table.take("key_file");
    let rate = table.take("events_per_second_max").and_then(|item| network::per_second(problems, &item));
    let bytes = table.take("bytes_per_second_max").and_then(|item| network::per_second(problems, &item));
    table.finish(problems, &[]);
    let name = name?;
    let key = context.secret(problems, file, write_key_variable(&name));
    let events_per_second_max = rate.unwrap_or(EVENTS_PER_SECOND);
    let bytes_per_second_max = bytes.unwrap_or_else(|| events_per_second_max.saturating_mul(EVENT_BYTES));
    Some(WriteKey { name, kind: kind?, key, events_per_second_max, bytes_per_second_max })
}

/// A name that may stand in metrics and variables, and that no other has.
pub(super) fn unique_name(
    problems: &mut Problems,
    item: &Item<'_>,
    names: &mut BTreeSet<String>,
) -> Option<String> {
    let name = item.words(problems)?;
    if !is_id(&name) {
        let message = format!("expected a name of 1 to 64 characters a-z, 0-9 and -, found \"{name}\"");
        problems.error(Code::BadId, &item.place, message);
        return None;
    }
    if !names.insert(name.clone()) {
        problems.error(
            Code::BadValue,
            &item.place,
            format!("expected a name of its own, found \"{name}\" twice"),
        );
        return None;
    }
    Some(name)
}
