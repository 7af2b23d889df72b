//! A network of many nodes that runs, as `littoral example network` writes it, with a relay of ours
//! on each link where a test wants one.

mod links;
mod processes;
mod sql;

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::dev::ACCOUNT;
use crate::namespace::Namespace;
use crate::wait::until;
use crate::wire::{Request, Response};
use links::Links;

pub use links::LINKS_BETWEEN_REGIONS;

/// How a network is made.
#[derive(Clone, Debug)]
pub struct NetworkOptions {
    pub regions: u16,
    pub locations: u16,
    /// Of each location, save beside an embedded store.
    pub nodes: u16,
    /// Two PostgreSQL servers; otherwise stores are embedded.
    pub postgres: bool,
    /// Whether each link between two nodes, and between a node and its PostgreSQL, has a relay.
    pub relayed: bool,
    /// What round trips between regions are modelled, times this.
    pub trips: f64,
    /// Configuration keys and their values, for every node.
    pub settings: Vec<(&'static str, &'static str)>,
    /// The program; the one under test when `None`.
    pub littoral: Option<PathBuf>,
    /// Where it lies, and stays; a temporary folder when `None`.
    pub dir: Option<PathBuf>,
}

impl Default for NetworkOptions {
    fn default() -> Self {
        Self {
            regions: 3,
            locations: 8,
            nodes: 1,
            postgres: true,
            relayed: false,
            trips: 0.0,
            settings: Vec::new(),
            littoral: None,
            dir: None,
        }
    }
}

/// A process that answers users at a location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub name: String,
    pub location: String,
    pub region: String,
    pub address: SocketAddr,
    /// Where other nodes reach it.
    pub peers: SocketAddr,
}

/// A running network; all of it is killed when this is dropped.
#[derive(Debug)]
pub struct Network {
    dir: PathBuf,
    littoral: PathBuf,
    token: String,
    number: u8,
    nodes: Vec<Node>,
    links: Option<Links>,
    /// Removed at the end, unless it was named.
    folder: Option<tempfile::TempDir>,
    /// The number of the network is ours as long as this is bound.
    _claim: TcpListener,
}

const PEER_PORT: u16 = 9787;
/// Nobody else has these ports; who binds one in a network has that network.
const CLAIM_PORT: u16 = 8787;
/// Lines of each log that a failed test shows.
const LOG_LINES_SHOWN: usize = 12;

impl Network {
    /// Every node answers when this returns.
    #[track_caller]
    pub fn start(options: &NetworkOptions) -> Self {
        let network = Self::written(options);
        network.up(&[]);
        network
    }

    /// Written, and nothing started.
    #[track_caller]
    pub fn written(options: &NetworkOptions) -> Self {
        let littoral =
            options.littoral.clone().unwrap_or_else(|| crate::littoral().get_program().into());
        let (number, claim) = claim();
        let (folder, dir) = match &options.dir {
            Some(dir) => (None, dir.clone()),
            None => {
                let folder = tempfile::Builder::new().prefix("network-").tempdir();
                let folder = folder.expect("a temporary folder");
                // PostgreSQL runs as a user of its own, and must get through.
                let mode = fs::Permissions::from_mode(0o711);
                fs::set_permissions(folder.path(), mode).expect("a folder of ours");
                let dir = folder.path().join("net");
                (Some(folder), dir)
            }
        };
        let origins = if options.postgres { "postgres" } else { "embedded" };
        let mut command = Command::new(&littoral);
        command
            .args(["example", "network", "--origins", origins, "--net", &number.to_string()])
            .args(["--regions", &options.regions.to_string()])
            .args(["--locations", &options.locations.to_string()])
            .args(["--nodes-per-location", &options.nodes.to_string(), "--dir"])
            .arg(&dir);
        crate::run(&mut command, b"").well();
        let token = fs::read_to_string(dir.join("token")).expect("a token");
        let list = fs::read_to_string(dir.join("nodes.list")).expect("a list of nodes");
        let nodes = list.lines().map(|line| node(line).expect("a node a line")).collect();
        let mut network =
            Self { dir, littoral, token, number, nodes, links: None, folder, _claim: claim };
        network.adjust(options);
        network
    }

    /// Its settings, and relays in place of addresses.
    fn adjust(&mut self, options: &NetworkOptions) {
        if options.relayed {
            let own = Ipv4Addr::new(127, self.number, 3, 1).into();
            let links = Links::new(own, &self.nodes, options.trips);
            self.links = Some(links.expect("relays run"));
        }
        for node in &self.nodes {
            let file = self.config(&node.name);
            let mut text = fs::read_to_string(&file).expect("a configuration");
            if let Some(links) = &mut self.links {
                text = links.relayed(node, &text).expect("relays run");
            }
            for (key, value) in &options.settings {
                text = with_setting(&text, key, value);
            }
            fs::write(&file, text).expect("a configuration of ours");
        }
    }

    /// Starts what of these does not run (all, if none is named): nodes, `postgres-0`, `postgres-1`.
    #[track_caller]
    pub fn up(&self, names: &[&str]) {
        let mut command = Command::new(self.dir.join("run.sh"));
        // What it starts outlives it, and would hold a pipe open.
        let said = fs::File::create(self.dir.join("up.log")).expect("a log");
        command
            .args(names)
            .env("LITTORAL", &self.littoral)
            .stdin(Stdio::null())
            .stdout(said.try_clone().expect("a log"))
            .stderr(said);
        let status = command.status().expect("run.sh runs");
        let said = fs::read_to_string(self.dir.join("up.log")).unwrap_or_default();
        assert!(status.success(), "run.sh {names:?}: {status}\n{said}");
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The first node beside a store.
    ///
    /// # Panics
    /// When nobody stands there.
    pub fn beside(&self, store: usize) -> &Node {
        let mut locations: Vec<&str> = self.nodes.iter().map(|node| &*node.location).collect();
        locations.dedup();
        let first = self.nodes.iter().find(|node| node.location == locations[store]);
        first.expect("a location has a node")
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    /// The configuration of a node.
    pub fn config(&self, name: &str) -> PathBuf {
        self.dir.join("nodes").join(name).join("node.toml")
    }

    /// The links, if it has relays.
    ///
    /// # Panics
    /// When it has none.
    pub fn links(&self) -> &Links {
        self.links.as_ref().expect("this network was made with relays")
    }

    /// A request below the account, with the token.
    pub fn request(&self, method: &str, tail: &str) -> Request {
        Request::new(method, format!("/client/v4/accounts/{ACCOUNT}{tail}"))
            .header("Authorization", format!("Bearer {}", self.token))
    }

    /// A new namespace with this policy, seen from the first node.
    #[track_caller]
    pub fn namespace(&self, title: &str, policy: &serde_json::Value) -> Namespace {
        let at = self.nodes[0].address;
        let made = self.request("POST", "/storage/kv/namespaces").json(&json!({ "title": title }));
        // Nodes that have just come up may not have reached each other yet: 503, asked again.
        let made = until("the nodes have found each other", PATIENCE, || {
            Some(made.send(at)).filter(|answer| answer.status != 503)
        });
        let made = made.expect(200).json();
        let id = made["result"]["id"].as_str().expect("a new namespace has an id");
        let namespace = Namespace::new(at, id).with_token(&self.token);
        let put = namespace.request("PUT", "/policy").json(policy);
        let taken = until("the policy is taken", PATIENCE, || {
            Some(namespace.send(&put)).filter(|answer| answer.status != 503)
        });
        taken.expect(200);
        namespace
    }

    /// What a node counts, in Prometheus' words.
    #[track_caller]
    pub fn metrics(&self, node: &Node) -> Response {
        Request::new("GET", "/metrics").send(node.address).expect(200)
    }

    /// All that a process has said.
    pub fn log(&self, name: &str) -> String {
        fs::read_to_string(self.dir.join(format!("run/{name}.log"))).unwrap_or_default()
    }

    fn names(&self) -> Vec<String> {
        let nodes = self.nodes.iter().map(|node| node.name.clone());
        nodes.chain((0..2).map(|store| format!("postgres-{store}"))).collect()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for name in self.names() {
            self.end(&name);
        }
        if std::thread::panicking() {
            for name in self.names() {
                let log = self.log(&name);
                let lines: Vec<&str> = log.lines().collect();
                let shown = &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..];
                let shown = format!("--- {name}\n{}\n", shown.join("\n"));
                std::io::Write::write_all(&mut std::io::stderr(), shown.as_bytes())
                    .expect("there is a standard error");
            }
        }
        // It goes with its folder, if that is a temporary one.
        drop(self.folder.take());
    }
}

/// `name location region address`
fn node(line: &str) -> Option<Node> {
    let mut words = line.split_whitespace().map(str::to_owned);
    let (name, location, region) = (words.next()?, words.next()?, words.next()?);
    let address: SocketAddr = words.next()?.parse().ok()?;
    let peers = SocketAddr::new(address.ip(), PEER_PORT);
    Some(Node { name, location, region, address, peers })
}

/// A number of a network that nobody on this machine has.
fn claim() -> (u8, TcpListener) {
    let first = std::process::id();
    let free = (0..=u32::from(u8::MAX)).find_map(|turn| {
        let number = u8::try_from((first.wrapping_mul(37) + turn) % 254 + 1).ok()?;
        let address = |of, port| (IpAddr::from(Ipv4Addr::new(127, number, of, 1)), port);
        let claim = TcpListener::bind(address(255, CLAIM_PORT)).ok()?;
        // Somebody may have started one by hand.
        TcpListener::bind(address(1, CLAIM_PORT)).ok()?;
        Some((number, claim))
    });
    free.expect("fewer than 254 networks run on this machine")
}

/// The line of a key replaced.
fn with_setting(text: &str, key: &str, value: &str) -> String {
    let (start, unset) = (format!("{key} ="), format!("# {key} ="));
    let mut found = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.starts_with(&start) || line.starts_with(&unset) {
            found = true;
            lines.push(format!("{key} = {value}"));
        } else {
            lines.push(line.to_owned());
        }
    }
    assert!(found, "no node has a setting {key}");
    lines.join("\n") + "\n"
}

/// Longest wait for a process to start or to end.
const PATIENCE: Duration = Duration::from_secs(60);
