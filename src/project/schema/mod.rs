//! The JSON Schemas (2020-12) of what a team writes, for editors: each key with its meaning, an example and its default.
//!
//! They are made from the types of this folder, whose comments are what an editor shows. The readers of rules, settings and
//! tests are written by hand; `tests.rs` asks them for the keys of each table, and those are the schema's, one and all.
//! What the language has and this version has not is left out: an editor marks it, as `check` does.

mod condition;
mod outreach_toml;
mod rule;
mod test_toml;
#[cfg(test)]
mod tests;
mod text;

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::Value;

/// What there is a schema of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaOf {
    /// `rules/<id>.toml`.
    Rule,
    /// `outreach.toml`.
    Project,
    /// `rules/<id>.test.toml`.
    Test,
}

impl SchemaOf {
    pub const ALL: [SchemaOf; 3] = [SchemaOf::Rule, SchemaOf::Project, SchemaOf::Test];

    /// Where it is kept in a project.
    pub fn path(self) -> &'static str {
        match self {
            SchemaOf::Rule => "schema/rule.json",
            SchemaOf::Project => "schema/project.json",
            SchemaOf::Test => "schema/test.json",
        }
    }
}

/// The schema as its file holds it, a line end at its end. The same version gives the same bytes.
pub fn schema(of: SchemaOf) -> String {
    // Editors show the words beside a definition, not those beside what refers to it: so all but `where`, which nests, stands
    // where it is used.
    let generator = SchemaSettings::draft2020_12().with_transform(NoNull).into_generator();
    let schema = match of {
        SchemaOf::Rule => generator.into_root_schema_for::<rule::RuleFile>(),
        SchemaOf::Project => generator.into_root_schema_for::<outreach_toml::ProjectFile>(),
        SchemaOf::Test => generator.into_root_schema_for::<test_toml::TestFile>(),
    };
    format!("{:#}\n", schema.to_value())
}

/// A key that may be absent is not null: TOML has none. And no numeric `format`: only JSON Schema's own words.
#[derive(Clone, Debug)]
struct NoNull;

impl Transform for NoNull {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        schema.remove("format");
        let is_null = |value: &Value| value.is_null() || *value == "null" || value["type"] == "null";
        if let Some(Value::Array(words)) = schema.get_mut("enum") {
            words.retain(|word| !is_null(word));
        }
        for word in ["type", "anyOf"] {
            let Some(Value::Array(kinds)) = schema.get_mut(word) else { continue };
            kinds.retain(|kind| !is_null(kind));
            if kinds.len() > 1 {
                continue;
            }
            let only = kinds.pop();
            schema.remove(word);
            match only {
                Some(Value::Object(only)) => {
                    for (key, value) in only {
                        schema.as_object_mut().into_iter().for_each(|own| {
                            own.entry(key.clone()).or_insert(value.clone());
                        });
                    }
                }
                Some(only) => {
                    schema.insert(word.to_owned(), only);
                }
                None => {}
            }
        }
    }
}
