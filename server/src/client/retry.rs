//! Asking again, later and later, while it may help.

use std::future::Future;
use std::time::Duration;

use littoral_clock::{Chance, Clock};

use super::Error;

/// How often and how long apart. Half of each pause is by chance, so that many do not come at once.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    pub attempts: u32,
    pub first_pause: Duration,
    pub longest_pause: Duration,
}

impl Retry {
    /// About a minute in all.
    pub const PATIENT: Self = Self {
        attempts: 10,
        first_pause: Duration::from_millis(200),
        longest_pause: Duration::from_secs(15),
    };

    /// Attempts until one succeeds, fails for good, or was the last.
    pub async fn run<T, F>(self, clock: &Clock, mut attempt: impl FnMut() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut chance = Chance::from_machine();
        let mut made = 0;
        loop {
            let error = match attempt().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            made += 1;
            if made >= self.attempts || !error.passes() {
                return Err(error);
            }
            clock.sleep(self.pause(made, error.retry_after(), &mut chance)).await;
        }
    }

    /// The pause after the `made`th attempt; a wish of the service is granted within reason.
    pub fn pause(self, made: u32, wish: Option<Duration>, chance: &mut Chance) -> Duration {
        let doubled = self.first_pause.saturating_mul(1 << made.saturating_sub(1).min(20));
        let most = doubled.max(wish.unwrap_or_default()).min(self.longest_pause);
        let half = most / 2;
        let by_chance = chance.below(u64::try_from(half.as_millis()).unwrap_or(u64::MAX) + 1);
        let pause = half + Duration::from_millis(by_chance);
        wish.map_or(pause, |wish| pause.max(wish.min(self.longest_pause)))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use http::StatusCode;

    use super::*;

    fn busy() -> Error {
        let (status, message) = (StatusCode::SERVICE_UNAVAILABLE, String::new());
        Error::Refused { status, code: 0, message, retry_after: None }
    }

    #[tokio::test(start_paused = true)]
    async fn what_passes_is_tried_again_until_it_succeeds() {
        let clock = Clock::system();
        let tries = Cell::new(0);
        let outcome = Retry::PATIENT.run(&clock, || {
            tries.set(tries.get() + 1);
            let done = tries.get() == 4;
            async move { if done { Ok(()) } else { Err(busy()) } }
        });
        assert!(outcome.await.is_ok());
        assert_eq!(tries.get(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_pass_is_tried_once_and_the_rest_not_for_ever() {
        let clock = Clock::system();
        let tries = Cell::new(0);
        let count = || tries.set(tries.get() + 1);
        let wrong = || Error::Url { url: String::new(), why: "" };
        let outcome = Retry::PATIENT.run::<(), _>(&clock, || {
            count();
            async { Err(wrong()) }
        });
        assert!(outcome.await.is_err());
        assert_eq!(tries.replace(0), 1);
        let outcome = Retry::PATIENT.run::<(), _>(&clock, || {
            count();
            async { Err(busy()) }
        });
        assert!(outcome.await.is_err());
        assert_eq!(tries.get(), Retry::PATIENT.attempts);
    }

    #[test]
    fn pauses_grow_to_a_limit_and_grant_a_wish() {
        let mut chance = Chance::seeded(1);
        let retry = Retry::PATIENT;
        for made in 1..30 {
            let pause = retry.pause(made, None, &mut chance);
            assert!(pause >= retry.first_pause / 2 && pause <= retry.longest_pause, "{pause:?}");
        }
        let wish = Some(Duration::from_secs(4));
        assert!(retry.pause(1, wish, &mut chance) >= Duration::from_secs(4));
        let hour = Some(Duration::from_secs(3_600));
        assert_eq!(retry.pause(1, hour, &mut chance), retry.longest_pause);
    }
}
