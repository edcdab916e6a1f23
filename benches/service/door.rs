//! Batches of 100 events over HTTP, to the 200 that says they are durable.
//!
//! The client is as cheap as can be: requests are made beforehand, only the ids in them change; one blocking thread a
//! connection. It still takes its share of the same cores, which the note tells.

use super::processor;
use super::project;
use super::stream::{Stream, now};
use super::table::{RUNS, Run, Table};
use super::world::service::Service;
use base64::Engine;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const EVENTS_A_BATCH: u64 = 100;
const CONNECTIONS: [usize; 3] = [1, 8, 32];
const RUN_FOR: Duration = Duration::from_secs(4);
/// Different requests of a connection, so that not each of them is about the same people.
const REQUESTS: u64 = 16;

/// Numbers of events are never given twice.
static NEXT_NUMBER: AtomicU64 = AtomicU64::new(0);

pub fn measure(table: &mut Table) {
    let project = project::new(&project::email(1, ""));
    project::write_hundred_rules(&project);
    let mut service = Service::start(&project);
    let pid = service.process().id();
    let mut answered = 0;
    for connections in CONNECTIONS {
        let runs: Vec<Load> = (0..RUNS).map(|_| load(project.http_port, pid, connections)).collect();
        let rates: Vec<Run> = runs.iter().map(|load| load.run).collect();
        let mut waits: Vec<f64> = runs.iter().flat_map(|load| load.waits_ms.iter().copied()).collect();
        answered += waits.len() as u64 * EVENTS_A_BATCH;
        waits.sort_by(f64::total_cmp);
        let at = |part: f64| waits[((waits.len() - 1) as f64 * part) as usize];
        let client: f64 = runs.iter().map(|load| load.client_part).sum::<f64>() / runs.len() as f64;
        let note = format!(
            "answered after {:.1} ms (median), {:.1} ms (99 %); the client used {:.0} % of a core, 101 rules decide meanwhile",
            at(0.5),
            at(0.99),
            100.0 * client
        );
        let what = format!("HTTP, batches of {EVENTS_A_BATCH} → 200, {connections} connections");
        table.add(&what, "events/s", &rates, &note);
    }
    // All of them are events in the log, and none a dead letter.
    let counter =
        format!(r#"outreach_ingested_events_total{{source="http:server",outcome="accepted"}} {answered}"#);
    let metrics = service.admin.get("/metrics").body;
    assert!(metrics.lines().any(|line| line == counter), "expected {counter}, found\n{metrics}");
    service.stop();
}

struct Load {
    run: Run,
    waits_ms: Vec<f64>,
    /// Of one core.
    client_part: f64,
}

fn load(port: u16, pid: u32, connections: usize) -> Load {
    let (cpu, client_cpu) = (processor::seconds_of(pid), processor::seconds());
    let clients: Vec<Client> = (0..connections).map(|_| Client::new(port)).collect();
    let began = Instant::now();
    let threads: Vec<_> = clients
        .into_iter()
        .map(|client| std::thread::spawn(move || client.run_until(began + RUN_FOR)))
        .collect();
    let waits_ms: Vec<f64> =
        threads.into_iter().flat_map(|thread| thread.join().expect("a client")).collect();
    let seconds = began.elapsed().as_secs_f64();
    let count = waits_ms.len() * EVENTS_A_BATCH as usize;
    Load {
        run: Run::new(count, seconds, processor::seconds_of(pid) - cpu),
        waits_ms,
        client_part: (processor::seconds() - client_cpu) / seconds,
    }
}

/// One connection and the requests that it sends again and again.
struct Client {
    connection: Connection,
    requests: Vec<Prepared>,
}

impl Client {
    fn new(port: u16) -> Client {
        let stream = Stream { made_at: now() };
        let prepared = |_| Prepared::new(&stream, NEXT_NUMBER.fetch_add(EVENTS_A_BATCH, Ordering::Relaxed));
        Client { connection: Connection::open(port), requests: (0..REQUESTS).map(prepared).collect() }
    }

    /// How long each answer took, in milliseconds.
    fn run_until(mut self, until: Instant) -> Vec<f64> {
        let mut waits = Vec::new();
        loop {
            for request in &mut self.requests {
                let began = Instant::now();
                if began >= until {
                    return waits;
                }
                request.renumber();
                self.connection.send(&request.bytes);
                waits.push(began.elapsed().as_secs_f64() * 1e3);
            }
        }
    }
}

/// A request whose ids can be changed in their places.
struct Prepared {
    bytes: Vec<u8>,
    ids: Vec<usize>,
}

impl Prepared {
    fn new(stream: &Stream, first: u64) -> Prepared {
        let events: Vec<String> =
            (first..first + EVENTS_A_BATCH).map(|number| stream.event(number)).collect();
        let bytes = batch(&events);
        let mark = b"\"messageId\":\"m-";
        let ids = bytes.windows(mark.len()).enumerate().filter(|(_, window)| window == mark);
        let ids: Vec<usize> = ids.map(|(at, _)| at + mark.len()).collect();
        assert_eq!(ids.len() as u64, EVENTS_A_BATCH);
        Prepared { bytes, ids }
    }

    fn renumber(&mut self) {
        let first = NEXT_NUMBER.fetch_add(EVENTS_A_BATCH, Ordering::Relaxed);
        for (number, at) in (first..).zip(&self.ids) {
            let mut left = number;
            for digit in self.bytes[*at..*at + 12].iter_mut().rev() {
                *digit = b'0' + (left % 10) as u8;
                left /= 10;
            }
        }
    }
}

/// A request to `/v1/batch` with these events.
pub fn batch(events: &[String]) -> Vec<u8> {
    let body = format!("{{\"batch\":[{}]}}", events.join(","));
    let login = base64::engine::general_purpose::STANDARD.encode(format!("{}:", project::WRITE_KEY));
    let length = body.len();
    format!(
        "POST /v1/batch HTTP/1.1\r\nhost: localhost\r\nauthorization: Basic {login}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A connection that is kept alive.
pub struct Connection {
    stream: TcpStream,
    answers: BufReader<TcpStream>,
}

impl Connection {
    pub fn open(port: u16) -> Connection {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("the service listens");
        stream.set_nodelay(true).expect("an option of TCP");
        let answers = BufReader::new(stream.try_clone().expect("a second handle"));
        Connection { stream, answers }
    }

    /// Sends a whole request, and waits for its 200.
    pub fn send(&mut self, request: &[u8]) {
        self.stream.write_all(request).expect("the service reads");
        let (mut line, mut length) = (String::new(), 0);
        self.answers.read_line(&mut line).expect("an answer");
        assert!(line.starts_with("HTTP/1.1 200"), "expected a 200, found {line}");
        while line != "\r\n" {
            line.clear();
            self.answers.read_line(&mut line).expect("a header");
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
        }
        let mut body = vec![0; length];
        self.answers.read_exact(&mut body).expect("the body of the answer");
    }
}
