//! Who a browser's user is: a token (JWT) that the product's own server signs for its signed-in user.
//!
//! A key has one algorithm, fixed by the operator: the token's header only names the key, it never chooses how it is
//! verified. `none` and everything but HS256 and EdDSA are refused. `aud` and `exp` are required, `sub` is the user id.
//! Time is the service's clock.

use crate::clock::Clock;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use outreach_engine::Timestamp;
use outreach_engine::event::field::nfc;
use outreach_engine::event::{SUBJECT_ID_BYTES_MAX, Subject, SubjectId};
use serde::Deserialize;

/// A key that identity tokens are verified with.
#[derive(Clone)]
pub struct IdentityKey {
    /// The `kid` of the tokens.
    pub name: String,
    pub kind: IdentityKeyKind,
}

/// The algorithm is the key's, not the token's.
#[derive(Clone)]
pub enum IdentityKeyKind {
    /// HMAC with SHA-256: the secret, [`SECRET_BYTES_MIN`] bytes or more.
    Hs256(Vec<u8>),
    /// Ed25519: the public key as PEM.
    EdDsa(Vec<u8>),
}

/// All keys of a service, and for whom tokens are made.
pub struct Identity {
    audience: String,
    keys: Vec<Known>,
    clock: Clock,
}

struct Known {
    name: String,
    algorithm: Algorithm,
    key: DecodingKey,
}

/// Whom a token names, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    pub subject: SubjectId,
    pub expires_at: Timestamp,
}

/// Why a token names nobody. Never holds any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    #[error("expected an identity token, found none")]
    NoToken,
    #[error("this service knows no identity keys: [identity] of outreach.toml names them")]
    NoKeys,
    #[error("expected a JWT signed with the algorithm of its key, with exp, aud and a user id as sub")]
    BadToken,
    #[error("expected a `kid` that [[identity.keys]] of outreach.toml names")]
    UnknownKey,
    #[error("the token is for another audience")]
    WrongAudience,
    #[error("the token is over, or not begun: sign a new one")]
    ExpiredToken,
}

/// RFC 7518, 3.2: a key as long as the hash.
pub const SECRET_BYTES_MIN: usize = 32;
/// Many times what these claims need; more is not looked at.
const TOKEN_BYTES_MAX: usize = 4096;
/// Clocks of the machine that signs and of this one may differ by so much.
const LEEWAY_SECONDS: f64 = 10.0;

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    nbf: Option<f64>,
}

impl IdentityError {
    /// The stable code that a client is told.
    pub fn code(self) -> &'static str {
        match self {
            IdentityError::NoToken => "no-token",
            IdentityError::NoKeys => "no-identity-keys",
            IdentityError::BadToken => "bad-token",
            IdentityError::UnknownKey => "unknown-identity-key",
            IdentityError::WrongAudience => "wrong-audience",
            IdentityError::ExpiredToken => "expired-token",
        }
    }
}

impl Identity {
    /// Without keys no token names anybody. An error says which key is none.
    pub fn new(audience: &str, keys: Vec<IdentityKey>, clock: Clock) -> Result<Identity, String> {
        let known = keys.into_iter().map(Known::new).collect::<Result<_, _>>()?;
        Ok(Identity { audience: audience.to_owned(), keys: known, clock })
    }

    /// Whom `token` names now.
    pub fn verify(&self, token: &str) -> Result<Identified, IdentityError> {
        if token.is_empty() {
            return Err(IdentityError::NoToken);
        }
        if self.keys.is_empty() {
            return Err(IdentityError::NoKeys);
        }
        if token.len() > TOKEN_BYTES_MAX {
            return Err(IdentityError::BadToken);
        }
        let header = decode_header(token).map_err(|_| IdentityError::BadToken)?;
        let known = self.find(header.kid.as_deref()).ok_or(IdentityError::UnknownKey)?;
        let claims = decode::<Claims>(token, &known.key, &self.validation(known)).map_err(reason)?.claims;
        let now = (self.clock)().0 as f64 / MICROSECONDS;
        let is_begun = claims.nbf.is_none_or(|nbf| nbf <= now + LEEWAY_SECONDS);
        if now >= claims.exp + LEEWAY_SECONDS || !is_begun {
            return Err(IdentityError::ExpiredToken);
        }
        let id = nfc(claims.sub.as_str().into());
        if id.is_empty() || id.len() > SUBJECT_ID_BYTES_MAX {
            return Err(IdentityError::BadToken);
        }
        let expires_at = Timestamp((claims.exp.min(LAST_SECOND) * MICROSECONDS) as i64);
        Ok(Identified { subject: Subject::user(&id).to_owned(), expires_at })
    }

    /// A token without `kid` is meant for the only key, where there is only one.
    fn find(&self, kid: Option<&str>) -> Option<&Known> {
        match kid {
            Some(kid) => self.keys.iter().find(|known| known.name == kid),
            None => self.keys.first().filter(|_| self.keys.len() == 1),
        }
    }

    fn validation(&self, known: &Known) -> Validation {
        let mut validation = Validation::new(known.algorithm);
        validation.set_required_spec_claims(&["exp", "aud", "sub"]);
        validation.set_audience(&[&self.audience]);
        // Times are looked at by our own clock.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation
    }
}

const MICROSECONDS: f64 = 1_000_000.0;
/// The year 9999: an `exp` behind it is that.
const LAST_SECOND: f64 = 253_402_300_799.0;

impl Known {
    fn new(key: IdentityKey) -> Result<Known, String> {
        let (algorithm, decoding) = match &key.kind {
            IdentityKeyKind::Hs256(secret) if secret.len() < SECRET_BYTES_MIN => {
                return Err(format!(
                    "identity key {}: expected a secret of at least {SECRET_BYTES_MIN} bytes, found {}",
                    key.name,
                    secret.len()
                ));
            }
            IdentityKeyKind::Hs256(secret) => (Algorithm::HS256, DecodingKey::from_secret(secret)),
            IdentityKeyKind::EdDsa(pem) => {
                let decoding = DecodingKey::from_ed_pem(pem);
                let decoding = decoding.map_err(|error| {
                    format!("identity key {}: expected an Ed25519 public key as PEM: {error}", key.name)
                })?;
                (Algorithm::EdDSA, decoding)
            }
        };
        Ok(Known { name: key.name, algorithm, key: decoding })
    }
}

fn reason(error: jsonwebtoken::errors::Error) -> IdentityError {
    match error.kind() {
        ErrorKind::InvalidAudience => IdentityError::WrongAudience,
        _ => IdentityError::BadToken,
    }
}
