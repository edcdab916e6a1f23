//! The outreach.toml of a new project: the reference in `docs/`, with what it needs to run switched on and all else left
//! as it is there, behind `#`. So every key is explained, and there is one text to keep true.

use std::collections::BTreeMap;

const REFERENCE: &str = include_str!("../../../docs/outreach.toml");
/// Stands in place of the reference's own head.
const HEAD: &str = "\
#:schema schema/project.json
# The settings of this project. Every key there is stands below: what begins with # and no space is off, and shows an
# example or what holds without it. `outreach check` tells what is wrong.
#
# Any key of the second part may be overridden by a variable, its path in capitals: OUTREACH__HTTP__LISTEN=0.0.0.0:8080.
# Secrets are never written here: a file is named, or a variable of its own is set. Paths are relative to this folder.

";
/// Begins what follows the reference's head.
const RULER: &str = "# ----";

/// What is on: the table, the key, and its value where the reference has another one. `write_keys` is the first of them.
const ON: [(&str, &str, Option<&str>); 20] = [
    ("", "timezone", Some("\"UTC\"")),
    ("caps", "email", Some("[\"3 per day\"]")),
    ("topics.onboarding", "name", None),
    ("data", "dir", None),
    ("data", "partitions", None),
    ("http", "listen", None),
    ("http", "admin_listen", None),
    ("write_keys", "name", None),
    ("write_keys", "kind", None),
    ("write_keys", "key_file", None),
    ("unsubscribe", "secret_file", None),
    ("sender", "name", None),
    ("sender", "address", None),
    ("email", "from", Some("\"Acme <hello@acme.example>\"")),
    ("email.smtp", "host", Some("\"127.0.0.1\"")),
    ("email.smtp", "tls", Some("\"none\"")),
    ("email.smtp", "port", Some("1025")),
    ("email.smtp", "hello_name", Some("\"localhost\"")),
    ("delivery", "deliver_only_to", None),
    ("dispatch", "leaving_seconds_max", None),
];

/// The text; mail goes to `to` alone, or to nobody.
pub(super) fn text(to: Option<&str>) -> String {
    let patterns = to.map(|to| toml::Value::String(to.to_owned()).to_string()).unwrap_or_default();
    let to = format!("[{patterns}]");
    let mut text = HEAD.to_owned();
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    let mut table = Some("");
    let lines = REFERENCE.lines().skip_while(|line| !line.starts_with(RULER));
    for line in lines {
        if line.is_empty() || line.trim_start().starts_with('#') {
            text.push_str(line);
        } else if line.starts_with('[') {
            let name = line.trim_start_matches('[').split(']').next().unwrap_or_default();
            let times = seen.entry(name).or_default();
            *times += 1;
            table = (*times == 1).then_some(name);
            let is_on = *times == 1 && ON.iter().any(|(of, ..)| *of == name);
            text.push_str(if is_on { "" } else { "#" });
            text.push_str(line);
        } else {
            let key = line.split(' ').next().unwrap_or_default();
            let on = ON.iter().find(|(of, name, _)| table == Some(*of) && *name == key);
            let value =
                on.map(|(.., value)| if key == "deliver_only_to" { Some(to.as_str()) } else { *value });
            text.push_str(&setting(line, key, value));
        }
        text.push('\n');
    }
    text
}

/// A line of the reference that is off, on, or on with another value.
fn setting(line: &str, key: &str, value: Option<Option<&str>>) -> String {
    match value {
        None => format!("#{line}"),
        Some(None) => line.to_owned(),
        Some(Some(value)) => {
            let comment = line.find(" # ").map_or("", |at| line[at..].trim_start());
            let column = line.find(" # ").map_or(0, |at| at + 1);
            format!("{:<column$}{comment}", format!("{key} = {value} ")).trim_end().to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_of_the_reference_is_there_on_or_off() {
        let text = text(Some("ada@example.org"));
        let reference = REFERENCE.lines().skip_while(|line| !line.starts_with(RULER));
        let ours: Vec<&str> = text.lines().skip(HEAD.lines().count()).collect();
        assert_eq!(reference.clone().count(), ours.len());
        for (line, our) in reference.zip(ours) {
            let key = |line: &str| line.split(" = ").next().unwrap_or_default().to_owned();
            let is_prose = line.is_empty() || line.trim_start().starts_with('#');
            let is_same = our == line || (!is_prose && (our == format!("#{line}") || key(our) == key(line)));
            assert!(is_same, "{line:?} has become {our:?}");
        }
        assert!(text.contains("\ndeliver_only_to = [\"ada@example.org\"] "), "{text}");
    }

    #[test]
    fn each_key_that_is_on_is_one_of_the_reference() {
        let parsed: toml::Table = text(None).parse().expect("TOML");
        for (table, key, _) in ON {
            let mut at = toml::Value::Table(parsed.clone());
            for part in table.split('.').filter(|part| !part.is_empty()).chain([key]) {
                at = at.as_array().map_or_else(|| at.clone(), |list| list[0].clone());
                at = at.get(part).unwrap_or_else(|| panic!("{table}.{key} is not in the reference")).clone();
            }
        }
        assert_eq!(parsed["delivery"]["deliver_only_to"].as_array().map(Vec::len), Some(0), "nobody");
    }
}
