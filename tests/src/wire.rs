//! Bare HTTP/1.1: what a client sends byte by byte, well-formed or not, and what comes back.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::body::{Body, Frame, line};

/// Longer than any answer takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub struct Request {
    method: String,
    target: String,
    host: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// An answer, whole.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub reason: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// A connection that may carry several requests.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
}

impl Request {
    pub fn new(method: &str, target: impl Into<String>) -> Self {
        Self::of_host(method, target, "test")
    }

    /// To a host by its name.
    pub fn of_host(method: &str, target: impl Into<String>, host: &str) -> Self {
        let (method, target, host) = (method.to_owned(), target.into(), host.to_owned());
        Self { method, target, host, headers: Vec::new(), body: Vec::new() }
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.header("Content-Type", "application/json").body(body.to_string())
    }

    /// On a connection of its own.
    #[track_caller]
    pub fn send(&self, to: SocketAddr) -> Response {
        Connection::open(to).send(self)
    }

    fn bytes(&self) -> Vec<u8> {
        let mut head =
            format!("{} {} HTTP/1.1\r\nHost: {}\r\n", self.method, self.target, self.host)
                .into_bytes();
        let names = |name: &str| self.headers.iter().any(|(one, _)| one.eq_ignore_ascii_case(name));
        let bodiless = self.body.is_empty() && matches!(&*self.method, "GET" | "HEAD");
        if !bodiless && !names("content-length") && !names("transfer-encoding") {
            head.extend(format!("Content-Length: {}\r\n", self.body.len()).bytes());
        }
        for (name, value) in &self.headers {
            head.extend(name.bytes());
            head.extend(b": ");
            head.extend(value);
            head.extend(b"\r\n");
        }
        head.extend(b"\r\n");
        head.extend(&self.body);
        head
    }
}

impl Connection {
    #[track_caller]
    pub fn open(to: SocketAddr) -> Self {
        Self::try_open(to).unwrap_or_else(|error| panic!("cannot connect to {to}: {error}"))
    }

    /// # Errors
    /// When nobody listens.
    pub fn try_open(to: SocketAddr) -> std::io::Result<Self> {
        Self::try_open_within(to, PATIENCE)
    }

    /// The same; it also waits no longer than this for anything to come.
    ///
    /// # Errors
    /// When nobody listens.
    pub fn try_open_within(to: SocketAddr, patience: Duration) -> std::io::Result<Self> {
        let stream = TcpStream::connect_timeout(&to, patience)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    #[track_caller]
    pub fn send(&mut self, request: &Request) -> Response {
        let answer = self.try_send(request);
        answer.unwrap_or_else(|error| panic!("{} {}: {error}", request.method, request.target))
    }

    /// # Errors
    /// When the connection ends before the answer does.
    pub fn try_send(&mut self, request: &Request) -> std::io::Result<Response> {
        self.write(&request.bytes())?;
        self.answer(request.method == "HEAD")
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// When the other end is gone.
    pub fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Says that nothing more will be sent.
    pub fn finish(&mut self) {
        // The other end may have closed already, which is as good.
        let _ = self.stream.get_mut().shutdown(Shutdown::Write);
    }

    /// # Errors
    /// When the connection ends before the answer does.
    pub fn answer(&mut self, bodiless: bool) -> std::io::Result<Response> {
        let mut response = self.head()?;
        let frame = if bodiless { Frame::Done } else { response.frame() };
        Body { from: &mut self.stream, frame }.read_to_end(&mut response.body)?;
        Ok(response)
    }

    fn head(&mut self) -> std::io::Result<Response> {
        let first = line(&mut self.stream)?;
        let mut words = first.splitn(3, ' ').skip(1);
        let status = words.next().and_then(|status| status.parse().ok());
        let status =
            status.ok_or_else(|| std::io::Error::other(format!("no status line: {first:?}")))?;
        let reason = words.next().unwrap_or_default().to_owned();
        let mut headers = Vec::new();
        loop {
            let line = line(&mut self.stream)?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        Ok(Response { status, reason, headers, body: Vec::new() })
    }

    /// Sends the request and hands over the lines of its answer's body as they come. The head
    /// comes with them, its body empty.
    #[track_caller]
    pub fn lines(mut self, request: &Request) -> (Response, impl Iterator<Item = String> + use<>) {
        self.write(&request.bytes()).expect("the server takes a request");
        let head = self.head().expect("the server answers");
        let body = Body { from: self.stream, frame: head.frame() };
        (head, BufReader::with_capacity(1, body).lines().map_while(Result::ok))
    }
}

impl Response {
    fn frame(&self) -> Frame {
        if matches!(self.status, 100..=199 | 204 | 304) {
            return Frame::Done;
        }
        if self.header("transfer-encoding").is_some_and(|coding| coding.ends_with("chunked")) {
            return Frame::Chunked(None);
        }
        match self.header("content-length").and_then(|length| length.parse().ok()) {
            Some(length) => Frame::Length(length),
            None => Frame::ToTheEnd,
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }

    /// A header's raw bytes.
    pub fn header_bytes(&self, name: &str) -> Option<Vec<u8>> {
        // Every byte was read as the character of its number.
        Some(
            self.header(name)?
                .chars()
                .map(|byte| u8::try_from(u32::from(byte)).unwrap_or(b'?'))
                .collect(),
        )
    }

    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is UTF-8")
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("no JSON ({error}): {}", String::from_utf8_lossy(&self.body))
        })
    }

    /// The code of the first error in an envelope.
    pub fn code(&self) -> Option<u64> {
        let envelope: Value = serde_json::from_slice(&self.body).ok()?;
        envelope["errors"][0]["code"].as_u64()
    }

    /// The message of the first error in an envelope.
    pub fn message(&self) -> String {
        let envelope: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        envelope["errors"][0]["message"].as_str().unwrap_or_default().to_owned()
    }

    /// Itself, if it has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        let body = String::from_utf8_lossy(&self.body[..self.body.len().min(500)]);
        assert_eq!(self.status, status, "{} {body}", self.reason);
        self
    }
}
