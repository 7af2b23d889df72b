//! The body of an answer, by its length, in chunks, or to the end of the connection.

use std::io::{self, BufRead, Read};

#[derive(Debug)]
pub(crate) enum Frame {
    Length(u64),
    /// What is left of the current chunk; `None` before the first.
    Chunked(Option<u64>),
    ToTheEnd,
    Done,
}

/// Reads the bytes of a body, whatever their frame.
#[derive(Debug)]
pub(crate) struct Body<R> {
    pub(crate) from: R,
    pub(crate) frame: Frame,
}

impl<R: BufRead> Read for Body<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match &mut self.frame {
            Frame::Done | Frame::Length(0) => Ok(0),
            Frame::ToTheEnd => self.from.read(into),
            Frame::Length(left) => some(&mut self.from, left, into),
            Frame::Chunked(Some(left)) if *left > 0 => some(&mut self.from, left, into),
            Frame::Chunked(left) => {
                if left.is_some() {
                    line(&mut self.from)?;
                }
                let size = line(&mut self.from)?;
                let size = size.split(';').next().unwrap_or_default().trim();
                let size = u64::from_str_radix(size, 16)
                    .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "no chunk size"))?;
                *left = Some(size);
                if size == 0 {
                    while !line(&mut self.from)?.is_empty() {}
                    self.frame = Frame::Done;
                }
                self.read(into)
            }
        }
    }
}

/// A part of what is left; an early end is an error, not an end.
fn some(from: &mut impl BufRead, left: &mut u64, into: &mut [u8]) -> io::Result<usize> {
    let most = into.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
    let read = from.read(&mut into[..most])?;
    if read == 0 && most > 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    *left -= read as u64;
    Ok(read)
}

/// A line without its end.
pub(crate) fn line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    if from.read_until(b'\n', &mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    while line.last().is_some_and(|last| b"\r\n".contains(last)) {
        line.pop();
    }
    // A header may carry any bytes: each becomes the character of its number.
    Ok(line.into_iter().map(char::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(frame: Frame, bytes: &str) -> io::Result<String> {
        let mut text = String::new();
        Body { from: bytes.as_bytes(), frame }.read_to_string(&mut text).map(|_| text)
    }

    #[test]
    fn a_body_ends_where_its_frame_says() {
        assert_eq!(read(Frame::Length(3), "abcdef").unwrap(), "abc");
        assert_eq!(read(Frame::ToTheEnd, "abcdef").unwrap(), "abcdef");
        let chunks = "2\r\nab\r\n3;x=y\r\ncde\r\n0\r\nTrailer: x\r\n\r\nrest";
        assert_eq!(read(Frame::Chunked(None), chunks).unwrap(), "abcde");
    }

    #[test]
    fn a_body_cut_short_is_an_error() {
        assert!(read(Frame::Length(7), "abcdef").is_err());
        assert!(read(Frame::Chunked(None), "2\r\nab\r\n").is_err());
        assert!(read(Frame::Chunked(None), "3\r\nab").is_err());
    }
}
