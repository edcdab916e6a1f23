//! `outreach preview`: a template as its recipient sees it, made of its sample by the code that sends.

use super::{End, Format, diagnostics, print_json, say};
use crate::project::{Environment, Project, Reading};
use crate::template::{InProduct, Rendered, Roots, Templates, context, reason};
use anyhow::{Context, bail};
use clap::ValueEnum;
use serde_json::{Value, json};
use std::path::Path;

/// What `preview` may be told.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The folder's name below templates/.
    template: String,
    /// Only this part, as it is.
    #[arg(long, value_enum)]
    part: Option<Part>,
}

/// What a message has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    Html,
    Text,
    Subject,
    InProduct,
}

/// What a template makes of its sample.
struct Preview {
    mail: Option<Rendered>,
    in_product: Option<InProduct>,
}

/// Stands where a message has the link of its own recipient.
const LINK_OF_NOBODY: &str = "/u/preview";

pub(super) fn run(dir: &Path, format: Format, options: &Options) -> anyhow::Result<End> {
    let reading = Project::read(dir, &Environment::of_process());
    let name = &options.template;
    let Some(project) = &reading.project else { return Ok(say_problems(&reading)) };
    let (templates, _) = Templates::load(&project.release.templates);
    let Some(template) = templates.get(name) else {
        let folder = format!("templates/{name}/");
        if project.release.templates.keys().any(|path| path.starts_with(&folder)) {
            return Ok(say_problems(&reading));
        }
        let names: Vec<&str> = templates.iter().map(crate::template::Template::name).collect();
        bail!("expected the name of a template, found `{name}`; there are: {}", names.join(", "));
    };
    let data = context(template.sample(), &roots(project, name));
    let mail = template.is_email().then(|| templates.render_email(name, &data)).transpose();
    let in_product = template.is_in_product().then(|| templates.render_in_product(name, &data)).transpose();
    let (Ok(mail), Ok(in_product)) = (mail, in_product) else { return Ok(say_problems(&reading)) };
    let preview = Preview { mail, in_product };
    match (options.part, format) {
        (Some(part), _) => say(&preview.part(part).with_context(|| format!("`{name}` has no such part"))?),
        (None, Format::Text) => say(preview.text().trim_end()),
        (None, Format::Json) => return print_json(&preview.json(name)),
    }
    Ok(End::Ok)
}

/// A message that cannot be said, with the reasons that `check` gives.
fn say_problems(reading: &Reading) -> End {
    for problem in reading.problems.iter().filter(|problem| problem.is_error()) {
        eprint!("{}", diagnostics::draw(problem, &reading.texts, true));
    }
    End::Findings
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
