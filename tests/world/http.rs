//! A blocking HTTP client for tests: what comes back is looked at, whatever its status.

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use base64::Engine;
use ureq::Agent;
use ureq::http::{Request, Response};

/// For one request; a durable answer takes milliseconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

pub struct Http {
    base: String,
    agent: Agent,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    /// Names in small letters, in the order they came.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    /// The first header of that name (small letters).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.body))
    }
}

impl Http {
    /// A client of the server on this loopback port; connections are kept and used again.
    pub fn new(port: u16) -> Http {
        Http::at((Ipv4Addr::LOCALHOST.into(), port))
    }

    /// A client of the server at this address.
    pub fn at(address: (IpAddr, u16)) -> Http {
        let address = SocketAddr::from(address);
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(ANSWER_WITHIN))
            .build();
        Http { base: format!("http://{address}"), agent: config.into() }
    }

    pub fn get(&self, path: &str) -> Reply {
        self.try_get(path).unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    /// As `get`; the error is the connection's.
    pub fn try_get(&self, path: &str) -> Result<Reply, ureq::Error> {
        self.send(self.request("GET", path).body(Vec::new()).expect("a request"))
    }

    /// Posts JSON with a write key as Segment's libraries do: the user of basic auth, without password.
    pub fn post(&self, path: &str, write_key: &str, body: &serde_json::Value) -> Reply {
        self.try_post(path, write_key, body).unwrap_or_else(|error| panic!("POST {path}: {error}"))
    }

    /// As `post`; the error is the connection's, as when the service is killed meanwhile.
    pub fn try_post(
        &self,
        path: &str,
        write_key: &str,
        body: &serde_json::Value,
    ) -> Result<Reply, ureq::Error> {
        let login = base64::engine::general_purpose::STANDARD.encode(format!("{write_key}:"));
        let headers = [("content-type", "application/json"), ("authorization", &format!("Basic {login}"))];
        self.try_send("POST", path, &headers, body.to_string().into_bytes())
    }

    /// Any method, headers and bytes.
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Reply, ureq::Error> {
        let mut request = self.request(method, path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body).expect("a request"))
    }

    fn request(&self, method: &str, path: &str) -> ureq::http::request::Builder {
        Request::builder().method(method).uri(format!("{}{path}", self.base))
    }

    fn send(&self, request: Request<Vec<u8>>) -> Result<Reply, ureq::Error> {
        let response: Response<ureq::Body> = self.agent.run(request)?;
        let status = response.status().as_u16();
        let header = |(name, value): (&ureq::http::HeaderName, &ureq::http::HeaderValue)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let headers = response.headers().iter().map(header).collect();
        let mut body = Vec::new();
        response.into_body().into_reader().read_to_end(&mut body)?;
        Ok(Reply { status, headers, body: String::from_utf8_lossy(&body).into_owned() })
    }
}
