//! `if`, with the lists `then` and `else` beside it.

use super::Steps;
use crate::rule::diagnostic::Code;
use crate::rule::document::{Item, Problems, Table};
use crate::rule::parse::condition::{self, About};
use crate::rule::{IfStep, Step, StepKind};

/// The lists beside `if` and `wait_until`, and beside nothing else.
pub(super) struct Lists<'d> {
    then: Option<Item<'d>>,
    otherwise: Option<Item<'d>>,
}

impl<'d> Lists<'d> {
    pub fn take(table: &mut Table<'d>) -> Lists<'d> {
        Lists { then: table.take("then"), otherwise: table.take("else") }
    }

    fn is_empty(&self) -> bool {
        self.then.is_none() && self.otherwise.is_none()
    }

    /// Both lists; empty where they are not said.
    pub fn read(self, problems: &mut Problems, steps: &mut Steps<'_>) -> (Vec<Step>, Vec<Step>) {
        let mut read =
            |item: Option<Item<'_>>| item.map(|item| steps.list(problems, &item)).unwrap_or_default();
        (read(self.then), read(self.otherwise))
    }

    pub fn refuse(self, problems: &mut Problems, kind: &str) {
        for item in [self.then, self.otherwise].iter().flatten() {
            let message =
                format!("`{}` stands beside `if` or `wait_until`, found it beside `{kind}`", item.key);
            let help = "write if = { \"traits.plan\" = \"pro\" } in the same step";
            problems.error(Code::ContradictoryForm, &item.key_place, message).with_help(help);
        }
    }
}

/// Its `properties.` and `context.` are those of the record that completed the trigger.
pub(super) fn parse(
    problems: &mut Problems,
    item: &Item<'_>,
    lists: Lists<'_>,
    steps: &mut Steps<'_>,
) -> Option<StepKind> {
    if lists.is_empty() {
        let message = "`if` needs `then`, `else` or both: what follows";
        let help = "add then = [ { email = \"stalled-onboarding\" } ]";
        problems.error(Code::ContradictoryForm, &item.key_place, message).with_help(help);
    }
    let about = About::RecordAndPast { is_unproven: steps.rule.is_unproven };
    let condition = condition::parse(problems, item, about);
    let (then, otherwise) = lists.read(problems, steps);
    Some(StepKind::If(IfStep { condition: condition?, then, otherwise }))
}
