//! The schemas and the readers know the same keys, and every value that a schema shows is one that its reader takes.

use super::{SchemaOf, schema};
use crate::project::{Environment, Project};
use outreach_engine::rule::diagnostic::{Code, Diagnostic};
use outreach_engine::rule::{Known, parse};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A key that no table has; no key is near enough to it to be suggested instead.
const NOBODYS_KEY: &str = "zzzzzzzzzz";

/// The place of a table → a file in which `§` is a line of that table.
type Places = &'static [(&'static str, &'static str)];

const RULE: Places = &[
    ("", "§\nname = \"R\"\ntopic = \"t\"\n[trigger]\nevent = \"A\"\n[[step]]\nemail = \"x\"\n"),
    ("trigger", "name = \"R\"\n[trigger]\nevent = \"A\"\n§\n[[step]]\nin_product = \"x\"\n"),
    (
        "trigger.without",
        "name = \"R\"\n[trigger]\nevent = \"A\"\n[trigger.without]\nevent = \"B\"\n§\n[[step]]\nin_product = \"x\"\n",
    ),
    (
        "trigger.sequence[]",
        "name = \"R\"\n[trigger]\nwithin = \"1 h\"\n[[trigger.sequence]]\nevent = \"A\"\n§\n[[trigger.sequence]]\n\
         event = \"B\"\n[[step]]\nin_product = \"x\"\n",
    ),
    ("audience", "name = \"R\"\n[trigger]\nevent = \"A\"\n[audience]\n§\n[[step]]\nin_product = \"x\"\n"),
    ("exit", "name = \"R\"\n[trigger]\nevent = \"A\"\n[exit]\n§\n[[step]]\nin_product = \"x\"\n"),
    ("exit.any[]", "name = \"R\"\n[trigger]\nevent = \"A\"\n[[exit.any]]\n§\n[[step]]\nin_product = \"x\"\n"),
    ("limits", "name = \"R\"\n[trigger]\nevent = \"A\"\n[limits]\n§\n[[step]]\nin_product = \"x\"\n"),
    ("goal", "name = \"R\"\n[trigger]\nevent = \"A\"\n[goal]\n§\n[[step]]\nin_product = \"x\"\n"),
    (
        "limits.mutes",
        "name = \"R\"\n[trigger]\nevent = \"A\"\n[limits.mutes]\n§\n[[step]]\nin_product = \"x\"\n",
    ),
    ("expect", "name = \"R\"\n[trigger]\nevent = \"A\"\n[expect]\n§\n[[step]]\nin_product = \"x\"\n"),
    (
        "expect.per_day",
        "name = \"R\"\n[trigger]\nevent = \"A\"\n[expect.per_day]\n§\n[[step]]\nin_product = \"x\"\n",
    ),
    (
        "Where.did",
        "name = \"R\"\n[trigger]\nevent = \"A\"\n[audience.where.did]\n§\n[[step]]\nin_product = \"x\"\n",
    ),
    (
        "Where.did.count",
        "name = \"R\"\n[trigger]\nevent = \"A\"\n[audience.where.did]\nevent = \"B\"\n\
         [audience.where.did.count]\n§\n[[step]]\nin_product = \"x\"\n",
    ),
    ("Step", "name = \"R\"\n[trigger]\nevent = \"A\"\n[[step]]\n§\n"),
    (
        "Step.wait_until",
        "name = \"R\"\n[trigger]\nevent = \"A\"\n[[step]]\n[step.wait_until]\nevent = \"B\"\ntimeout = \"1 day\"\n§\n",
    ),
    ("Step.split[]", "name = \"R\"\n[trigger]\nevent = \"A\"\n[[step]]\n[[step.split]]\n§\n"),
    (
        "Where.*",
        "name = \"R\"\n[trigger]\nevent = \"A\"\n[audience.where.\"traits.x\"]\n§\n[[step]]\nin_product = \"x\"\n",
    ),
];

const PROJECT: Places = &[
    ("", "§\n"),
    ("caps", "[caps]\n§\n"),
    ("topics.*", "[topics.t]\n§\n"),
    ("data", "[data]\n§\n"),
    ("http", "[http]\n§\n"),
    ("write_keys[]", "[[write_keys]]\n§\n"),
    ("identity", "[identity]\n§\n"),
    ("identity.keys[]", "[identity]\naudience = \"a\"\n[[identity.keys]]\n§\n"),
    ("unsubscribe", "[unsubscribe]\n§\n"),
    ("sender", "[sender]\n§\n"),
    ("email", "[email]\n§\n"),
    ("email.smtp", "[email]\nfrom = \"a@b.example\"\n[email.smtp]\n§\n"),
    ("delivery", "[delivery]\n§\n"),
    ("dispatch", "[dispatch]\n§\n"),
    ("kafka", "[kafka]\n§\n"),
    ("sources[]", "[[sources]]\n§\n"),
    (
        "sources[].fields",
        "[[sources]]\nname = \"s\"\ntopic = \"t\"\nformat = \"json\"\n[sources.fields]\n§\n",
    ),
];

const TEST: Places = &[
    ("", "§\n"),
    ("test[]", "[[test]]\n§\n"),
    ("test[].given[]", "[[test]]\nname = \"n\"\nexpect = []\n[[test.given]]\n§\n"),
    ("test[].expect[]", "[[test]]\nname = \"n\"\ngiven = []\n[[test.expect]]\n§\n"),
];

fn places(of: SchemaOf) -> Places {
    match of {
        SchemaOf::Rule => RULE,
        SchemaOf::Project => PROJECT,
        SchemaOf::Test => TEST,
    }
}

/// What the reader says of a file.
fn read(of: SchemaOf, text: &str) -> Vec<Diagnostic> {
    if of == SchemaOf::Rule {
        return parse("rule", "rules/rule.toml", text, &Known::default())
            .map_or_else(|found| found, |(_, found)| found);
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, settings) = match of {
        SchemaOf::Test => ("rules/rule.test.toml", ""),
        SchemaOf::Project | SchemaOf::Rule => ("outreach.toml", text),
    };
    std::fs::create_dir(folder.path().join("rules")).unwrap();
    std::fs::write(folder.path().join("outreach.toml"), settings).unwrap();
    std::fs::write(folder.path().join(path), text).unwrap();
    let mut problems = Project::read(folder.path(), &Environment::default()).problems;
    problems.retain(|problem| problem.file == path);
    problems
}

/// The keys that the reader says it knows in this table.
fn keys_of_reader(of: SchemaOf, file: &str) -> BTreeSet<String> {
    let problems = read(of, &file.replace('§', &format!("{NOBODYS_KEY} = 1")));
    let unknown = problems.iter().find(|problem| problem.code == Code::UnknownKey);
    let help = unknown.and_then(|problem| problem.help.clone());
    let help = help.unwrap_or_else(|| panic!("the reader takes any key here:\n{file}\n{problems:#?}"));
    help.strip_prefix("known here: ").expect("the keys").split(", ").map(str::to_owned).collect()
}

/// Every table of a schema with its keys, by its place.
fn tables(at: &str, schema: &Value, found: &mut BTreeMap<String, BTreeMap<String, Value>>) {
    for branch in schema["anyOf"].as_array().into_iter().flatten() {
        tables(at, branch, found);
    }
    if let Some(keys) =
        schema["properties"].as_object().filter(|keys| !keys.contains_key("any") || at == "exit")
    {
        found.insert(at.to_owned(), keys.clone().into_iter().collect());
        for (key, value) in keys {
            let dot = if at.is_empty() { "" } else { "." };
            tables(&format!("{at}{dot}{key}"), value, found);
        }
    }
    // A `where` is itself no table of keys that are known; what it asks of the past is.
    if schema["properties"]["did"].is_object() {
        tables(&format!("{at}.did"), &schema["properties"]["did"], found);
    }
    if schema["items"].is_object() {
        tables(&format!("{at}[]"), &schema["items"], found);
    }
    for value in schema["patternProperties"].as_object().into_iter().flat_map(|patterns| patterns.values()) {
        tables(&format!("{at}.*"), value, found);
    }
    if schema["additionalProperties"].is_object() {
        tables(&format!("{at}.*"), &schema["additionalProperties"], found);
    }
}

fn tables_of(of: SchemaOf) -> BTreeMap<String, BTreeMap<String, Value>> {
    let schema: Value = serde_json::from_str(&schema(of)).unwrap();
    let mut found = BTreeMap::new();
    tables("", &schema, &mut found);
    for (name, definition) in schema["$defs"].as_object().into_iter().flatten() {
        tables(name, definition, &mut found);
    }
    found
}

#[test]
fn the_readers_and_the_schemas_know_the_same_keys_in_the_same_tables() {
    for of in SchemaOf::ALL {
        let readers: BTreeMap<_, _> =
            places(of).iter().map(|(at, file)| ((*at).to_owned(), keys_of_reader(of, file))).collect();
        let schemas: BTreeMap<_, BTreeSet<_>> =
            tables_of(of).into_iter().map(|(at, keys)| (at, keys.into_keys().collect())).collect();
        assert_eq!(readers, schemas, "{of:?}");
    }
}

/// A table that a reader has and `places` has not would be asked of nobody.
#[test]
fn every_table_of_the_readers_is_asked() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let count = |path: &str| {
        let text = std::fs::read_to_string(root.join(path)).unwrap();
        text.matches(".finish(problems").count() + text.matches(".finish(&mut problems").count()
    };
    fn of_folder(root: &std::path::Path, count: &dyn Fn(&str) -> usize, folder: &str) -> usize {
        let files = std::fs::read_dir(root.join(folder)).unwrap().map(|file| file.unwrap());
        let one = |file: std::fs::DirEntry| {
            let path = format!("{folder}/{}", file.file_name().into_string().unwrap());
            if file.path().is_file() { count(&path) } else { of_folder(root, count, &path) }
        };
        files.map(one).sum()
    }
    let of_folder = |folder: &str| of_folder(root, &count, folder);
    assert_eq!(of_folder("engine/src/rule/parse"), RULE.len(), "rules");
    let of_settings = count("src/project/settings.rs") + count("src/project/mod.rs");
    assert_eq!(of_settings + of_folder("src/project/process"), PROJECT.len(), "outreach.toml");
    assert_eq!(of_folder("src/project/test_file"), TEST.len(), "tests");
}

/// What a schema shows for a key: examples, the default, and the words of a choice.
fn shown(key: &Value) -> Vec<Value> {
    let choices = key["oneOf"].as_array().into_iter().flatten().filter_map(|choice| choice.get("const"));
    let words = key["enum"].as_array().into_iter().flatten();
    let examples = key["examples"].as_array().into_iter().flatten();
    examples.chain(key.get("default")).chain(choices).chain(words).cloned().collect()
}

fn as_toml(value: &Value) -> String {
    toml::Value::try_from(value).expect("a value of TOML").to_string()
}

/// What a value that cannot be taken is called.
const REFUSALS: [Code; 9] = [
    Code::TomlSyntax,
    Code::UnknownKey,
    Code::WrongType,
    Code::BadValue,
    Code::BadLength,
    Code::BadId,
    Code::BadPath,
    Code::BadRegex,
    Code::NotBuiltYet,
];

#[test]
fn every_value_that_a_schema_shows_is_taken() {
    for of in SchemaOf::ALL {
        let tables = tables_of(of);
        for (at, file) in places(of) {
            for (key, schema) in &tables[*at] {
                let values = shown(schema);
                let is_table =
                    ["properties", "items", "$ref", "anyOf"].iter().any(|word| schema.get(word).is_some());
                assert!(is_table || !values.is_empty(), "{of:?} {at}.{key} shows no value: {schema:#}");
                assert!(
                    schema["description"].is_string() || key == "where",
                    "{of:?} {at}.{key} says nothing"
                );
                for value in values {
                    let line = format!("{key} = {}", as_toml(&value));
                    // The line stands for the one that the file has.
                    let rest =
                        file.split_inclusive('\n').filter(|other| !other.starts_with(&format!("{key} = ")));
                    let text = rest.collect::<String>().replace('§', &line);
                    let at_line = text.find(&line).unwrap()..text.find(&line).unwrap() + line.len();
                    let refused = |problem: &&Diagnostic| {
                        REFUSALS.contains(&problem.code)
                            && at_line.contains(&problem.span.start)
                            && problem.is_error()
                    };
                    let problems = read(of, &text);
                    assert_eq!(problems.iter().find(refused), None, "{of:?} {at}: {line}\n{text}");
                }
            }
        }
    }
}

#[test]
fn a_choice_of_a_schema_has_all_the_words_that_its_reader_takes() {
    for of in SchemaOf::ALL {
        let tables = tables_of(of);
        for (at, file) in places(of) {
            for (key, schema) in &tables[*at] {
                let words = schema["oneOf"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|word| word["const"].as_str());
                let words: BTreeSet<&str> = words
                    .chain(schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str))
                    .collect();
                if words.is_empty() {
                    continue;
                }
                // A choice that is none is told its words.
                let needed = if key == "repeat" { "\nwithout = \"B\"\nwithin = \"1 day\"" } else { "" };
                let needed = if key == "on_cap" { "\nemail = \"x\"" } else { needed };
                let text = file.replace('§', &format!("{key} = \"{NOBODYS_KEY}\"{needed}"));
                let problems = read(of, &text);
                let said = problems.iter().find(|problem| problem.message.contains(NOBODYS_KEY));
                let said = &said.unwrap_or_else(|| panic!("{of:?} {at}.{key}: {problems:#?}")).message;
                let list = said.split(" for `").next().unwrap();
                let of_reader: BTreeSet<&str> = list.split('"').skip(1).step_by(2).collect();
                assert_eq!(of_reader, words, "{of:?} {at}.{key}");
            }
        }
    }
}

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    for of in SchemaOf::ALL {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(of.path());
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        let word = of.path().trim_start_matches("schema/").trim_end_matches(".json");
        let how = format!("outreach schema {word} > {}", of.path());
        assert!(committed == schema(of), "{} is of other types: {how}", of.path());
    }
}
