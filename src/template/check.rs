//! Every template against its sample, before anybody gets it: each of its texts by itself, so that one that cannot be
//! said hides nothing of another.

use super::in_product::{self, InProductForm};
use super::load::{EmailForm, Template, Templates};
use super::locale::timezone;
use super::problem::TemplateProblem;
use super::render::{missing_value, one_subject, safe_url, try_to_say, with_voice, wrap};
use super::roots::{DATA_ROOTS, Roots, context};
use serde_json::{Value, json};

/// Gmail cuts a longer mail and hides its end: the unsubscribe link.
const HTML_BYTES_MAX: usize = 102 * 1024;
/// Values missing from one text that are told at once.
const MISSING_MAX: usize = 20;

impl Templates {
    /// Renders each template with its sample, our roots filled in by marks that must come out again. Of one with a
    /// problem, what can be rendered all the same.
    pub fn check(&self) -> Vec<TemplateProblem> {
        let mut problems = Vec::new();
        for template in self.iter().chain(self.flawed()) {
            let context = context(template.sample(), &marks());
            let zone = timezone(&context, &self.home).to_owned();
            let home = (self.home.locale.as_str(), &template.form);
            let others = template.by_locale.iter().map(|(tag, form)| (tag.as_str(), form));
            for (locale, form) in std::iter::once(home).chain(others) {
                let context = with_voice(context.clone(), locale, &zone);
                let trial = Trial { templates: self, template, context: &context };
                if let Some(form) = &form.email {
                    trial.email(form, &mut problems);
                }
                if let Some(form) = &form.in_product {
                    trial.in_product(form, &mut problems);
                }
                trial.other_branches(&mut problems);
            }
        }
        // A partial's fault is found in each template that includes it.
        problems.sort();
        problems.dedup();
        problems
    }
}

/// One template and its sample.
struct Trial<'t> {
    templates: &'t Templates,
    template: &'t Template,
    context: &'t Value,
}

impl Trial<'_> {
    fn email(&self, form: &EmailForm, problems: &mut Vec<TemplateProblem>) {
        let subject = self.said(&form.subject, problems).map(|subject| one_subject(&subject));
        let html = self.said(&form.body, problems);
        let html = html.and_then(|body| kept(form.html(body), problems));
        let text = match (&form.text, &html) {
            (Some(text), _) => self.said(text, problems),
            (None, Some(html)) => kept(form.text_of(html), problems),
            (None, None) => None,
        };
        let text = text.and_then(|text| kept(form.filled(text), problems));
        let mut report = |file: &str, code, message: String, help: &str| {
            problems.push(TemplateProblem::new(file, (1, 1), code, message, help));
        };
        let text_file = form.text.as_ref().unwrap_or(&form.body);
        let shown = html.as_deref().map(without_comments);
        for (file, part, said) in [(&form.body, "HTML", &shown), (text_file, "text", &text)] {
            let Some(said) = said else { continue };
            if !said.contains(&marks().unsubscribe_url) {
                let message = format!("expected the unsubscribe link in the {part} part, found none");
                report(file, "missing-unsubscribe-link", message, "Put {{unsubscribe_url}} into the footer.");
            }
            if !said.contains(&marks().sender_address) {
                let message = format!("expected the sender's postal address in the {part} part, found none");
                report(file, "missing-sender-address", message, "Put {{sender.address}} into the footer.");
            }
        }
        for (file, said) in [(&form.subject, &subject), (&form.body, &html), (text_file, &text)] {
            if said.as_ref().is_some_and(|said| said.contains("[object]")) {
                let message =
                    "expected a text or a number, found an object (it comes out as `[object]`)".into();
                report(file, "object-printed", message, "Name one of its fields.");
            }
        }
        if subject.is_some_and(|subject| subject.is_empty()) {
            report(&form.subject, "empty-subject", "expected a subject, found nothing".into(), "Write one.");
        }
        if let Some(bytes) = html.map(|html| html.len()).filter(|bytes| *bytes > HTML_BYTES_MAX) {
            let message = format!("expected HTML of at most {HTML_BYTES_MAX} bytes, found {bytes}");
            report(&form.body, "mail-too-large", message, "Gmail would hide its end: say less.");
        }
    }

    fn in_product(&self, form: &InProductForm, problems: &mut Vec<TemplateProblem>) {
        let names = [Some(&form.title), Some(&form.body), form.action.as_ref().map(|(label, _)| label)];
        let texts: Vec<String> =
            names.into_iter().flatten().filter_map(|name| self.said(name, problems)).collect();
        if let Some((_, url)) = &form.action {
            let said = self.said(url, problems);
            said.and_then(|said| kept(safe_url(url, said), problems));
        }
        let file = form.title.split('#').next().unwrap_or_default();
        let mut report = |code, message, help: &str| {
            problems.push(TemplateProblem::new(file, (1, 1), code, message, help));
        };
        if texts.iter().any(|text| text.trim().is_empty()) {
            let message = "expected a title, a body and a label with words in them, found an empty one";
            report("empty-text", message, "Write it.");
        }
        if texts.iter().any(|text| text.contains("[object]")) {
            let message = "expected a text or a number, found an object (it comes out as `[object]`)";
            report("object-printed", message, "Name one of its fields.");
        }
    }

    /// What the sample lacks and is said in a branch that it does not come to.
    fn other_branches(&self, problems: &mut Vec<TemplateProblem>) {
        for unguarded in &self.template.unguarded {
            let path = &unguarded.path;
            let is_told = |problem: &TemplateProblem| {
                problem.code == "missing-value" && problem.message.contains(&format!("`{path}`"))
            };
            let is_there = |path: &str| {
                let found = path.split('.').try_fold(self.context, |value, name| match value {
                    Value::Array(items) => items.get(name.parse::<usize>().ok()?),
                    _ => value.get(name),
                });
                found.is_some_and(|found| !found.is_null())
            };
            if is_there(path) || problems.iter().any(is_told) {
                continue;
            }
            let mut found = vec![missing_value(&unguarded.file, unguarded.at, path)];
            let file = unguarded.file.split('#').next().unwrap_or_default();
            let text = self.template.texts.get(file).map(String::as_str);
            in_product::move_places(text.as_ref(), &mut found);
            problems.extend(found);
        }
    }

    /// What a text says, with a word for each value that it misses and a problem. A text with a fault that was told
    /// before, or that is not safe to render, says nothing new by failing.
    fn said(&self, name: &str, problems: &mut Vec<TemplateProblem>) -> Option<String> {
        let Templates { plain, escaped, .. } = self.templates;
        let registry = [plain, escaped].into_iter().find(|registry| registry.has_template(name))?;
        let mut context = self.context.clone();
        for _ in 0..MISSING_MAX {
            let silence = match try_to_say(registry, self.template, name, &wrap(&context)) {
                Ok(said) => return Some(said),
                Err(silence) => silence,
            };
            let is_of_data = silence.missing.as_deref().is_some_and(is_of_data);
            if is_of_data || !self.template.flawed.contains(name) {
                problems.push(silence.problem);
            }
            // With a word in its place the next that is missing is found, and what else the text says.
            if !silence.missing.is_some_and(|path| fill(&mut context, &path)) {
                return None;
            }
        }
        None
    }
}

/// What of some HTML a reader can come to see. A comment begun and not ended hides all that follows.
fn without_comments(html: &str) -> String {
    let (mut shown, mut rest) = (String::new(), html);
    while let Some((before, comment)) = rest.split_once("<!--") {
        shown.push_str(before);
        rest = comment.split_once("-->").map_or("", |(_, behind)| behind);
    }
    shown + rest
}

/// What came out, or a problem more.
fn kept<T>(result: Result<T, TemplateProblem>, problems: &mut Vec<TemplateProblem>) -> Option<T> {
    result.map_err(|problem| problems.push(problem)).ok()
}

fn is_of_data(path: &str) -> bool {
    path.split('.').next().is_some_and(|root| DATA_ROOTS.contains(&root))
}

/// Puts a word where a path leads. Whether it could be put there.
fn fill(context: &mut Value, path: &str) -> bool {
    let mut at = context;
    for segment in path.split('.') {
        let Value::Object(fields) = at else { return false };
        at = fields.entry(segment).or_insert_with(|| json!({}));
    }
    let is_free = at.as_object().is_some_and(serde_json::Map::is_empty);
    if is_free {
        *at = json!("…");
    }
    is_free
}

/// Marks without a character that escaping or line breaking would change.
fn marks() -> Roots {
    Roots {
        sender_name: "Sample-Sender".into(),
        sender_address: "Sample-Street-1".into(),
        unsubscribe_url: "https://outreach.invalid/u/sample".into(),
        preferences_url: "https://outreach.invalid/p/sample".into(),
        reason: "You get this sample because templates are checked.".into(),
    }
}
