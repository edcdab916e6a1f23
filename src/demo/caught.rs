//! What one wants to know of a mail at a glance: subject, decision, and the link that ends it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The headers that are shown, decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Headers {
    pub subject: String,
    /// The left side of the `Message-ID`: a decision's id.
    pub decision: String,
    /// Of `List-Unsubscribe`.
    pub unsubscribe_url: Option<String>,
    /// `Date`, as it stands.
    pub date: String,
}

impl Headers {
    /// Reads the headers of a mail as it came over the wire.
    pub fn read(mail: &[u8]) -> Headers {
        let text = String::from_utf8_lossy(mail);
        let head = text.split("\r\n\r\n").next().unwrap_or_default();
        // A line that begins with white space goes on from the line before (RFC 5322, 2.2.3).
        let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let mut headers = Headers::default();
        for line in unfolded.split("\r\n") {
            let Some((name, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            let inside = value.trim_start_matches('<').trim_end_matches('>');
            if name.eq_ignore_ascii_case("subject") {
                headers.subject = decoded(value);
            } else if name.eq_ignore_ascii_case("date") {
                headers.date = value.to_owned();
            } else if name.eq_ignore_ascii_case("message-id") {
                headers.decision = inside.split('@').next().unwrap_or_default().to_owned();
            } else if name.eq_ignore_ascii_case("list-unsubscribe") {
                headers.unsubscribe_url = Some(inside.to_owned());
            }
        }
        headers
    }
}

impl Headers {
    /// When it was sent, by its own word.
    pub fn sent_at(&self) -> Option<jiff::Timestamp> {
        jiff::fmt::rfc2822::parse(&self.date).ok().map(|zoned| zoned.timestamp())
    }
}

/// A header's value with its encoded words (RFC 2047) as text: base64 in UTF-8, which is what our own mails have.
fn decoded(value: &str) -> String {
    let mut out = String::new();
    let mut was_encoded = false;
    for word in value.split(' ') {
        let encoded = encoded_word(word);
        // White space between two encoded words is no part of the text.
        if !(out.is_empty() || was_encoded && encoded.is_some()) {
            out.push(' ');
        }
        was_encoded = encoded.is_some();
        out.push_str(encoded.as_deref().unwrap_or(word));
    }
    out
}

fn encoded_word(word: &str) -> Option<String> {
    let inside = word.strip_prefix("=?")?.strip_suffix("?=")?;
    let mut parts = inside.splitn(3, '?');
    let (charset, encoding, text) = (parts.next()?, parts.next()?, parts.next()?);
    if !charset.eq_ignore_ascii_case("utf-8") || !encoding.eq_ignore_ascii_case("b") {
        return None;
    }
    String::from_utf8(STANDARD.decode(text).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_unfolded_and_decoded() {
        let mail = "Subject: =?utf-8?b?WsOr?=\r\n =?utf-8?b?w6s=?= and more\r\nMessage-ID: <ab12@acme.example>\r\n\
                    List-Unsubscribe: <http://127.0.0.1:1/u/token>\r\n\r\nSubject: not this\r\n";
        let headers = Headers::read(mail.as_bytes());
        assert_eq!(headers.subject, "Zëë and more");
        assert_eq!(headers.decision, "ab12");
        assert_eq!(headers.unsubscribe_url.as_deref(), Some("http://127.0.0.1:1/u/token"));
    }

    #[test]
    fn what_is_no_encoded_word_stays_as_it_is() {
        assert_eq!(decoded("Your payment of €49 =?x?= did"), "Your payment of €49 =?x?= did");
        assert_eq!(Headers::read(b"no mail at all"), Headers::default());
    }
}
