//! Those who ask, the same before and after: what they ask, how long each waited, and whether what came is right.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use futures_util::future::try_join_all;
use littoral_clock::{Chance, Clock};

use super::model::{ASSETS, LANDINGS, MOVED_IN, ONE_IN};
use super::services::{STUDENT, content, result};
use crate::client::{Answer, Client};
use crate::memory::Zipf;

/// Wrong answers that are shown.
const SHOWN_MAX: usize = 5;

/// What a stream of requests came to.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Milliseconds, each.
    pub(super) times: Vec<f64>,
    /// What was wrong, the first few.
    pub(super) wrong: Vec<String>,
    pub(super) wrong_count: usize,
}

/// Asks one door.
pub(super) struct Readers<'a> {
    pub(super) front: &'a Client,
    pub(super) clock: &'a Clock,
}

/// Who has asked for a page that has moved, is told where it is.
pub(super) fn moved() -> Vec<(String, String)> {
    (0..LANDINGS).map(|n| (format!("/landing/old-{n}"), format!("/landing/{n}"))).collect()
}

pub(super) fn campaigns() -> Vec<(String, String)> {
    (0..LANDINGS).map(|n| (format!("/go/{n}"), format!("/landing/{n}"))).collect()
}

impl Readers<'_> {
    /// The component alone: all six checks.
    pub(super) async fn component(&self, requests: usize, readers: usize) -> Result<Seen> {
        self.stream(requests, readers, 11, async |chance, seen| {
            self.timed(seen, self.api(chance.below(10_000), seen)).await
        })
        .await
    }

    /// What comes to the component in a day, in its shares.
    pub(super) async fn mixed(&self, requests: usize, readers: usize) -> Result<Seen> {
        self.stream(requests, readers, 12, async |chance, seen| {
            let (student, landing) = (chance.below(10_000), chance.below(LANDINGS));
            if chance.below(ONE_IN) == 0 {
                self.timed(seen, self.api(student, seen)).await
            } else if chance.below(1 + ASSETS) > 0 {
                let asset = chance.below(ASSETS);
                self.timed(seen, self.asset(landing, asset, seen)).await
            } else if chance.below(MOVED_IN) == 0 {
                self.timed(seen, self.moved(landing, seen)).await
            } else {
                self.timed(seen, self.page(landing, student, seen)).await
            }
        })
        .await
    }

    /// A landing until its last asset is there: its page, then its assets at once.
    pub(super) async fn landing(&self, requests: usize, readers: usize) -> Result<Seen> {
        self.stream(requests, readers, 13, async |chance, seen| {
            let (student, landing) = (chance.below(10_000), chance.below(LANDINGS));
            let whole = async {
                self.page(landing, student, seen).await?;
                try_join_all((0..ASSETS).map(|asset| self.asset(landing, asset, seen))).await?;
                Ok(())
            };
            self.timed(seen, whole).await
        })
        .await
    }

    /// Subtitles of titles, some asked for far more often than others.
    pub(super) async fn subtitles(
        &self,
        requests: usize,
        readers: usize,
        titles: &Zipf,
    ) -> Result<Seen> {
        self.stream(requests, readers, 14, async |chance, seen| {
            let path = format!("/subtitles/{}.vtt", titles.draw(chance));
            let asked = async {
                let answer = self.front.get(&path, &[]).await?;
                seen.borrow_mut().judge(&path, whole(&answer, &path));
                Ok(())
            };
            self.timed(seen, asked).await
        })
        .await
    }

    /// So many requests by so many readers, each of whom asks again once it is answered.
    async fn stream(
        &self,
        requests: usize,
        readers: usize,
        seed: u64,
        one: impl AsyncFn(&mut Chance, &RefCell<Seen>) -> Result<()>,
    ) -> Result<Seen> {
        let (seen, left) = (RefCell::new(Seen::default()), AtomicUsize::new(requests));
        let mut chance = Chance::seeded(seed);
        let all = (0..readers).map(|_| {
            let (mut chance, seen, left, one) = (chance.fork(), &seen, &left, &one);
            async move {
                let take = |left: usize| left.checked_sub(1);
                while left.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).is_ok() {
                    one(&mut chance, seen).await?;
                }
                anyhow::Ok(())
            }
        });
        try_join_all(all).await?;
        Ok(seen.into_inner())
    }

    async fn timed(
        &self,
        seen: &RefCell<Seen>,
        asked: impl Future<Output = Result<()>>,
    ) -> Result<()> {
        let began = self.clock.mono();
        asked.await?;
        let took = self.clock.mono().since(began).as_secs_f64() * 1e3;
        seen.borrow_mut().times.push(took);
        Ok(())
    }

    async fn api(&self, student: u64, seen: &RefCell<Seen>) -> Result<()> {
        let answer = self.front.get("/api/lesson", &[(STUDENT, &student.to_string())]).await?;
        let level = result('a', student, None);
        let all = ['a', 'b', 'c', 'd', 'e', 'f'];
        let all = all.map(|check| result(check, student, Some(&level))).join(".");
        let right = answer.status == 200
            && answer.body == b"let in\n"
            && answer.header("x-checks") == Some(&all);
        seen.borrow_mut().judge("/api/lesson", verdict(right, &answer));
        Ok(())
    }

    async fn page(&self, landing: u64, student: u64, seen: &RefCell<Seen>) -> Result<()> {
        let path = format!("/landing/{landing}");
        let answer = self.front.get(&path, &[(STUDENT, &student.to_string())]).await?;
        let says = ['c', 'e'].map(|check| result(check, student, None)).join(".");
        let mut judged = whole(&answer, &path);
        if judged.is_none() && answer.header("x-checks") != Some(&says) {
            judged = verdict(false, &answer);
        }
        seen.borrow_mut().judge(&path, judged);
        Ok(())
    }

    async fn asset(&self, landing: u64, asset: u64, seen: &RefCell<Seen>) -> Result<()> {
        let path = format!("/assets/{landing}/{asset}.js");
        let answer = self.front.get(&path, &[]).await?;
        seen.borrow_mut().judge(&path, whole(&answer, &path));
        Ok(())
    }

    async fn moved(&self, landing: u64, seen: &RefCell<Seen>) -> Result<()> {
        let path = format!("/landing/old-{landing}");
        let answer = self.front.get(&path, &[(STUDENT, "1")]).await?;
        let to = format!("/landing/{landing}");
        let right = answer.status == 301 && answer.header("location") == Some(&to);
        seen.borrow_mut().judge(&path, verdict(right, &answer));
        Ok(())
    }
}

/// What is wrong with an answer that should be the whole of a path.
fn whole(answer: &Answer, path: &str) -> Option<String> {
    verdict(answer.status == 200 && answer.body == content(path), answer)
}

fn verdict(right: bool, answer: &Answer) -> Option<String> {
    let shown = &answer.body[..answer.body.len().min(200)];
    let checks = answer.header("x-checks").unwrap_or("no checks");
    (!right).then(|| format!("{} {checks} {}", answer.status, String::from_utf8_lossy(shown)))
}

impl Seen {
    fn judge(&mut self, path: &str, wrong: Option<String>) {
        let Some(wrong) = wrong else { return };
        self.wrong_count += 1;
        if self.wrong.len() < SHOWN_MAX {
            self.wrong.push(format!("{path}: {wrong}"));
        }
    }
}
