//! Lines and mails over a stream, buffered in both directions.

use std::io::{self, Read, Write};

/// A line of a command (RFC 5321 says 512; AUTH needs more).
const LINE_BYTES_MAX: usize = 16 * 1024;
/// A mail; far over what templates make.
const MAIL_BYTES_MAX: usize = 32 * 1024 * 1024;
const READ_BYTES: usize = 64 * 1024;

pub struct Wire<S> {
    stream: S,
    /// Read and not yet used, from `used` on.
    input: Vec<u8>,
    used: usize,
    output: Vec<u8>,
}

impl<S: Read + Write> Wire<S> {
    pub fn new(stream: S) -> Wire<S> {
        Wire { stream, input: Vec::with_capacity(READ_BYTES), used: 0, output: Vec::new() }
    }

    /// The stream, if nothing was sent ahead of it: bytes before a TLS handshake would pass for encrypted ones.
    pub fn into_inner(self) -> io::Result<S> {
        if self.used < self.input.len() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "bytes after STARTTLS"));
        }
        Ok(self.stream)
    }

    /// Queues a reply; it leaves when the client has nothing more in our buffer (PIPELINING).
    pub fn reply(&mut self, line: &str) -> io::Result<()> {
        self.output.extend_from_slice(line.as_bytes());
        self.output.extend_from_slice(b"\r\n");
        if self.used == self.input.len() { self.flush() } else { Ok(()) }
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.output)?;
        self.output.clear();
        self.stream.flush()
    }

    /// The next line without its end; `None` when the client has gone.
    pub fn line(&mut self) -> io::Result<Option<String>> {
        let mut looked = self.used;
        loop {
            if let Some(end) = self.input[looked..].iter().position(|&byte| byte == b'\n') {
                let line = &self.input[self.used..looked + end];
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                let line = String::from_utf8_lossy(line).into_owned();
                self.used = looked + end + 1;
                return Ok(Some(line));
            }
            looked = self.input.len() - self.used;
            if looked > LINE_BYTES_MAX {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a line without end"));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Headers and body up to the final dot, dots unstuffed; `None` when the client has gone before it.
    pub fn mail(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut looked = 0;
        loop {
            let unread = &self.input[self.used..];
            if unread.starts_with(b".\r\n") {
                self.used += 3;
                return Ok(Some(Vec::new()));
            }
            if let Some(end) = find(&unread[looked..], b"\r\n.\r\n") {
                let mail = unstuffed(&unread[..looked + end + 2]);
                self.used += looked + end + 5;
                return Ok(Some(mail));
            }
            looked = unread.len().saturating_sub(4);
            if unread.len() > MAIL_BYTES_MAX {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a mail without end"));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Reads more; moves what is unread to the front first, so `used` is 0 after it.
    fn fill(&mut self) -> io::Result<bool> {
        self.flush()?;
        self.input.drain(..self.used);
        self.used = 0;
        let before = self.input.len();
        self.input.resize(before + READ_BYTES, 0);
        let read = self.stream.read(&mut self.input[before..]);
        self.input.truncate(before + *read.as_ref().unwrap_or(&0));
        Ok(read? > 0)
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// RFC 5321, 4.5.2: a line that begins with a dot has one more than its author wrote.
fn unstuffed(mail: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(mail.len());
    for line in mail.split_inclusive(|&byte| byte == b'\n') {
        plain.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
    }
    plain
}
