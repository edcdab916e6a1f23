//! The keys that identity tokens are verified with, read from their files.

use crate::clock::Clock;
use crate::ingest::identity::{Identity, IdentityKey, IdentityKeyKind};
use crate::project::{IdentityAlgorithm, Process};
use anyhow::{Context, anyhow};

/// Whom this service believes; nobody where outreach.toml has no `[identity]`.
pub fn identity(process: &Process, clock: Clock) -> anyhow::Result<Identity> {
    let Some(identity) = &process.identity else {
        return Identity::new("", Vec::new(), clock).map_err(|reason| anyhow!(reason));
    };
    let mut keys = Vec::new();
    for key in &identity.keys {
        let kind = match &key.algorithm {
            IdentityAlgorithm::Hs256(place) => {
                let secret =
                    place.read().with_context(|| format!("identity key {} of outreach.toml", key.name))?;
                IdentityKeyKind::Hs256(secret.reveal().as_bytes().to_vec())
            }
            IdentityAlgorithm::EdDsa { public_key_file } => {
                let pem = std::fs::read(public_key_file);
                let words =
                    || format!("public_key_file {} of identity key {}", public_key_file.display(), key.name);
                IdentityKeyKind::EdDsa(pem.with_context(words)?)
            }
        };
        keys.push(IdentityKey { name: key.name.clone(), kind });
    }
    Identity::new(&identity.audience, keys, clock)
        .map_err(|reason| anyhow!("[identity] of outreach.toml: {reason}"))
}
