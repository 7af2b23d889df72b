//! Requests a second of what is held, and of what is passed on.

use anyhow::{Result, ensure};

use super::{peers, row};
use crate::load::Wrk;
use crate::plan::Plan;
use crate::profile;
use crate::rows::{Goal, Rounds, Row};
use peers::Front;

const CONNECTIONS: usize = 64;
/// Errors of a clock that counts in steps; with less, nobody is ahead.
const NO_SLOWER: f64 = 1.0;

/// What one side did, a round each.
#[derive(Default)]
struct Side {
    rate: Rounds,
    /// Milliseconds.
    p99: Rounds,
}

impl Side {
    fn load(&mut self, plan: &Plan, front: &Front, path: &str) -> Result<()> {
        let load = wrk(plan, front, path)?;
        self.rate.0.push(load.rate);
        self.p99.0.push(load.p99_ms);
        Ok(())
    }
}

fn wrk(plan: &Plan, front: &Front, path: &str) -> Result<crate::load::Load> {
    let url = format!("http://{}{path}", front.address);
    Wrk { url: &url, token: None, connections: CONNECTIONS, script: None }.measure(plan)
}

/// A size, and the names of its rows.
struct Sized {
    path: &'static str,
    what: &'static str,
    rates: [&'static str; 2],
    p99s: [&'static str; 2],
}

const SIZES: [Sized; 2] = [
    Sized {
        path: "/kept/1024/0/hot",
        what: "1 KiB",
        rates: ["site-hit-1k-nginx", "site-hit-1k-varnish"],
        p99s: ["site-hit-1k-p99-nginx", "site-hit-1k-p99-varnish"],
    },
    Sized {
        path: "/kept/102400/0/hot",
        what: "100 KiB",
        rates: ["site-hit-100k-nginx", "site-hit-100k-varnish"],
        p99s: ["site-hit-100k-p99-nginx", "site-hit-100k-p99-varnish"],
    },
];

pub(super) async fn hits(plan: &Plan) -> Result<Vec<Row>> {
    let site = peers::upstream(plan).await?;
    let littoral = peers::littoral(plan, site.address).await?;
    let nginx = peers::nginx(plan, site.address).await?;
    let varnish = peers::varnish(plan, site.address).await?;
    let mut rows = Vec::new();
    for size in &SIZES {
        // Everyone once, unmeasured: it is held from then on.
        let warm = Plan { span: plan.span / 4, ..plan.clone() };
        for front in [&littoral, &nginx, &varnish] {
            wrk(&warm, front, size.path)?;
        }
        let [mut ours, mut of_nginx, mut of_varnish] = [(); 3].map(|()| Side::default());
        for _ in 0..plan.rounds {
            ours.load(plan, &littoral, size.path)?;
            of_nginx.load(plan, &nginx, size.path)?;
            of_varnish.load(plan, &varnish, size.path)?;
        }
        if plan.profile {
            let name = if size.what == "1 KiB" { "site-hit-1k" } else { "site-hit-100k" };
            let loaded = || wrk(plan, &littoral, size.path).map(drop);
            profile::record(plan, littoral.program.id(), name, loaded)?;
        }
        ensure!(ours.rate.median() > 0.0, "nothing was answered");
        let note = format!(
            "one held answer of {}, {CONNECTIONS} connections of wrk; nginx: proxy_cache on the disk, \
             sendfile, open_file_cache, no log; Varnish: malloc",
            size.what
        );
        for (peer, side, at) in [("nginx", &of_nginx, 0), ("Varnish", &of_varnish, 1)] {
            let (rate, p99) = (size.rates[at], size.p99s[at]);
            let goal = Goal::AtLeast(1.2);
            rows.push(row(rate, "requests/s", &ours.rate, Some((peer, &side.rate)), goal, &note));
            let goal = Goal::AtMost(NO_SLOWER);
            let note = "99 of 100 took no longer, of the same requests";
            rows.push(row(p99, "ms", &ours.p99, Some((peer, &side.p99)), goal, note));
        }
    }
    Ok(rows)
}

/// May not be kept, and is: nobody joins anybody.
const PASSED: &str = "/never/1024/0/passed";

pub(super) async fn pass(plan: &Plan) -> Result<Vec<Row>> {
    let site = peers::upstream(plan).await?;
    let littoral = peers::littoral(plan, site.address).await?;
    let haproxy = peers::haproxy(plan, site.address).await?;
    let nginx = peers::nginx(plan, site.address).await?;
    let warm = Plan { span: plan.span / 4, ..plan.clone() };
    for front in [&littoral, &haproxy, &nginx] {
        wrk(&warm, front, PASSED)?;
    }
    let [mut ours, mut of_haproxy, mut of_nginx, mut of_site] = [(); 4].map(|()| Side::default());
    for _ in 0..plan.rounds {
        ours.load(plan, &littoral, PASSED)?;
        of_haproxy.load(plan, &haproxy, PASSED)?;
        of_nginx.load(plan, &nginx, PASSED)?;
        of_site.load(plan, &site, PASSED)?;
    }
    if plan.profile {
        let loaded = || wrk(plan, &littoral, PASSED).map(drop);
        profile::record(plan, littoral.program.id(), "site-pass", loaded)?;
    }
    let note = format!(
        "an answer of 1 KiB that may not be kept, {CONNECTIONS} connections of wrk; the site, which \
         shares its processors with wrk, answers {:.0} a second itself",
        of_site.rate.median()
    );
    let haproxy = Some(("HAProxy", &of_haproxy.rate));
    let nginx = Some(("nginx", &of_nginx.rate));
    let pass = |name, peer, goal, note: &str| {
        row(name, "requests/s", &ours.rate, peer, Goal::AtLeast(goal), note)
    };
    let of_nginx = "the same; nginx: no cache here, connections to the site kept";
    Ok(vec![
        pass("site-pass-haproxy", haproxy, 0.7, &note),
        pass("site-pass-nginx", nginx, 1.0, of_nginx),
    ])
}
