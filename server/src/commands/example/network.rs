//! Writes a network of many nodes that runs on this machine.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use littoral_clock::{Chance, Clock};
use littoral_link::Identity;
use littoral_link::ca::{Folder, NODE_DAYS};
use miette::Result;

use super::plan::{Node, Plan, Spot, plan};
use crate::args::{DEV_ACCOUNT, ExampleNetwork};
use crate::commands::ca;
use crate::config::{self, Access, Config, Engine, Log, Token};
use crate::failure::Failure;
use crate::{files, terminal};

const NETWORK: &str = "example";
const RUN: &str = include_str!("run.sh");
const STOP: &str = include_str!("stop.sh");

pub fn write(options: &ExampleNetwork) -> Result<()> {
    let plan = plan(options).ok_or_else(|| {
        let what = format!(
            "the map has no {} locations in {} regions",
            options.locations, options.regions
        );
        Failure::new("littoral::example", what, "ask for fewer locations, or more regions")
    })?;
    let dir = std::path::absolute(&options.dir).map_err(|error| unwritable(&options.dir, error))?;
    if fs::read_dir(&dir).is_ok_and(|mut inside| inside.next().is_some()) {
        let what = format!("{} is not empty", dir.display());
        return Err(Failure::new("littoral::example", what, "choose another --dir").into());
    }
    if let Some(parent) = dir.parent() {
        fs::create_dir_all(parent).map_err(|error| unwritable(parent, error))?;
    }
    let draft = files::draft_folder(&dir).map_err(|error| unwritable(&dir, error))?;
    fill(draft.path(), &dir, &plan)?;
    files::publish_folder(draft, &dir).map_err(|error| unwritable(&dir, error))?;
    terminal::note(&format!(
        "{} nodes at {} locations are written",
        plan.count(),
        plan.locations.len()
    ));
    terminal::note("start them, or whatever of them does not run:");
    terminal::say(&format!("{}/run.sh", options.dir.display()))?;
    Ok(())
}

/// Everything, into `draft`, which will be called `dir`.
fn fill(draft: &Path, dir: &Path, plan: &Plan) -> Result<()> {
    let authority = Folder::new(draft.join("authority"));
    let created = authority.create(NETWORK, Clock::system().wall());
    created.map_err(|error| Failure::new("littoral::example", error.to_string(), "try again"))?;
    let mut chance = Chance::from_machine();
    let token = secret(&mut chance);
    text(&draft.join("token"), &token, 0o600)?;
    if plan.postgres.is_some() {
        for store in 0..2 {
            text(&draft.join(format!("postgres-{store}.password")), &secret(&mut chance), 0o600)?;
        }
    }
    for spot in &plan.locations {
        for node in &spot.nodes {
            let folder = draft.join("nodes").join(&node.name);
            let identity = Identity::new(NETWORK, spot.region, spot.name, &node.name);
            let identity = identity.map_err(|error| {
                Failure::new("littoral::example", error.to_string(), "this is a fault of ours")
            })?;
            ca::issue(&authority, &identity, &folder.join("certificates"), NODE_DAYS)?;
            let config = littoral_config::dump(&config(plan, node, dir, &token));
            text(&folder.join("node.toml"), &config, 0o644)?;
        }
    }
    text(&draft.join("nodes.list"), &plan.list(), 0o644)?;
    text(&draft.join("run.sh"), &script(RUN, plan)?, 0o755)?;
    text(&draft.join("stop.sh"), STOP, 0o755)
}

/// The whole configuration of one node; paths are those in `dir`.
fn config(plan: &Plan, node: &Node, dir: &Path, token: &str) -> Config {
    let home = dir.join("nodes").join(&node.name);
    let location = |spot: &Spot| config::Location {
        name: spot.name.into(),
        region: spot.region.into(),
        nodes: spot
            .nodes
            .iter()
            .map(|node| config::Node { name: node.name.clone(), address: node.peers })
            .collect(),
        ..config::Location::default()
    };
    let origins =
        plan.postgres.iter().flatten().enumerate().map(|(store, address)| config::Origin {
            engine: Engine::Postgres,
            url: format!(
                "host={} port={} user=littoral dbname=littoral",
                address.ip(),
                address.port()
            ),
            password_file: Some(dir.join(format!("postgres-{store}.password"))),
            ..config::Origin::default()
        });
    Config {
        data_dir: home.join("data"),
        listen: node.address,
        account: DEV_ACCOUNT.into(),
        stores: plan.stores.iter().map(|at| plan.locations[*at].name.to_owned()).collect(),
        locations: plan.locations.iter().map(location).collect(),
        node: Some(config::Member { listen: None, certificates: home.join("certificates") }),
        origins: origins.collect(),
        tokens: vec![Token {
            name: "example".into(),
            hash: blake3::hash(token.as_bytes()).to_hex().to_string(),
            access: Access::Write,
        }],
        log: Log::default(),
        ..Config::default()
    }
}

impl Plan {
    fn count(&self) -> usize {
        self.locations.iter().map(|spot| spot.nodes.len()).sum()
    }

    /// A line for each node: its name, location, region and address.
    fn list(&self) -> String {
        let line = |spot: &Spot, node: &Node| {
            format!("{} {} {} {}\n", node.name, spot.name, spot.region, node.address)
        };
        let of_spot =
            |spot: &Spot| -> String { spot.nodes.iter().map(|node| line(spot, node)).collect() };
        self.locations.iter().map(of_spot).collect()
    }

    /// The node whose configuration names the store in `origin init`.
    fn beside(&self, store: usize) -> &str {
        &self.locations[self.stores[store]].nodes[0].name
    }
}

fn script(template: &str, plan: &Plan) -> Result<String> {
    let program =
        std::env::current_exe().map_err(|error| unwritable(Path::new("run.sh"), error))?;
    let postgres = plan.postgres.iter().flatten().enumerate().map(|(store, address)| {
        format!("{store} {} {} {}\n", address.ip(), address.port(), plan.beside(store))
    });
    let postgres: String = postgres.collect();
    Ok(template
        .replace("@LITTORAL@", &program.display().to_string())
        .replace("@ACCOUNT@", DEV_ACCOUNT)
        .replace("@POSTGRES@", postgres.trim_end()))
}

/// 256 bits, as a token has.
fn secret(chance: &mut Chance) -> String {
    (0..4).map(|_| format!("{:016x}", chance.u64())).collect()
}

fn text(file: &PathBuf, text: &str, mode: u32) -> Result<()> {
    let written = || {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(file, text)?;
        fs::set_permissions(file, fs::Permissions::from_mode(mode))
    };
    Ok(written().map_err(|error| unwritable(file, error))?)
}

fn unwritable(path: &Path, error: std::io::Error) -> Failure {
    let what = format!("cannot write {}", path.display());
    Failure::new("littoral::example", what, "choose another --dir").because(error)
}
