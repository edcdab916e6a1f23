//! The write key of a request: basic-auth user, bearer token, or `writeKey` in the body.

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

/// Client libraries write base64 with padding and without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The key in the `Authorization` header. Nothing when there is none that can be read: the body may hold it.
pub fn of_header(headers: &HeaderMap) -> Option<String> {
    let (scheme, value) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    let value = value.trim();
    let key = if scheme.eq_ignore_ascii_case("bearer") {
        value.to_owned()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let pair = String::from_utf8(BASE64.decode(value).ok()?).ok()?;
        pair.split(':').next()?.to_owned()
    } else {
        return None;
    };
    (!key.is_empty()).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(authorization: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, authorization.parse().unwrap());
        of_header(&headers)
    }

    #[test]
    fn a_key_is_the_basic_auth_user_or_the_bearer_token() {
        assert_eq!(key("Basic a2V5Og=="), Some("key".into()));
        assert_eq!(key("basic a2V5Og"), Some("key".into()));
        assert_eq!(key("Basic a2V5OnBhc3N3b3Jk"), Some("key".into()));
        assert_eq!(key("Bearer key"), Some("key".into()));
        for none in ["Basic !!", "Basic Og==", "Digest key", "key", ""] {
            assert_eq!(key(none), None, "{none}");
        }
    }
}
