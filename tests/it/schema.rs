//! The schemas against validators that are not ours: python-jsonschema, to the letter of 2020-12, and taplo, which is what
//! editors run. What ties them to our own readers is in `src/project/schema/tests.rs`.

use super::world::{browser, python};
use outreach_engine::rule::{Known, parse};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Output;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn schema(name: &str) -> PathBuf {
    root().join("schema").join(name)
}

/// The TOML files of a folder, by whether they are rule tests.
fn files(folder: &Path, are_tests: bool) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|kind| kind == "toml"))
        .filter(|path| path.to_string_lossy().ends_with(".test.toml") == are_tests)
        .collect();
    paths.sort();
    paths
}

/// Whether python-jsonschema finds all of these sound, and what it says.
fn judged(schema: &Path, files: &[PathBuf]) -> (bool, String) {
    let mut command = python::command("check-jsonschema");
    let output = command.arg("--schemafile").arg(schema).args(files).output().expect("the validator starts");
    (output.status.success(), said(&output))
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The rules of the language's pages, whole, each with whether our reader takes it.
fn rules_of_pages() -> Vec<(String, bool)> {
    let mut rules = Vec::new();
    for page in std::fs::read_dir(root().join("engine/tests/language")).unwrap() {
        let page = std::fs::read_to_string(page.unwrap().path()).unwrap();
        for block in page.split("\n```toml ").skip(1) {
            let (id, block) = block.split_once('\n').unwrap();
            let text = block.split("\n```").next().unwrap();
            if id == "outreach" {
                continue;
            }
            let mut whole = String::new();
            for (key, line) in [("name =", "name = \"R\"\n"), ("topic =", "topic = \"probe\"\n")] {
                let mut top = text.lines().take_while(|line| !line.starts_with('['));
                if !top.any(|line| line.starts_with(key)) {
                    whole.push_str(line);
                }
            }
            whole.push_str(text);
            if !text.contains("[[step]]") {
                whole.push_str("\n[[step]]\nin_product = \"card\"\n");
            }
            let is_taken = parse("rule", "rules/rule.toml", &whole, &Known::default()).is_ok();
            rules.push((whole, is_taken));
        }
    }
    rules
}

fn written(folder: &Path, texts: &[String]) -> Vec<PathBuf> {
    let write = |(number, text): (usize, &String)| {
        let path = folder.join(format!("rule-{number}.toml"));
        std::fs::write(&path, text).unwrap();
        path
    };
    texts.iter().enumerate().map(write).collect()
}

#[test]
fn the_schemas_are_schemas_of_2020_12() {
    let schemas = ["rule.json", "project.json", "test.json"].map(schema);
    let output =
        python::command("check-jsonschema").arg("--check-metaschema").args(&schemas).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    for path in schemas {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains("\"$schema\": \"https://json-schema.org/draft/2020-12/schema\""));
    }
}

#[test]
fn every_rule_test_and_project_of_the_repository_is_sound_by_its_schema() {
    let data = root().join("tests/data/online-retail");
    let mut rules = files(&root().join("rules"), false);
    let mut projects = vec![root().join("outreach.toml"), root().join("docs/outreach.toml")];
    for folder in [data.join("caps-a"), data.join("single")] {
        rules.extend(files(&folder.join("rules"), false));
        projects.push(folder.join("outreach.toml"));
    }
    let folder = tempfile::tempdir().unwrap();
    let of_pages: Vec<String> =
        rules_of_pages().into_iter().filter(|rule| rule.1).map(|rule| rule.0).collect();
    assert!(rules.len() > 8 && of_pages.len() > 60, "{} and {}", rules.len(), of_pages.len());
    rules.extend(written(folder.path(), &of_pages));
    for (schema_name, paths) in
        [("rule.json", rules), ("project.json", projects), ("test.json", files(&root().join("rules"), true))]
    {
        let (is_sound, said) = judged(&schema(schema_name), &paths);
        assert!(is_sound, "{schema_name}: {said}");
    }
}

/// A rule with a key that no table has, once for each table: all of them must be refused.
#[test]
fn a_key_that_there_is_none_of_is_refused_in_every_table() {
    let rule = "§name = \"R\"\n[trigger]\nevent = \"A\"\nwhere = { \"properties.x\" = { gt = 1 } }\n§\
                [trigger.without]\nevent = \"B\"\nwithin = \"1 day\"\n§\
                [audience]\nwhere = { any = [ { \"traits.x\" = 1 } ] }\n§\
                [exit]\nevent = \"C\"\n§[limits]\nlate = \"1 day\"\n§[goal]\nevent = \"C\"\n§\
                [[step]]\nin_product = \"x\"\n§";
    let holes = rule.matches('§').count();
    let with_key_at = |wanted: usize| {
        let parts: Vec<&str> = rule.split('§').collect();
        let mut text = parts[0].to_owned();
        for (number, part) in parts[1..].iter().enumerate() {
            text.push_str(if number == wanted { "witin = \"1 day\"\n" } else { "" });
            text.push_str(part);
        }
        text
    };
    let folder = tempfile::tempdir().unwrap();
    let good = written(folder.path(), &[with_key_at(holes)]);
    let (is_sound, words) = judged(&schema("rule.json"), &good);
    assert!(is_sound, "{words}");
    let mut bad: Vec<String> = (0..holes).map(with_key_at).collect();
    bad.push(rule.replace('§', "").replace("{ gt = 1 }", "{ gtt = 1 }"));
    bad.push(rule.replace('§', "").replace("\"traits.x\" = 1", "\"trait.x\" = 1"));
    bad.push(rule.replace('§', "").replace("[[step]]\n", "[[step]]\nwait = \"1 day\"\n"));
    let paths = written(folder.path(), &bad);
    let (_, words) = judged(&schema("rule.json"), &paths);
    let refused: BTreeSet<_> = paths.iter().filter(|path| words.contains(&*path.to_string_lossy())).collect();
    assert_eq!(refused.len(), paths.len(), "{words}");
}

/// As an editor does it: the schema is found by the first line of the file.
#[test]
fn an_editor_finds_the_schema_of_each_rule_by_its_first_line() {
    let folder = tempfile::tempdir().unwrap();
    for (from, name) in [("schema", "rule.json"), ("schema", "test.json"), ("rules", "welcome.toml")] {
        std::fs::create_dir_all(folder.path().join(from)).unwrap();
        std::fs::copy(root().join(from).join(name), folder.path().join(from).join(name)).unwrap();
    }
    let rule = std::fs::read_to_string(root().join("rules/welcome.toml")).unwrap();
    std::fs::write(
        folder.path().join("rules/bad.toml"),
        rule.replace("[trigger]\n", "[trigger]\nwitin = 1\n"),
    )
    .unwrap();
    let taplo =
        |name: &str| browser::tool("taplo").args(["lint", name]).current_dir(folder.path()).output().unwrap();
    let good = taplo("rules/welcome.toml");
    assert!(good.status.success(), "{}", said(&good));
    let bad = taplo("rules/bad.toml");
    assert!(!bad.status.success() && said(&bad).contains("witin"), "{}", said(&bad));
    for path in files(&root().join("rules"), false) {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("#:schema ../schema/rule.json\n"), "{}", path.display());
    }
    for path in files(&root().join("rules"), true) {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("#:schema ../schema/test.json\n"), "{}", path.display());
    }
    let settings = std::fs::read_to_string(root().join("outreach.toml")).unwrap();
    assert!(settings.starts_with("#:schema schema/project.json\n"));
}
