//! What a run found out: a row for each promise, as a table and as data.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// Every promise that is measured, by the name of its row, in the order of a whole run.
pub(crate) const NAMES: &[&str] = &[
    "hot-read-nginx",
    "hot-read-nginx-open-files",
    "hot-read-hyper",
    "hot-read-redis",
    "hit-cpu-tiers",
    "hit-cpu-kv",
    "hit-allocations-tiers",
    "hit-allocations-kv",
    "hit-allocations-http",
    "zipf-hit-ratio",
    "entry-bytes",
    "store-write-1",
    "store-write-64",
    "store-write-large",
    "write-amplification",
    "http-write-1",
    "http-write-64",
    "cold-read",
    "cold-herd",
    "idle-resident",
    "idle-start",
    "purges-per-write",
    "purges-growth",
    "purges-per-region",
    "pushes-per-write",
    "idle-location",
    "seen-everywhere-p50",
    "seen-everywhere-p99",
    "seen-everywhere-most",
    "regional-hit-cpu",
    "network-reads-1",
    "network-reads-2",
    "network-reads-4",
    "leave-moved",
    "leave-misses",
    "leave-failed",
    "drift-crawl",
    "drift-left",
    "drift-touched",
    "killed-failed-reads",
    "killed-failed-writes",
    "frozen-failed-reads",
    "frozen-failed-writes",
    "dark-failed-reads",
    "lost-writes",
    "read-your-writes",
    "monotonic-reads",
    "other-promises",
    "site-hit-1k-nginx",
    "site-hit-1k-p99-nginx",
    "site-hit-1k-varnish",
    "site-hit-1k-p99-varnish",
    "site-hit-100k-nginx",
    "site-hit-100k-p99-nginx",
    "site-hit-100k-varnish",
    "site-hit-100k-p99-varnish",
    "site-pass-haproxy",
    "site-pass-nginx",
    "site-herd",
    "site-uncacheable-first",
    "site-uncacheable-after",
    "rules-20",
    "purge-tag-100k",
];

/// What a figure must reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
    /// Measured and shown; nothing was promised.
    None,
}

/// One side's figures, a round each.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rounds(pub(crate) Vec<f64>);

/// One promise and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// One of [`NAMES`].
    pub(crate) name: &'static str,
    /// Where it was measured (engine, store, http), and the modelled trips.
    pub(crate) door: &'static str,
    pub(crate) trips: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) ours: Rounds,
    /// The other side, in the same rounds. Without one the goal is about `ours`, else the ratio.
    pub(crate) peer: Option<(&'static str, Rounds)>,
    pub(crate) goal: Goal,
    /// What a reader should know of how it was measured.
    pub(crate) note: String,
}

impl Rounds {
    pub(crate) fn one(figure: f64) -> Self {
        Self(vec![figure])
    }

    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        match sorted.len() {
            0 => f64::NAN,
            n if n % 2 == 1 => sorted[n / 2],
            n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
        }
    }

    fn least(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }

    fn most(&self) -> f64 {
        self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }
}

impl Goal {
    fn met(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(goal) => figure >= goal,
            Self::AtMost(goal) => figure <= goal,
            Self::None => true,
        }
    }

    fn number(self) -> Option<f64> {
        match self {
            Self::AtLeast(goal) | Self::AtMost(goal) => Some(goal),
            Self::None => None,
        }
    }

    fn sense(self) -> &'static str {
        match self {
            Self::AtLeast(_) => "at least",
            Self::AtMost(_) => "at most",
            Self::None => "none",
        }
    }
}

impl Row {
    /// The median of what each round says by itself: whatever slowed the machine down slowed both
    /// sides of that round.
    pub(crate) fn ratio(&self) -> Option<f64> {
        let (_, peer) = self.peer.as_ref()?;
        let pairs = self.ours.0.iter().zip(&peer.0);
        Some(Rounds(pairs.map(|(ours, peer)| ours / peer).collect()).median())
    }

    pub(crate) fn met(&self) -> bool {
        self.goal.met(self.ratio().unwrap_or_else(|| self.ours.median()))
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "ours": self.ours.median(),
            "peer": self.peer.as_ref().map(|(_, rounds)| rounds.median()),
            "peer_name": self.peer.as_ref().map(|(name, _)| *name),
            "ratio": self.ratio(),
            "goal": self.goal.number(),
            "met": self.met(),
            "sense": self.goal.sense(),
            "unit": self.unit,
            "door": self.door,
            "trips": self.trips,
            "rounds": { "ours": self.ours.0, "peer": self.peer.as_ref().map(|(_, r)| &r.0) },
            "note": self.note,
        })
    }

    fn cells(&self) -> [String; 8] {
        let side = |rounds: &Rounds| {
            let median = figure(rounds.median());
            if rounds.0.len() < 2 {
                return median;
            }
            format!("{median} ({}..{})", figure(rounds.least()), figure(rounds.most()))
        };
        let goal = match self.goal {
            Goal::AtLeast(goal) => format!(">= {goal}"),
            Goal::AtMost(goal) => format!("<= {goal}"),
            Goal::None => "-".into(),
        };
        let met = match self.goal {
            Goal::None => "-",
            _ if self.met() => "met",
            _ => "MISSED",
        };
        [
            self.name.into(),
            format!("{} / {}", self.door, self.trips),
            self.unit.into(),
            side(&self.ours),
            self.peer.as_ref().map_or("-".into(), |(name, r)| format!("{} {name}", side(r))),
            self.ratio().map_or("-".into(), |ratio| format!("{ratio:.2}")),
            goal,
            met.into(),
        ]
    }
}

const HEAD: [&str; 8] = ["row", "door / trips", "unit", "ours", "theirs", "ratio", "goal", ""];

/// For people: a line a row, then the notes.
pub(crate) fn table(rows: &[Row]) -> String {
    let head = HEAD.map(str::to_owned);
    let lines: Vec<[String; 8]> =
        std::iter::once(head).chain(rows.iter().map(Row::cells)).collect();
    let width = |at: usize| lines.iter().map(|line| line[at].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        for (cell, width) in line.iter().zip(&widths) {
            let _ = write!(text, "{cell:<width$}  ");
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    for row in rows.iter().filter(|row| !row.note.is_empty()) {
        let _ = write!(text, "\n{}: {}", row.name, row.note);
    }
    text.push('\n');
    text
}

/// Three figures that mean something.
fn figure(number: f64) -> String {
    let decimals = match number.abs() {
        n if n >= 100.0 || n == 0.0 => 0,
        n if n >= 10.0 => 1,
        n if n >= 0.1 => 2,
        _ => 4,
    };
    format!("{number:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ours: &[f64], peer: Option<&[f64]>, goal: Goal) -> Row {
        Row {
            name: NAMES[0],
            door: "http",
            trips: "none",
            unit: "requests/s",
            ours: Rounds(ours.to_vec()),
            peer: peer.map(|peer| ("nginx", Rounds(peer.to_vec()))),
            goal,
            note: String::new(),
        }
    }

    #[test]
    fn a_row_is_data_with_these_names() {
        let json =
            row(&[130.0, 120.0, 90.0], Some(&[100.0, 100.0, 50.0]), Goal::AtLeast(1.2)).to_json();
        for (name, value) in [
            ("name", json!("hot-read-nginx")),
            ("ours", json!(120.0)),
            ("peer", json!(100.0)),
            ("peer_name", json!("nginx")),
            ("ratio", json!(1.3)),
            ("goal", json!(1.2)),
            ("met", json!(true)),
        ] {
            assert_eq!(json[name], value, "{name}");
        }
        let json = row(&[3.0], None, Goal::AtMost(2.0)).to_json();
        assert_eq!(
            (&json["peer"], &json["peer_name"], &json["ratio"]),
            (&Value::Null, &Value::Null, &Value::Null)
        );
        assert_eq!(json["met"], json!(false));
    }

    #[test]
    fn a_ratio_is_the_median_of_what_each_round_says() {
        // A machine that was slow in one round was slow for both.
        let slow = row(&[100.0, 10.0, 100.0], Some(&[100.0, 10.0, 100.0]), Goal::None);
        assert_eq!(slow.ratio(), Some(1.0));
        assert_eq!(Rounds(vec![4.0, 1.0, 3.0, 2.0]).median(), 2.5);
    }

    #[test]
    fn no_name_stands_twice() {
        let mut names = NAMES.to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), NAMES.len());
    }

    #[test]
    fn a_table_says_what_was_missed() {
        let text = table(&[row(&[1.0], Some(&[2.0]), Goal::AtLeast(1.2))]);
        assert!(
            text.contains("MISSED") && text.contains(">= 1.2") && text.contains("0.50"),
            "{text}"
        );
    }
}
