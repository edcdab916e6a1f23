//! Which of our words a file and its partials call, and whether with what they take: seen on the syntax tree, before
//! anything is rendered.

use super::catalogue::{Catalogues, Wanted};
use super::local_form::DateStyle;
use super::locale::Home;
use super::partials::{self, Partials};
use super::problem::{Place, TemplateProblem};
use super::source::{Source, walk};
use super::words::is_currency;
use handlebars::template::{DecoratorTemplate, HelperTemplate, Parameter, TemplateElement};
use serde_json::Value;

/// What a word takes.
struct Shape {
    word: &'static str,
    /// How many values, at least and at most.
    values: (usize, usize),
    /// Named ones; `None`: any.
    options: Option<&'static [&'static str]>,
    example: &'static str,
}

const PLURALS: &[&str] = &["zero", "one", "two", "few", "many", "other"];

const SHAPES: [Shape; 8] = [
    shape("default", (2, 2), Some(&[]), "{{default traits.first_name \"there\"}}"),
    shape("date", (1, 2), Some(&["zone", "time"]), "{{date properties.at \"long\" zone=\"Europe/Paris\"}}"),
    shape("number", (1, 1), Some(&["decimals"]), "{{number properties.seats decimals=2}}"),
    shape("currency", (2, 2), Some(&["minor"]), "{{currency properties.amount \"EUR\" minor=true}}"),
    shape("plural", (1, 3), Some(PLURALS), "{{plural properties.count \"project\" \"projects\"}}"),
    shape("truncate", (2, 2), Some(&[]), "{{truncate properties.title 40}}"),
    shape("url", (1, 1), Some(&["whole"]), "{{url properties.id}}"),
    shape("t", (1, 1), None, "{{t \"mail.greeting\" name=traits.first_name}}"),
];

const fn shape(
    word: &'static str,
    values: (usize, usize),
    options: Option<&'static [&'static str]>,
    example: &'static str,
) -> Shape {
    Shape { word, values, options, example }
}

/// All calls of our words.
pub(super) struct Calls<'s> {
    found: Vec<Call<'s>>,
}

struct Call<'s> {
    file: &'s str,
    at: Place,
    shape: &'static Shape,
    call: HelperTemplate,
}

/// The calls of a file, and of the partials that it includes.
pub(super) fn of<'s>(source: &'s Source, partials: &'s Partials) -> Calls<'s> {
    let mut found = Vec::new();
    gather(source, &mut found);
    for name in partials::closure(source, partials) {
        partials.get(&name).into_iter().for_each(|partial| gather(partial, &mut found));
    }
    Calls { found }
}

impl Calls<'_> {
    pub fn has(&self, word: &str) -> bool {
        self.found.iter().any(|call| call.shape.word == word)
    }

    pub fn problems(&self, home: &Home, catalogues: &Catalogues) -> Vec<TemplateProblem> {
        let mut problems = Vec::new();
        for call in &self.found {
            let faults = match call.fault() {
                Some(message) => vec![("word-arguments", message, format!("Write {}.", call.shape.example))],
                None => {
                    call.wanted().map_or_else(Vec::new, |wanted| catalogues.faults(&home.locale, &wanted))
                }
            };
            problems.extend(
                faults.into_iter().map(|(code, message, help)| {
                    TemplateProblem::new(call.file, call.at, code, message, help)
                }),
            );
        }
        problems
    }
}

impl Call<'_> {
    /// What is wrong with its values, as far as they stand in the template.
    fn fault(&self) -> Option<String> {
        let (word, (least, most)) = (self.shape.word, self.shape.values);
        let count = self.call.params.len();
        if count < least || count > most {
            let wanted = if least == most { least.to_string() } else { format!("{least} to {most}") };
            return Some(format!("expected {wanted} values for `{word}`, found {count}"));
        }
        let is_unknown =
            |name: &&String| self.shape.options.is_some_and(|known| !known.contains(&name.as_str()));
        if let Some(name) = self.call.hash.keys().find(is_unknown) {
            let known = self.shape.options.unwrap_or_default();
            let there = if known.is_empty() { "none".to_owned() } else { known.join("=, ") + "=" };
            return Some(format!("expected of the options of `{word}` ({there}), found {name}="));
        }
        self.unfit_value().map(|expected| format!("expected {expected} for `{word}`, found something else"))
    }

    fn unfit_value(&self) -> Option<&'static str> {
        let (second, option) = (self.literal(1), |name| self.option(name));
        let is_no_flag = |name| option(name).is_some_and(|value| !value.is_boolean());
        match self.shape.word {
            "date" => {
                let zone = option("zone");
                let is_zone = |zone: &Value| {
                    zone.as_str().is_some_and(|zone| jiff::tz::TimeZoneDatabase::bundled().get(zone).is_ok())
                };
                if second.is_some_and(|format| !is_date_format(format)) {
                    return Some("short, medium, long, full, time or a pattern such as \"%-d %B %Y\"");
                }
                if zone.is_some_and(|zone| !is_zone(zone)) {
                    return Some("a zone name such as Europe/Paris");
                }
                is_no_flag("time").then_some("time=true or time=false")
            }
            "number" => option("decimals")
                .is_some_and(|value| value.as_u64().is_none_or(|decimals| decimals > 6))
                .then_some("decimals=0 to decimals=6"),
            "currency" => {
                if second.is_some_and(|code| !code.as_str().is_some_and(is_currency)) {
                    return Some("a code of three letters such as EUR");
                }
                is_no_flag("minor").then_some("minor=true or minor=false")
            }
            "plural" => {
                let is_sound = match self.call.params.len() {
                    1 => self.call.hash.contains_key("other"),
                    count => count == 3 && self.call.hash.is_empty(),
                };
                (!is_sound).then_some("a number and two words, or a number and one=, other= and their like")
            }
            "truncate" => second
                .is_some_and(|max| max.as_u64().is_none_or(|max| max == 0))
                .then_some("a number of characters above 0"),
            "url" => is_no_flag("whole").then_some("whole=true or whole=false"),
            "t" => self
                .literal(0)
                .and_then(Value::as_str)
                .is_none()
                .then_some("a key in quotes, so that each language can be seen to have it"),
            _ => None,
        }
    }

    fn wanted(&self) -> Option<Wanted> {
        let key = self.literal(0)?.as_str()?.to_owned();
        let given = self.call.hash.keys().cloned().collect();
        (self.shape.word == "t").then_some(Wanted { key, given })
    }

    fn literal(&self, index: usize) -> Option<&Value> {
        literal(self.call.params.get(index)?)
    }

    fn option(&self, name: &str) -> Option<&Value> {
        literal(self.call.hash.get(name)?)
    }
}

fn literal(parameter: &Parameter) -> Option<&Value> {
    match parameter {
        Parameter::Literal(value) => Some(value),
        _ => None,
    }
}

fn is_date_format(format: &Value) -> bool {
    let Some(format) = format.as_str() else { return false };
    let moment = jiff::Timestamp::UNIX_EPOCH.to_zoned_datetime(jiff::tz::TimeZone::UTC);
    DateStyle::parse(format).is_some()
        || format == "time"
        || format.contains('%') && jiff::fmt::strtime::format(format, &moment).is_ok()
}

fn gather<'s>(source: &'s Source, found: &mut Vec<Call<'s>>) {
    walk(&source.tree, &mut |at, element| match element {
        TemplateElement::Expression(call) | TemplateElement::HtmlExpression(call) => {
            gather_call((&source.file, at), call, false, found);
        }
        TemplateElement::HelperBlock(block) => gather_call((&source.file, at), block, true, found),
        TemplateElement::PartialExpression(partial) | TemplateElement::PartialBlock(partial) => {
            gather_within((&source.file, at), inner(partial), found);
        }
        // Text and comments; the rest is refused.
        _ => {}
    });
}

fn inner(partial: &DecoratorTemplate) -> impl Iterator<Item = &Parameter> {
    partial.params.iter().chain(partial.hash.values())
}

fn gather_call<'s>(
    (file, at): (&'s str, Place),
    call: &HelperTemplate,
    is_call: bool,
    found: &mut Vec<Call<'s>>,
) {
    let is_call = is_call || !call.params.is_empty() || !call.hash.is_empty();
    let shape = call.name.as_name().and_then(|name| SHAPES.iter().find(|shape| shape.word == name));
    if let Some(shape) = shape.filter(|_| is_call) {
        found.push(Call { file, at, shape, call: call.clone() });
    }
    gather_within(
        (file, at),
        std::iter::once(&call.name).chain(&call.params).chain(call.hash.values()),
        found,
    );
}

fn gather_within<'s, 'p>(
    place: (&'s str, Place),
    parameters: impl Iterator<Item = &'p Parameter>,
    found: &mut Vec<Call<'s>>,
) {
    for parameter in parameters {
        if let Parameter::Subexpression(inner) = parameter
            && let TemplateElement::Expression(inner) = inner.as_element()
        {
            gather_call(place, inner, true, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(text: &str) -> Vec<String> {
        let partials = Partials::new();
        let source = Source::parse("f", text).ok().unwrap();
        let problems = of(&source, &partials).problems(&Home::default(), &Catalogues::default());
        problems.into_iter().map(|problem| format!("{} {}", problem.code, problem.message)).collect()
    }

    #[test]
    fn values_that_a_word_does_not_take_are_told() {
        for text in [
            "{{default traits.a}}",
            "{{number traits.a 2}}",
            "{{number traits.a decimals=9}}",
            "{{number traits.a places=2}}",
            r#"{{currency traits.a "euros"}}"#,
            r#"{{currency traits.a "EUR" minor="yes"}}"#,
            r#"{{date traits.a "lang"}}"#,
            r#"{{date traits.a "%!"}}"#,
            r#"{{date traits.a zone="Mars/Olympus"}}"#,
            r#"{{plural traits.n "day"}}"#,
            r#"{{plural traits.n one="day"}}"#,
            "{{truncate traits.a 0}}",
            "{{url traits.a traits.b}}",
            "{{t traits.key}}",
            r#"{{#if (truncate traits.a)}}x{{/if}}"#,
        ] {
            let found = messages(text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(found[0].starts_with("word-arguments "), "{text}: {found:?}");
        }
    }

    #[test]
    fn what_words_take_is_nothing_to_tell() {
        for text in [
            r#"{{date traits.a "full" time=true zone=traits.timezone}}{{date traits.a traits.format}}"#,
            r#"{{plural traits.n one="Tag" other="Tage"}}{{plural traits.n "day" "days"}}"#,
            r#"{{currency (default traits.a 3) (default traits.c "EUR")}}{{url traits.a whole=true}}"#,
            "{{traits.date}} {{number traits.n decimals=0}}",
        ] {
            assert_eq!(messages(text), [""; 0], "{text}");
        }
    }
}
