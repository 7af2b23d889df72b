//! Every other node: is it reached, does its clock agree, does it know the same places.

use std::sync::Arc;
use std::time::Duration;

use littoral_clock::Clock;
use littoral_link::{Client, PeerState, client, places_mark};
use littoral_store::Staging;
use littoral_tasks::Tasks;
use littoral_telemetry::metrics::Registry;
use littoral_topology::Topology;

use super::certificate::Own;
use super::report::Report;
use crate::config::Config;
use crate::network::{Place, peers};

/// How long nodes may take to answer, all of them together.
const WAIT_MAX: Duration = Duration::from_secs(6);
const LOOK_EVERY: Duration = Duration::from_millis(20);

pub(super) async fn look(
    config: &Config,
    own: &Own,
    topology: &Topology,
    places: &[Place],
    clock: &Clock,
    report: &mut Report,
) {
    let list = match peers(&own.identity, topology, places) {
        Ok(list) => list,
        Err(error) => {
            let next = "`littoral serve --dump-config` says how nodes are listed";
            report.error("places", error.to_string(), "the node does not start", next);
            return;
        }
    };
    if list.is_empty() {
        return;
    }
    let Ok(folder) = tempfile::tempdir() else { return };
    let Ok(staging) = Staging::open(&folder.path().join("bodies")) else { return };
    let tasks = Tasks::new(clock.clone());
    let client = Client::new(
        Arc::clone(&own.certificates),
        client::Options::default(),
        Arc::new(staging),
        clock.clone(),
        tasks.clone(),
        &Registry::new(&own.identity.location),
    );
    client.set_peers(list);
    let states = settled(&client, clock).await;
    tasks.cut();
    let mark = places_mark(topology);
    let max_skew = config.limits.max_skew.0;
    states.iter().for_each(|state| judge(state, &mark, max_skew, report));
}

/// When each has answered or failed, or time is up.
async fn settled(client: &Client, clock: &Clock) -> Vec<PeerState> {
    let until = clock.mono().plus(WAIT_MAX);
    loop {
        let states = client.peers();
        let open = |state: &PeerState| state.heard.is_none() && state.failed.is_none();
        if !states.iter().any(open) || clock.mono() >= until {
            return states;
        }
        clock.sleep(LOOK_EVERY).await;
    }
}

fn judge(state: &PeerState, mark: &str, max_skew: Duration, report: &mut Report) {
    let (identity, address) = (&state.peer.identity, state.peer.address);
    if state.heard.is_none() {
        let why = state.failed.as_deref().unwrap_or("it did not answer in time");
        let next = match why {
            why if why.contains("refused") => {
                "start it, or look at its address under [[locations]]"
            }
            why if why.contains("authority") || why.contains("certificate") => {
                "`littoral ca show` on both sides: network, names, dates and authority must fit"
            }
            why if why.contains("clock") => "compare the clocks of both machines",
            _ => "is the machine up, and does a firewall let this port through?",
        };
        report.error(
            "peer-unreachable",
            format!("{identity} at {address} is not reached: {why}"),
            "its keys are asked elsewhere, and it misses purges from here: it validates what it holds",
            next,
        );
        return;
    }
    let rtt = state.rtt.unwrap_or_default();
    let skew = state.skew_ms.unwrap_or(0);
    let sure = skew.unsigned_abs().saturating_sub(rtt.as_millis() as u64 / 2);
    let what = format!("the clock of {identity} differs by {skew} ms");
    let why =
        "versions are stamps of clocks: a write of the one that is ahead is refused with 10427";
    let most = max_skew.as_millis() as u64;
    if sure > most {
        report.error("clock-skew", what, why, "run an NTP client (chrony) on both machines");
    } else if sure > most / 2 {
        report.warning("clock-skew", what, why, "run an NTP client (chrony) on both machines");
    }
    if state.places.as_deref().is_some_and(|theirs| theirs != mark) {
        let theirs = state.places.as_deref().unwrap_or_default();
        report.error(
            "places-differ",
            format!("{identity} knows other places: {theirs} there, {mark} here"),
            "keys are placed by the list: with two lists purges miss who holds them",
            "give both the same epoch: `littoral epoch status`, or the same [[locations]] before the first",
        );
    }
    let clock = state.skew_ms.map_or(String::new(), |skew| format!(", its clock {skew:+} ms"));
    let ms = rtt.as_secs_f64() * 1e3;
    report.well(format!("{identity} answers in {ms:.1} ms{clock}"));
}

#[cfg(test)]
mod tests {
    use littoral_link::Peer;
    use littoral_types::LocationId;

    use super::*;

    fn found(change: impl Fn(&mut PeerState)) -> Vec<&'static str> {
        let peer = Peer {
            location: LocationId(1),
            identity: "littoral://test/asia/nrt/nrt-1".parse().expect("sound"),
            address: "192.0.2.1:9787".parse().expect("sound"),
            weight: 1.0,
        };
        let mut state = PeerState {
            peer,
            connections: 1,
            rtt: Some(Duration::from_millis(200)),
            heard: Some(Duration::ZERO),
            well: true,
            failed: None,
            skew_ms: Some(50),
            places: Some("1-ab".into()),
        };
        change(&mut state);
        let mut report = Report::default();
        judge(&state, "1-ab", Duration::from_secs(1), &mut report);
        report.checks()
    }

    #[test]
    fn a_peer_that_answers_and_agrees_is_well_and_an_older_one_says_less() {
        assert_eq!(found(|_| {}), Vec::<&str>::new());
        assert_eq!(found(|state| (state.skew_ms, state.places) = (None, None)), Vec::<&str>::new());
    }

    #[test]
    fn a_clock_counts_only_as_far_as_the_round_trip_leaves_no_doubt() {
        assert_eq!(found(|state| state.skew_ms = Some(-1_150)), ["clock-skew"]);
        assert_eq!(found(|state| state.skew_ms = Some(590)), Vec::<&str>::new());
    }

    #[test]
    fn another_list_of_places_and_silence_are_told() {
        assert_eq!(found(|state| state.places = Some("2-ab".into())), ["places-differ"]);
        let silent = |state: &mut PeerState| {
            state.heard = None;
            state.failed = Some("its certificate has expired; or is a clock wrong?".into());
        };
        assert_eq!(found(silent), ["peer-unreachable"]);
    }
}
