//! A network that does nothing: what it holds, and how soon it answers.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::plan::Plan;
use crate::program::seconds;
use crate::rows::{Goal, Rounds, Row};
use crate::serving::Littoral;
use crate::wire::Wire;

const LOCATIONS: u16 = 10;
/// Until it is idle.
const SETTLE: Duration = Duration::from_secs(3);

pub(crate) async fn run(plan: &Plan) -> Result<Vec<Row>> {
    let (mut start, mut resident) = (Rounds::default(), Rounds::default());
    for _ in 0..plan.rounds {
        let began = plan.clock.mono();
        let littoral = Littoral::unloaded(plan, LOCATIONS).await?;
        let health = b"GET /healthz HTTP/1.1\r\nhost: bench\r\n\r\n";
        let status = Wire::open(littoral.address)?.send(health)?.status;
        start.0.push(seconds(&plan.clock, began) * 1_000.0);
        ensure!(status == 200, "the first answer was {status}");
        plan.clock.sleep(SETTLE).await;
        resident.0.push(resident_mib(littoral.program.id())?);
    }
    let row = |name, unit, ours, goal, note: &str| Row {
        name,
        door: "http",
        trips: "none",
        unit,
        ours,
        peer: None,
        goal: Goal::AtMost(goal),
        note: note.into(),
    };
    Ok(vec![
        row(
            "idle-resident",
            "MiB",
            resident,
            80.0,
            "dev with ten locations, three seconds after its start",
        ),
        row("idle-start", "ms", start, 300.0, "from the start of the process to the first answer"),
    ])
}

fn resident_mib(id: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    Ok(kib.context("the process shows no VmRSS")? / 1_024.0)
}
