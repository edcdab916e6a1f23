//! Every template against its sample, before anybody gets it.

use super::load::{Template, Templates};
use super::problem::TemplateProblem;
use super::roots::{Roots, context};

/// Gmail cuts a longer mail and hides its end: the unsubscribe link.
const HTML_BYTES_MAX: usize = 102 * 1024;

impl Templates {
    /// Renders each template with its sample, our roots filled in by marks that must come out again.
    pub fn check(&self) -> Vec<TemplateProblem> {
        let mut problems = Vec::new();
        for template in self.iter() {
            let context = context(template.sample(), &marks());
            if template.is_email() {
                self.check_email(template, &context, &mut problems);
            }
            if template.is_in_product() {
                self.check_in_product(template, &context, &mut problems);
            }
        }
        problems
    }

    fn check_email(
        &self,
        template: &Template,
        context: &serde_json::Value,
        problems: &mut Vec<TemplateProblem>,
    ) {
        let Some(form) = &template.email else { return };
        let mail = match self.render_email(template.name(), context) {
            Ok(mail) => mail,
            Err(problem) => return problems.push(problem),
        };
        let mut report = |file: &str, code, message: String, help: &str| {
            problems.push(TemplateProblem::new(file, (1, 1), code, message, help));
        };
        let text_file = form.text.as_ref().unwrap_or(&form.body);
        for (file, part, said) in [(&form.body, "HTML", &mail.html), (text_file, "text", &mail.text)] {
            if !said.contains(&marks().unsubscribe_url) {
                let message = format!("expected the unsubscribe link in the {part} part, found none");
                report(file, "missing-unsubscribe-link", message, "Put {{unsubscribe_url}} into the footer.");
            }
            if !said.contains(&marks().sender_address) {
                let message = format!("expected the sender's postal address in the {part} part, found none");
                report(file, "missing-sender-address", message, "Put {{sender.address}} into the footer.");
            }
        }
        for (file, said) in
            [(&form.subject, &mail.subject), (&form.body, &mail.html), (text_file, &mail.text)]
        {
            if said.contains("[object]") {
                let message =
                    "expected a text or a number, found an object (it comes out as `[object]`)".into();
                report(file, "object-printed", message, "Name one of its fields.");
            }
        }
        if mail.subject.is_empty() {
            report(&form.subject, "empty-subject", "expected a subject, found nothing".into(), "Write one.");
        }
        if mail.html.len() > HTML_BYTES_MAX {
            let message =
                format!("expected HTML of at most {HTML_BYTES_MAX} bytes, found {}", mail.html.len());
            report(&form.body, "mail-too-large", message, "Gmail would hide its end: say less.");
        }
    }

    fn check_in_product(
        &self,
        template: &Template,
        context: &serde_json::Value,
        problems: &mut Vec<TemplateProblem>,
    ) {
        let message = match self.render_in_product(template.name(), context) {
            Ok(message) => message,
            Err(problem) => return problems.push(problem),
        };
        let file = format!("templates/{}/in_product.toml", template.name());
        let mut texts = vec![&message.title, &message.body];
        texts.extend(message.action.iter().map(|action| &action.label));
        if texts.iter().any(|text| text.trim().is_empty()) {
            let message = "expected a title, a body and a label with words in them, found an empty one";
            problems.push(TemplateProblem::new(&file, (1, 1), "empty-text", message, "Write it."));
        }
        if texts.iter().any(|text| text.contains("[object]")) {
            let message = "expected a text or a number, found an object (it comes out as `[object]`)";
            problems.push(TemplateProblem::new(
                &file,
                (1, 1),
                "object-printed",
                message,
                "Name one of its fields.",
            ));
        }
    }
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
