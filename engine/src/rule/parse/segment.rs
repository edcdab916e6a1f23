//! `enters` and `leaves`: a condition about the person, which a record may turn.

use super::condition::{self, About};
use crate::rule::condition::{Bound, Condition, Operator};
use crate::rule::diagnostic::Code;
use crate::rule::document::{Item, Problems};
use crate::rule::{TriggerForm, Turn};

pub(super) fn parse(problems: &mut Problems, form: &str, item: &Item<'_>) -> Option<TriggerForm> {
    let condition = condition::parse(problems, item, About::Person)?;
    if turns_by_time(&condition) {
        let message = format!("`{form}` looks at a person when a record comes, and this turns by time alone");
        let help = "say the date with date = \"traits.…\", a silence with inactive_for, or what is asked of an event \
                    with event and [audience]";
        problems.error(Code::ContradictoryForm, &item.place, message).with_help(help);
        return None;
    }
    let to = if form == "enters" { Turn::Enters } else { Turn::Leaves };
    Some(TriggerForm::Segment { condition, to })
}

/// Whether it may hold or not hold by the clock, with nothing said of the person.
fn turns_by_time(condition: &Condition) -> bool {
    match condition {
        Condition::All(parts) | Condition::Any(parts) | Condition::None(parts) => {
            parts.iter().any(turns_by_time)
        }
        Condition::Test(test) => match &test.operator {
            Operator::Greater(bound)
            | Operator::GreaterOrEqual(bound)
            | Operator::Less(bound)
            | Operator::LessOrEqual(bound) => is_relative(bound),
            Operator::Between(low, high) => is_relative(low) || is_relative(high),
            Operator::Equal(_)
            | Operator::Not(_)
            | Operator::In(_)
            | Operator::NotIn(_)
            | Operator::Contains(_)
            | Operator::StartsWith(_)
            | Operator::EndsWith(_)
            | Operator::Matches(_)
            | Operator::Exists(_) => false,
        },
        // Refused before: the past stands elsewhere.
        Condition::Did(_) => true,
    }
}

fn is_relative(bound: &Bound) -> bool {
    match bound {
        Bound::Now { .. } => true,
        Bound::Number(_) | Bound::Date(_) => false,
    }
}
