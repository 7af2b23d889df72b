//! A client of few words: one connection, one request at a time, the answer's head and body.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context as _, Result, bail};

/// A connection that stays open.
pub(crate) struct Wire {
    stream: TcpStream,
    /// Grows to the largest answer and no further.
    buffer: Vec<u8>,
}

/// One answer, in the connection's buffer.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

impl Wire {
    pub(crate) fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; 64 * 1024] })
    }

    /// Sends a request as it is; the answer's length must be told by `content-length`.
    pub(crate) fn send(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request)?;
        let mut filled = 0;
        let (head, whole) = loop {
            if filled == self.buffer.len() {
                self.buffer.resize(filled * 2, 0);
            }
            let read = self.stream.read(&mut self.buffer[filled..])?;
            if read == 0 {
                bail!("the connection was closed inside an answer");
            }
            filled += read;
            if let Some(found) = measure(&self.buffer[..filled])? {
                break found;
            }
        };
        while filled < whole {
            self.buffer.resize(self.buffer.len().max(whole), 0);
            let read = self.stream.read(&mut self.buffer[filled..whole])?;
            if read == 0 {
                bail!("the connection was closed inside an answer");
            }
            filled += read;
        }
        let status = std::str::from_utf8(&self.buffer[9..12])?.parse()?;
        Ok(Answer { status, body: &self.buffer[head..whole] })
    }
}

/// Where an answer's head ends, and where its body does.
pub(crate) fn measure(bytes: &[u8]) -> Result<Option<(usize, usize)>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let name = b"content-length:";
    let head = &bytes[..end];
    let at = head
        .windows(name.len())
        .position(|window| window.eq_ignore_ascii_case(name))
        .context("an answer without a length")?;
    let text = head[at + name.len()..].split(|byte| *byte == b'\r').next().unwrap_or_default();
    let len: usize = std::str::from_utf8(text)?.trim().parse()?;
    Ok(Some((end + 4, end + 4 + len)))
}

/// A request as bytes.
pub(crate) fn request(method: &str, path: &str, token: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "{method} {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_where_its_length_says() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nx: y\r\n\r\nabc";
        assert_eq!(measure(whole).unwrap(), Some((whole.len() - 3, whole.len())));
        assert_eq!(measure(&whole[..20]).unwrap(), None);
        assert!(measure(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
