//! From texts to templates that are ready to render, with all problems of all files.

use super::calls;
use super::catalogue::Catalogues;
use super::guards::{self, Unguarded};
use super::in_product::{self, InProductForm};
use super::locale::{Home, known_locale};
use super::mjml;
use super::partials::Partials;
use super::problem::{TemplateProblem, place};
use super::reads;
use super::roots::{DATA_ROOTS, OUR_ROOTS};
use super::shared::{Footing, Shared};
use super::source::Source;
use super::syntax;
use super::words;
use handlebars::{Handlebars, no_escape};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// All templates of a release.
pub struct Templates {
    /// HTML: values are escaped.
    pub(super) escaped: Handlebars<'static>,
    /// Subjects, text parts, in-product messages.
    pub(super) plain: Handlebars<'static>,
    pub(super) home: Arc<Home>,
    pub(super) catalogues: Arc<Catalogues>,
    by_name: BTreeMap<String, Template>,
    /// Those with a problem: nobody gets them, and `check` looks at what can be rendered.
    flawed: BTreeMap<String, Template>,
}

/// One template: what it can be sent as, and what it reads.
pub struct Template {
    pub(super) name: String,
    pub(super) form: Form,
    /// Of languages with a folder of their own, by tag.
    pub(super) by_locale: BTreeMap<String, Form>,
    /// Whether it calls `t`, so that it speaks what the catalogues speak.
    pub(super) has_catalogue: bool,
    pub(super) sample: Value,
    has_sample: bool,
    /// The texts of its files, to find places in.
    pub(super) texts: BTreeMap<String, String>,
    /// The names of its texts with a fault that was told when they were read.
    pub(super) flawed: BTreeSet<String>,
    reads: BTreeSet<String>,
    /// Said without anything that stands in.
    pub(super) unguarded: BTreeSet<Unguarded>,
}

/// A template in one language.
#[derive(Default)]
pub(super) struct Form {
    pub email: Option<EmailForm>,
    pub in_product: Option<InProductForm>,
}

/// What all texts of a template come to.
struct Gathered {
    reads: BTreeSet<String>,
    unguarded: BTreeSet<Unguarded>,
    flawed: BTreeSet<String>,
    texts: BTreeMap<String, String>,
    has_catalogue: bool,
    /// What the worst of them stands on.
    worst: Footing,
}

/// The registered names of a mail's parts: the paths of their files.
pub(super) struct EmailForm {
    pub subject: String,
    pub body: String,
    pub text: Option<String>,
}

type Files<'a> = BTreeMap<&'a str, &'a str>;

const FOLDER: &str = "templates/";
const PARTIALS: &str = "partials";
/// String catalogues, a file a language.
const LOCALES: &str = "locales";
/// What a template reads that chooses among languages, and one that says dates.
const LOCALE_PATHS: [&str; 2] = ["traits.locale", "context.locale"];
const ZONE_PATHS: [&str; 2] = ["traits.timezone", "context.timezone"];
const KNOWN_FILES: [&str; 6] =
    ["subject.hbs", "body.mjml", "body.html", "text.hbs", "in_product.toml", "sample.json"];
/// As ids of rules are (rules.md, "Small print").
const NAME_CHARS_MAX: usize = 64;

impl Templates {
    /// Those of a project that sets neither locale nor zone.
    pub fn load(files: &BTreeMap<String, String>) -> (Templates, Vec<TemplateProblem>) {
        Templates::load_for(files, Home::default())
    }

    /// Reads the files below `templates/` of a project (paths relative to the project; others are not looked at). A
    /// template with a problem, its own or of a partial that it includes, is left out.
    pub fn load_for(files: &BTreeMap<String, String>, home: Home) -> (Templates, Vec<TemplateProblem>) {
        let mut problems = Vec::new();
        let folders = folders(files, &mut problems);
        let shared = Shared::load(&format!("{FOLDER}{PARTIALS}/"), folders.get(PARTIALS), &mut problems);
        let strings = folders.get(LOCALES);
        let catalogues = Arc::new(Catalogues::load(&format!("{FOLDER}{LOCALES}/"), strings, &mut problems));
        let home = Arc::new(home);
        let (escaped, mut plain) = (registry(&home, &catalogues), registry(&home, &catalogues));
        plain.register_escape_fn(no_escape);
        let (by_name, flawed) = (BTreeMap::new(), BTreeMap::new());
        let mut templates = Templates { escaped, plain, home, catalogues, by_name, flawed };
        for (name, partial) in &shared.all {
            templates.escaped.register_template(name, partial.tree.clone());
            templates.plain.register_template(name, partial.tree.clone());
        }
        let is_template = |name: &str| name != PARTIALS && name != LOCALES && !name.contains('/');
        for name in folders.keys().filter(|name| is_template(name)) {
            let before = problems.len();
            let (loaded, footing) = templates.load_one(name, &folders, &shared, &mut problems);
            if problems.len() == before && footing == Footing::Sound {
                templates.by_name.insert((*name).to_owned(), loaded);
            } else {
                templates.flawed.insert((*name).to_owned(), loaded);
            }
        }
        problems.sort();
        problems.dedup();
        (templates, problems)
    }

    pub fn get(&self, name: &str) -> Option<&Template> {
        self.by_name.get(name)
    }

    /// All templates without a problem, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Template> {
        self.by_name.values()
    }

    /// Those with a problem that have a sample: only what can be rendered of them is registered.
    pub(super) fn flawed(&self) -> impl Iterator<Item = &Template> {
        self.flawed.values().filter(|template| template.has_sample)
    }

    /// A template, and what the worst of its texts stands on.
    fn load_one(
        &mut self,
        name: &str,
        folders: &BTreeMap<&str, Files<'_>>,
        shared: &Shared,
        problems: &mut Vec<TemplateProblem>,
    ) -> (Template, Footing) {
        let files = &folders[name];
        let mut all = Gathered::new();
        check_name(name, problems);
        let form = self.load_form(&format!("{FOLDER}{name}/"), files, (shared, &mut all), problems);
        let mut by_locale = BTreeMap::new();
        for (folder, files) in folders {
            let Some((_, tag)) = folder.split_once('/').filter(|(of, _)| *of == name) else { continue };
            let folder = format!("{FOLDER}{name}/{tag}/");
            if known_locale(tag).as_deref() != Some(tag) {
                let message = format!("expected the folder of a locale such as de or de-AT, found `{tag}`");
                let help = "Rename or remove it.";
                problems.push(TemplateProblem::new(&folder, (1, 1), "unknown-locale", message, help));
            }
            let of_locale = self.load_form(&folder, files, (shared, &mut all), problems);
            by_locale.insert(tag.to_owned(), of_locale);
        }
        if !by_locale.is_empty() || all.has_catalogue {
            all.reads.extend(LOCALE_PATHS.map(str::to_owned));
        }
        let path = format!("{FOLDER}{name}/sample.json");
        let sample = sample(&path, files.get("sample.json").copied(), problems);
        let template = Template {
            name: name.to_owned(),
            form,
            by_locale,
            has_catalogue: all.has_catalogue,
            has_sample: sample.is_some(),
            sample: sample.unwrap_or_else(|| json!({})),
            texts: all.texts,
            flawed: all.flawed,
            reads: all.reads,
            unguarded: all.unguarded,
        };
        (template, all.worst)
    }

    /// What the files of one folder make.
    fn load_form(
        &mut self,
        folder: &str,
        files: &Files<'_>,
        (shared, all): (&Shared, &mut Gathered),
        problems: &mut Vec<TemplateProblem>,
    ) -> Form {
        check_folder(folder, files, problems);
        let (sources, in_product) = sources(folder, files, problems);
        for source in sources {
            let mut found = syntax::problems(&source, &shared.all);
            let (paths, unknown) = reads::reads(&source, &shared.all);
            all.reads.extend(paths);
            all.unguarded.extend(guards::unguarded(&source, &shared.all));
            found.extend(unknown);
            found.extend(mjml::misplaced(&source, &shared.all));
            let calls = calls::of(&source, &shared.all);
            found.extend(calls.problems(&self.home, &self.catalogues));
            all.has_catalogue |= calls.has("t");
            if calls.has("date") {
                all.reads.extend(ZONE_PATHS.map(str::to_owned));
            }
            let footing = shared.footing(&source, &found);
            all.worst = all.worst.max(footing);
            if footing != Footing::Sound {
                all.flawed.insert(source.file.clone());
            }
            if footing != Footing::Unsafe {
                self.register(source, &shared.all, &mut found);
            }
            in_product::move_places(files.get("in_product.toml"), &mut found);
            problems.extend(found);
        }
        all.texts.extend(files.iter().map(|(file, text)| (format!("{folder}{file}"), (*text).to_owned())));
        let body = if files.contains_key("body.mjml") { "body.mjml" } else { "body.html" };
        let email = files.contains_key("subject.hbs").then(|| EmailForm {
            subject: format!("{folder}subject.hbs"),
            body: format!("{folder}{body}"),
            text: files.contains_key("text.hbs").then(|| format!("{folder}text.hbs")),
        });
        Form { email, in_product }
    }

    fn register(&mut self, source: Source, partials: &Partials, problems: &mut Vec<TemplateProblem>) {
        if source.file.ends_with(".mjml") {
            let html = mjml::compile(&source, partials);
            match html.and_then(|html| Source::parse(&source.file, &html).map_err(|problem| vec![problem])) {
                Ok(html) => self.escaped.register_template(&source.file, html.tree),
                Err(found) => problems.extend(found),
            }
        } else if source.file.ends_with(".html") {
            self.escaped.register_template(&source.file, source.tree);
        } else {
            self.plain.register_template(&source.file, source.tree);
        }
    }
}

/// The texts of a template that are handlebars, and its in-product form.
fn sources(
    folder: &str,
    files: &Files<'_>,
    problems: &mut Vec<TemplateProblem>,
) -> (Vec<Source>, Option<InProductForm>) {
    let mut sources = Vec::new();
    for file in ["subject.hbs", "body.mjml", "body.html", "text.hbs"] {
        let Some(text) = files.get(file) else { continue };
        match Source::parse(&format!("{folder}{file}"), text) {
            Ok(source) => sources.push(source),
            Err(problem) => problems.push(problem),
        }
    }
    let text = files.get("in_product.toml");
    let read = text.map(|text| in_product::read(&format!("{folder}in_product.toml"), text));
    match read {
        None => (sources, None),
        Some(Ok((form, fields))) => {
            sources.extend(fields);
            (sources, Some(form))
        }
        Some(Err(found)) => {
            problems.extend(found);
            (sources, None)
        }
    }
}

impl Template {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether an `email` step can name it.
    pub fn is_email(&self) -> bool {
        self.form.email.is_some()
    }

    /// Whether an `in_product` step can name it.
    pub fn is_in_product(&self) -> bool {
        self.form.in_product.is_some()
    }

    /// The dotted paths it reads of `traits`, `properties`, `context`, `event` and `person`: rather too many than too
    /// few.
    pub fn reads(&self) -> &BTreeSet<String> {
        &self.reads
    }

    /// The dotted paths that it says without anything that stands in where one is missing.
    pub fn unguarded(&self) -> impl Iterator<Item = &str> {
        self.unguarded.iter().map(|unguarded| unguarded.path.as_str())
    }

    /// Its `sample.json`.
    pub fn sample(&self) -> &Value {
        &self.sample
    }
}

impl Gathered {
    fn new() -> Gathered {
        Gathered {
            reads: BTreeSet::new(),
            unguarded: BTreeSet::new(),
            flawed: BTreeSet::new(),
            texts: BTreeMap::new(),
            has_catalogue: false,
            worst: Footing::Sound,
        }
    }
}

fn registry(home: &Arc<Home>, catalogues: &Arc<Catalogues>) -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    words::register(&mut registry, home, catalogues);
    registry
}

/// Files by folder and name. What lies elsewhere below `templates/` is a problem: nobody would read it.
fn folders<'a>(
    files: &'a BTreeMap<String, String>,
    problems: &mut Vec<TemplateProblem>,
) -> BTreeMap<&'a str, Files<'a>> {
    let mut folders: BTreeMap<&str, Files<'_>> = BTreeMap::new();
    for (path, text) in files {
        let Some(relative) = path.strip_prefix(FOLDER) else { continue };
        match relative.rsplit_once('/') {
            Some((folder, file)) if is_place(folder) => {
                // A template whose only files are those of a language is told that it has none of its own.
                let name = folder.split('/').next().unwrap_or(folder);
                folders.entry(name).or_default();
                folders.entry(folder).or_default().insert(file, text);
            }
            Some(_) | None => {
                let message =
                    "expected templates/NAME/FILE or templates/NAME/LOCALE/FILE, found a file elsewhere";
                problems.push(TemplateProblem::new(
                    path,
                    (1, 1),
                    "unknown-file",
                    message,
                    "Move or remove it.",
                ));
            }
        }
    }
    folders
}

/// `NAME`, or `NAME/LOCALE` of a template.
fn is_place(folder: &str) -> bool {
    let (name, inner) = folder.split_once('/').map_or((folder, None), |(name, inner)| (name, Some(inner)));
    inner.is_none_or(|inner| !inner.contains('/') && name != PARTIALS && name != LOCALES)
}

fn check_name(name: &str, problems: &mut Vec<TemplateProblem>) {
    if !is_name(name) {
        let message =
            format!("expected a template name of [a-z0-9-], at most {NAME_CHARS_MAX}, found `{name}`");
        let folder = format!("{FOLDER}{name}/");
        problems.push(TemplateProblem::new(
            &folder,
            (1, 1),
            "bad-template-name",
            message,
            "Rename the folder.",
        ));
    }
}

/// The files of a folder, and whether they make a message.
fn check_folder(folder: &str, files: &Files<'_>, problems: &mut Vec<TemplateProblem>) {
    let mut report = |file: &str, code, message: String, help: &str| {
        problems.push(TemplateProblem::new(&format!("{folder}{file}"), (1, 1), code, message, help));
    };
    for file in files.keys().filter(|file| !KNOWN_FILES.contains(file)) {
        let message = format!("expected one of {}, found `{file}`", KNOWN_FILES.join(", "));
        report(file, "unknown-file", message, "Rename or remove it; partials go into templates/partials/.");
    }
    let has = |file: &str| files.contains_key(file);
    let has_body = has("body.mjml") || has("body.html");
    if has("body.mjml") && has("body.html") {
        report(
            "body.html",
            "two-bodies",
            "expected one body, found body.mjml and body.html".into(),
            "Keep one.",
        );
    }
    if has("subject.hbs") && !has_body {
        let message = "expected body.mjml or body.html beside subject.hbs, found neither".into();
        report("subject.hbs", "missing-body", message, "Add one: a mail has a body.");
    }
    if !has("subject.hbs") && (has_body || has("text.hbs")) {
        let message = "expected subject.hbs beside the body, found none".into();
        report("subject.hbs", "missing-subject", message, "Add it: a mail has a subject.");
    }
    if !has("subject.hbs") && !has_body && !has("in_product.toml") {
        let message = "expected a mail (subject.hbs and a body) or in_product.toml, found neither".into();
        report("", "empty-template", message, "Add one of them, or remove the folder.");
    }
}

pub(super) fn is_name(name: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=NAME_CHARS_MAX).contains(&name.len()) && name.bytes().all(is_known)
}

fn sample(file: &str, text: Option<&str>, problems: &mut Vec<TemplateProblem>) -> Option<Value> {
    const HELP: &str = "Write the data of one typical message: {\"traits\": {…}, \"properties\": {…}}.";
    let Some(text) = text else {
        let message = "expected sample.json, found none";
        problems.push(TemplateProblem::new(file, (1, 1), "missing-sample", message, HELP));
        return None;
    };
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(sample)) => {
            let is_known =
                |root: &String| DATA_ROOTS.contains(&root.as_str()) || OUR_ROOTS.contains(&root.as_str());
            for root in sample.keys().filter(|root| !is_known(root)) {
                let at = super::problem::place_of(text, &format!("\"{root}\""));
                let message = format!("expected a root such as traits or properties, found `{root}`");
                problems.push(TemplateProblem::new(file, at, "unknown-root", message, HELP));
            }
            Some(Value::Object(sample))
        }
        Ok(_) => {
            let message = "expected a JSON object, found another value";
            problems.push(TemplateProblem::new(file, (1, 1), "bad-sample", message, HELP));
            None
        }
        Err(error) => {
            let offset =
                text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
            let at = place(text, offset + error.column().saturating_sub(1));
            problems.push(TemplateProblem::new(file, at, "bad-sample", error.to_string(), HELP));
            None
        }
    }
}
