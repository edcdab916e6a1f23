//! Where a property of `[kafka.properties]` is written: for those who know what librdkafka takes, which this folder does
//! not.

use super::{Reading, environment, files};
use outreach_engine::rule::diagnostic::Code;
use outreach_engine::rule::document::{Document, Place, Problems};
use std::ops::Range;

impl Reading {
    /// Adds an error about the property `name`; without a name, about one that is missing.
    pub fn refuse_property(&mut self, name: Option<&str>, message: impl Into<String>, help: &str) {
        // A variable's word stands over the file's; what is missing is best added to the file.
        let mut files = [environment::FILE, files::SETTINGS];
        if name.is_none() {
            files.reverse();
        }
        let place = files.into_iter().find_map(|file| {
            let text = self.texts.get(file)?;
            Some((file, span(file, text, name)?))
        });
        let (file, span) = place.unwrap_or((files::SETTINGS, 0..0));
        let mut problems = Problems::default();
        problems.extend(std::mem::take(&mut self.problems));
        problems.error(Code::KafkaProperty, &Place { file, span }, message).with_help(help);
        self.problems = problems.into_sorted();
    }
}

/// Of the property; of the table that it is missing in, else of the first source.
fn span(file: &str, text: &str, name: Option<&str>) -> Option<Range<usize>> {
    let mut said = Problems::default();
    let document = Document::parse(&mut said, file, text)?;
    let mut top = document.top();
    let kafka = top.take("kafka").and_then(|item| item.table(&mut said)?.take("properties"));
    let Some(name) = name else {
        let source = || top.take("sources")?.elements(&mut said)?.into_iter().next();
        return kafka.or_else(source).map(|item| item.key_place.span);
    };
    let properties = kafka?.table(&mut said)?.take_all();
    properties.into_iter().find(|item| item.key == name).map(|item| item.key_place.span)
}
