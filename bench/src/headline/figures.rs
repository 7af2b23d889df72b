//! What came out, beside what was published: a table for people, and data.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// A measure before and after.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figure {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    /// Before and after.
    pub(super) ours: [f64; 2],
    pub(super) published: [f64; 2],
    /// Of times: how they were spread, before and after.
    pub(super) spread: Option<[Spread; 2]>,
    pub(super) note: String,
}

/// How times were spread, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) average: f64,
    pub(super) p50: f64,
    pub(super) p90: f64,
    pub(super) p99: f64,
}

impl Spread {
    pub(super) fn of(times: &[f64]) -> Self {
        let mut sorted = times.to_vec();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        let at = |share: f64| {
            sorted.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
        };
        let average = sorted.iter().sum::<f64>() / sorted.len() as f64;
        Self { average, p50: at(0.5), p90: at(0.9), p99: at(0.99) }
    }

    fn to_json(self) -> Value {
        json!({ "average": self.average, "p50": self.p50, "p90": self.p90, "p99": self.p99 })
    }
}

impl Figure {
    pub(super) fn to_json(&self) -> Value {
        let [before, after] = self.ours;
        let [published_before, published_after] = self.published;
        json!({
            "name": self.name,
            "before": before,
            "after": after,
            "published_before": published_before,
            "published_after": published_after,
            "unit": self.unit,
            "spread": self.spread.map(|[before, after]| {
                json!({ "before": before.to_json(), "after": after.to_json() })
            }),
            "note": self.note,
        })
    }
}

/// A line a figure, the percentiles below each, then the notes.
pub(super) fn table(figures: &[Figure]) -> String {
    let line = |cells: [&str; 7]| {
        let [name, unit, before, after, part, published, published_part] = cells;
        format!(
            "{name:<26} {unit:<10} {before:>9} {after:>9} {part:>8}   {published:>18} {published_part:>8}"
        )
    };
    let part = |[before, after]: [f64; 2]| format!("x {:.2}", after / before);
    let mut text = line(["figure", "unit", "before", "after", "", "published", ""]);
    for figure in figures {
        let [before, after] = figure.ours.map(|number| format!("{number:.0}"));
        let published = figure.published.map(|number| format!("{number:.0}")).join(" -> ");
        let (ours, theirs) = (part(figure.ours), part(figure.published));
        let cells = [figure.name, figure.unit, &before, &after, &ours, &published, &theirs];
        let _ = write!(text, "\n{}", line(cells));
        for (name, of) in SPREADS.into_iter().filter(|_| figure.spread.is_some()) {
            let [before, after] = figure.spread.map_or([f64::NAN; 2], |both| both.map(of));
            let shown = [before, after].map(|number| format!("{number:.1}"));
            let cells = [name, figure.unit, &shown[0], &shown[1], &part([before, after]), "", ""];
            let _ = write!(text, "\n{}", line(cells).trim_end());
        }
    }
    for figure in figures.iter().filter(|figure| !figure.note.is_empty()) {
        let _ = write!(text, "\n\n{}: {}", figure.name, figure.note);
    }
    text
}

type Of = fn(Spread) -> f64;

const SPREADS: [(&str, Of); 4] = [
    ("  average", |spread| spread.average),
    ("  p50", |spread| spread.p50),
    ("  p90", |spread| spread.p90),
    ("  p99", |spread| spread.p99),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_data_with_these_names() {
        let spread = Spread::of(&[1.0, 2.0, 3.0, 10.0]);
        assert_eq!((spread.average, spread.p50, spread.p90), (4.0, 3.0, 10.0));
        let figure = Figure {
            name: "platzi-landing",
            unit: "ms",
            ours: [650.0, 130.0],
            published: [650.0, 180.0],
            spread: Some([spread, spread]),
            note: "so".into(),
        };
        let json = figure.to_json();
        for (name, value) in [
            ("name", json!("platzi-landing")),
            ("before", json!(650.0)),
            ("after", json!(130.0)),
            ("published_before", json!(650.0)),
            ("published_after", json!(180.0)),
            ("unit", json!("ms")),
        ] {
            assert_eq!(json[name], value, "{name}");
        }
        let text = table(&[figure]);
        assert!(text.contains("650 -> 180") && text.contains("x 0.20"), "{text}");
        assert!(text.contains("  p90"), "{text}");
    }
}
