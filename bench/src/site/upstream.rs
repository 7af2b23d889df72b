//! The site that everyone stands in front of: as little as can answer, so that it is not what is
//! measured.
//!
//! `/kept/BYTES/DELAY_MS/NAME` may be kept for an hour under the label NAME, `/never/…` by nobody, and
//! `/count/PATH` says how often PATH was asked for that has a delay. `/numbered/…?…` is as `/kept/…`, but
//! each answer begins with a number that no other has.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use littoral_clock::Clock;
use littoral_tasks::{TaskKind, Tasks};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::serving::value;

const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Answers that are ready to be sent.
const READY_MAX: usize = 16;
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

#[derive(Default)]
struct Site {
    ready: Mutex<HashMap<String, Bytes>>,
    counted: Mutex<HashMap<String, u64>>,
    made: AtomicU64,
}

/// Digits of the number with which an answer begins.
pub(super) const NUMBER_BYTES: usize = 20;

/// Answers until it is killed.
pub(crate) async fn run(address: SocketAddr) -> Result<()> {
    let listener = TcpListener::bind(address).await?;
    let clock = Clock::system();
    let tasks = Tasks::new(clock.clone());
    let site = Arc::new(Site::default());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (site, clock) = (Arc::clone(&site), clock.clone());
        tasks.spawn(TaskKind::Connection, async move {
            // A proxy that goes away is no news.
            let _ = site.serve(stream, &clock).await;
        });
    }
}

impl Site {
    async fn serve(&self, mut stream: TcpStream, clock: &Clock) -> Result<()> {
        let mut buffer = vec![0; HEAD_BYTES_MAX];
        let mut filled = 0;
        loop {
            while let Some(end) = end_of_head(&buffer[..filled]) {
                let answer = self.answer(&buffer[..end], clock).await?;
                stream.write_all(&answer).await?;
                buffer.copy_within(end..filled, 0);
                filled -= end;
            }
            ensure!(filled < buffer.len(), "a head that does not end");
            match stream.read(&mut buffer[filled..]).await? {
                0 => return Ok(()),
                read => filled += read,
            }
        }
    }

    async fn answer(&self, head: &[u8], clock: &Clock) -> Result<Bytes> {
        let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let target = std::str::from_utf8(line)?.split(' ').nth(1).context("no target")?;
        if let Some(ready) = lock(&self.ready).get(target) {
            return Ok(ready.clone());
        }
        if let Some(path) = target.strip_prefix("/count") {
            let count = lock(&self.counted).get(path).copied().unwrap_or(0);
            return Ok(made("cache-control: no-store", count.to_string().as_bytes()));
        }
        let words: Vec<&str> = target.splitn(5, '/').collect();
        let ["", kind, bytes, delay, name] = words[..] else { bail!("no path of ours: {target}") };
        let (bytes, delay): (usize, u64) = (bytes.parse()?, delay.parse()?);
        ensure!(bytes <= BODY_BYTES_MAX, "{bytes} bytes are too many");
        let answer = match kind {
            "kept" => {
                let says = format!("cache-control: max-age=3600\r\nsurrogate-key: {name}");
                made(&says, &value(bytes))
            }
            "numbered" => {
                let name = name.split('?').next().unwrap_or_default();
                let says = format!("cache-control: max-age=3600\r\nsurrogate-key: {name}");
                let number = self.made.fetch_add(1, Ordering::AcqRel);
                let number = format!("{number:0NUMBER_BYTES$}");
                // Never ready: no two are the same.
                return Ok(made(&says, &[number.as_bytes(), &value(bytes)].concat()));
            }
            "never" => made("cache-control: no-store", &value(bytes)),
            _ => bail!("no kind of ours: {kind}"),
        };
        if delay > 0 {
            *lock(&self.counted).entry(target.to_owned()).or_default() += 1;
            clock.sleep(Duration::from_millis(delay)).await;
        } else {
            let mut ready = lock(&self.ready);
            if ready.len() < READY_MAX {
                ready.insert(target.to_owned(), answer.clone());
            }
        }
        Ok(answer)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

fn made(says: &str, body: &[u8]) -> Bytes {
    let head = format!(
        "HTTP/1.1 200 OK\r\nserver: bench\r\ncontent-type: application/octet-stream\r\netag: \"1\"\r\n\
         {says}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_path_says_is_what_it_answers() {
        let (site, clock) = (Site::default(), Clock::system());
        let ask = async |path: &str| {
            let head = format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n");
            String::from_utf8_lossy(&site.answer(head.as_bytes(), &clock).await.unwrap())
                .into_owned()
        };
        let kept = ask("/kept/0/0/a").await;
        assert!(kept.contains("max-age=3600") && kept.contains("surrogate-key: a\r\n"), "{kept}");
        let numbered = ask("/numbered/0/0/a?1").await;
        assert!(numbered.contains("surrogate-key: a\r\n"), "{numbered}");
        assert_ne!(ask("/numbered/0/0/a?1").await, numbered);
        assert!(ask("/never/0/1/b").await.contains("no-store"));
        assert!(ask("/count/never/0/1/b").await.ends_with("\r\n\r\n1"));
        assert!(ask("/count/never/0/1/c").await.ends_with("\r\n\r\n0"));
        assert!(site.answer(b"GET /other HTTP/1.1\r\n\r\n", &clock).await.is_err());
    }
}
