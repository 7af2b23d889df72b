//! Rows are damaged in one PostgreSQL behind everybody's back, and one crawl puts them right.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use littoral_tests::{Network, Stopwatch};
use serde_json::json;

use super::{keys, pause, row};
use crate::plan::Plan;
use crate::rows::{Goal, Row};

/// One key in a thousand: half of them lose their row, half have an older one.
const INJECT: &str = "
BEGIN;
CREATE TABLE bench_injected AS
  SELECT space, key, version, body, row_number() OVER () AS n FROM littoral_rows
  WHERE live AND body IS NOT NULL AND position('key-'::bytea IN key) > 0
    AND hashtextextended(encode(space || key, 'hex'), 0) % 1000 = 0;
DELETE FROM littoral_rows r USING bench_injected i
  WHERE r.space = i.space AND r.key = i.key AND n % 2 = 0;
UPDATE littoral_rows r SET body = 'older', version = set_byte(r.version, 2, get_byte(r.version, 2) - 1)
  FROM bench_injected i WHERE r.space = i.space AND r.key = i.key AND n % 2 = 1;
COMMIT;
SELECT count(*) FROM bench_injected;
SELECT txid_current();
";
const LEFT: &str = "
SELECT count(*) FROM bench_injected i LEFT JOIN littoral_rows r USING (space, key)
  WHERE r.version IS DISTINCT FROM i.version OR r.body IS DISTINCT FROM i.body;
";
const PATIENCE: Duration = Duration::from_secs(300);
const LOOK_AGAIN: Duration = Duration::from_millis(200);

pub(super) fn run(plan: &Plan, network: &Network) -> Result<Vec<Row>> {
    let space = network.namespace("drift", &json!({}));
    let count = plan.of(1_000_000, 20_000) as usize;
    let watch = Stopwatch::start();
    keys::write(&space, &network.nodes()[0], count)?;
    let written = watch.elapsed().as_secs_f64();
    // What the writes themselves left open is not to be counted.
    crawled(network, 2)?;

    let sound = [number(&network.sql(0, "SELECT txid_current();"))?, 0.0];
    let told = network.sql(1, INJECT);
    let mut told = told.lines().map(number);
    let injected = told.next().context("no count")??;
    let sound = [sound[0], told.next().context("no transaction")??];
    ensure!(injected > 0.0, "nothing was injected");
    let different = metric(network, "different")?;
    crawled(network, 2)?;
    let took = metric(network, "last_ms")? / 1e3;
    let found = metric(network, "different")? - different;
    let left = number(&network.sql(1, LEFT))?;
    let mut touched = 0.0;
    for (store, sound) in sound.into_iter().enumerate() {
        let but = if store == 1 {
            "AND NOT EXISTS (SELECT 1 FROM bench_injected i WHERE i.space = r.space AND i.key = r.key)"
        } else {
            ""
        };
        let changed = format!(
            "SELECT count(*) FROM littoral_rows r WHERE xmin::text::bigint > {sound} {but};"
        );
        touched += number(&network.sql(store, &changed))?;
    }
    network.sql(1, "DROP TABLE bench_injected;");
    let note = format!(
        "{injected} rows of {:.0} lost or made older in one PostgreSQL, {found} found by the crawls \
         after it; {count} keys were written in bulk at {:.0} a second",
        metric(network, "last_rows")?,
        count as f64 / written
    );
    Ok(vec![
        row("drift-crawl", "s", took, Goal::AtMost(60.0), note),
        row("drift-left", "rows", left, Goal::AtMost(0.0), "after one whole crawl".into()),
        row("drift-touched", "rows", touched, Goal::AtMost(0.0), "beside those injected".into()),
    ])
}

/// Waits for the end of so many crawls: two, for one that began later than now.
fn crawled(network: &Network, count: usize) -> Result<()> {
    let watch = Stopwatch::start();
    let before = metric(network, "finished")?;
    while metric(network, "finished")? < before + count as f64 {
        ensure!(watch.elapsed() < PATIENCE * count as u32, "no crawl ends");
        pause(LOOK_AGAIN);
    }
    Ok(())
}

/// Of the node that crawls.
fn metric(network: &Network, name: &str) -> Result<f64> {
    let metrics = network.metrics(network.beside(0));
    let start = format!("littoral_kv_crawl_{name}");
    let line = metrics.text().lines().find(|line| line.starts_with(&start));
    let line = line.with_context(|| format!("no metric {start}"))?;
    number(line.rsplit(' ').next().unwrap_or_default())
}

fn number(text: &str) -> Result<f64> {
    text.trim().parse().with_context(|| format!("no number: {text}"))
}
