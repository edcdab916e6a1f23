//! Who may ask the admin address about people, and make it act: one way for commands and for the page.
//!
//! - This machine asks freely, under its own name: its peer address is this machine's, its `Host` is an address of this
//!   machine or `localhost` (a page of elsewhere that rebinds its own name sends another one), and no proxy has handed
//!   the request on.
//! - Everybody else shows the admin token, as `Authorization: Bearer`, or as the session that the login form gives for
//!   it. Without a token in the settings nobody else is answered.
//! - A request that a page of elsewhere has sent is refused, whoever sends it: `Sec-Fetch-Site` and `Origin` tell.
//!
//! A session is `until.mac`: seconds since 1970 and an HMAC-SHA256 of them by the token. It lives in a cookie, since a
//! page cannot send a header; the token itself is not in it.

use axum::http::{HeaderMap, HeaderName, Method, header};
use hmac::{Hmac, KeyInit, Mac};
use outreach_engine::{Length, Timestamp};
use sha2::Sha256;
use std::net::IpAddr;
use subtle::ConstantTimeEq;

/// Who may ask.
pub struct Access {
    /// The address that it listens on: who asks from it is this machine, too.
    own: IpAddr,
    token: Option<AdminToken>,
}

/// The secret that opens the admin address to other machines.
pub struct AdminToken(String);

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// From another machine, and no token is set.
    Elsewhere,
    /// From another machine, without the token.
    NoToken,
    /// Sent by a page of another site.
    OtherSite,
}

/// A shorter token can be guessed.
pub const TOKEN_BYTES_MIN: usize = 16;
/// How long a login lasts: a working day.
pub const SESSION: Length = Length::hours(12);
/// The cookie that holds a session. Cookies know no ports, so its name says whose it is.
pub const COOKIE: &str = "outreach_admin";

/// Keeps these signatures apart from any other use of the same secret.
const LABEL: &[u8] = b"outreach admin session";
/// What a proxy adds: the peer is then not who asks.
const HANDED_ON: [HeaderName; 4] = [
    header::FORWARDED,
    header::VIA,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-real-ip"),
];
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

impl AdminToken {
    /// At least [`TOKEN_BYTES_MIN`] bytes, else an error that says so.
    pub fn new(token: &str) -> Result<AdminToken, String> {
        if token.len() < TOKEN_BYTES_MIN {
            let found = token.len();
            return Err(format!(
                "expected an admin token of at least {TOKEN_BYTES_MIN} bytes, found {found}"
            ));
        }
        Ok(AdminToken(token.to_owned()))
    }

    fn is(&self, text: &str) -> bool {
        self.0.as_bytes().ct_eq(text.as_bytes()).into()
    }

    fn mac(&self, until: &str) -> Hmac<Sha256> {
        let mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).expect("HMAC takes a key of any length");
        mac.chain_update(LABEL).chain_update(until)
    }

    fn session(&self, now: Timestamp) -> String {
        let until = seconds(now + SESSION).to_string();
        let mac = self.mac(&until).finalize().into_bytes();
        format!("{until}.{}", hex(&mac))
    }

    fn has_signed(&self, session: &str, now: Timestamp) -> bool {
        let Some((until, mac)) = session.split_once('.') else { return false };
        let expected = hex(&self.mac(until).finalize().into_bytes());
        let is_ours: bool = expected.as_bytes().ct_eq(mac.as_bytes()).into();
        is_ours && until.parse().is_ok_and(|until: i64| seconds(now) < until)
    }
}

impl Access {
    pub fn new(own: IpAddr, token: Option<AdminToken>) -> Access {
        Access { own, token }
    }

    /// Whether other machines can get in at all.
    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Whether to answer this request.
    pub fn admits(
        &self,
        peer: IpAddr,
        method: &Method,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<(), Refused> {
        if is_of_another_site(method, headers) {
            return Err(Refused::OtherSite);
        }
        if self.is_this_machine(peer, headers) {
            return Ok(());
        }
        match &self.token {
            None => Err(Refused::Elsewhere),
            Some(token) if shows(token, headers, now) => Ok(()),
            Some(_) => Err(Refused::NoToken),
        }
    }

    /// The session for who knows the token.
    pub fn log_in(&self, token: &str, now: Timestamp) -> Option<String> {
        let known = self.token.as_ref()?;
        known.is(token.trim()).then(|| known.session(now))
    }

    fn is_this_machine(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        let is_handed_on = HANDED_ON.iter().any(|name| headers.contains_key(name));
        self.is_own(peer) && !is_handed_on && self.is_own_name(text(headers, &header::HOST))
    }

    /// An address or `localhost`, never a name that somebody else may point here.
    fn is_own_name(&self, host: &str) -> bool {
        let has_port =
            host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
        let name = has_port.map_or(host, |(name, _)| name);
        let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
        name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|ip| self.is_own(ip))
    }

    fn is_own(&self, ip: IpAddr) -> bool {
        ip.to_canonical().is_loopback() || (ip == self.own && !self.own.is_unspecified())
    }
}

/// What asks to be read comes from our own pages or by hand; a link from elsewhere only opens a page. What acts has an
/// `Origin` that is the `Host`: browsers send one with every form. Programs that are no browsers send neither.
fn is_of_another_site(method: &Method, headers: &HeaderMap) -> bool {
    let site = text(headers, &FETCH_SITE);
    let is_own_site = matches!(site, "" | "same-origin" | "none");
    if method.is_safe() {
        return !is_own_site && text(headers, &FETCH_MODE) != "navigate";
    }
    let is_own_origin = headers.get(header::ORIGIN).is_none_or(|origin| {
        let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        authority.is_some_and(|(_, authority)| authority == text(headers, &header::HOST))
    });
    !(is_own_site && is_own_origin)
}

fn shows(token: &AdminToken, headers: &HeaderMap, now: Timestamp) -> bool {
    let bearer = text(headers, &header::AUTHORIZATION).split_once(' ');
    let is_bearer =
        bearer.is_some_and(|(scheme, shown)| scheme.eq_ignore_ascii_case("bearer") && token.is(shown.trim()));
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    is_bearer || pairs.any(|(name, session)| name == COOKIE && token.has_signed(session, now))
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn seconds(at: Timestamp) -> i64 {
    at.0.div_euclid(1_000_000)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "a token long enough";
    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 9));
    const OWN: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));
    const NOW: Timestamp = Timestamp(1_000_000_000_000);

    fn asked(peer: IpAddr, method: Method, pairs: &[(&str, &str)]) -> Result<(), Refused> {
        let access = Access::new(OWN, Some(AdminToken::new(TOKEN).unwrap()));
        access.admits(peer, &method, &headers(pairs), NOW)
    }

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pair =
            |(name, value): &(&str, &str)| (HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn this_machine_asks_freely_and_only_under_its_own_name() {
        for host in ["127.0.0.1:8081", "localhost:8081", "LOCALHOST", "[::1]:8081", "10.0.0.2:8081"] {
            assert_eq!(asked(HERE, Method::GET, &[("host", host)]), Ok(()), "{host}");
            assert_eq!(asked(OWN, Method::GET, &[("host", host)]), Ok(()), "{host}");
        }
        for host in ["evil.example:8081", "10.0.0.1:8081", "localhost.evil.example", ""] {
            assert_eq!(asked(HERE, Method::GET, &[("host", host)]), Err(Refused::NoToken), "{host}");
        }
        assert_eq!(asked(HERE, Method::GET, &[]), Err(Refused::NoToken));
        let everywhere = Access::new([0, 0, 0, 0].into(), None);
        let named = headers(&[("host", "0.0.0.0:8081")]);
        assert_eq!(everywhere.admits(HERE, &Method::GET, &named, NOW), Err(Refused::Elsewhere));
    }

    #[test]
    fn what_a_proxy_hands_on_is_not_this_machines() {
        for proxy in ["x-forwarded-for", "forwarded", "via", "x-real-ip"] {
            let pairs = [("host", "127.0.0.1:8081"), (proxy, "203.0.113.7")];
            assert_eq!(asked(HERE, Method::GET, &pairs), Err(Refused::NoToken), "{proxy}");
        }
    }

    #[test]
    fn another_machine_shows_the_token_or_a_session_made_of_it() {
        let host = ("host", "outreach.acme.example");
        assert_eq!(asked(THERE, Method::GET, &[host]), Err(Refused::NoToken));
        let bearer = format!("Bearer {TOKEN}");
        assert_eq!(asked(THERE, Method::GET, &[host, ("authorization", &bearer)]), Ok(()));
        assert_eq!(
            asked(THERE, Method::GET, &[host, ("authorization", "Bearer a token long enougH")]),
            Err(Refused::NoToken)
        );
        let access = Access::new(OWN, Some(AdminToken::new(TOKEN).unwrap()));
        let session = access.log_in(TOKEN, NOW).unwrap();
        let cookie = headers(&[("cookie", &format!("a=b; {COOKIE}={session}"))]);
        assert_eq!(access.admits(THERE, &Method::GET, &cookie, NOW), Ok(()));
        let later = NOW + SESSION;
        assert_eq!(access.admits(THERE, &Method::GET, &cookie, later), Err(Refused::NoToken));
        let longer = headers(&[("cookie", &format!("{COOKIE}=9{session}"))]);
        assert_eq!(access.admits(THERE, &Method::GET, &longer, NOW), Err(Refused::NoToken));
        assert!(!session.contains(TOKEN) && access.log_in("another token", NOW).is_none());
    }

    #[test]
    fn without_a_token_nobody_of_elsewhere_is_answered() {
        let access = Access::new(OWN, None);
        let shown = headers(&[("host", "10.0.0.2:8081"), ("authorization", "Bearer ")]);
        assert_eq!(access.admits(THERE, &Method::GET, &shown, NOW), Err(Refused::Elsewhere));
        assert!(access.log_in("", NOW).is_none());
        assert!(AdminToken::new("short").err().unwrap().contains("at least 16 bytes, found 5"));
    }

    /// How it is asked, with which headers, and whether it is answered.
    type Asked<'a> = (Method, &'a [(&'a str, &'a str)], bool);

    #[test]
    fn a_page_of_another_site_neither_reads_nor_acts() {
        let host = ("host", "127.0.0.1:8081");
        let table: [Asked<'_>; 10] = [
            (Method::GET, &[("sec-fetch-site", "same-origin")], true),
            (Method::GET, &[("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")], true),
            (Method::GET, &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], true),
            (Method::GET, &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "cors")], false),
            (Method::GET, &[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "no-cors")], false),
            (Method::POST, &[("origin", "http://127.0.0.1:8081")], true),
            (Method::POST, &[], true),
            (Method::POST, &[("origin", "http://127.0.0.1:3000")], false),
            (Method::POST, &[("origin", "null")], false),
            (Method::POST, &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], false),
        ];
        for (method, pairs, is_answered) in table {
            let pairs = [&[host], pairs].concat();
            let expected = if is_answered { Ok(()) } else { Err(Refused::OtherSite) };
            assert_eq!(asked(HERE, method, &pairs), expected, "{pairs:?}");
        }
    }
}
