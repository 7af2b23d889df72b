//! Lines of a stream whose pieces end anywhere.

/// What has come of a line that is not whole yet.
#[derive(Debug, Default)]
pub struct Lines(Vec<u8>);

impl Lines {
    /// Takes the next piece; the lines that it completes, without their ends. With `last`, what is
    /// left is a line too.
    pub fn push(&mut self, mut bytes: &[u8], last: bool) -> Vec<Vec<u8>> {
        let mut whole = Vec::new();
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.0.extend_from_slice(&bytes[..end]);
            whole.push(std::mem::take(&mut self.0));
            bytes = &bytes[end + 1..];
        }
        self.0.extend_from_slice(bytes);
        if last {
            whole.push(std::mem::take(&mut self.0));
        }
        whole.retain(|line| !line.trim_ascii().is_empty());
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_wherever_the_pieces_end() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"a\nb", false), [b"a".to_vec()]);
        assert_eq!(lines.push(b"", false), Vec::<Vec<u8>>::new());
        assert_eq!(lines.push(b"c\n\nd\ne", false), [b"bc".to_vec(), b"d".to_vec()]);
        assert_eq!(lines.push(b"", true), [b"e".to_vec()]);
    }
}
