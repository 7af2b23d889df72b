//! How far an import or export is: a bar for people, a line now and then for logs.

use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use littoral_clock::Clock;
use littoral_types::Mono;

use crate::terminal;

/// Between lines where no terminal draws a bar.
const LINE_EVERY: Duration = Duration::from_secs(5);

pub struct Progress {
    bar: ProgressBar,
    clock: Clock,
    began: Mono,
    total_bytes: Option<u64>,
    counts: Mutex<Counts>,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    keys: u64,
    bytes: u64,
    /// Bytes of the source, which the bar measures.
    source_bytes: u64,
    said_at: Mono,
    finished: bool,
}

impl Progress {
    /// `total_bytes`: of the source, when it is known.
    pub fn new(clock: &Clock, total_bytes: Option<u64>) -> Self {
        let bar = match std::io::stderr().is_terminal() {
            true => ProgressBar::with_draw_target(total_bytes, ProgressDrawTarget::stderr()),
            false => ProgressBar::hidden(),
        };
        let template = match total_bytes {
            Some(_) => "{bar:30} {percent:>3}%  {msg}  {eta} left",
            None => "{spinner}  {msg}",
        };
        bar.set_style(ProgressStyle::with_template(template).expect("a constant template"));
        let began = clock.mono();
        let counts = Mutex::new(Counts { said_at: began, ..Counts::default() });
        Self { bar, clock: clock.clone(), began, total_bytes, counts }
    }

    /// `keys` of `bytes` in all are done, which were `source_bytes` of the source.
    pub fn add(&self, keys: u64, bytes: u64, source_bytes: u64) {
        let now = self.clock.mono();
        let mut counts = self.counts.lock().expect("nothing panics while it is held");
        counts.keys += keys;
        counts.bytes += bytes;
        counts.source_bytes += source_bytes;
        self.bar.set_position(counts.source_bytes);
        self.bar.set_message(rates(&counts, now.since(self.began)));
        if self.bar.is_hidden() && now.since(counts.said_at) >= LINE_EVERY {
            counts.said_at = now;
            terminal::note(&self.line(&counts, now.since(self.began)));
        }
    }

    fn line(&self, counts: &Counts, time: Duration) -> String {
        let rates = rates(counts, time);
        match self.total_bytes {
            Some(total) if counts.source_bytes > 0 => {
                let share = counts.source_bytes as f64 / total.max(1) as f64;
                let left = time.as_secs_f64() * (1.0 / share - 1.0).max(0.0);
                format!("{:.0}%  {rates}  {left:.0} s left", share * 100.0)
            }
            _ => rates,
        }
    }

    /// Removes the bar; what was done in all.
    pub fn finish(&self) -> String {
        self.counts.lock().expect("nothing panics while it is held").finished = true;
        self.bar.finish_and_clear();
        self.so_far()
    }

    fn so_far(&self) -> String {
        let counts = *self.counts.lock().expect("nothing panics while it is held");
        let time = self.clock.mono().since(self.began);
        let Counts { keys, bytes, .. } = counts;
        format!(
            "{} {} ({}) in {:.1} s, {} keys/s",
            keys,
            if keys == 1 { "key" } else { "keys" },
            HumanBytes(bytes),
            time.as_secs_f64(),
            per_second(keys, time),
        )
    }
}

/// Whatever ends the work early, a failure or a person, leaves word of how far it came.
impl Drop for Progress {
    fn drop(&mut self) {
        let counts = *self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if !counts.finished && counts.keys > 0 {
            self.bar.finish_and_clear();
            terminal::note(&format!("stopped after {}", self.so_far()));
        }
    }
}

fn rates(counts: &Counts, time: Duration) -> String {
    let Counts { keys, bytes, .. } = *counts;
    format!(
        "{} keys, {}  {} keys/s, {}/s",
        keys,
        HumanBytes(bytes),
        per_second(keys, time),
        HumanBytes(per_second(bytes, time)),
    )
}

fn per_second(count: u64, time: Duration) -> u64 {
    (count as f64 / time.as_secs_f64().max(0.001)) as u64
}

#[cfg(test)]
mod tests {
    use littoral_types::Wall;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_summary_and_the_line_tell_amounts_and_rates() {
        let clock = Clock::simulated(Wall(0), 0);
        let progress = Progress::new(&clock, Some(8_000));
        clock.sleep(Duration::from_secs(2)).await;
        progress.add(1_000, 2_048, 2_000);
        let counts = *progress.counts.lock().expect("free");
        assert_eq!(
            progress.line(&counts, Duration::from_secs(2)),
            "25%  1000 keys, 2.00 KiB  500 keys/s, 1.00 KiB/s  6 s left"
        );
        assert_eq!(progress.finish(), "1000 keys (2.00 KiB) in 2.0 s, 500 keys/s");
    }
}
