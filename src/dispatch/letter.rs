//! From a message that is leaving to the very thing that is handed over.

use crate::channel::email::{self, Draft};
use crate::channel::unsubscribe_token::{self, Claims, Key};
use crate::channel::{Delivery, Outgoing, in_product};
use crate::ledger::Message;
use crate::template::{Roots, Templates, context, reason};
use outreach_engine::Timestamp;
use outreach_engine::effect::Channel;
use outreach_engine::event::Subject;
use std::sync::Arc;

/// Finds the templates of a release: a message is written with those of the release that decided it.
pub type TemplatesOf = Arc<dyn Fn(&str) -> Result<Arc<Templates>, String> + Send + Sync>;

/// A topic's name for people, by release and topic.
pub type TopicName = Arc<dyn Fn(&str, &str) -> Option<String> + Send + Sync>;

/// Who writes, and what links lead to.
pub struct Letters {
    pub templates: TemplatesOf,
    /// `Ada at Acme <hello@acme.example>`.
    pub from: String,
    pub return_path_domain: String,
    pub sender_name: String,
    /// The postal address for the footer.
    pub sender_address: String,
    /// Without a slash at its end.
    pub public_url: String,
    pub unsubscribe_key: Key,
    /// All mail goes there instead; checks and caps use the true address.
    pub redirect_all_to: Option<String>,
    pub topic_name: TopicName,
}

impl Letters {
    /// Renders and composes; a message that cannot be said is refused for good. Nothing where its templates are not to be
    /// had now: the ledger that holds them may be back in a moment.
    pub fn prepare(&self, message: &Message, at: Timestamp) -> Result<Outgoing, Option<Delivery>> {
        let templates = (self.templates)(&message.release).map_err(|reason| {
            tracing::warn!(release = message.release, reason, "a message waits for its templates");
            None
        })?;
        self.say(message, &templates, at).map_err(Some)
    }

    fn say(&self, message: &Message, templates: &Templates, at: Timestamp) -> Result<Outgoing, Delivery> {
        let unfit = |reply: String| Delivery::Permanent { code: None, reply };
        let data: serde_json::Value = serde_json::from_str(&message.render)
            .map_err(|error| unfit(format!("render context: {error}")))?;
        let link = self.unsubscribe_url(message).map_err(unfit)?;
        let context = context(&data, &self.roots(message, &link));
        match message.channel {
            Channel::InProduct => {
                let rendered = templates.render_in_product(&message.template, &context);
                let rendered = rendered.map_err(|problem| unfit(problem.to_string()))?;
                Ok(Outgoing::InProduct(in_product::compose(&rendered)))
            }
            Channel::Email => {
                let rendered = templates.render_email(&message.template, &context);
                let rendered = rendered.map_err(|problem| unfit(problem.to_string()))?;
                let feedback_id =
                    format!("{}:{}:outreach", message.rule, message.topic.as_deref().unwrap_or("none"));
                let draft = Draft {
                    decision: message.key.id,
                    from: &self.from,
                    to: self.redirect_all_to.as_deref().unwrap_or(&message.address),
                    return_path_domain: &self.return_path_domain,
                    subject: &rendered.subject,
                    html: &rendered.html,
                    text: &rendered.text,
                    // What must be said has no link to stop it.
                    unsubscribe_url: (!message.is_transactional).then_some(link.as_str()),
                    feedback_id: Some(&feedback_id),
                    at,
                    is_test: false,
                };
                Ok(Outgoing::Email(Box::new(email::compose(&draft).map_err(Delivery::from)?)))
            }
        }
    }

    fn unsubscribe_url(&self, message: &Message) -> Result<String, String> {
        let subject = Subject::parse(&message.subject).ok_or_else(|| {
            format!("expected a subject, found {} bytes of something else", message.subject.len())
        })?;
        // Whoever gets redirected mail and clicks speaks for themselves, not for the customer.
        let reader = self.redirect_all_to.as_deref();
        let claims = Claims {
            decision: message.key.id,
            subject: reader.map_or(subject, Subject::anon).to_owned(),
            address: reader.unwrap_or(&message.address).to_string(),
            topic: message.topic.clone().unwrap_or_default(),
        };
        Ok(format!("{}/u/{}", self.public_url, unsubscribe_token::sign(&self.unsubscribe_key, &claims)))
    }

    fn roots(&self, message: &Message, link: &str) -> Roots {
        let topic = message.topic.as_deref();
        let name = topic
            .map(|topic| (self.topic_name)(&message.release, topic).unwrap_or_else(|| topic.to_string()));
        Roots {
            sender_name: self.sender_name.clone(),
            sender_address: self.sender_address.clone(),
            unsubscribe_url: link.to_string(),
            preferences_url: link.to_string(),
            reason: reason(&self.sender_name, name.as_deref()),
        }
    }
}
