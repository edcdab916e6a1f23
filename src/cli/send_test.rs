//! `outreach send-test`: a template as a real mail to an address of one's own.
//!
//! Nobody decided it: it is marked in its subject, its links are of nobody, its Message-ID is of no decision. Neither log
//! nor ledger is opened for writing, so it counts in no cap and no statistics.

use super::preview::{self, Of};
use super::{End, Format, print_json, say};
use crate::app::mail::Post;
use crate::channel::email::{Draft, compose};
use crate::channel::{Delivery, Mailer};
use crate::project::{Environment, Project};
use anyhow::{Context, anyhow, bail};
use outreach_engine::DecisionId;
use serde_json::json;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;

/// What to send, and where.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    of: Of,
    /// Where to; `[delivery]` of outreach.toml must let mail go there.
    #[arg(long, value_name = "ADDRESS")]
    to: String,
}

/// Begins the subject.
const MARK: &str = "[test] ";

pub(super) fn run(dir: &Path, format: Format, options: &Options) -> anyhow::Result<End> {
    let reading = Project::read(dir, &Environment::of_process());
    let Some(preview) = preview::make(dir, &reading, &options.of)? else { return Ok(End::Findings) };
    let template = &options.of.template;
    let mail = preview.mail.with_context(|| {
        format!("`{template}` is no mail: it is shown in the product, and `outreach preview` shows it here")
    })?;
    let project = reading.project.context("outreach.toml cannot be read")?;
    let email = project.process.email.as_ref().context("no [email] in outreach.toml, so no mail is sent")?;
    let delivery = &project.process.delivery;
    if !delivery.allows(&options.to) {
        bail!(
            "[delivery] deliver_only_to of outreach.toml lets no mail go to {}; nothing was sent",
            options.to
        );
    }
    let to = delivery.redirect_all_to.as_deref().unwrap_or(&options.to);
    let subject = format!("{MARK}{}", mail.subject);
    let composed = compose(&Draft {
        decision: id_of_nobody(),
        from: &email.from,
        to,
        return_path_domain: &email.return_path_domain,
        subject: &subject,
        html: &mail.html,
        text: &mail.text,
        // Whoever tests must not opt anybody out.
        unsubscribe_url: None,
        feedback_id: None,
        at: crate::clock::system()(),
        is_test: true,
    })?;
    let post = Post::new(&project.process)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let end = runtime.block_on(async {
        let end = post.deliver(composed).await;
        post.close().await;
        end
    });
    let reply = accepted(end)?;
    match format {
        Format::Json => {
            print_json(&json!({ "template": template, "to": to, "subject": subject, "reply": reply }))
        }
        Format::Text => {
            say(&format!("sent to {to}: {subject}"));
            Ok(End::Ok)
        }
    }
}

fn accepted(end: Delivery) -> anyhow::Result<String> {
    match end {
        Delivery::Accepted { reply } => Ok(reply),
        Delivery::Transient { reply, .. } => Err(anyhow!("the mail server did not take it now: {reply}")),
        Delivery::Permanent { reply, .. } => Err(anyhow!("it was not taken: {reply}")),
        Delivery::HardBounce { reply, .. } => Err(anyhow!("the address is refused: {reply}")),
        Delivery::Unknown { why } => Err(anyhow!("it was handed over and no answer came: {why}")),
    }
}

/// Drawn anew each time: ids of decisions are hashes, and this is none.
fn id_of_nobody() -> DecisionId {
    let mut bytes = [0; 16];
    for part in bytes.chunks_exact_mut(8) {
        part.copy_from_slice(&RandomState::new().hash_one(std::process::id()).to_le_bytes());
    }
    DecisionId(bytes)
}
