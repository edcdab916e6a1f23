//! The part of outreach.toml that belongs to one process: where it keeps, listens, reads and sends.
//!
//! Every key may be overridden by a variable (`environment.rs`); secrets are only named here, by file or variable, and
//! are read when they are needed, so that `check` needs none.

mod email;
mod identity;
mod network;
mod secret;
mod source;
mod write_key;

pub use email::{AddressPattern, Delivery, Email, Sender, Smtp, SmtpTls};
pub use identity::{Identity, IdentityAlgorithm, IdentityKey};
pub use network::{Data, Dispatch, Http};
pub use secret::{Secret, SecretError, SecretPlace};
pub use source::{Source, SourceFormat, SourceStart};
pub use write_key::{WriteKey, WriteKeyKind};

use super::environment::{Environment, UNSUBSCRIBE_SECRET};
use outreach_engine::rule::document::{Item, Problems, Table};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Checked. Paths of files are resolved against the project's folder.
#[derive(Clone, Debug)]
pub struct Process {
    pub data: Data,
    pub http: Http,
    pub write_keys: Vec<WriteKey>,
    /// Absent where no browser's user is known.
    pub identity: Option<Identity>,
    /// Signs the links that unsubscribe.
    pub unsubscribe_secret: SecretPlace,
    /// Signed them before: the links of old mails still work.
    pub old_unsubscribe_secrets: Vec<SecretPlace>,
    /// Who says it, in templates: `sender.name`, `sender.address`.
    pub sender: Option<Sender>,
    /// Absent where no mail is sent.
    pub email: Option<Email>,
    pub delivery: Delivery,
    /// Passed to librdkafka as they stand.
    pub kafka: BTreeMap<String, String>,
    pub sources: Vec<Source>,
    pub dispatch: Dispatch,
}

impl Process {
    /// The sections of outreach.toml without which no mail can leave, of those that are not there.
    pub fn missing_for_mail(&self) -> Vec<&'static str> {
        let sections = [
            ("[sender]", self.sender.is_some()),
            ("[email]", self.email.is_some()),
            ("[unsubscribe]", self.unsubscribe_secret.is_named()),
        ];
        sections.into_iter().filter(|(_, is_there)| !is_there).map(|(section, _)| section).collect()
    }
}

/// What the readers of the parts need to know.
struct Context<'c> {
    dir: &'c Path,
    environment: &'c Environment,
}

/// Takes this part's keys. What cannot be read leaves an error and its default, or is left out.
pub(super) fn take(
    problems: &mut Problems,
    table: &mut Table<'_>,
    dir: &Path,
    environment: &Environment,
) -> Process {
    let context = Context { dir, environment };
    let data = network::data(problems, table.take("data"), &context);
    let http = network::http(problems, table.take("http"), &context);
    let write_keys = table.take("write_keys").map(|item| write_key::all(problems, &item, &context));
    let identity = table.take("identity").and_then(|item| identity::identity(problems, &item, &context));
    let (unsubscribe_secret, old_unsubscribe_secrets) =
        unsubscribe(problems, table.take("unsubscribe"), &context);
    let sender = table.take("sender").and_then(|item| email::sender(problems, &item));
    let email = table.take("email").and_then(|item| email::email(problems, &item, &context));
    let delivery = email::delivery(problems, table.take("delivery"));
    let kafka = table.take("kafka").map(|item| source::kafka(problems, &item));
    let sources = table.take("sources").map(|item| source::all(problems, &item));
    let dispatch = network::dispatch(problems, table.take("dispatch"));
    Process {
        data,
        http,
        write_keys: write_keys.unwrap_or_default(),
        identity,
        unsubscribe_secret,
        old_unsubscribe_secrets,
        sender,
        email,
        delivery,
        kafka: kafka.unwrap_or_default(),
        sources: sources.unwrap_or_default(),
        dispatch,
    }
}

/// The secret that signs, and those that it has replaced.
fn unsubscribe(
    problems: &mut Problems,
    item: Option<Item<'_>>,
    context: &Context<'_>,
) -> (SecretPlace, Vec<SecretPlace>) {
    let mut table = item.and_then(|item| item.table(problems));
    let file = table.as_mut().and_then(|table| table.take("secret_file"));
    let place = context.secret(problems, file, UNSUBSCRIBE_SECRET.to_owned());
    let old = table.as_mut().and_then(|table| table.take("old_secret_files"));
    let old = old.and_then(|item| item.texts(problems)).unwrap_or_default();
    let old = old.iter().map(|file| SecretPlace::of_file(context.dir.join(file), "old_secret_files"));
    if let Some(table) = table {
        table.finish(problems, &[]);
    }
    (place, old.collect())
}

impl Context<'_> {
    /// A path of outreach.toml is relative to its folder.
    fn path(&self, problems: &mut Problems, item: &Item<'_>) -> Option<PathBuf> {
        item.words(problems).map(|path| self.dir.join(path))
    }

    /// Where a secret is: the file, unless the variable is set.
    fn secret(&self, problems: &mut Problems, file: Option<Item<'_>>, variable: String) -> SecretPlace {
        let file = file.filter(|item| item.value.as_str() != Some(""));
        let file = file.and_then(|item| self.path(problems, &item));
        let value = self.environment.get(&variable).map(Secret::new);
        SecretPlace { file, variable, value }
    }
}
