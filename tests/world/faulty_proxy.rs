//! A proxy before the service that refuses, repeats and drops what is posted, by a list; all else passes. One request a
//! connection. What was posted, and what became of it, is kept as it was on the wire.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use outreach_engine::Timestamp;

/// What happens to a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Pass,
    /// The service never sees it; the client reads this status, after which it may come again in a second.
    Refuse(u16),
    /// As `Refuse`, once the service has a post that came later: what is repeated is then out of order for sure.
    RefuseAfterNext(u16),
    /// The service takes it, and the client reads this status all the same.
    PassThenRefuse(u16),
    /// The service takes it, and the client hears nothing.
    PassThenDrop,
}

/// What was posted.
#[derive(Clone, Debug)]
pub struct Post {
    pub path: String,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    /// Unzipped.
    pub body: String,
    pub fault: Fault,
    /// By the system's clock, as `taken`.
    pub came_at: Timestamp,
    /// Between these times the service took it and answered, with 200; nothing where it never saw it, or refused.
    pub taken: Option<(Timestamp, Timestamp)>,
}

impl Post {
    /// The value of that header (small letters).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// How long a post waits for the next one; a client sends it within milliseconds, or never.
const NEXT_WITHIN: Duration = Duration::from_secs(20);

pub struct FaultyProxy {
    port: u16,
    state: Arc<State>,
}

struct State {
    upstream: u16,
    /// The faults are for posts with this text in them.
    about: String,
    faults: Mutex<VecDeque<Fault>>,
    posts: Mutex<Vec<Post>>,
    is_taken: Condvar,
    is_over: AtomicBool,
}

impl FaultyProxy {
    /// Listens before the server on `upstream`, which need not be there yet. The faults happen to the first posts whose
    /// unzipped body has `about` in it, in their order.
    pub fn start(upstream: u16, about: &str, faults: &[Fault]) -> FaultyProxy {
        let port = super::ports::free();
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("a free port");
        let state = Arc::new(State {
            upstream,
            about: about.to_owned(),
            faults: Mutex::new(faults.iter().copied().collect()),
            posts: Mutex::default(),
            is_taken: Condvar::new(),
            is_over: false.into(),
        });
        let shared = state.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                if shared.is_over.load(Ordering::Relaxed) {
                    return;
                }
                let state = shared.clone();
                // A client that goes away ends its own thread.
                thread::spawn(move || client.and_then(|client| state.serve(client)));
            }
        });
        FaultyProxy { port, state }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// All posts so far, in the order in which they came.
    pub fn posts(&self) -> Vec<Post> {
        self.state.posts.lock().expect("the posts").clone()
    }

    /// Faults that nobody has met yet.
    pub fn faults_left(&self) -> usize {
        self.state.faults.lock().expect("the faults").len()
    }
}

impl Drop for FaultyProxy {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

impl State {
    fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        let Some((head, body)) = read_request(&mut client)? else { return Ok(()) };
        if !head.starts_with("POST ") {
            return client.write_all(&self.forward(&head, &body)?);
        }
        let (place, fault) = self.note(&head, &body)?;
        match fault {
            Fault::Pass => client.write_all(&self.hand_over(place, &head, &body)?),
            Fault::Refuse(status) => client.write_all(&refusal(status)),
            Fault::RefuseAfterNext(status) => {
                self.wait_for_a_later(place);
                client.write_all(&refusal(status))
            }
            Fault::PassThenRefuse(status) => {
                self.hand_over(place, &head, &body)?;
                client.write_all(&refusal(status))
            }
            Fault::PassThenDrop => self.hand_over(place, &head, &body).map(drop),
        }
    }

    /// Keeps a post: its place, and what shall happen to it.
    fn note(&self, head: &str, body: &[u8]) -> io::Result<(usize, Fault)> {
        let mut lines = head.trim_end().split("\r\n");
        let path = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
        let header = |line: &str| {
            line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        let headers: Vec<(String, String)> = lines.filter_map(header).collect();
        let is_gzip = headers.iter().any(|(name, value)| name == "content-encoding" && value == "gzip");
        let mut text = String::new();
        if is_gzip {
            flate2::read::GzDecoder::new(body).read_to_string(&mut text)?;
        } else {
            text = String::from_utf8(body.to_vec()).map_err(io::Error::other)?;
        }
        let meant = text.contains(&self.about);
        let mut posts = self.posts.lock().expect("the posts");
        let fault = meant.then(|| self.faults.lock().expect("the faults").pop_front()).flatten();
        let fault = fault.unwrap_or(Fault::Pass);
        let came_at = outreach::clock::system()();
        posts.push(Post { path, headers, body: text, fault, came_at, taken: None });
        Ok((posts.len() - 1, fault))
    }

    /// The service's whole answer to a post, which is then known to be taken.
    fn hand_over(&self, place: usize, head: &str, body: &[u8]) -> io::Result<Vec<u8>> {
        let clock = outreach::clock::system();
        let began_at = clock();
        let answer = self.forward(head, body)?;
        if answer.starts_with(b"HTTP/1.1 200 ") {
            self.posts.lock().expect("the posts")[place].taken = Some((began_at, clock()));
            self.is_taken.notify_all();
        }
        Ok(answer)
    }

    fn wait_for_a_later(&self, place: usize) {
        let posts = self.posts.lock().expect("the posts");
        let waits = |posts: &mut Vec<Post>| posts[place + 1..].iter().all(|post| post.taken.is_none());
        drop(self.is_taken.wait_timeout_while(posts, NEXT_WITHIN, waits).expect("the posts"));
    }

    /// The service's whole answer.
    fn forward(&self, head: &str, body: &[u8]) -> io::Result<Vec<u8>> {
        let mut server = TcpStream::connect(("127.0.0.1", self.upstream))?;
        let is_kept = |line: &&str| !line.to_ascii_lowercase().starts_with("connection:");
        let lines: Vec<&str> = head.trim_end().split("\r\n").filter(is_kept).collect();
        server.write_all(format!("{}\r\nConnection: close\r\n\r\n", lines.join("\r\n")).as_bytes())?;
        server.write_all(body)?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        Ok(answer)
    }
}

/// Head and body; nothing where the client went away before it said anything.
fn read_request(client: &mut TcpStream) -> io::Result<Option<(String, Vec<u8>)>> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 16 * 1024];
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        match client.read(&mut chunk)? {
            0 => return Ok(None),
            read => bytes.extend_from_slice(&chunk[..read]),
        }
    };
    let mut body = bytes.split_off(end);
    let head = String::from_utf8(bytes).map_err(io::Error::other)?;
    let lines = head.to_ascii_lowercase();
    assert!(!lines.contains("transfer-encoding:"), "expected a body with its length: {head}");
    let length = lines.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.map_or(Ok(0), |length| length.trim().parse()).map_err(io::Error::other)?;
    let missing = length.saturating_sub(body.len());
    client.take(missing as u64).read_to_end(&mut body)?;
    Ok(Some((head, body)))
}

/// As the service's own: open to pages of any origin.
fn refusal(status: u16) -> Vec<u8> {
    let body = r#"{"success":false,"code":"unavailable","message":"a fault of the test"}"#;
    format!(
        "HTTP/1.1 {status} Refused\r\nContent-Type: application/json\r\nContent-Length: {}\r\nRetry-After: 1\r\n\
         Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: retry-after\r\n\
         Vary: access-control-request-headers\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
