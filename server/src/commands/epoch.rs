//! `littoral epoch`: the locations of a running network, changed by numbered, signed lists.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use littoral_clock::Clock;
use littoral_link::ca::Folder;
use littoral_link::{Certificates, Client, Files, client};
use littoral_peer::{Carrier as _, Gossip, Reply, Request};
use littoral_store::Staging;
use littoral_tasks::Tasks;
use littoral_telemetry::metrics::Registry;
use littoral_topology::Topology;
use littoral_types::{Ctx, Epoch};
use miette::Result;

use super::{block_on, serve, unless_stopped};
use crate::args::EpochCommand;
use crate::config::{Config, Document, Member};
use crate::failure::Failure;
use crate::network::{Place, peers, read_epoch, topology};
use crate::{files, terminal};

/// How long a location may take to answer.
const ANSWER_TIME: Duration = Duration::from_secs(5);

pub fn run(command: EpochCommand) -> Result<()> {
    match command {
        EpochCommand::Sign { list, authority, out } => sign(&list, &authority, &out),
        EpochCommand::Apply { document, config } => {
            block_on(unless_stopped(async move { apply(&document, &config.config).await }))
        }
        EpochCommand::Status { config } => {
            block_on(unless_stopped(async move { status(&config.config).await }))
        }
    }
}

fn sign(list: &Path, authority: &Path, out: &Path) -> Result<()> {
    let config: Config = littoral_config::read(list)?;
    serve::listed(&config.locations, &config.stores)?;
    let failed = |error: littoral_link::ca::Error| {
        let next = "name the folder that `littoral ca init` made with --authority";
        Failure::new("littoral::epoch", error.to_string(), next)
    };
    let authority = Folder::new(authority).authority().map_err(failed)?;
    let document = Document {
        epoch: config.epoch,
        network: authority.network().to_owned(),
        stores: config.stores,
        locations: config.locations,
    };
    let signed = authority.sign(&littoral_config::dump(&document)).map_err(failed)?;
    let written = files::draft(out).and_then(|mut draft| {
        std::io::Write::write_all(&mut draft, signed.as_bytes())?;
        files::publish(draft, out)
    });
    written.map_err(|error| {
        let what = format!("cannot write {}", out.display());
        Failure::new("littoral::epoch", what, "choose another --out").because(error)
    })?;
    terminal::note(&format!(
        "epoch {} is signed: littoral epoch apply {}",
        config.epoch,
        out.display()
    ));
    Ok(())
}

/// A way to every node of a list.
struct Reach {
    client: Client,
    clock: Clock,
    certificates: Arc<Certificates>,
    topology: Topology,
    places: Vec<Place>,
    /// Files on their way lie here.
    _staging: tempfile::TempDir,
}

impl Reach {
    fn of(file: &Path) -> Result<Self> {
        let config: Config = littoral_config::read(file)?;
        let clock = Clock::system();
        let unusable = |why: String| {
            let next = "name the configuration of a node of the network with --config";
            Failure::new("littoral::epoch", why, next)
        };
        let Some(Member { certificates, .. }) = &config.node else {
            return Err(
                unusable(format!("{} is of no node: it has no [node]", file.display())).into()
            );
        };
        let certificates = Certificates::load(Files::within(certificates), clock.clone())
            .map_err(|error| unusable(error.to_string()))?;
        let (places, stores) = serve::listed(&config.locations, &config.stores)?;
        let topology = topology(&places, stores, Epoch(config.epoch))?;
        let folder = tempfile::tempdir().map_err(|error| unusable(error.to_string()))?;
        let staging = Staging::open(folder.path()).map_err(|error| unusable(error.to_string()))?;
        let client = Client::new(
            Arc::clone(&certificates),
            client::Options { probe_every: None, ..client::Options::default() },
            Arc::new(staging),
            clock.clone(),
            Tasks::new(clock.clone()),
            &Registry::new("littoral"),
        );
        let reach = Self { client, clock, certificates, topology, places, _staging: folder };
        reach.dial(&reach.topology, &reach.places)?;
        Ok(reach)
    }

    fn dial(&self, topology: &Topology, places: &[Place]) -> Result<()> {
        // As nobody's own: the node of the configuration is asked like any other.
        let mut own = self.certificates.identity();
        own.node = String::new();
        self.client.set_peers(peers(&own, topology, places)?);
        Ok(())
    }

    /// What each location says, in the list's order.
    async fn ask(
        &self,
        topology: &Topology,
        gossip: &Gossip,
    ) -> Vec<(String, Result<Epoch, String>)> {
        let mut said = Vec::new();
        for (to, location) in topology.locations() {
            let ctx = Ctx { deadline: self.clock.after(ANSWER_TIME), ..Ctx::default() };
            let answer = self.client.call(to, ctx, Request::Epoch(gossip.clone())).await;
            let answer = match answer {
                Ok(Reply::Epoch(theirs)) => Ok(theirs.epoch),
                Ok(_) => Err("it answered something else".into()),
                Err(error) => Err(error.to_string()),
            };
            said.push((location.name.clone(), answer));
        }
        said
    }
}

async fn apply(file: &Path, config: &Path) -> Result<()> {
    let reach = Reach::of(config)?;
    let refused = |why: String| {
        let next = "sign it with `littoral epoch sign`, with the authority that the nodes trust";
        Failure::new("littoral::epoch", format!("{}: {why}", file.display()), next)
    };
    let document = std::fs::read(file).map_err(|error| refused(error.to_string()))?;
    let read = read_epoch(&document, &reach.certificates);
    let read = read.map_err(|error| refused(error.to_string()))?;
    reach.topology.may_become(&read.topology).map_err(|error| refused(error.to_string()))?;
    reach.dial(&read.topology, &read.places)?;
    let epoch = read.topology.epoch();
    let nothing = Gossip { epoch: Epoch(u64::MAX), document: None };
    let before = reach.ask(&read.topology, &nothing).await;
    let known = before.iter().filter_map(|(_, said)| said.as_ref().ok()).max().copied();
    if let Some(known) = known.filter(|known| *known >= epoch) {
        let what = format!("epoch {} is not newer than {}, which is known", epoch.0, known.0);
        let next = "give the list a higher `epoch` and sign it again";
        return Err(Failure::new("littoral::epoch", what, next).into());
    }
    let gossip = Gossip { epoch, document: Some(Bytes::from(document)) };
    let said = reach.ask(&read.topology, &gossip).await;
    let taken = said.iter().filter(|(_, said)| said.as_ref().is_ok_and(|at| *at >= epoch)).count();
    show(&said)?;
    if taken == 0 {
        let what = format!("no location has taken epoch {}", epoch.0);
        let next = "its own words are above; the nodes' logs say more";
        return Err(Failure::new("littoral::epoch", what, next).into());
    }
    if taken < said.len() {
        terminal::note("the others hear of it from those that have it, once they are reached");
    }
    Ok(())
}

async fn status(config: &Path) -> Result<()> {
    let reach = Reach::of(config)?;
    let gossip = Gossip { epoch: Epoch(u64::MAX), document: None };
    show(&reach.ask(&reach.topology, &gossip).await)
}

fn show(said: &[(String, Result<Epoch, String>)]) -> Result<()> {
    for (name, said) in said {
        terminal::say(&match said {
            Ok(epoch) => format!("{name:<12} epoch {}", epoch.0),
            Err(why) => format!("{name:<12} {why}"),
        })?;
    }
    Ok(())
}
