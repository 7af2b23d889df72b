//! A client that keeps its connections: as many as there are requests under way.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::wire::measure;

const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Asks one address.
pub(crate) struct Client {
    address: SocketAddr,
    host: &'static str,
    /// Connections that nobody uses now.
    idle: Mutex<Vec<TcpStream>>,
}

/// What was answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A header's value, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

impl Client {
    pub(crate) fn new(address: SocketAddr, host: &'static str) -> Self {
        Self { address, host, idle: Mutex::default() }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<TcpStream>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks with `GET`, on a connection that is open if there is one.
    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Result<Answer> {
        let mut request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n", self.host);
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        let kept = self.idle().pop();
        if let Some(stream) = kept {
            // One that was closed meanwhile says nothing of the request.
            if let Ok(answer) = self.ask(stream, request.as_bytes()).await {
                return Ok(answer);
            }
        }
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let answer = self.ask(stream, request.as_bytes()).await;
        answer.with_context(|| format!("asked {} for {path}", self.address))
    }

    async fn ask(&self, mut stream: TcpStream, request: &[u8]) -> Result<Answer> {
        stream.write_all(request).await?;
        let mut bytes = Vec::with_capacity(8 * 1024);
        loop {
            if stream.read_buf(&mut bytes).await? == 0 || bytes.len() > ANSWER_BYTES_MAX {
                bail!("an answer does not end as it says");
            }
            let Some((head, whole)) = read(&bytes)? else { continue };
            if bytes.len() < whole {
                continue;
            }
            self.idle().push(stream);
            let body = bytes[head..whole].to_vec();
            bytes.truncate(head);
            let head = String::from_utf8(bytes)?;
            let status = head.get(9..12).context("no status")?.parse()?;
            return Ok(Answer { status, head, body });
        }
    }
}

/// Where head and body end; one without content needs no length.
fn read(bytes: &[u8]) -> Result<Option<(usize, usize)>> {
    if bytes.starts_with(b"HTTP/1.1 204 ") {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        return Ok(end.map(|end| (end + 4, end + 4)));
    }
    measure(bytes)
}
