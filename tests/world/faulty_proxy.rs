//! A proxy before the service that refuses, repeats and drops what is posted, by a list; all else passes. One request a
//! connection.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// What happens to a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Pass,
    /// The service never sees it; the client reads this status, after which it may come again in a second.
    Refuse(u16),
    /// The service takes it, and the client reads this status all the same.
    PassThenRefuse(u16),
    /// The service takes it, and the client hears nothing.
    PassThenDrop,
}

pub struct FaultyProxy {
    port: u16,
    state: Arc<State>,
}

struct State {
    upstream: u16,
    faults: Mutex<VecDeque<Fault>>,
    posts: Mutex<Vec<String>>,
    is_over: AtomicBool,
}

impl FaultyProxy {
    /// Listens before the server on `upstream`, which need not be there yet. The faults happen to the first posts, in
    /// their order.
    pub fn start(upstream: u16, faults: &[Fault]) -> FaultyProxy {
        let port = super::ports::free();
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("a free port");
        let faults = Mutex::new(faults.iter().copied().collect());
        let state = Arc::new(State { upstream, faults, posts: Mutex::default(), is_over: false.into() });
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

    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The paths of all posts so far.
    pub fn posts(&self) -> Vec<String> {
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
        match self.fault(&head) {
            Fault::Pass => client.write_all(&self.forward(&head, &body)?),
            Fault::Refuse(status) => client.write_all(&refusal(status)),
            Fault::PassThenRefuse(status) => {
                self.forward(&head, &body)?;
                client.write_all(&refusal(status))
            }
            Fault::PassThenDrop => self.forward(&head, &body).map(drop),
        }
    }

    fn fault(&self, head: &str) -> Fault {
        let Some(path) = head.strip_prefix("POST ").and_then(|rest| rest.split(' ').next()) else {
            return Fault::Pass;
        };
        self.posts.lock().expect("the posts").push(path.to_owned());
        self.faults.lock().expect("the faults").pop_front().unwrap_or(Fault::Pass)
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
         Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: retry-after\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
