//! `set`: traits below `outreach.`, each a value.

use crate::rule::StepKind;
use crate::rule::diagnostic::Code;
use crate::rule::document::{Item, Problems, nfc};
use crate::rule::parse::condition;

/// Of one step: more belongs into the product.
const TRAITS_MAX: usize = 16;
const NAME_CHARACTERS_MAX: usize = 64;

pub(super) fn parse(problems: &mut Problems, item: &Item<'_>) -> Option<StepKind> {
    let entries = item.table(problems)?.take_all();
    if entries.is_empty() || entries.len() > TRAITS_MAX {
        let message = format!("expected 1 to {TRAITS_MAX} traits in `set`, found {}", entries.len());
        problems
            .error(Code::BadValue, &item.place, message)
            .with_help("write set = { \"stage\" = \"trial\" }");
        return None;
    }
    let one = |entry: &Item<'_>| {
        let (name, value) = (name(problems, entry), condition::value(problems, entry));
        Some((name?, value?))
    };
    let traits: Vec<_> = entries.iter().filter_map(one).collect();
    (traits.len() == entries.len()).then_some(StepKind::Set(traits))
}

/// What stands behind `traits.outreach.`.
fn name(problems: &mut Problems, entry: &Item<'_>) -> Option<Box<str>> {
    let name = nfc(entry.key);
    let is_segment = |segment: &str| {
        !segment.is_empty() && segment.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
    };
    if name.chars().count() > NAME_CHARACTERS_MAX || !name.split('.').all(is_segment) {
        let message = format!(
            "expected a name of letters, digits, _ and - (at most {NAME_CHARACTERS_MAX}), found \"{name}\""
        );
        let help = "set = { \"stage\" = … } writes traits.outreach.stage";
        problems.error(Code::BadPath, &entry.key_place, message).with_help(help);
        return None;
    }
    Some(name.into())
}
