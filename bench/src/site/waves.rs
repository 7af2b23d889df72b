//! Many who ask for the same at once: what may be shared is asked for once, and what may not be makes
//! nobody wait for anybody.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{peers, row};
use crate::plan::Plan;
use crate::rows::{Goal, Rounds, Row};
use crate::wire::{Wire, measure};

const HERD: usize = 200;
const UNCACHEABLE: usize = 40;
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Milliseconds of the first wave, and of the next one.
#[derive(Default)]
struct Waves {
    first: Rounds,
    after: Rounds,
}

impl Waves {
    async fn meet(&mut self, plan: &Plan, front: SocketAddr, round: usize) -> Result<()> {
        let path = format!("/never/1024/200/{round}");
        for rounds in [&mut self.first, &mut self.after] {
            let took = wave(plan, front, &path, UNCACHEABLE).await?;
            rounds.0.push(took.as_secs_f64() * 1e3);
        }
        Ok(())
    }
}

pub(super) async fn run(plan: &Plan) -> Result<Vec<Row>> {
    let site = peers::upstream(plan).await?;
    let littoral = peers::littoral(plan, site.address).await?;
    let varnish = peers::varnish(plan, site.address).await?;
    let nginx = peers::nginx(plan, site.address).await?;
    let (mut asked, mut took) = (Rounds::default(), Rounds::default());
    let [mut ours, mut of_varnish] = [(); 2].map(|()| Waves::default());
    for round in 0..plan.rounds {
        let path = format!("/kept/1024/200/herd-{round}");
        took.0.push(wave(plan, littoral.address, &path, HERD).await?.as_secs_f64() * 1e3);
        asked.0.push(count(site.address, &path)?);
        ours.meet(plan, littoral.address, round).await?;
        of_varnish.meet(plan, varnish.address, round + plan.rounds).await?;
    }
    let path = "/kept/1024/200/herd-nginx";
    wave(plan, nginx.address, path, HERD).await?;
    let of_nginx = count(site.address, path)?;
    let note = format!(
        "{HERD} at once ask for one that nobody holds and the site takes 200 ms for; all are answered \
         after {:.0} ms; nginx with proxy_cache_lock asks {of_nginx:.0}",
        took.median()
    );
    let most = Rounds::one(asked.0.iter().copied().fold(0.0, f64::max));
    let varnishs = |rounds: &Rounds| format!("Varnish: {:.0} ms", rounds.median());
    let first = format!(
        "{UNCACHEABLE} at once ask for one that takes the site 200 ms and proves not to be for all; {}",
        varnishs(&of_varnish.first)
    );
    let after = format!("the same {UNCACHEABLE} again; {}", varnishs(&of_varnish.after));
    Ok(vec![
        row("site-herd", "requests", &most, None, Goal::AtMost(1.0), &note),
        row("site-uncacheable-first", "ms", &ours.first, None, Goal::AtMost(430.0), &first),
        row("site-uncacheable-after", "ms", &ours.after, None, Goal::AtMost(230.0), &after),
    ])
}

/// How often the site was asked for a path.
fn count(site: SocketAddr, path: &str) -> Result<f64> {
    let mut wire = Wire::open(site)?;
    let answer = wire.send(&get(&format!("/count{path}")))?;
    Ok(std::str::from_utf8(answer.body)?.parse()?)
}

pub(super) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n").into_bytes()
}

/// So many ask at once, each on a connection that is open already; until the last one's answer is whole.
async fn wave(plan: &Plan, front: SocketAddr, path: &str, many: usize) -> Result<Duration> {
    let open = (0..many).map(|_| TcpStream::connect(front));
    let streams = try_join_all(open).await?;
    let request = get(path);
    let began = plan.clock.mono();
    try_join_all(streams.into_iter().map(|stream| ask(stream, &request))).await?;
    Ok(plan.clock.mono().since(began))
}

async fn ask(mut stream: TcpStream, request: &[u8]) -> Result<()> {
    stream.write_all(request).await?;
    let mut answer = Vec::with_capacity(4 * 1024);
    loop {
        ensure!(answer.len() < ANSWER_BYTES_MAX, "an answer does not end");
        ensure!(stream.read_buf(&mut answer).await? > 0, "closed inside an answer");
        if let Some((_, whole)) = measure(&answer)?
            && answer.len() >= whole
        {
            let first = String::from_utf8_lossy(&answer[..12]).into_owned();
            ensure!(first.ends_with(" 200"), "answered with {first}");
            return Ok(());
        }
    }
}
