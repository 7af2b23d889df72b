//! The load tools: `wrk` and `redis-benchmark`, and what their reports say.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::plan::Plan;
use crate::program::output;

/// A load by `wrk`.
pub(crate) struct Wrk<'a> {
    pub(crate) url: &'a str,
    pub(crate) token: Option<&'a str>,
    pub(crate) connections: usize,
    /// A script that makes the requests.
    pub(crate) script: Option<&'a Path>,
}

/// What a load came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Load {
    /// Requests answered with success in a second.
    pub(crate) rate: f64,
    /// Of a hundred requests, 99 took no longer, in milliseconds.
    pub(crate) p99_ms: f64,
}

impl Wrk<'_> {
    /// Requests answered with success in a second; any other answer is an error.
    pub(crate) fn run(&self, plan: &Plan) -> Result<f64> {
        parse_wrk(&self.report(plan)?)
    }

    /// The same, and how long they took.
    pub(crate) fn measure(&self, plan: &Plan) -> Result<Load> {
        let report = self.report(plan)?;
        Ok(Load { rate: parse_wrk(&report)?, p99_ms: parse_p99(&report)? })
    }

    fn report(&self, plan: &Plan) -> Result<String> {
        // Each thread of a script counts for itself: one, so that no two write the same key.
        let threads = if self.script.is_some() { 1 } else { plan.cores().min(self.connections) };
        let mut command = plan.loading("wrk");
        command
            .arg(format!("-t{threads}"))
            .arg(format!("-c{}", self.connections))
            .arg(format!("-d{}s", plan.span.as_secs().max(1)))
            .arg("--latency");
        if let Some(token) = self.token {
            command.args(["-H", &format!("Authorization: Bearer {token}")]);
        }
        if let Some(script) = self.script {
            command.arg("-s").arg(script);
        }
        output(command.arg(self.url))
    }
}

fn parse_wrk(report: &str) -> Result<f64> {
    for bad in ["Non-2xx", "Socket errors"] {
        let line = report.lines().find(|line| line.contains(bad));
        ensure!(line.is_none(), "wrk says: {}", line.unwrap_or_default().trim());
    }
    let line = report.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:"));
    line.and_then(|number| number.trim().parse().ok())
        .with_context(|| format!("wrk reports no rate:\n{report}"))
}

fn parse_p99(report: &str) -> Result<f64> {
    let line = report.lines().find_map(|line| line.trim().strip_prefix("99%"));
    let time = line.map(str::trim).and_then(|time| {
        let at = time.find(|c: char| c.is_ascii_alphabetic())?;
        let (number, unit) = time.split_at(at);
        let ms = match unit {
            "us" => 1e-3,
            "ms" => 1.0,
            "s" => 1e3,
            _ => return None,
        };
        Some(number.parse::<f64>().ok()? * ms)
    });
    time.with_context(|| format!("wrk reports no times:\n{report}"))
}

/// Redis commands of one kind answered in a second; `requests` in all.
pub(crate) fn redis(
    plan: &Plan,
    address: SocketAddr,
    what: &str,
    bytes: usize,
    requests: u64,
) -> Result<f64> {
    let mut command = plan.loading("redis-benchmark");
    command
        .args(["-h", &address.ip().to_string(), "-p", &address.port().to_string()])
        .args(["-c", "64", "-P", "1", "-t", what, "-d", &bytes.to_string()])
        .args(["-n", &requests.to_string(), "--csv"]);
    parse_redis(&output(&mut command)?, what)
}

fn parse_redis(report: &str, what: &str) -> Result<f64> {
    let row = report.lines().find_map(|line| {
        let mut cells = line.split(',').map(|cell| cell.trim_matches('"'));
        (cells.next()?.eq_ignore_ascii_case(what)).then(|| cells.next()?.parse().ok())?
    });
    row.with_context(|| format!("redis-benchmark reports no rate:\n{report}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_read_and_a_refused_request_is_an_error() {
        let report =
            "Running 1s test @ http://x\n  2 threads\nRequests/sec:  65432.10\nTransfer/sec: 1MB\n";
        assert_eq!(parse_wrk(report).unwrap(), 65_432.1);
        let refused = format!("{report}  Non-2xx or 3xx responses: 7\n");
        assert!(parse_wrk(&refused).unwrap_err().to_string().contains("Non-2xx"));
        assert!(parse_wrk("nothing").is_err());
    }

    #[test]
    fn a_time_is_read_in_its_unit() {
        for (said, ms) in [("99%  850.00us", 0.85), (" 99%    1.50ms", 1.5), ("99% 2.00s", 2e3)] {
            assert_eq!(parse_p99(&format!("  50%   1.00us\n {said}\n")).unwrap(), ms);
        }
        assert!(parse_p99("99% soon").is_err());
    }

    #[test]
    fn a_rate_of_redis_is_read_by_its_command() {
        let report =
            "\"test\",\"rps\",\"avg\"\n\"SET\",\"10.50\",\"1\"\n\"GET\",\"99999.00\",\"0.3\"\n";
        assert_eq!(parse_redis(report, "get").unwrap(), 99_999.0);
        assert!(parse_redis(report, "mget").is_err());
    }
}
