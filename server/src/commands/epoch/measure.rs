//! `littoral epoch measure`: weights that follow measured round trips, as a list to sign.

use std::path::Path;
use std::time::Duration;

use littoral_peer::Measured;
use littoral_topology::{Location, Measurements, Proposal, Site, Topology, Weighed, propose};
use littoral_types::{Epoch, LocationId, STORES, StoreId};
use miette::Result;
use serde_json::{Value, json};

use crate::commands::reach::{Reach, Said, measurements};
use crate::commands::topology::{Moved, matrix, moved, percent};
use crate::config::{self, List};
use crate::failure::Failure;
use crate::network::Place;
use crate::terminal;

/// A node that runs for less has measured little but its own start.
const SETTLED: Duration = Duration::from_secs(60);

/// What was measured, and what follows.
struct Found {
    topology: Topology,
    places: Vec<Place>,
    said: Said<Measured>,
    measured: Measurements,
    proposal: Proposal,
    after: Topology,
    moved: Moved,
}

pub(super) async fn run(config: &Path, out: Option<&Path>, as_json: bool) -> Result<()> {
    let mut reach = Reach::of(config)?;
    reach.newest().await?;
    let said = reach.measured().await;
    if said.iter().all(|(_, said)| said.is_err()) {
        let why =
            said.into_iter().find_map(|(name, said)| Some(format!("{name}: {}", said.err()?)));
        let what = format!("no location tells what it has measured ({})", why.unwrap_or_default());
        let next = "`littoral doctor` says which nodes are reached; older versions do not tell";
        return Err(Failure::new("littoral::epoch", what, next).into());
    }
    let found = Found::new(reach.topology.clone(), reach.places.clone(), said)?;
    let list = found.changes().then(|| found.list());
    if let (Some(out), Some(list)) = (out, &list) {
        super::write(out, &littoral_config::dump(list))?;
    }
    if as_json {
        return Ok(terminal::say(&found.json().to_string())?);
    }
    terminal::say(&found.table())?;
    match (list, out) {
        (None, _) => terminal::note("nothing to change: the weights follow what was measured"),
        (Some(_), None) => terminal::note("--out FILE writes this as a list to sign"),
        (Some(list), Some(out)) => terminal::note(&format!(
            "epoch {} is proposed in {}; look it over, then: littoral epoch sign {} --authority ca \
             --out epoch-{}.signed",
            list.epoch,
            out.display(),
            out.display(),
            list.epoch,
        )),
    }
    Ok(())
}

impl Found {
    fn new(topology: Topology, places: Vec<Place>, said: Said<Measured>) -> Result<Self> {
        let measured = measurements(&said);
        let nodes: Vec<f64> = places.iter().map(|place| place.nodes.len().max(1) as f64).collect();
        let proposal = propose(&topology, &measured, &nodes);
        let after = next(&topology, &proposal)
            .map_err(|error| Failure::new("littoral::epoch", error.to_string(), "report this"))?;
        let moved = moved(&topology, &after);
        Ok(Self { topology, places, said, measured, proposal, after, moved })
    }

    fn changes(&self) -> bool {
        let Proposal { places, stores, .. } = &self.proposal;
        places.iter().chain(stores).any(|weighed| weighed.now != weighed.proposed)
    }

    fn list(&self) -> List {
        let node =
            |(name, address): &(String, _)| config::Node { name: name.clone(), address: *address };
        let location = |(place, weighed): (&Place, &Weighed)| config::Location {
            name: place.name.clone(),
            region: place.region.clone(),
            weight: weighed.proposed,
            listen: place.listen,
            nodes: place.nodes.iter().map(node).collect(),
        };
        let at = |store| self.topology.site(store).location;
        let uppers = self.proposal.stores.map(|store| store.proposed);
        List {
            epoch: self.after.epoch().0,
            stores: StoreId::all().map(|s| self.topology.location(at(s)).name.clone()).collect(),
            upper_weights: (uppers != [1.0; STORES]).then(|| uppers.to_vec()),
            locations: self.places.iter().zip(&self.proposal.places).map(location).collect(),
        }
    }

    fn table(&self) -> String {
        let mut lines = vec![matrix(&self.topology, &self.measured)];
        let silent = self.said.iter().filter_map(|(name, said)| Some((name, said.as_ref().err()?)));
        lines.extend(silent.map(|(name, why)| format!("{name} does not tell: {why}")));
        lines.extend(self.young());
        lines.push(String::new());
        lines.push(row(["location", "region", "requests", "mean trip", "weight", "proposed"]));
        for ((at, location), weighed) in self.topology.locations().zip(&self.proposal.places) {
            let region = &self.topology.region(location.region).name;
            let requests = percent(self.measured.share(at));
            lines.push(row([
                &location.name,
                region,
                &requests,
                &mean(weighed),
                &weighed.now.to_string(),
                &changed(weighed),
            ]));
        }
        for (store, weighed) in StoreId::all().zip(&self.proposal.stores) {
            let at = &self.topology.location(self.topology.site(store).location).name;
            let name = format!("store {}", store.0);
            lines.push(row([
                &name,
                at,
                "",
                &mean(weighed),
                &weighed.now.to_string(),
                &changed(weighed),
            ]));
        }
        lines.push(String::new());
        for ((_, region), share) in self.topology.regions().zip(&self.moved.regional) {
            let share = percent(*share);
            lines.push(format!(
                "{}: {share} of keys would move to another regional tier",
                region.name
            ));
        }
        lines.push(format!("{} of keys would get another upper tier", percent(self.moved.upper)));
        lines.extend(self.misplaced());
        lines.join("\n")
    }

    /// Who has not measured for long.
    fn young(&self) -> Vec<String> {
        let young = |(name, said): &(String, Result<Measured, String>)| {
            let during = said.as_ref().ok()?.during;
            let words = "what it has measured may still change";
            (during < SETTLED).then(|| format!("{name} runs for {} s: {words}", during.as_secs()))
        };
        self.said.iter().filter_map(young).collect()
    }

    fn misplaced(&self) -> Vec<String> {
        let word = |at: &littoral_topology::Misplaced| {
            let name = |region| &self.topology.region(region).name;
            let location = self.topology.location(at.location);
            format!(
                "{} is listed in {}, whose locations it answers in {}, and answers {} in {}",
                location.name,
                name(location.region),
                ms(at.own),
                name(at.nearest),
                ms(at.there),
            )
        };
        self.proposal.misplaced.iter().map(word).collect()
    }

    fn json(&self) -> Value {
        let Self { topology, proposal, measured, moved, .. } = self;
        let all: Vec<LocationId> = topology.locations().map(|(at, _)| at).collect();
        let us = |trip: Option<Duration>| trip.map(|trip| trip.as_micros() as u64);
        let row = |from: &LocationId| -> Vec<_> {
            all.iter().map(|to| us(measured.between(*from, *to))).collect()
        };
        let weighed = |name: &str, weighed: &Weighed, requests: Option<f64>| {
            json!({
                "name": name, "weight": weighed.now, "proposed": weighed.proposed,
                "mean_us": us(weighed.mean), "requests_share": requests,
            })
        };
        let name = |at| &topology.location(at).name;
        let place =
            |(at, place): (&LocationId, _)| weighed(name(*at), place, Some(measured.share(*at)));
        let store =
            |(id, store): (StoreId, _)| weighed(name(topology.site(id).location), store, None);
        let regions = topology.regions().zip(&moved.regional);
        json!({
            "epoch": topology.epoch().0, "next": self.after.epoch().0, "changes": self.changes(),
            "round_trips_us": all.iter().map(row).collect::<Vec<_>>(),
            "locations": all.iter().zip(&proposal.places).map(place).collect::<Vec<_>>(),
            "stores": StoreId::all().zip(&proposal.stores).map(store).collect::<Vec<_>>(),
            "moved": {
                "regional": regions.map(|((_, region), share)| (region.name.clone(), json!(share)))
                    .collect::<serde_json::Map<_, _>>(),
                "upper": moved.upper,
            },
            "young": self.young(), "misplaced": self.misplaced(),
        })
    }
}

fn next(topology: &Topology, proposal: &Proposal) -> Result<Topology, littoral_topology::Error> {
    let regions = topology.regions().map(|(_, region)| region.clone()).collect();
    let location = |((_, location), weighed): ((LocationId, &Location), &Weighed)| {
        Location::new(location.name.clone(), location.region, weighed.proposed)
    };
    let locations = topology.locations().zip(&proposal.places).map(location).collect();
    let site = |store: StoreId| {
        let weight = proposal.stores[store.index()].proposed;
        Site { weight, ..topology.site(store) }
    };
    let sites = [site(StoreId(0)), site(StoreId(1))];
    Topology::new(Epoch(topology.epoch().0 + 1), regions, locations, sites)
}

fn row(cells: [&str; 6]) -> String {
    let [name, region, requests, mean, now, proposed] = cells;
    format!("{name:<12} {region:<14} {requests:>8}  {mean:>10}  {now:>6}  {proposed:>8}")
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn mean(weighed: &Weighed) -> String {
    weighed.mean.map_or("-".into(), ms)
}

fn changed(weighed: &Weighed) -> String {
    if weighed.now == weighed.proposed { "as it is".into() } else { weighed.proposed.to_string() }
}
