//! The least a durable write can cost here: a plain file, appended to and synced.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use anyhow::Result;

use crate::plan::Plan;
use crate::program::seconds;

/// Appends and syncs `bytes` over and over; how often in a second.
pub(crate) fn appends(plan: &Plan, path: &Path, bytes: &[u8]) -> Result<f64> {
    let mut file = File::create(path)?;
    let began = plan.clock.mono();
    let mut written = 0_u64;
    while plan.clock.mono().since(began) < plan.span {
        file.write_all(bytes)?;
        file.sync_data()?;
        written += 1;
    }
    let rate = written as f64 / seconds(&plan.clock, began);
    std::fs::remove_file(path)?;
    Ok(rate)
}

/// Writes and syncs one large file; the seconds it took.
pub(crate) fn large(plan: &Plan, path: &Path, bytes: &[u8]) -> Result<f64> {
    let began = plan.clock.mono();
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    let took = seconds(&plan.clock, began);
    std::fs::remove_file(path)?;
    Ok(took)
}
