//! `[identity]`: whose signature says who a browser's user is.

use super::super::environment::identity_key_variable;
use super::write_key::unique_name;
use super::{Context, SecretPlace};
use outreach_engine::rule::diagnostic::Code;
use outreach_engine::rule::document::{Item, Problems};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Tokens that the product's servers sign for their users.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The `aud` of every token.
    pub audience: String,
    /// One or more.
    pub keys: Vec<IdentityKey>,
}

#[derive(Clone, Debug)]
pub struct IdentityKey {
    /// Unique; `[a-z0-9-]`. The `kid` of its tokens.
    pub name: String,
    pub algorithm: IdentityAlgorithm,
}

/// Fixed by the operator; what a token says of its algorithm must be the same.
#[derive(Clone, Debug)]
pub enum IdentityAlgorithm {
    Hs256(SecretPlace),
    EdDsa { public_key_file: PathBuf },
}

pub(super) fn identity(problems: &mut Problems, item: &Item<'_>, context: &Context<'_>) -> Option<Identity> {
    let mut table = item.table(problems)?;
    let audience = table
        .require(problems, "audience", "add audience = \"acme\": the `aud` of every token")
        .and_then(|item| item.words(problems));
    let keys = table
        .require(
            problems,
            "keys",
            "add keys = [ { name = \"app\", algorithm = \"HS256\", secret_file = \"identity.key\" } ]",
        )
        .and_then(|item| item.elements(problems));
    table.finish(problems, &[]);
    let mut names = BTreeSet::new();
    let keys: Vec<_> =
        keys?.iter().filter_map(|element| key(problems, element, context, &mut names)).collect();
    (!keys.is_empty()).then_some(Identity { audience: audience?, keys })
}

fn key(
    problems: &mut Problems,
    item: &Item<'_>,
    context: &Context<'_>,
    names: &mut BTreeSet<String>,
) -> Option<IdentityKey> {
    let mut table = item.table(problems)?;
    let name = table
        .require(problems, "name", "add name = \"app\": the `kid` of its tokens")
        .and_then(|item| unique_name(problems, &item, names));
    // The words of RFC 7518 and RFC 8037, as they stand in a token.
    let kinds = [("HS256", false), ("EdDSA", true)];
    let is_public = table
        .require(problems, "algorithm", "add algorithm = \"HS256\", or \"EdDSA\"")
        .and_then(|item| item.choice(problems, &kinds));
    let secret_file = table.take("secret_file");
    let public_file = table.take("public_key_file");
    table.finish(problems, &[]);
    let (name, is_public) = (name?, is_public?);
    let (stray, algorithm) = if is_public {
        let place = &item.place;
        let Some(file) = public_file else {
            problems
                .error(Code::MissingKey, place, "EdDSA needs `public_key_file`")
                .with_help("add public_key_file = \"identity.pem\", an Ed25519 public key");
            return None;
        };
        let public_key_file = context.path(problems, &file)?;
        (secret_file, IdentityAlgorithm::EdDsa { public_key_file })
    } else {
        let secret = context.secret(problems, secret_file, identity_key_variable(&name));
        (public_file, IdentityAlgorithm::Hs256(secret))
    };
    if let Some(stray) = stray {
        let message = format!("`{}` belongs to the other algorithm", stray.key);
        problems.error(Code::ContradictoryForm, &stray.key_place, message);
        return None;
    }
    Some(IdentityKey { name, algorithm })
}
