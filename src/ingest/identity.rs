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
        // RFC 7515, 4.1.11: what must be understood and is not makes a token none.
        if header.crit.is_some() {
            return Err(IdentityError::BadToken);
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::{Value, json};
    use std::sync::Arc;

    const NOW: i64 = 1_770_000_000;
    const SECRET: &[u8] = b"a secret of thirty-two bytes or more";
    /// The key pair of RFC 8037, appendix A.
    const ED_PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
    const ED_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";

    fn keys() -> Vec<IdentityKey> {
        vec![
            IdentityKey { name: "hmac".into(), kind: IdentityKeyKind::Hs256(SECRET.into()) },
            IdentityKey { name: "ed".into(), kind: IdentityKeyKind::EdDsa(ED_PUBLIC.into()) },
        ]
    }

    fn identity(keys: Vec<IdentityKey>) -> Identity {
        Identity::new("acme", keys, Arc::new(|| Timestamp(NOW * 1_000_000))).unwrap()
    }

    fn good() -> Value {
        json!({ "sub": "ada", "aud": "acme", "exp": NOW + 60 })
    }

    fn with(name: &str, value: Value) -> Value {
        let mut claims = good();
        claims[name] = value;
        claims
    }

    fn signed(algorithm: Algorithm, kid: Option<&str>, key: &EncodingKey, claims: &Value) -> String {
        encode(&Header { kid: kid.map(str::to_owned), ..Header::new(algorithm) }, claims, key).unwrap()
    }

    fn hmac(claims: &Value) -> String {
        signed(Algorithm::HS256, Some("hmac"), &EncodingKey::from_secret(SECRET), claims)
    }

    fn ed(kid: &str, claims: &Value) -> String {
        signed(Algorithm::EdDSA, Some(kid), &EncodingKey::from_ed_pem(ED_PRIVATE.as_bytes()).unwrap(), claims)
    }

    fn verdict(token: &str) -> Result<String, &'static str> {
        let verified = identity(keys()).verify(token);
        verified.map(|identified| identified.subject.to_string()).map_err(IdentityError::code)
    }

    #[test]
    fn a_good_token_of_either_kind_names_its_user() {
        assert_eq!(verdict(&hmac(&good())), Ok("user:ada".into()));
        assert_eq!(verdict(&ed("ed", &good())), Ok("user:ada".into()));
        assert_eq!(verdict(&hmac(&with("aud", json!(["other", "acme"])))), Ok("user:ada".into()));
        // As events name people: in NFC.
        assert_eq!(verdict(&hmac(&with("sub", json!("Zoe\u{308}")))), Ok("user:Zo\u{eb}".into()));
        let until = identity(keys()).verify(&hmac(&good())).unwrap().expires_at;
        assert_eq!(until, Timestamp((NOW + 60) * 1_000_000));
    }

    #[test]
    fn the_algorithm_is_the_keys_and_never_the_tokens() {
        let public = EncodingKey::from_secret(ED_PUBLIC.as_bytes());
        let raw = EncodingKey::from_secret(&ED_PUBLIC_RAW);
        for (token, why) in [
            (signed(Algorithm::HS256, Some("ed"), &public, &good()), "a public key used as a secret, as PEM"),
            (signed(Algorithm::HS256, Some("ed"), &raw, &good()), "as bytes"),
            (ed("hmac", &good()), "the other algorithm under the name of a secret"),
            (signed(Algorithm::HS384, Some("hmac"), &EncodingKey::from_secret(SECRET), &good()), "HS384"),
            (signed(Algorithm::HS512, Some("hmac"), &EncodingKey::from_secret(SECRET), &good()), "HS512"),
            (unsigned("none"), "none"),
            (unsigned("None"), "None"),
            (unsigned("HS256"), "no signature"),
        ] {
            assert_eq!(verdict(&token), Err("bad-token"), "{why}");
        }
    }

    const ED_PUBLIC_RAW: [u8; 32] = [
        0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e,
        0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
    ];

    fn unsigned(algorithm: &str) -> String {
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", part(json!({ "alg": algorithm, "kid": "hmac" })), part(good()))
    }

    #[test]
    fn what_is_over_for_others_or_cut_names_nobody() {
        let mut changed = hmac(&good());
        let at = changed.find('.').unwrap() + 10;
        let other = if changed.as_bytes()[at] == b'A' { "B" } else { "A" };
        changed.replace_range(at..=at, other);
        let without = |name: &str| {
            let mut claims = good();
            claims.as_object_mut().unwrap().remove(name);
            hmac(&claims)
        };
        let mut critical = Header { kid: Some("hmac".into()), ..Header::new(Algorithm::HS256) };
        critical.crit = Some(vec!["b64".into()]);
        for (token, code) in [
            (encode(&critical, &good(), &EncodingKey::from_secret(SECRET)).unwrap(), "bad-token"),
            (hmac(&with("exp", json!(NOW - 10))), "expired-token"),
            (hmac(&with("exp", json!(0))), "expired-token"),
            (hmac(&with("nbf", json!(NOW + 60))), "expired-token"),
            (hmac(&with("aud", json!("other"))), "wrong-audience"),
            (hmac(&with("aud", json!(["other"]))), "wrong-audience"),
            (without("exp"), "bad-token"),
            (without("aud"), "bad-token"),
            (without("sub"), "bad-token"),
            (hmac(&with("exp", json!("tomorrow"))), "bad-token"),
            (hmac(&with("sub", json!(""))), "bad-token"),
            (hmac(&with("sub", json!(7))), "bad-token"),
            (hmac(&with("sub", json!("x".repeat(257)))), "bad-token"),
            (hmac(&with("more", json!("x".repeat(5_000)))), "bad-token"),
            (ed("gone", &good()), "unknown-identity-key"),
            (changed, "bad-token"),
            (hmac(&good())[..40].to_owned(), "bad-token"),
            ("x".into(), "bad-token"),
            ("..".into(), "bad-token"),
            (String::new(), "no-token"),
        ] {
            assert_eq!(verdict(&token), Err(code), "{token}");
        }
        assert_eq!(
            verdict(&hmac(&with("exp", json!(NOW - 9)))),
            Ok("user:ada".into()),
            "clocks differ a little"
        );
        assert_eq!(verdict(&hmac(&with("exp", json!(9_999_999_999_999_i64)))), Ok("user:ada".into()));
    }

    #[test]
    fn a_token_without_kid_is_for_the_only_key() {
        let token = signed(Algorithm::HS256, None, &EncodingKey::from_secret(SECRET), &good());
        assert_eq!(verdict(&token), Err("unknown-identity-key"), "there are two");
        let only = identity(keys().into_iter().take(1).collect());
        assert!(only.verify(&token).is_ok());
        assert_eq!(identity(Vec::new()).verify(&token), Err(IdentityError::NoKeys));
    }

    #[test]
    fn a_key_that_is_none_is_told_at_the_start() {
        let told = |kind| {
            let key = IdentityKey { name: "app".into(), kind };
            Identity::new("acme", vec![key], Arc::new(|| Timestamp(0))).err().unwrap()
        };
        let short = told(IdentityKeyKind::Hs256(vec![1; SECRET_BYTES_MIN - 1]));
        assert!(short.contains("app") && short.contains("at least 32 bytes, found 31"), "{short}");
        for pem in ["", "no key", ED_PRIVATE] {
            let wrong = told(IdentityKeyKind::EdDsa(pem.into()));
            assert!(wrong.contains("app") && wrong.contains("Ed25519 public key"), "{wrong}");
        }
    }
}
