//! The model: every delay of the scenario, and why it has this value. Each comes from what the write-up
//! tells of the time before, or from `dev`'s map; none from what it tells of the time after.

use std::fmt::Write as _;
use std::time::Duration;

use littoral_clock::Chance;

/// What was published, in milliseconds, before and after.
pub(super) const COMPONENT: [f64; 2] = [562.0, 116.0];
pub(super) const ENTRY_POINT_P90: [f64; 2] = [325.0, 230.0];
pub(super) const LANDING: [f64; 2] = [650.0, 180.0];
/// Calls to the third party in a day, before and after.
pub(super) const CALLS: [f64; 2] = [125_000.0, 21_000.0];

/// A round trip between the edge in São Paulo and the nearer store, in Washington: 7,626 km on `dev`'s
/// map, half as long again, at 200 km a millisecond, twice, and half a millisecond for both ends.
pub(super) const FAR_MS: f64 = 114.9;
/// Locations that run: the map's tenth is São Paulo.
pub(super) const LOCATIONS: u16 = 10;
pub(super) const EDGE: &str = "gru";
pub(super) const STORE: &str = "iad";

/// Sets of rules that are looked up for each request: two trips are 41 % of the component's time, and
/// rules took "up to 40 %" of a request's.
const LOOKUPS: f64 = 2.0;
/// A to F, each with the same share of what is left.
const CHECKS: f64 = 6.0;
pub(super) const CHECK_MS: f64 = (COMPONENT[0] - LOOKUPS * FAR_MS) / CHECKS;
/// Checks that a page passes.
const OF_A_PAGE: f64 = 2.0;
/// A landing is its page, then its assets at once: two rounds, each with a reader's trip, the lookups and
/// the server of pages. The reader and the server share what is left.
pub(super) const PAGES_MS: f64 =
    (LANDING[0] - 2.0 * LOOKUPS * FAR_MS - OF_A_PAGE * CHECK_MS) / (2.0 * 2.0);
pub(super) const READER_MS: f64 = PAGES_MS;
/// Of no consequence for how often it is called.
pub(super) const THIRD_PARTY_MS: f64 = 80.0;

/// Landings of the site, and the assets of each: as many as a browser has connections.
pub(super) const LANDINGS: u64 = 20;
pub(super) const ASSETS: u64 = 6;
/// Of so many requests of the mixed stream one is to the component; the others are as landings make them.
pub(super) const ONE_IN: u64 = 20;
/// Of so many pages one has moved, as a rule says.
pub(super) const MOVED_IN: u64 = 50;

/// Titles with subtitles, and how unevenly they are asked for.
pub(super) const TITLES: usize = 40_000;
pub(super) const SKEW: f64 = 0.99;

/// How much is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub(super) component: usize,
    pub(super) mixed: usize,
    pub(super) landings: usize,
    /// Of a day's requests, and of the titles, one in so many.
    pub(super) day_share: usize,
}

impl Scale {
    pub(super) const WHOLE: Self =
        Self { component: 640, mixed: 3_200, landings: 96, day_share: 1 };
    pub(super) const QUICK: Self = Self { component: 160, mixed: 800, landings: 32, day_share: 10 };

    pub(super) fn day(self) -> usize {
        CALLS[0] as usize / self.day_share
    }

    pub(super) fn titles(self) -> usize {
        TITLES / self.day_share
    }
}

/// Milliseconds as time.
pub(super) fn ms(ms: f64) -> Duration {
    Duration::from_secs_f64(ms / 1e3)
}

/// How long a check takes this time: half of it always, the other half as chance has it, so that one
/// request takes twice as long as another, as the published traces do.
pub(super) fn drawn(mean_ms: f64, chance: &mut Chance) -> Duration {
    let even = (chance.u64() >> 11) as f64 / (1_u64 << 53) as f64;
    ms(mean_ms / 2.0 * (1.0 - (1.0 - even).ln()))
}

/// How many of the titles are asked for at all: what a cache that keeps a day must call for.
pub(super) fn distinct(titles: usize, requests: usize) -> f64 {
    let weight = |rank: usize| (rank as f64).powf(-SKEW);
    let whole: f64 = (1..=titles).map(weight).sum();
    (1..=titles).map(|rank| 1.0 - (1.0 - weight(rank) / whole).powi(requests as i32)).sum()
}

/// The model in words.
pub(super) fn told() -> String {
    let mut text = String::from("The model (docs/guide/headline.md says more):\n");
    let mut line = |what: &str, figure: f64, why: &str| {
        let _ = writeln!(text, "  {what:<34} {figure:>6.1} ms  {why}");
    };
    line("far KV, a trip", FAR_MS, "Sao Paulo to Washington, by the map of `littoral dev`");
    line("rules before, a request", LOOKUPS * FAR_MS, "two lookups: told, up to 40 % of its time");
    line("each check A to F, on average", CHECK_MS, "told: 562 ms in all, less the rules, by six");
    line("server of pages", PAGES_MS, "told: 650 ms in all, less rules and two checks,");
    line("the reader's trip", READER_MS, "  in two rounds; shared evenly with the reader's trip");
    line("third party", THIRD_PARTY_MS, "ours; it is calls that are counted");
    let _ = write!(
        text,
        "  D needs what A gives, nothing else needs anything of another: ours, the write-up does not tell.\n  \
         Mixed requests: 1 in {ONE_IN} is the component's, the others are landings': 1 page, {ASSETS} assets.\n  \
         Subtitles: {TITLES} titles (ours), zipf {SKEW}, kept for a day; nothing is warm.\n"
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_add_up_to_what_was_told_of_the_time_before() {
        let component = LOOKUPS * FAR_MS + CHECKS * CHECK_MS;
        assert!((component - COMPONENT[0]).abs() < 1e-9);
        let page = READER_MS + LOOKUPS * FAR_MS + OF_A_PAGE * CHECK_MS + PAGES_MS;
        let assets = READER_MS + LOOKUPS * FAR_MS + PAGES_MS;
        assert!((page + assets - LANDING[0]).abs() < 1e-9);
        const { assert!(PAGES_MS > 0.0 && CHECK_MS > 0.0) };
    }

    #[test]
    fn drawn_delays_have_the_average_that_they_should() {
        let mut chance = Chance::seeded(1);
        let sum: f64 = (0..100_000).map(|_| drawn(50.0, &mut chance).as_secs_f64()).sum();
        assert!((49.5..50.5).contains(&(sum / 100.0)), "{}", sum / 100.0);
    }

    #[test]
    fn as_many_are_called_for_as_are_asked_for() {
        assert!((distinct(1, 5) - 1.0).abs() < 1e-9);
        let many = distinct(100, 1_000_000);
        assert!((99.9..=100.0).contains(&many), "{many}");
    }
}
