//! `outreach preview`: a template as its recipient sees it, made of its sample or of a person by the code that sends.

use super::ask::ask;
use super::{End, Format, diagnostics, print_json, say};
use crate::app::operations::Request;
use crate::project::{Environment, Project, Reading, home};
use crate::template::{InProduct, Rendered, Roots, Templates, context, known_locale, reason};
use anyhow::{Context, anyhow, bail};
use clap::ValueEnum;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What `preview` may be told.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    of: Of,
    /// Only this part, as it is.
    #[arg(long, value_enum)]
    part: Option<Part>,
    /// Only the HTML: --part html.
    #[arg(long, conflicts_with_all = ["part", "text"])]
    html: bool,
    /// Only the text: --part text.
    #[arg(long, conflicts_with = "part")]
    text: bool,
    /// Into this file instead of stdout.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Which template, and of whom.
#[derive(Debug, clap::Args)]
pub(super) struct Of {
    /// The folder's name below templates/.
    pub template: String,
    /// In this language, whatever the data say: de-AT.
    #[arg(long, value_name = "LOCALE", value_parser = locale)]
    locale: Option<String>,
    /// With the traits of this person, as `outreach user` knows them; what an event brings is that of the sample.
    #[arg(long, value_name = "ID")]
    user: Option<String>,
}

/// What a message has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    Html,
    Text,
    Subject,
    InProduct,
}

/// What a template makes of its data.
pub(super) struct Preview {
    pub mail: Option<Rendered>,
    in_product: Option<InProduct>,
}

/// Stands where a message has the link of its own recipient: it is of nobody, so it stops nothing.
const LINK_OF_NOBODY: &str = "/u/preview";

pub(super) fn run(dir: &Path, format: Format, options: &Options) -> anyhow::Result<End> {
    let reading = Project::read(dir, &Environment::of_process());
    let Some(preview) = make(dir, &reading, &options.of)? else { return Ok(End::Findings) };
    let name = &options.of.template;
    let part = options.part.or(options.html.then_some(Part::Html)).or(options.text.then_some(Part::Text));
    let said = match (part, format) {
        (Some(part), _) => preview.part(part).with_context(|| format!("`{name}` has no such part"))?,
        (None, Format::Text) => preview.text().trim_end().to_owned(),
        (None, Format::Json) if options.out.is_none() => return print_json(&preview.json(name)),
        (None, Format::Json) => serde_json::to_string_pretty(&preview.json(name))?,
    };
    match &options.out {
        Some(file) => std::fs::write(file, said + "\n").with_context(|| format!("{}", file.display()))?,
        None => say(&said),
    }
    Ok(End::Ok)
}

/// The message; nothing where it cannot be said, which is told on stderr with the reasons.
pub(super) fn make(dir: &Path, reading: &Reading, of: &Of) -> anyhow::Result<Option<Preview>> {
    let name = &of.template;
    let Some(project) = &reading.project else { return Ok(say_problems(reading)) };
    let texts = &project.release.templates;
    let (templates, _) = Templates::load_for(texts, home(&project.release.settings));
    let Some(template) = templates.get(name) else {
        let folder = format!("templates/{name}/");
        if texts.keys().any(|path| path.starts_with(&folder)) {
            return Ok(say_problems(reading));
        }
        let names: Vec<&str> = templates.iter().map(crate::template::Template::name).collect();
        bail!("expected the name of a template, found `{name}`; there are: {}", names.join(", "));
    };
    let mut data = context(template.sample(), &roots(project, name));
    if let Some(user) = &of.user {
        put_person(&mut data, &ask(dir, &Request::User { subject: user.clone() })?)?;
    }
    if let Some(locale) = &of.locale {
        data["traits"]["locale"] = json!(locale);
    }
    let mail = template.is_email().then(|| templates.render_email(name, &data)).transpose();
    let in_product = template.is_in_product().then(|| templates.render_in_product(name, &data)).transpose();
    match (mail, in_product) {
        (Ok(mail), Ok(in_product)) => Ok(Some(Preview { mail, in_product })),
        // What a person lacks is no fault of the project's: `check` has nothing to say of it.
        (Err(problem), _) | (_, Err(problem)) if of.user.is_some() => {
            Err(anyhow!("{problem}: {}", problem.help))
        }
        (Err(_), _) | (_, Err(_)) => Ok(say_problems(reading)),
    }
}

fn locale(text: &str) -> Result<String, String> {
    known_locale(text).ok_or_else(|| format!("expected a locale such as de or de-AT, found {text}"))
}

/// Puts what is known of a person in the place of the sample's.
fn put_person(data: &mut Value, answer: &Value) -> anyhow::Result<()> {
    let subject = answer["subject"].as_str().unwrap_or_default();
    let person = &answer["person"];
    if person.is_null() {
        bail!("expected a person of whom something is known, found {subject} with decisions alone");
    }
    let id = subject.split_once(':').map_or(subject, |(_, id)| id);
    data["person"] = json!({ "id": id });
    data["traits"] = json!({});
    for (path, value) in person["traits"].as_object().into_iter().flatten() {
        put(&mut data["traits"], path, value);
    }
    if let Some(context) = data["context"].as_object_mut() {
        context.remove("locale");
        context.insert("timezone".into(), person["zone"].clone());
    }
    Ok(())
}

/// A trait by its dotted path, where no other trait stands in the way.
fn put(traits: &mut Value, path: &str, value: &Value) {
    let mut at = traits;
    for name in path.split('.') {
        let Some(fields) = at.as_object_mut() else { return };
        at = fields.entry(name).or_insert_with(|| json!({}));
    }
    *at = value.clone();
}

/// A message that cannot be said, with the reasons that `check` gives.
fn say_problems(reading: &Reading) -> Option<Preview> {
    for problem in reading.problems.iter().filter(|problem| problem.is_error()) {
        eprint!("{}", diagnostics::draw(problem, &reading.texts, true));
    }
    None
}

/// What the sender puts in: as a message has it, but for its link.
fn roots(project: &Project, template: &str) -> Roots {
    let sender = project.process.sender.as_ref();
    let name = sender.map(|sender| sender.name.clone()).unwrap_or_default();
    let link = format!("{}{LINK_OF_NOBODY}", project.process.http.public_url);
    let mut messages = project.release.rules.iter().flat_map(|rule| rule.messages());
    let topic =
        messages.find(|message| &*message.template == template).and_then(|message| message.topic.as_ref());
    let topic = topic.and_then(|topic| project.release.settings.topics.get(topic));
    Roots {
        reason: reason(&name, topic.map(|topic| &*topic.name)),
        sender_name: name,
        sender_address: sender.map(|sender| sender.address.clone()).unwrap_or_default(),
        unsubscribe_url: link.clone(),
        preferences_url: link,
    }
}

impl Preview {
    fn part(&self, part: Part) -> Option<String> {
        let mail = self.mail.as_ref();
        match part {
            Part::Html => mail.map(|mail| mail.html.clone()),
            Part::Text => mail.map(|mail| mail.text.clone()),
            Part::Subject => mail.map(|mail| mail.subject.clone()),
            Part::InProduct => self.in_product.as_ref().map(in_words),
        }
    }

    /// All that can be read on a terminal; of the HTML, how to see it.
    fn text(&self) -> String {
        let mut text = String::new();
        if let Some(mail) = &self.mail {
            text.push_str(&format!("Subject: {}\n\n{}\n\n", mail.subject, mail.text.trim_end()));
            text.push_str(&format!("(and {} bytes of HTML: --part html)\n\n", mail.html.len()));
        }
        text.extend(self.in_product.as_ref().map(in_words));
        text
    }

    fn json(&self, template: &str) -> Value {
        json!({
            "template": template,
            "email": self.mail.as_ref().map(|mail| json!({
                "subject": mail.subject, "html": mail.html, "text": mail.text,
            })),
            "in_product": self.in_product.as_ref().map(|message| json!({
                "kind": message.kind.as_str(), "title": message.title, "body": message.body,
                "action": message.action.as_ref().map(|action| json!({
                    "label": action.label, "url": action.url,
                })),
            })),
        })
    }
}

fn in_words(message: &InProduct) -> String {
    let action = message.action.as_ref().map(|action| format!("\n[{}] {}", action.label, action.url));
    let (kind, title, body) = (message.kind.as_str(), &message.title, &message.body);
    format!("{kind}: {title}\n{body}{}", action.unwrap_or_default())
}
