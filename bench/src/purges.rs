//! What a write costs in purges from few locations to many, and what an idle location holds: the
//! simulation without its faults, by a program of its own. It is built apart: the simulation's parts
//! can be broken on purpose, and what is measured here elsewhere must not be.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::plan::Plan;
use crate::rows::{Goal, Rounds, Row};

const REGIONS: u16 = 3;
const LOCATIONS: [u16; 5] = [8, 20, 50, 100, 200];
const MORE_REGIONS: [u16; 3] = [3, 6, 12];
/// Locations while regions are more.
const SPREAD: u16 = 60;
const READERS: u16 = 8;
/// Beside the program under test.
const PROGRAM: &str = "littoral-purges";

/// What one network showed.
#[derive(Clone, Copy, Debug)]
struct Purges {
    /// Records for each write, by stream.
    sent: [f64; 2],
    pushed: f64,
    asked: f64,
    resident_kib: f64,
}

pub(crate) fn run(plan: &Plan) -> Result<Vec<Row>> {
    let writes = plan.of(400, 100) as u16;
    let of = |locations: u16, regions: u16| network(plan, locations, regions, writes);
    let by_locations: Vec<Purges> =
        LOCATIONS.iter().map(|count| of(*count, REGIONS)).collect::<Result<_>>()?;
    let by_regions: Vec<Purges> =
        MORE_REGIONS.iter().map(|count| of(SPREAD, *count)).collect::<Result<_>>()?;
    let most = |purges: &Purges| purges.sent.into_iter().fold(0.0, f64::max);
    let sent: Vec<f64> = by_locations.iter().map(most).collect();
    let extreme = |pick: fn(f64, f64) -> f64| sent.iter().copied().reduce(pick).unwrap_or(f64::NAN);
    let growth = extreme(f64::max) / extreme(f64::min);
    let per_region =
        by_regions.iter().zip(MORE_REGIONS).map(|(purges, count)| most(purges) / f64::from(count));
    let per_region = Rounds(per_region.collect());
    let counts = LOCATIONS.map(|count| count.to_string()).join(", ");
    let each = |figure: fn(&Purges) -> f64, list: &[Purges]| {
        list.iter().map(|one| format!("{:.2}", figure(one))).collect::<Vec<_>>().join(", ")
    };
    let row = |name, unit, ours, goal, note| Row {
        name,
        door: "simulation",
        trips: "4 ms in a region, 80 between",
        unit,
        ours,
        peer: None,
        goal,
        note,
    };
    let goal = Goal::AtMost(f64::from(REGIONS) * 1.1);
    let pushed = by_locations.iter().map(|purges| purges.pushed).collect();
    let (few, many) = (by_locations[0], by_locations[LOCATIONS.len() - 1]);
    let more = f64::from(LOCATIONS[LOCATIONS.len() - 1] - LOCATIONS[0]);
    let memory = Rounds::one((many.resident_kib - few.resident_kib) / more);
    let mib = |purges: &Purges| purges.resident_kib / 1_024.0;
    let note = format!("resident, MiB: {}", each(mib, &by_locations));
    Ok(vec![
        row(
            "purges-per-write",
            "records/write, one stream",
            Rounds(sent.clone()),
            goal,
            format!(
                "at {counts} locations in {REGIONS} regions: {} and {}; {} questions a second and \
                 location keep a stream heard",
                each(|purges| purges.sent[0], &by_locations),
                each(|purges| purges.sent[1], &by_locations),
                each(|purges| purges.asked, &by_locations),
            ),
        ),
        row(
            "purges-growth",
            "most over least",
            Rounds::one(growth),
            Goal::AtMost(1.1),
            format!("over {counts} locations"),
        ),
        row(
            "purges-per-region",
            "records/write and region",
            per_region,
            Goal::AtMost(1.1),
            format!(
                "at {SPREAD} locations in 3, 6 and 12 regions: {} records a write",
                each(|purges| purges.sent[0], &by_regions)
            ),
        ),
        row(
            "pushes-per-write",
            "pushes/write",
            Rounds(pushed),
            Goal::None,
            format!(
                "each key was read at {READERS} edges before; a courtesy, which nothing waits for: \
                 {}",
                each(|purges| purges.pushed, &by_locations)
            ),
        ),
        row("idle-location", "KiB/location", memory, Goal::None, note),
    ])
}

/// Runs one network to its end.
fn network(plan: &Plan, locations: u16, regions: u16, writes: u16) -> Result<Purges> {
    let program = plan.littoral.with_file_name(PROGRAM);
    let words = [locations, regions, writes, READERS].map(|word| word.to_string());
    let output = Command::new(&program).args(words).output();
    let output = output.with_context(|| format!("there is no {}", program.display()))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let numbers: Vec<f64> = said.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [first, second, pushed, asked, resident_kib] = numbers[..] else {
        anyhow::bail!("not five numbers: {said}");
    };
    Ok(Purges { sent: [first, second], pushed, asked, resident_kib })
}
