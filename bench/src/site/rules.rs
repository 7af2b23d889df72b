//! What the rules of a zone cost: twenty, of which six ask a service that takes its time, beside the same
//! zone without any.

use std::fmt::Write as _;
use std::net::SocketAddr;

use anyhow::{Result, ensure};

use super::{peers, row};
use crate::plan::Plan;
use crate::rows::{Goal, Rounds, Row};
use crate::wire::Wire;
use crate::zoned::{Zoned, get, zone};

const CALLS: usize = 6;
/// How long the service takes for each, in milliseconds.
const CALL_MS: f64 = 10.0;
/// Two milliseconds for six calls at once, and 50 µs for all else.
const GOAL_MS: f64 = CALL_MS + 2.0 + 0.05;
const BYTES: usize = 1_024;
/// A held answer.
const PATH: &str = "/kept/1024/0/ruled";

/// Fourteen rules that decide at once, each of another kind or for another reason.
const AT_ONCE: &str = r#"
[[rules]]
name = "strangers"
addresses = { deny = ["203.0.113.0/24"] }
[[rules]]
name = "rate"
rate-limit = { requests = 1000000, every = "1s" }
[[rules]]
name = "office"
when = { path = "/admin/*" }
addresses = { allow = ["10.0.0.0/8"] }
[[rules]]
name = "moved"
when = { path = "/blog/{slug}" }
redirect = { to = "/posts/{slug}", status = 301 }
[[rules]]
name = "map"
redirects = { namespace = "moved", status = 302 }
[[rules]]
name = "keys"
api-key = { namespace = "keys", optional = true, give = ["owner"] }
[[rules]]
name = "short"
when = { path = "/p/{id}" }
rewrite = { path = "/products/{id}" }
[[rules]]
name = "sizes"
limits = { body = "1MiB", time = "30s" }
[[rules]]
name = "variant"
split = { cookie = "variant", between = { a = 90, b = 10 } }
[[rules]]
name = "cors"
cors = { origins = ["https://app.example"] }
[[rules]]
name = "who"
headers = { request = { set = { x-owner = "{key.owner}", x-variant = "{variant}" } } }
[[rules]]
name = "inside"
headers = { request = { remove = ["x-internal"] } }
[[rules]]
name = "safe"
headers = { response = { set = { x-frame-options = "DENY" }, remove = ["server"] } }
[[rules]]
name = "www"
when = { host = "www.ruled.example" }
redirect = { to = "https://ruled.example{request.path}", status = 301 }
"#;

pub(super) async fn run(plan: &Plan) -> Result<Vec<Row>> {
    let site = peers::upstream(plan).await?;
    let network = Zoned::start(plan, plan.tested(&plan.littoral), 1, 0.0).await?;
    for title in ["moved", "keys"] {
        network.namespace(title, &[("/none".into(), "/".into())])?;
    }
    let route = format!(
        "[[routes]]\npath = \"/*\"\nupstream = \"site\"\n\
         [upstreams.site]\nservers = [\"http://{}\"]\n",
        site.address
    );
    let plain = zone("plain", "plain.example", &route);
    network.apply(plan, "plain.example", &plain).await?;
    let ruled = zone("ruled", "ruled.example", &(route + &rules()));
    network.apply(plan, "ruled.example", &ruled).await?;

    let edge = network.edge(network.names().next().unwrap_or_default())?;
    let requests = plan.of(400, 100) as usize;
    let [mut without, mut with, mut cost] = [(); 3].map(|()| Rounds::default());
    for round in 0..=plan.rounds {
        let plain = asked(plan, edge, "plain.example", requests * 4)?;
        let ruled = asked(plan, edge, "ruled.example", requests)?;
        // The first round makes everybody warm.
        if round > 0 {
            without.0.push(plain);
            with.0.push(ruled);
            cost.0.push(ruled - plain);
        }
    }
    let note = format!(
        "a held answer of 1 KiB, one request after the other; {CALLS} of the rules ask a service that \
         takes {CALL_MS:.0} ms, the others decide at once; medians: {:.3} ms with rules, {:.3} ms without; \
         one after the other the calls alone would take {:.0} ms",
        with.median(),
        without.median(),
        CALL_MS * CALLS as f64
    );
    Ok(vec![row("rules-20", "ms", &cost, None, Goal::AtMost(GOAL_MS), &note)])
}

fn rules() -> String {
    let mut text = AT_ONCE.to_owned();
    for number in 0..CALLS {
        let _ = write!(
            text,
            "[[rules]]\nname = \"call-{number}\"\n\
             call = {{ upstream = \"site\", path = \"/never/16/{CALL_MS:.0}/{number}\" }}\n"
        );
    }
    text
}

/// The median time of one request, in milliseconds.
fn asked(plan: &Plan, edge: SocketAddr, host: &str, requests: usize) -> Result<f64> {
    let mut wire = Wire::open(edge)?;
    let request = get(host, PATH);
    let mut times = Rounds::default();
    for _ in 0..requests {
        let began = plan.clock.mono();
        let answer = wire.send(&request)?;
        let took = plan.clock.mono().since(began);
        let (status, bytes) = (answer.status, answer.body.len());
        ensure!(status == 200 && bytes == BYTES, "{host} answers {status} with {bytes} bytes");
        times.0.push(took.as_secs_f64() * 1e3);
    }
    Ok(times.median())
}

#[cfg(test)]
mod tests {
    #[test]
    fn there_are_twenty_rules() {
        assert_eq!(super::rules().matches("[[rules]]").count(), 20);
    }
}
