//! An export read back: lines are written as they come in, a batch at a time.

use bytes::{Buf as _, BytesMut};
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use littoral_http::{Call, Object, Refusal, code};
use littoral_types::Ctx;
use serde::Serialize;

use super::member::Member;
use super::{Doors, bulk, refuse};
use crate::Namespace;

/// Bytes of a line: a value of full length in base64, or mostly escapes.
const LINE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Lines, and bytes of lines, that are written at once.
const BATCH_LINES: usize = 256;
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// Failures that are told one by one.
const FAILED_MAX: usize = 100;

/// What became of an import.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Outcome {
    imported: u64,
    failed_count: u64,
    /// The first of them.
    failed: Vec<Failed>,
}

#[derive(Debug, Serialize, PartialEq, Eq)]
struct Failed {
    line: u64,
    key: String,
    message: String,
}

/// Cuts what comes in into lines.
#[derive(Default)]
struct Lines {
    held: BytesMut,
    /// Bytes of `held` that have no line break.
    looked: usize,
    count: u64,
}

impl Lines {
    fn push(&mut self, part: &[u8]) {
        self.held.extend_from_slice(part);
    }

    /// The next whole line and its number. Empty lines are passed over.
    fn next(&mut self) -> Option<(u64, BytesMut)> {
        loop {
            let end = self.held[self.looked..].iter().position(|byte| *byte == b'\n');
            let Some(end) = end else {
                self.looked = self.held.len();
                return None;
            };
            let line = self.held.split_to(self.looked + end);
            self.held.advance(1);
            self.looked = 0;
            self.count += 1;
            if !line.trim_ascii().is_empty() {
                return Some((self.count, line));
            }
        }
    }

    /// What is left when no more comes.
    fn last(&mut self) -> Option<(u64, BytesMut)> {
        self.count += 1;
        let line = self.held.split();
        self.looked = 0;
        (!line.trim_ascii().is_empty()).then_some((self.count, line))
    }
}

impl Doors {
    pub(crate) async fn import(
        &self,
        call: &mut Call,
        ctx: &Ctx,
        namespace: &Namespace,
    ) -> Result<Outcome, Refusal> {
        let _place = self
            .0
            .transfers
            .try_acquire()
            .map_err(|_| refuse::overloaded("exports and imports"))?;
        let (mut lines, mut outcome) = (Lines::default(), Outcome::default());
        let (mut batch, mut bytes) = (Vec::new(), 0);
        let mut more = true;
        while more {
            match call.body.next().await {
                Some(part) => lines.push(&part.map_err(refuse::upload)?),
                None => more = false,
            }
            loop {
                let line = lines.next().or_else(|| if more { None } else { lines.last() });
                let Some(line) = line else { break };
                bytes += line.1.len();
                batch.push(line);
                if batch.len() >= BATCH_LINES || bytes >= BATCH_BYTES {
                    self.write_lines(ctx, namespace, &mut batch, &mut outcome).await?;
                    bytes = 0;
                }
            }
            if lines.held.len() > LINE_BYTES_MAX {
                return Err(too_long(lines.count + 1));
            }
        }
        self.write_lines(ctx, namespace, &mut batch, &mut outcome).await?;
        Ok(outcome)
    }

    /// Writes a batch side by side. Keys that come twice keep their order.
    async fn write_lines(
        &self,
        ctx: &Ctx,
        namespace: &Namespace,
        batch: &mut Vec<(u64, BytesMut)>,
        outcome: &mut Outcome,
    ) -> Result<(), Refusal> {
        let mut writes: Vec<BoxFuture<'_, _>> = Vec::with_capacity(batch.len());
        for (line, text) in std::mem::take(batch) {
            writes.push(Box::pin(async move {
                let (key, written) = self.write_line(ctx, namespace, &text).await;
                (line, key, written)
            }));
        }
        let mut writes = bulk::side_by_side(writes, self.options().bulk_concurrency);
        let (mut done, mut last) = (0, None);
        while let Some((line, key, written)) = writes.next().await {
            match written {
                Ok(()) => done += 1,
                Err(refusal) => {
                    outcome.fail(line, key, refusal.message.to_string());
                    last = Some(refusal).filter(|refusal| refusal.status.is_server_error());
                }
            }
        }
        outcome.imported += done;
        match last {
            // Nothing goes through any more; what follows would only fail too.
            Some(mut refusal) if done == 0 => {
                let imported = outcome.imported;
                refusal.message =
                    format!("{}; {imported} keys were imported before", refusal.message).into();
                Err(refusal)
            }
            _ => Ok(()),
        }
    }

    async fn write_line(
        &self,
        ctx: &Ctx,
        namespace: &Namespace,
        text: &[u8],
    ) -> (String, Result<(), Refusal>) {
        let member: Member<'_> = match serde_json::from_slice(text) {
            Ok(Object(member)) => member,
            Err(error) => return (String::new(), Err(refuse::bad_body(error))),
        };
        let key = member.key().to_owned();
        let written = async {
            let member = member.check(&namespace.policy, self.clock().wall())?;
            self.put_one(ctx, namespace, member).await.map(drop)
        };
        (key, written.await)
    }
}

impl Outcome {
    fn fail(&mut self, line: u64, key: String, message: String) {
        self.failed_count += 1;
        if self.failed.len() < FAILED_MAX {
            self.failed.push(Failed { line, key, message });
        }
    }
}

fn too_long(line: u64) -> Refusal {
    Refusal::new(
        http::StatusCode::PAYLOAD_TOO_LARGE,
        code::TOO_LARGE,
        format!(
            "line {line} is longer than {LINE_BYTES_MAX} bytes; the lines before it are imported"
        ),
    )
}

/// The lines of a body that comes in parts, for fuzzing.
pub(crate) fn lines(body: &[u8], part: usize) -> Vec<(u64, BytesMut)> {
    let (mut lines, mut found) = (Lines::default(), Vec::new());
    for part in body.chunks(part) {
        lines.push(part);
        found.extend(std::iter::from_fn(|| lines.next()));
    }
    found.extend(lines.last());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_however_the_bytes_arrive() {
        let text = b"{\"a\":1}\n\n  \r\n{\"b\":2}\r\nlast";
        for size in 1..text.len() {
            let mut lines = Lines::default();
            let mut found = Vec::new();
            for part in text.chunks(size) {
                lines.push(part);
                while let Some((number, line)) = lines.next() {
                    found.push((number, line.to_vec()));
                }
            }
            found.extend(lines.last().map(|(number, line)| (number, line.to_vec())));
            assert!(lines.next().is_none() && lines.last().is_none());
            let expected =
                [(1, b"{\"a\":1}".to_vec()), (4, b"{\"b\":2}\r".to_vec()), (5, b"last".to_vec())];
            assert_eq!(found, expected, "{size}");
        }
    }

    #[test]
    fn the_first_failures_are_told_and_all_are_counted() {
        let mut outcome = Outcome::default();
        (0..150).for_each(|line| outcome.fail(line, "k".into(), "no".into()));
        assert_eq!((outcome.failed.len(), outcome.failed_count), (100, 150));
    }
}
