//! A site behind `littoral reverse-proxy`, and behind those who do the same: nginx, Varnish, HAProxy.
//!
//! Everyone has the same site behind it, the same processors, the same load in turn.

mod peers;
mod purges;
mod rates;
mod rules;
mod upstream;
mod waves;

use anyhow::Result;
use clap::ValueEnum;

use crate::plan::Plan;
use crate::rows::{Goal, Rounds, Row};

pub(crate) use upstream::run as upstream;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Answers that are held.
    Hits,
    /// Answers that are passed on.
    Pass,
    /// Many who ask at once.
    Waves,
    /// What the rules of a zone cost.
    Rules,
    /// How soon a purge of very many is seen everywhere.
    Purges,
}

pub(crate) async fn run(plan: &Plan) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for part in plan.parts::<Part>()? {
        rows.extend(match part {
            Part::Hits => rates::hits(plan).await?,
            Part::Pass => rates::pass(plan).await?,
            Part::Waves => waves::run(plan).await?,
            Part::Rules => rules::run(plan).await?,
            Part::Purges => purges::run(plan).await?,
        });
    }
    Ok(rows)
}

/// A row about a site.
fn row(
    name: &'static str,
    unit: &'static str,
    ours: &Rounds,
    peer: Option<(&'static str, &Rounds)>,
    goal: Goal,
    note: &str,
) -> Row {
    Row {
        name,
        door: "http, one site",
        trips: "none",
        unit,
        ours: ours.clone(),
        peer: peer.map(|(name, rounds)| (name, rounds.clone())),
        goal,
        note: note.into(),
    }
}
