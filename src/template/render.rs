//! One message: a template and a context.

use super::in_product::{Action, InProduct};
use super::load::{EmailForm, Form, Template, Templates};
use super::locale::{chain, language, timezone, wanted};
use super::problem::{Place, TemplateProblem, place_of};
use super::text_part;
use handlebars::{Context, Handlebars, RenderError, RenderErrorReason};
use serde_json::Value;

/// A rendered mail. The subject is one line; the text part is never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub subject: String,
    pub html: String,
    pub text: String,
}

/// What mail programs show of a subject is far less; what an event brings may be far more.
const SUBJECT_CHARS_MAX: usize = 250;

impl Templates {
    /// The mail that `template` makes of `context` (see [`super::context`]). A value that is missing is a problem: the
    /// message cannot be said.
    pub fn render_email(&self, template: &str, context: &Value) -> Result<Rendered, TemplateProblem> {
        let found = self.find(template)?;
        let Some((form, context)) = self.spoken(found, context, |form| form.email.as_ref()) else {
            return Err(no_form(template, "a mail", "subject.hbs and body.mjml"));
        };
        let subject = say(&self.plain, found, &form.subject, &context)?;
        let body = say(&self.escaped, found, &form.body, &context)?;
        let html = form.html(body)?;
        let text = match &form.text {
            Some(text) => say(&self.plain, found, text, &context)?,
            None => form.text_of(&html)?,
        };
        Ok(Rendered { subject: one_subject(&subject), html, text: form.filled(text)? })
    }

    /// The in-product message that `template` makes of `context`.
    pub fn render_in_product(&self, template: &str, context: &Value) -> Result<InProduct, TemplateProblem> {
        let found = self.find(template)?;
        let Some((form, context)) = self.spoken(found, context, |form| form.in_product.as_ref()) else {
            return Err(no_form(template, "an in-product message", "in_product.toml"));
        };
        let body = say(&self.escaped, found, &form.body, &context)?;
        let say = |name: &str| say(&self.plain, found, name, &context);
        let action = match &form.action {
            None => None,
            Some((label, url)) => Some(Action { label: say(label)?, url: safe_url(url, say(url)?)? }),
        };
        Ok(InProduct { title: say(&form.title)?, body, action, kind: form.kind })
    }

    /// The form of the language that the person is spoken to in, and the context with that language and their zone. A mail
    /// is of one language as a whole; in a language of the template numbers are those of the person's region.
    fn spoken<'t, F>(
        &'t self,
        template: &'t Template,
        context: &Value,
        of: impl Fn(&'t Form) -> Option<&'t F>,
    ) -> Option<(&'t F, Context)> {
        let default = of(&template.form)?;
        let has_languages = !template.by_locale.is_empty() || template.has_catalogue;
        let wanted = wanted(context).filter(|_| has_languages);
        let (mut form, mut locale) = (default, None);
        if let Some(wanted) = &wanted {
            let own = chain(wanted).find_map(|tag| template.by_locale.get(tag).and_then(&of));
            let is_spoken = |tag: &str| template.has_catalogue && self.catalogues.has(tag);
            let is_home = language(wanted) == language(&self.home.locale);
            (form, locale) = match own {
                Some(own) => (own, Some(wanted.as_str())),
                None if is_home || chain(wanted).any(is_spoken) => (default, Some(wanted.as_str())),
                None => (default, None),
            };
        }
        let zone = timezone(context, &self.home);
        let spoken = with_voice(context.clone(), locale.unwrap_or(&self.home.locale), zone);
        Some((form, Context::from(spoken)))
    }

    fn find(&self, template: &str) -> Result<&Template, TemplateProblem> {
        self.get(template).ok_or_else(|| {
            let message = format!("expected a template that exists, found `{template}`");
            let file = format!("templates/{template}/");
            TemplateProblem::new(
                &file,
                (1, 1),
                "unknown-template",
                message,
                "Add the folder, or mend the name.",
            )
        })
    }
}

impl EmailForm {
    /// What was rendered of the body, as it is sent.
    pub(super) fn html(&self, body: String) -> Result<String, TemplateProblem> {
        inline_css(self, body)
    }

    /// The text part of a mail without a file for it.
    pub(super) fn text_of(&self, html: &str) -> Result<String, TemplateProblem> {
        text_part::of_html(html).map_err(|why| {
            TemplateProblem::new(&self.body, (1, 1), "render-failed", why, "Write a text.hbs.")
        })
    }

    /// A text part with words in it.
    pub(super) fn filled(&self, text: String) -> Result<String, TemplateProblem> {
        if !text.trim().is_empty() {
            return Ok(text);
        }
        let message = "expected a text part, found nothing in it";
        let file = self.text.as_ref().unwrap_or(&self.body);
        Err(TemplateProblem::new(file, (1, 1), "empty-text", message, "Say in text what the mail says."))
    }
}

/// A subject is one line.
pub(super) fn one_subject(text: &str) -> String {
    text_part::one_line(text, SUBJECT_CHARS_MAX)
}

/// The context of a message in this language, for this zone.
pub(super) fn with_voice(mut context: Value, locale: &str, zone: &str) -> Value {
    context["locale"] = locale.into();
    context["timezone"] = zone.into();
    context
}

pub(super) fn wrap(context: &Value) -> Context {
    Context::from(context.clone())
}

/// Why a text could not be said, and the path of the value that is missing, if that is why.
pub(super) struct Silence {
    pub problem: TemplateProblem,
    pub missing: Option<String>,
}

fn say(
    registry: &Handlebars<'static>,
    template: &Template,
    name: &str,
    context: &Context,
) -> Result<String, TemplateProblem> {
    try_to_say(registry, template, name, context).map_err(|silence| silence.problem)
}

pub(super) fn try_to_say(
    registry: &Handlebars<'static>,
    template: &Template,
    name: &str,
    context: &Context,
) -> Result<String, Box<Silence>> {
    registry.render_with_context(name, context).map_err(|error| {
        let missing = match error.reason() {
            RenderErrorReason::MissingVariable(path) => path.clone(),
            _ => None,
        };
        Box::new(Silence { problem: problem(template, name, &error), missing })
    })
}

/// A problem at the place in the file as it was written. In HTML made from MJML places mean nothing: there the path is
/// looked up in the MJML.
fn problem(template: &Template, name: &str, error: &RenderError) -> TemplateProblem {
    let named = error.template_name.as_deref().unwrap_or(name);
    let file = named.split('#').next().unwrap_or(named);
    let missing = match error.reason() {
        RenderErrorReason::MissingVariable(path) => Some(path.clone().unwrap_or_default()),
        _ => None,
    };
    let text = template.texts.get(file).map_or("", String::as_str);
    let is_as_written = !file.ends_with(".mjml") && !named.contains('#');
    let at = match (error.line_no, error.column_no, &missing) {
        (Some(line), Some(column), _) if is_as_written => (line, column),
        (_, _, Some(path)) if !path.is_empty() => place_of(text, path),
        _ => (1, 1),
    };
    match missing {
        Some(path) => missing_value(file, at, &path),
        None => TemplateProblem::new(
            file,
            at,
            "render-failed",
            error.reason().to_string(),
            "Mend the expression.",
        ),
    }
}

/// That a text says a value which is not there.
pub(super) fn missing_value(file: &str, at: Place, path: &str) -> TemplateProblem {
    let message = format!("expected a value at `{path}`, found none");
    let help = "Where it may be missing write {{default PATH \"…\"}} or {{#if PATH}}…{{/if}}; else add it to sample.json.";
    TemplateProblem::new(file, at, "missing-value", message, help)
}

fn no_form(template: &str, what: &str, files: &str) -> TemplateProblem {
    let message = format!("expected a template for {what}, found one without {files}");
    TemplateProblem::new(
        &format!("templates/{template}/"),
        (1, 1),
        "wrong-channel",
        message,
        format!("Add {files}."),
    )
}

/// Mail programs drop `<style>`: what can be is written into the elements. MJML has done so already.
fn inline_css(form: &EmailForm, html: String) -> Result<String, TemplateProblem> {
    if form.body.ends_with(".mjml") || !html.contains("<style") {
        return Ok(html);
    }
    let inliner =
        css_inline::CSSInliner::options().keep_at_rules(true).load_remote_stylesheets(false).build();
    inliner.inline(&html).map_err(|error| {
        TemplateProblem::new(&form.body, (1, 1), "css", error.to_string(), "Mend the CSS in <style>.")
    })
}

/// A link that a product may follow: http(s), or a path of its own. Nothing that runs.
pub(super) fn safe_url(name: &str, url: String) -> Result<String, TemplateProblem> {
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    let is_path = url.starts_with('/') && !url.starts_with("//") && !url.contains('\\');
    if (is_web || is_path) && !url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Ok(url);
    }
    let file = name.split('#').next().unwrap_or(name);
    let message = "expected a link that begins with https://, http:// or one /, found another";
    let help = "Write the beginning of the link in the template and only its end as {{url …}}.";
    Err(TemplateProblem::new(file, (1, 1), "unsafe-action-url", message, help))
}
