//! The signed token of an unsubscribe link: who may be unsubscribed from what, without a login.
//!
//! Bytes before base64url (no padding): version 1 · decision (16) · subject · address · topic, each text behind its
//! length (u16, little-endian) · HMAC-SHA256 (32) over a label and all that stands before it. The token is no secret
//! to its recipient and names the address: a log must never print it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use outreach_engine::DecisionId;
use outreach_engine::event::{Subject, SubjectId};
use sha2::Sha256;
use std::fmt;

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The message that carried the link.
    pub decision: DecisionId,
    pub subject: SubjectId,
    pub address: String,
    /// The topic that one click ends; empty where the message has none.
    pub topic: String,
}

/// The key that signs and verifies, and older ones that only verify: mails keep their links when the secret is replaced.
/// Prints as nothing.
#[derive(Clone)]
pub struct Key {
    signs: Hmac<Sha256>,
    older: Vec<Hmac<Sha256>>,
}

/// A shorter secret can be guessed.
pub const SECRET_BYTES_MIN: usize = 16;
/// Twice what the longest claims need; more is not looked at.
const TOKEN_CHARS_MAX: usize = 4096;
const VERSION: u8 = 1;
const MAC_BYTES: usize = 32;
/// Keeps these signatures apart from any other use of the same secret.
const LABEL: &[u8] = b"outreach unsubscribe token";

impl Key {
    /// The key of these secret bytes; at least [`SECRET_BYTES_MIN`] of them, else an error that says so.
    pub fn new(secret: &[u8]) -> Result<Key, String> {
        Ok(Key { signs: Key::mac(secret)?, older: Vec::new() })
    }

    /// Verifies what this secret, replaced since, has signed; an error as from [`Key::new`].
    pub fn accept_older(&mut self, secret: &[u8]) -> Result<(), String> {
        self.older.push(Key::mac(secret)?);
        Ok(())
    }

    fn mac(secret: &[u8]) -> Result<Hmac<Sha256>, String> {
        if secret.len() < SECRET_BYTES_MIN {
            return Err(format!(
                "expected an unsubscribe secret of at least {SECRET_BYTES_MIN} bytes, found {}",
                secret.len()
            ));
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|error| error.to_string())?;
        mac.update(LABEL);
        Ok(mac)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// The token of these claims: letters, digits, `-` and `_`. The same claims give the same token. Texts longer than
/// 64 KiB are cut (no id, address or topic comes near).
pub fn sign(key: &Key, claims: &Claims) -> String {
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(&claims.decision.0);
    for text in [&claims.subject.to_string(), &claims.address, &claims.topic] {
        let cut = text.floor_char_boundary(usize::from(u16::MAX));
        bytes.extend_from_slice(&(cut as u16).to_le_bytes());
        bytes.extend_from_slice(&text.as_bytes()[..cut]);
    }
    let mac = key.signs.clone().chain_update(&bytes).finalize().into_bytes();
    bytes.extend_from_slice(&mac);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The claims of a token that this key signed, or an older one; nothing for any other text. Compares in constant time.
pub fn verify(key: &Key, token: &str) -> Option<Claims> {
    if token.len() > TOKEN_CHARS_MAX {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (signed, mac) = bytes.split_at_checked(bytes.len().checked_sub(MAC_BYTES)?)?;
    let mut keys = std::iter::once(&key.signs).chain(&key.older);
    keys.find(|key| (*key).clone().chain_update(signed).verify_slice(mac).is_ok())?;
    let (version, mut rest) = signed.split_first()?;
    if *version != VERSION {
        return None;
    }
    let (decision, after) = rest.split_first_chunk::<16>()?;
    rest = after;
    let subject = Subject::parse(take_text(&mut rest)?)?.to_owned();
    let address = take_text(&mut rest)?.to_owned();
    let topic = take_text(&mut rest)?.to_owned();
    rest.is_empty().then_some(Claims { decision: DecisionId(*decision), subject, address, topic })
}

fn take_text<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    let (count, rest) = bytes.split_first_chunk::<2>()?;
    let (text, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*count)))?;
    *bytes = rest;
    std::str::from_utf8(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Claims {
        Claims {
            decision: DecisionId([7; 16]),
            subject: Subject::user("ada:1").to_owned(),
            address: "ada@example.com".into(),
            topic: "onboarding".into(),
        }
    }

    fn key() -> Key {
        Key::new(b"sixteen bytes or more").unwrap()
    }

    #[test]
    fn what_is_signed_is_read_back() {
        let token = sign(&key(), &claims());
        assert_eq!(verify(&key(), &token), Some(claims()));
        assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{token}");
        assert_eq!(token, sign(&key(), &claims()), "the same claims give the same token");
    }

    #[test]
    fn a_token_changed_in_any_character_is_refused() {
        let token = sign(&key(), &claims());
        for at in 0..token.len() {
            let mut other = token.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).unwrap();
            assert_eq!(verify(&key(), &other), None, "changed at {at}");
            assert_eq!(verify(&key(), &token[..at]), None, "cut at {at}");
        }
    }

    #[test]
    fn another_key_does_not_open_it() {
        let other = Key::new(b"another secret, long enough").unwrap();
        assert_eq!(verify(&other, &sign(&key(), &claims())), None);
    }

    #[test]
    fn what_a_replaced_key_signed_is_read_and_it_signs_no_more() {
        let old = Key::new(b"the secret of last year").unwrap();
        let mut new = key();
        assert_eq!(verify(&new, &sign(&old, &claims())), None);
        new.accept_older(b"the secret of last year").unwrap();
        assert_eq!(verify(&new, &sign(&old, &claims())), Some(claims()));
        assert_eq!(verify(&key(), &sign(&new, &claims())), Some(claims()), "the new one signs");
        assert_eq!(verify(&old, &sign(&new, &claims())), None);
        assert!(new.accept_older(b"short").is_err());
    }

    #[test]
    fn a_short_secret_is_refused_in_words() {
        let error = Key::new(b"short").unwrap_err();
        assert!(error.contains("at least 16 bytes, found 5"), "{error}");
    }

    #[test]
    fn texts_cannot_slide_into_one_another() {
        let moved = Claims { address: "ada@example.co".into(), topic: "monboarding".into(), ..claims() };
        assert_ne!(sign(&key(), &claims()), sign(&key(), &moved));
        assert_eq!(verify(&key(), &"x".repeat(5000)), None);
    }
}
