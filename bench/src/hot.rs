//! Hot reads over HTTP with authorisation on, beside nginx, a bare hyper, and Redis.

use anyhow::{Result, ensure};

use crate::bare;
use crate::load::{self, Wrk};
use crate::plan::Plan;
use crate::profile;
use crate::rows::{Goal, Rounds, Row};
use crate::serving::{self, Littoral, TOKEN, VALUE_BYTES, value};

const CONNECTIONS: usize = 64;

/// What each round asked, in turn.
#[derive(Default)]
struct Rates {
    ours: Rounds,
    nginx: Rounds,
    open_files: Rounds,
    hyper: Rounds,
    redis: Rounds,
}

pub(crate) async fn run(plan: &Plan) -> Result<Vec<Row>> {
    let value = value(VALUE_BYTES);
    let littoral = Littoral::start(plan, 1).await?;
    let path = format!("{}/values/hot", littoral.namespace()?);
    littoral.put(&path, &value)?;
    let (_nginx, nginx) = serving::nginx(plan, &value, false).await?;
    let (_open_files, open_files) = serving::nginx(plan, &value, true).await?;
    let (_hyper, hyper) = serving::hyper(plan).await?;
    let (_redis, redis) = serving::redis(plan).await?;
    load::redis(plan, redis, "set", VALUE_BYTES, 64)?;

    let ours = format!("http://{}{path}", littoral.address);
    let wrk =
        |url: &str, token| Wrk { url, token, connections: CONNECTIONS, script: None }.run(plan);
    // Everyone once, unmeasured: caches, connections and clocks warm up.
    let warm = Plan { span: plan.span / 4, ..plan.clone() };
    Wrk { url: &ours, token: Some(TOKEN), connections: CONNECTIONS, script: None }.run(&warm)?;
    let mut asked =
        (load::redis(plan, redis, "get", VALUE_BYTES, 50_000)? * plan.span.as_secs_f64()) as u64;
    asked = asked.max(50_000);
    let mut rates = Rates::default();
    for _ in 0..plan.rounds {
        rates.ours.0.push(wrk(&ours, Some(TOKEN))?);
        rates.nginx.0.push(wrk(&format!("http://{nginx}/value"), None)?);
        rates.open_files.0.push(wrk(&format!("http://{open_files}/value"), None)?);
        rates.hyper.0.push(wrk(&format!("http://{hyper}{}", bare::PATH), None)?);
        rates.redis.0.push(load::redis(plan, redis, "get", VALUE_BYTES, asked)?);
    }
    if plan.profile {
        let loaded = || wrk(&ours, Some(TOKEN)).map(drop);
        profile::record(plan, littoral.program.id(), "hot-read", loaded)?;
    }
    ensure!(rates.ours.median() > 0.0, "nothing was answered");
    Ok(rows(rates))
}

fn rows(rates: Rates) -> Vec<Row> {
    let row = |name, peer, theirs, goal, note: &str| Row {
        name,
        door: "http",
        trips: "none",
        unit: "requests/s",
        ours: rates.ours.clone(),
        peer: Some((peer, theirs)),
        goal,
        note: note.into(),
    };
    vec![
        row(
            "hot-read-nginx",
            "nginx",
            rates.nginx,
            Goal::AtLeast(1.2),
            "one key of 1 KiB under a token, 64 connections of wrk; nginx: one file, sendfile, no log",
        ),
        row(
            "hot-read-nginx-open-files",
            "nginx with open_file_cache",
            rates.open_files,
            Goal::None,
            "the same nginx told to keep files open, which it does not do by itself; nothing promised",
        ),
        row(
            "hot-read-hyper",
            "bare hyper",
            rates.hyper,
            Goal::AtLeast(0.85),
            "the peer looks one path up in a map: no token, no version, no Cache-Status",
        ),
        row(
            "hot-read-redis",
            "redis GET",
            rates.redis,
            Goal::AtLeast(1.0),
            "another protocol and another load tool: redis-benchmark -c 64 -P 1, one key of 1 KiB, \
             one thread on each side, no authorisation; ours is HTTP from wrk, as above",
        ),
    ]
}
