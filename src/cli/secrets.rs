//! The secrets that a project's service needs, and which of them nobody else has to know beforehand.

use crate::project::{IdentityAlgorithm, Process, SecretError, SecretPlace};
use std::io::ErrorKind;

/// One of them.
pub(super) struct Needed<'p> {
    /// What it is for.
    pub(super) what: String,
    pub(super) place: &'p SecretPlace,
    /// Whether a new one will do: a password is another's to give, and an old secret is what it was.
    pub(super) can_be_new: bool,
}

/// All that outreach.toml asks for, in its order; whether they are there is not looked at.
pub(super) fn needed(process: &Process) -> Vec<Needed<'_>> {
    let new = |what: String, place| Needed { what, place, can_be_new: true };
    let given = |what: &str, place| Needed { what: what.to_owned(), place, can_be_new: false };
    let admin = Some(&process.http.admin_token).filter(|place| place.is_named());
    let keys = process.write_keys.iter().map(|key| new(format!("write key {}", key.name), &key.key));
    let tokens = process.identity.iter().flat_map(|identity| &identity.keys);
    let tokens = tokens.filter_map(|key| match &key.algorithm {
        IdentityAlgorithm::Hs256(place) => Some(new(format!("identity key {}", key.name), place)),
        IdentityAlgorithm::EdDsa { .. } => None,
    });
    let links = process.email.iter().map(|_| new("links in mails".to_owned(), &process.unsubscribe_secret));
    let old = process.old_unsubscribe_secrets.iter().map(|old| given("links in older mails", old));
    let smtp = process.email.iter().map(|email| &email.smtp).filter(|smtp| smtp.user.is_some());
    let smtp = smtp.map(|smtp| given("password of the mail server", &smtp.password));
    let admin = admin.map(|place| new("token of operators".to_owned(), place));
    admin.into_iter().chain(keys).chain(tokens).chain(links).chain(old).chain(smtp).collect()
}

/// Whether a file is named for it and is not there, so that nothing is written over.
pub(super) fn is_absent(error: &SecretError) -> bool {
    match error {
        SecretError::Unreadable { source, .. } => source.kind() == ErrorKind::NotFound,
        SecretError::Nowhere { .. } | SecretError::Empty { .. } => false,
    }
}
