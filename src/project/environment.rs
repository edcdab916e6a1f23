//! Variables `OUTREACH__HTTP__LISTEN` override the process part of outreach.toml, the path in capitals.
//!
//! Secrets have variables of their own and are never part of the overrides, so no problem can print one.

use super::settings::RELEASE_KEYS;
use outreach_engine::rule::diagnostic::Code;
use outreach_engine::rule::document::{Problems, Table};
use std::collections::BTreeMap;

/// What the overrides are called where one of them is a problem.
pub(super) const FILE: &str = "environment";

const PREFIX: &str = "OUTREACH__";
const WRITE_KEYS: &str = "OUTREACH__WRITE_KEYS__";
const IDENTITY_KEYS: &str = "OUTREACH__IDENTITY__KEYS__";
pub(super) const UNSUBSCRIBE_SECRET: &str = "OUTREACH__UNSUBSCRIBE__SECRET";
pub(super) const ADMIN_TOKEN: &str = "OUTREACH__HTTP__ADMIN_TOKEN";
pub(super) const SMTP_PASSWORD: &str = "OUTREACH__EMAIL__SMTP__PASSWORD";
/// Names of librdkafka's properties have dots, which a variable's name cannot have.
const KAFKA_PROPERTIES: &str = "KAFKA__PROPERTIES__";

/// The variables that begin with `OUTREACH__`.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// What a problem names as its file where a variable is wrong.
    pub const FILE: &str = FILE;

    /// The variables of this process, as they are now.
    pub fn of_process() -> Environment {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Environment::new(std::env::vars_os().filter_map(text))
    }

    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Environment {
        let ours = variables.into_iter().filter(|(name, _)| name.starts_with(PREFIX));
        Environment { variables: ours.collect() }
    }

    /// The value of one variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// All but the secrets, as lines of TOML: `"http"."listen" = "0.0.0.0:80" # OUTREACH__HTTP__LISTEN`.
    pub(super) fn overrides(&self) -> String {
        let plain = self.variables.iter().filter(|(name, _)| !is_secret(name));
        plain.map(|(name, value)| line(name, value)).collect()
    }
}

/// The overrides as they may be shown: of a property of librdkafka only the name, for its value may be a password.
/// Nothing moves.
pub(super) fn shown(overrides: &str) -> String {
    let shown = |line: &str| {
        let value = line.starts_with("\"kafka\".\"properties\".").then(|| {
            let start = line.find(" = \"")? + 4;
            let end = line.rfind("\" # ")?;
            (start <= end).then_some(start..end)
        });
        let mut line = line.to_owned();
        if let Some(value) = value.flatten() {
            line.replace_range(value.clone(), &"*".repeat(value.len()));
        }
        line
    };
    overrides.split_inclusive('\n').map(shown).collect()
}

/// The variable that may hold the write key of this name.
pub(super) fn write_key_variable(name: &str) -> String {
    format!("{WRITE_KEYS}{}", name.to_ascii_uppercase().replace('-', "_"))
}

/// The variable that may hold the secret of the identity key of this name.
pub(super) fn identity_key_variable(name: &str) -> String {
    format!("{IDENTITY_KEYS}{}", name.to_ascii_uppercase().replace('-', "_"))
}

fn is_secret(name: &str) -> bool {
    name.starts_with(WRITE_KEYS)
        || name.starts_with(IDENTITY_KEYS)
        || [UNSUBSCRIBE_SECRET, ADMIN_TOKEN, SMTP_PASSWORD].contains(&name)
}

fn line(name: &str, value: &str) -> String {
    let name_inside = &name[PREFIX.len()..];
    let parts: Vec<String> = match name_inside.strip_prefix(KAFKA_PROPERTIES) {
        Some(property) => {
            vec!["kafka".into(), "properties".into(), property.to_lowercase().replace('_', ".")]
        }
        None => name_inside.split("__").map(str::to_lowercase).collect(),
    };
    let path: Vec<String> = parts.iter().map(|part| quoted(part)).collect();
    format!("{} = {} # {name}\n", path.join("."), quoted(value))
}

/// A TOML basic string on one line.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// What decides is in the release alone: one variable must not make two machines decide differently.
pub(super) fn without_release_keys<'d>(problems: &mut Problems, mut table: Table<'d>) -> Table<'d> {
    for key in RELEASE_KEYS {
        if let Some(item) = table.take(key) {
            let message = format!("`{key}` belongs to the release: a variable cannot override it");
            problems.error(Code::BadValue, &item.key_place, message).with_help("write it in outreach.toml");
        }
    }
    table
}
