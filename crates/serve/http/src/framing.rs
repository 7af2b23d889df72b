//! Where requests begin and end in the bytes of a connection, seen before `hyper` reads them.
//!
//! A request that says its length in two ways, `Content-Length` and `Transfer-Encoding`, is how another
//! one is smuggled past whoever reads only the first. `hyper` believes the second and forgets the first.
//! Here such a head is made unreadable: it is answered 400, and nothing after it is read.

use memchr::memchr;

/// Bytes of a line that are looked at. A length that needs more is refused.
const LINE_BYTES_MAX: usize = 256;

/// Follows the requests of one connection.
#[derive(Debug, Default)]
pub(crate) struct Framing {
    state: State,
    /// The beginning of a line whose end has not come yet.
    line: Vec<u8>,
    length: Option<u64>,
    /// The last encoding that was named.
    encoding: Option<Encoding>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before a request line, or in it.
    #[default]
    Request,
    Header,
    Body(u64),
    /// In the line that says how long a chunk is.
    Size,
    /// In a chunk, with the end of its line.
    Chunk(u64),
    Trailer,
    /// `hyper` refuses what has come.
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Chunked,
    Other,
}

/// A request with two lengths, or with one that is written too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unclear;

impl Framing {
    /// Looks at what has come. If a request has two lengths: where the line ends that says the second.
    pub(crate) fn look(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            let left = bytes.len() - at;
            match &mut self.state {
                State::Refused => return None,
                State::Body(more) | State::Chunk(more) => {
                    let skipped = left.min(usize::try_from(*more).unwrap_or(usize::MAX));
                    *more -= skipped as u64;
                    at += skipped;
                    self.ended();
                }
                State::Request | State::Header | State::Size | State::Trailer => {
                    let Some(end) = memchr(b'\n', &bytes[at..]) else {
                        self.remember(&bytes[at..]);
                        return None;
                    };
                    let part = &bytes[at..at + end];
                    at += end + 1;
                    let seen = if self.line.is_empty() {
                        self.line(part)
                    } else {
                        self.remember(part);
                        let line = std::mem::take(&mut self.line);
                        let seen = self.line(&line);
                        self.line = line;
                        self.line.clear();
                        seen
                    };
                    if seen == Err(Unclear) {
                        self.state = State::Refused;
                        return Some(at - 1);
                    }
                }
            }
        }
        None
    }

    fn remember(&mut self, part: &[u8]) {
        let room = LINE_BYTES_MAX.saturating_sub(self.line.len());
        self.line.extend_from_slice(&part[..part.len().min(room)]);
    }

    /// A body or a chunk may have ended.
    fn ended(&mut self) {
        match self.state {
            State::Body(0) => self.state = State::Request,
            State::Chunk(0) => self.state = State::Size,
            _ => {}
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Unclear> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match self.state {
            // Empty lines before a request are skipped.
            State::Request if line.is_empty() => {}
            State::Request => {
                (self.length, self.encoding) = (None, None);
                self.state = State::Header;
            }
            State::Header if line.is_empty() => self.head_ended(),
            State::Header => return self.header(line),
            State::Size => return self.chunk(line),
            State::Trailer if line.is_empty() => self.state = State::Request,
            State::Trailer | State::Body(_) | State::Chunk(_) | State::Refused => {}
        }
        Ok(())
    }

    fn head_ended(&mut self) {
        self.state = match (self.encoding, self.length) {
            (Some(Encoding::Chunked), _) => State::Size,
            (Some(Encoding::Other), _) => State::Refused,
            (None, Some(length)) => State::Body(length),
            (None, None) => State::Request,
        };
        self.ended();
    }

    fn header(&mut self, line: &[u8]) -> Result<(), Unclear> {
        // Most lines are neither.
        if !matches!(line.first(), Some(b'c' | b'C' | b't' | b'T')) {
            return Ok(());
        }
        let Some(colon) = memchr(b':', line) else { return Ok(()) };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            if self.encoding.is_some() || line.len() >= LINE_BYTES_MAX {
                return Err(Unclear);
            }
            match number(value, 10) {
                Some(length) if self.length.is_none_or(|known| known == length) => {
                    self.length = Some(length);
                }
                _ => self.state = State::Refused,
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.length.is_some() || line.len() >= LINE_BYTES_MAX {
                return Err(Unclear);
            }
            let last = value.rsplit(|byte| *byte == b',').next().unwrap_or_default();
            let chunked = last.trim_ascii().eq_ignore_ascii_case(b"chunked");
            self.encoding = Some(if chunked { Encoding::Chunked } else { Encoding::Other });
        }
        Ok(())
    }

    fn chunk(&mut self, line: &[u8]) -> Result<(), Unclear> {
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if digits >= LINE_BYTES_MAX {
            return Err(Unclear);
        }
        self.state = match number(&line[..digits], 16) {
            Some(0) => State::Trailer,
            // With the end of the line behind it.
            Some(size) if size < u64::MAX - 2 => State::Chunk(size + 2),
            _ => State::Refused,
        };
        Ok(())
    }
}

fn number(digits: &[u8], radix: u32) -> Option<u64> {
    let plain = digits.iter().all(u8::is_ascii_hexdigit);
    let text = std::str::from_utf8(digits).ok().filter(|_| plain)?;
    u64::from_str_radix(text, radix).ok()
}

/// Bytes of a connection, cut at random: where the first request with two lengths is seen does not
/// depend on how they come.
pub(crate) fn fuzz(bytes: &[u8]) {
    let whole = Framing::default().look(bytes);
    let step = usize::from(bytes.first().copied().unwrap_or(0) % 7) + 1;
    let mut framing = Framing::default();
    let mut seen = None;
    for (at, part) in bytes.chunks(step).enumerate() {
        if let Some(end) = framing.look(part) {
            seen = Some(at * step + end);
            break;
        }
    }
    assert_eq!(seen, whole, "in parts of {step}, and as one");
    if let Some(at) = whole {
        assert_eq!(bytes[at], b'\n', "a line ends there");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In which line, from 0, of what comes in parts of `step` bytes.
    fn seen(text: &str, step: usize) -> Option<usize> {
        let mut framing = Framing::default();
        for (at, part) in text.as_bytes().chunks(step).enumerate() {
            if let Some(end) = framing.look(part) {
                return Some(text[..at * step + end].matches('\n').count());
            }
        }
        None
    }

    const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    #[test]
    fn two_lengths_are_seen_however_they_come() {
        let twice = [
            ("POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 2),
            (
                "POST / HTTP/1.1\r\ntransfer-encoding: gzip, chunked\nHost: a\ncontent-LENGTH:x\n\n",
                3,
            ),
            (
                "\r\n\r\nGET / HTTP/1.1\r\nContent-Length: 0\r\nTransfer-Encoding: identity\r\n\r\n",
                4,
            ),
        ];
        for (text, line) in twice {
            for step in 1..text.len() {
                assert_eq!(seen(text, step), Some(line), "{text:?} by {step}");
                let later = format!("{GET}POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab{text}");
                assert_eq!(seen(&later, step), Some(line + 6), "{later:?} by {step}");
                let chunks =
                    "3;a=b\r\nabc\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nX: y\r\n\r\n";
                let head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
                let lines = head.matches('\n').count() + chunks.matches('\n').count();
                let later = format!("{head}{chunks}{text}");
                assert_eq!(seen(&later, step), Some(line + lines), "{later:?} by {step}");
            }
        }
    }

    #[test]
    fn a_length_that_is_written_too_long_is_none() {
        let long = "0".repeat(LINE_BYTES_MAX);
        for text in [
            format!("POST / HTTP/1.1\r\nContent-Length: {long}3\r\n\r\nabc"),
            format!("POST / HTTP/1.1\r\nTransfer-Encoding: {}, chunked\r\n\r\n", &long),
        ] {
            assert_eq!((seen(&text, 1), seen(&text, 1_000)), (Some(1), Some(1)), "{text}");
        }
        let head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        let chunk = format!("{head}{long}3\r\nabc\r\n0\r\n\r\n");
        assert_eq!((seen(&chunk, 1), seen(&chunk, 1_000)), (Some(3), Some(3)));
        let fine = format!("GET / HTTP/1.1\r\nCookie: {long}\r\n\r\n{GET}");
        assert_eq!((seen(&fine, 1), seen(&fine, 1_000)), (None, None));
    }

    #[test]
    fn bodies_may_say_what_they_like() {
        let evil = "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
        let one = format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n{evil}{GET}", evil.len());
        let other = format!(
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{evil}\r\n0\r\n\r\n{GET}",
            evil.len()
        );
        for step in 1..40 {
            assert_eq!((seen(&one, step), seen(&other, step)), (None, None), "by {step}");
        }
        assert_eq!(seen(&format!("{GET}{GET}"), 5), None);
    }
}
