//! Free loopback ports, each given once.

use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the kernel's range for outgoing connections (32768 and up), so none of those takes a port we gave out.
const FIRST: u16 = 18_000;
const COUNT: u16 = 14_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port of 127.0.0.1 that nobody listens on, and that no other test binary on this machine is given while this
/// one runs: the claim is an abstract Unix socket, which the kernel takes back at our end, whatever that end is.
pub fn free() -> u16 {
    let start = u16::try_from(std::process::id() * 37 % u32::from(COUNT)).expect("below COUNT");
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + (start + step % COUNT) % COUNT;
        if claim(port) && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("expected a free port from {FIRST} on, found none among {COUNT}");
}

/// Whether all of these are free now; then no other test binary is told so while this one runs.
pub fn are_free(ports: &[u16]) -> bool {
    ports.iter().all(|port| claim(*port) && TcpListener::bind(("127.0.0.1", *port)).is_ok())
}

/// Holds the port for this process alone, until it ends.
fn claim(port: u16) -> bool {
    let name = format!("outreach-test-port-{port}");
    let address = SocketAddr::from_abstract_name(name).expect("a short name");
    match UnixListener::bind_addr(&address) {
        Ok(listener) => {
            std::mem::forget(listener);
            true
        }
        Err(_) => false,
    }
}
