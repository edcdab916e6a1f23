//! String catalogues, `templates/locales/de.toml`: what `{{t "key"}}` says in each language.
//!
//! A value is a text, or a table of plural classes (`one = "…"`, `other = "…"`) of which `count=` chooses; any other table
//! groups keys, which are named with dots. `{name}` stands for what the call hands over as `name=`.

use super::local_form;
use super::locale::{chain, known_locale};
use super::problem::{TemplateProblem, place, place_of};
use std::collections::{BTreeMap, BTreeSet};

/// All languages by tag.
#[derive(Debug, Default)]
pub(super) struct Catalogues {
    by_locale: BTreeMap<String, Catalogue>,
}

#[derive(Debug, Default)]
struct Catalogue {
    file: String,
    texts: BTreeMap<String, Text>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Text {
    Plain(String),
    /// By CLDR's class; `other` is there.
    Plural(BTreeMap<String, String>),
}

/// What a call of `t` needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wanted {
    pub key: String,
    /// The names that it hands over.
    pub given: BTreeSet<String>,
}

const HELP: &str = "It holds key = \"text\", key = { one = \"…\", other = \"…\" }, and tables of such.";

impl Catalogues {
    /// Reads the files of `templates/locales/`, by name.
    pub fn load(
        folder: &str,
        files: Option<&BTreeMap<&str, &str>>,
        problems: &mut Vec<TemplateProblem>,
    ) -> Catalogues {
        let mut by_locale = BTreeMap::new();
        for (file, text) in files.into_iter().flatten() {
            let path = format!("{folder}{file}");
            let tag = file.strip_suffix(".toml");
            let Some(tag) = tag.filter(|tag| known_locale(tag).as_deref() == Some(*tag)) else {
                let message = format!("expected LOCALE.toml such as de.toml or de-AT.toml, found `{file}`");
                problems.push(TemplateProblem::new(
                    &path,
                    (1, 1),
                    "unknown-locale",
                    message,
                    "Rename or remove it.",
                ));
                continue;
            };
            by_locale.insert(tag.to_owned(), Catalogue::read(path, tag, text, problems));
        }
        Catalogues { by_locale }
    }

    /// Whether there is one of this very tag.
    pub fn has(&self, tag: &str) -> bool {
        self.by_locale.contains_key(tag)
    }

    pub fn locales(&self) -> impl Iterator<Item = &str> {
        self.by_locale.keys().map(String::as_str)
    }

    /// The text of a key for a locale: its own, or that of what it falls back to, and the tag that it is of.
    pub fn find(&self, tag: &str, key: &str) -> Option<(&str, &Text)> {
        chain(tag).find_map(|tag| {
            let (tag, catalogue) = self.by_locale.get_key_value(tag)?;
            catalogue.texts.get(key).map(|text| (tag.as_str(), text))
        })
    }

    /// What is wrong with a call: a key that a language lacks, a name that a text says and the call does not hand over.
    pub fn faults(&self, home: &str, wanted: &Wanted) -> Vec<(&'static str, String, String)> {
        let key = &wanted.key;
        let mut languages: BTreeSet<&str> = self.locales().collect();
        languages.insert(home);
        let mut faults = Vec::new();
        for tag in languages {
            let Some((of, text)) = self.find(tag, key) else {
                let message = format!("expected a text for `{key}` in {tag}, found none");
                faults.push((
                    "missing-translation",
                    message,
                    format!("Add it to templates/locales/{tag}.toml."),
                ));
                continue;
            };
            let needs_count = matches!(text, Text::Plural(_)).then(|| "count".to_owned());
            let missing: BTreeSet<String> =
                text.names().chain(needs_count).filter(|name| !wanted.given.contains(name)).collect();
            if let Some(name) = missing.first() {
                let message = format!("expected {name}= for `{key}`, whose text in {of} says it, found none");
                faults.push(("word-arguments", message, format!("Write {{{{t \"{key}\" {name}=…}}}}.")));
            }
        }
        faults.sort();
        faults.dedup();
        faults
    }
}

impl Text {
    fn all(&self) -> Vec<&str> {
        match self {
            Text::Plain(text) => vec![text],
            Text::Plural(texts) => texts.values().map(String::as_str).collect(),
        }
    }

    /// The names in `{…}`.
    fn names(&self) -> impl Iterator<Item = String> {
        let texts = self.all().into_iter().flat_map(|text| text.split('{').skip(1));
        texts.filter_map(|rest| rest.split_once('}')).map(|(name, _)| name.to_owned())
    }

    /// The text, by the class of a count where it has classes.
    pub fn choose(&self, class: &str) -> &str {
        match self {
            Text::Plain(text) => text,
            Text::Plural(texts) => texts.get(class).or_else(|| texts.get("other")).map_or("", String::as_str),
        }
    }
}

/// A text with its names put in, in one pass: what is put in is not looked at again.
pub(super) fn fill(text: &str, value_of: &mut dyn FnMut(&str) -> Option<String>) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, behind)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            continue;
        };
        out.push_str(&value_of(name)?);
        rest = behind;
    }
    Some(out + rest)
}

impl Catalogue {
    fn read(file: String, tag: &str, text: &str, problems: &mut Vec<TemplateProblem>) -> Catalogue {
        let mut catalogue = Catalogue { file, texts: BTreeMap::new() };
        match text.parse::<toml::Table>() {
            Ok(table) => catalogue.take("", &table, (tag, text), problems),
            Err(error) => {
                let at = place(text, error.span().map_or(0, |span| span.start));
                let message = error.message().to_owned();
                problems.push(TemplateProblem::new(&catalogue.file, at, "bad-catalogue", message, HELP));
            }
        }
        catalogue
    }

    fn take(
        &mut self,
        prefix: &str,
        table: &toml::Table,
        (tag, text): (&str, &str),
        problems: &mut Vec<TemplateProblem>,
    ) {
        for (name, value) in table {
            let key = format!("{prefix}{name}");
            match value {
                toml::Value::String(said) => {
                    self.texts.insert(key, Text::Plain(said.clone()));
                }
                toml::Value::Table(inner) if is_plural(inner) => {
                    let texts: BTreeMap<String, String> = inner
                        .iter()
                        .filter_map(|(class, said)| Some((class.clone(), said.as_str()?.to_owned())))
                        .collect();
                    let lacks: Vec<&str> = local_form::plurals(tag)
                        .into_iter()
                        .filter(|class| !texts.contains_key(*class))
                        .collect();
                    if !lacks.is_empty() {
                        let message = format!(
                            "expected the plural classes {} of {tag} for `{key}`, found no {}",
                            local_form::plurals(tag).join(", "),
                            lacks.join(", ")
                        );
                        let at = place_of(text, name);
                        problems.push(TemplateProblem::new(
                            &self.file,
                            at,
                            "bad-catalogue",
                            message,
                            "Add it.",
                        ));
                    }
                    self.texts.insert(key, Text::Plural(texts));
                }
                toml::Value::Table(inner) => self.take(&format!("{key}."), inner, (tag, text), problems),
                other => {
                    let message = format!("expected a text for `{key}`, found {}", other.type_str());
                    let at = place_of(text, name);
                    problems.push(TemplateProblem::new(&self.file, at, "bad-catalogue", message, HELP));
                }
            }
        }
    }
}

/// A table of classes and nothing else.
fn is_plural(table: &toml::Table) -> bool {
    let is_class = |(name, value): (&String, &toml::Value)| {
        local_form::PLURALS.contains(&name.as_str()) && value.is_str()
    };
    !table.is_empty() && table.iter().all(is_class)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(files: &[(&str, &str)]) -> (Catalogues, Vec<String>) {
        let mut problems = Vec::new();
        let files: BTreeMap<&str, &str> = files.iter().copied().collect();
        let all = Catalogues::load("templates/locales/", Some(&files), &mut problems);
        (all, problems.iter().map(|problem| format!("{} {}", problem.code, problem.message)).collect())
    }

    #[test]
    fn a_text_is_that_of_the_nearest_language_that_has_it() {
        let (all, problems) = load(&[
            ("de.toml", "hi = \"Hallo\"\n[mail]\nbye = \"Tschüss\""),
            ("de-AT.toml", "[mail]\nbye = \"Servus\""),
        ]);
        assert_eq!(problems, [""; 0]);
        let find =
            |tag, key| all.find(tag, key).map(|(of, text)| (of.to_owned(), text.choose("other").to_owned()));
        assert_eq!(find("de-AT", "mail.bye"), Some(("de-AT".into(), "Servus".into())));
        assert_eq!(find("de-CH", "mail.bye"), Some(("de".into(), "Tschüss".into())));
        assert_eq!(find("de-AT", "hi"), Some(("de".into(), "Hallo".into())));
        assert_eq!(find("fr", "hi"), None);
    }

    #[test]
    fn what_is_wrong_with_a_catalogue_or_a_call_is_told() {
        let (all, problems) = load(&[
            ("pl.toml", "n = { one = \"{count} projekt\", other = \"{count} projektu\" }"),
            ("german.toml", ""),
            ("en.toml", "n = 3\nhi = \"Hi {name}\""),
        ]);
        for expected in ["unknown-locale expected LOCALE.toml", "no few, many", "found integer"] {
            assert!(problems.iter().any(|found| found.contains(expected)), "{expected} in {problems:?}");
        }
        let wanted = |key: &str| Wanted { key: key.into(), given: BTreeSet::new() };
        let codes =
            |key| all.faults("en", &wanted(key)).into_iter().map(|(code, ..)| code).collect::<Vec<_>>();
        assert_eq!(codes("n"), ["missing-translation", "word-arguments"]);
        assert_eq!(codes("hi"), ["missing-translation", "word-arguments"]);
        assert_eq!(fill("a {b} {", &mut |_| Some("{b}".into())).as_deref(), Some("a {b} {"));
    }
}
