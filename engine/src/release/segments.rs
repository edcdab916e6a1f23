//! Which segments a change of the person may turn: by the first segment of the traits that their conditions read.

use super::Compiled;
use crate::rule::{Root, Status, TriggerForm};
use indexmap::IndexMap;
use std::sync::Arc;

/// The rules whose trigger is a segment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Segments {
    by_trait: IndexMap<Box<str>, Vec<u32>, foldhash::fast::FixedState>,
}

impl Segments {
    pub(super) fn new(rules: &[Arc<Compiled>]) -> Segments {
        let mut segments = Segments::default();
        for (number, compiled) in
            rules.iter().enumerate().filter(|(_, other)| other.rule.status != Status::Off)
        {
            if let TriggerForm::Segment { condition, .. } = &compiled.rule.trigger.form {
                condition.each_test(&mut |test| {
                    if let (Root::Traits, Some(first)) = (test.path.root, test.path.segments.first()) {
                        segments.by_trait.entry(first.clone()).or_default().push(number as u32);
                    }
                });
            }
        }
        segments
    }

    pub fn is_empty(&self) -> bool {
        self.by_trait.is_empty()
    }

    /// The numbers of the rules that read one of these traits, in order.
    pub fn find(&self, traits: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<u32> {
        let of_trait = |name| self.by_trait.get(AsRef::<str>::as_ref(&name));
        let mut found: Vec<u32> = traits.into_iter().filter_map(of_trait).flatten().copied().collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}
