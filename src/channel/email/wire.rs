//! Bytes to the server and replies from it, each with a deadline.

use super::reply::{REPLY_CHARS_MAX, Reply};
use std::future::Future;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout_at};

pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

pub(super) struct Wire<S> {
    stream: S,
    /// What was read and belongs to the next reply.
    unread: Vec<u8>,
}

/// Bytes that could not be written, or of which that is not certain.
#[derive(Debug)]
pub(super) struct Unwritten {
    /// Every byte was taken by the operating system (or the TLS layer): the other side may have them all.
    pub is_all_taken: bool,
    pub why: String,
}

/// Nothing a server says is longer; one that says more is none. lettre and Postfix stop at about as much.
const REPLY_BYTES_MAX: usize = 64 * 1024;
/// One read takes most replies whole.
const READ_BYTES: usize = 2048;

impl<S: Stream> Wire<S> {
    pub fn new(stream: S) -> Wire<S> {
        Wire { stream, unread: Vec::new() }
    }

    /// The bare stream, to speak TLS over it. Bytes that came before the handshake would be taken for protected ones:
    /// they are an error (CVE-2021-38371 and its like).
    pub fn into_stream(self) -> Result<S, String> {
        if self.unread.is_empty() {
            Ok(self.stream)
        } else {
            Err("plain bytes came after the STARTTLS reply".into())
        }
    }

    pub fn boxed(self) -> Wire<Box<dyn Stream>>
    where
        S: 'static,
    {
        Wire { stream: Box::new(self.stream), unread: self.unread }
    }

    /// Writes and flushes all of `bytes`. Counts what was taken, for after the end of DATA that is all that matters.
    pub async fn write(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Unwritten> {
        let mut taken = 0;
        while taken < bytes.len() {
            let wrote = within(deadline, self.stream.write(&bytes[taken..])).await;
            match wrote {
                Ok(0) => return Err(Unwritten { is_all_taken: false, why: "connection closed".into() }),
                Ok(count) => taken += count,
                Err(why) => return Err(Unwritten { is_all_taken: false, why }),
            }
        }
        within(deadline, self.stream.flush()).await.map_err(|why| Unwritten { is_all_taken: true, why })
    }

    /// One reply, of one line or many. An error means that the connection is of no more use.
    pub async fn read_reply(&mut self, deadline: Instant) -> Result<Reply, String> {
        let mut text = String::new();
        let mut read = 0;
        loop {
            let line = self.read_line(deadline).await?;
            read += line.len();
            if read > REPLY_BYTES_MAX {
                return Err("the reply is too long".into());
            }
            let (code, rest) = split_code(&line).ok_or("the reply is no SMTP reply")?;
            text.push_str(rest.get(1..).unwrap_or_default());
            if rest.starts_with('-') {
                text.push('\n');
            } else {
                return Ok(Reply { code, text });
            }
        }
    }

    async fn read_line(&mut self, deadline: Instant) -> Result<String, String> {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            if self.unread.len() > REPLY_BYTES_MAX {
                return Err("the reply is too long".into());
            }
            let mut buffer = [0; READ_BYTES];
            match within(deadline, self.stream.read(&mut buffer)).await? {
                0 => return Err("connection closed".into()),
                count => self.unread.extend_from_slice(&buffer[..count]),
            }
        }
    }
}

/// `250-first` is 250 and `-first`.
fn split_code(line: &str) -> Option<(u16, &str)> {
    let (code, rest) = line.split_at_checked(3)?;
    let is_code =
        code.bytes().all(|byte| byte.is_ascii_digit()) && (b'2'..=b'5').contains(&code.as_bytes()[0]);
    let is_end = rest.is_empty() || rest.starts_with([' ', '-']);
    (is_code && is_end).then(|| code.parse().ok()).flatten().map(|code| (code, rest))
}

async fn within<T>(deadline: Instant, io: impl Future<Output = std::io::Result<T>>) -> Result<T, String> {
    match timeout_at(deadline, io).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("timed out".into()),
    }
}

impl Reply {
    /// This reply as one printable line of at most [`REPLY_CHARS_MAX`] characters.
    pub(super) fn tidy(mut self) -> Reply {
        self.text = crate::template::one_line(&self.text, REPLY_CHARS_MAX);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    async fn reply_of(bytes: &[u8]) -> Result<Reply, String> {
        let mut wire = Wire::new(tokio::io::join(bytes, tokio::io::sink()));
        wire.read_reply(Instant::now() + Duration::from_secs(5)).await
    }

    #[tokio::test]
    async fn replies_of_one_line_and_many_are_read() {
        assert_eq!(reply_of(b"250 ok\r\n").await, Ok(Reply { code: 250, text: "ok".into() }));
        assert_eq!(reply_of(b"250\r\n").await.unwrap().code, 250);
        let many = reply_of(b"550-5.1.1 no\r\n550 such user\r\n").await.unwrap().tidy();
        assert_eq!(many, Reply { code: 550, text: "5.1.1 no such user".into() });
    }

    #[tokio::test]
    async fn what_is_no_reply_is_an_error_and_no_panic() {
        let long = [b"250-".as_slice(), &[b'x'; REPLY_BYTES_MAX * 2]].concat();
        for bytes in
            [b"".as_slice(), b"25", b"HTTP/1.1 400 Bad\r\n", b"999 x\r\n", b"25\xc3\xa9 x\r\n", &long]
        {
            assert!(reply_of(bytes).await.is_err());
        }
    }
}
