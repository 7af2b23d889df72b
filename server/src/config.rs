//! The file that `serve` reads, and the limits every node runs under.

use std::net::SocketAddr;
use std::path::PathBuf;

use littoral_config::{ByteCount, TimeSpan, settings};
use serde::{Deserialize, Serialize};

settings! {
    /// The configuration of `serve`.
    pub struct Config {
        /// Where everything that must outlive the process is kept. One process at a time uses it.
        data_dir: PathBuf = "littoral-data".into(),
        /// Address of the first location. The others, unless they say their own, take the ports
        /// after it.
        listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8787)),
        /// Address at which the first location serves zones; the others of this process take the ports
        /// after it. None: zones are not served here.
        zones_listen: Option<SocketAddr> = None,
        /// The account that the tokens below belong to: 32 hexadecimal digits.
        account: String = "0123456789abcdef0123456789abcdef".into(),
        /// Names of the two locations at which the stores of the truth stand. The same one twice
        /// is allowed, and survives less.
        stores: Vec<String> = vec!["here".into(), "here".into()],
        /// Shares of keys, relative to each other, whose upper tier stands in the region of the first
        /// store and of the second. None: alike. `littoral epoch measure` proposes them.
        upper_weights: Option<Vec<f64>> = None,
        /// The number of this list of locations. Nodes of a running network take a list with a higher
        /// number from each other once the authority has signed it: `littoral epoch`.
        epoch: u64 = 1,
        /// The locations of the network, each a full edge, regional, upper and origin. All of them
        /// run in this process, unless `node` says which one does.
        locations: Vec<Location> = vec![Location::default()],
        /// Which node of a network of many machines this process is.
        node: Option<Member> = None,
        /// What each of the two stores is kept in, where it stands at this node. None: embedded.
        origins: Vec<Origin> = Vec::new(),
        /// Tokens that are valid from the start, beside those made by `littoral token create`.
        tokens: Vec<Token> = Vec::new(),
        /// What is logged to standard error.
        log: Log = Log::default(),
        /// Bounds of every queue, cache and wait.
        limits: Limits = Limits::default(),
    }
}

settings! {
    /// What an authority signs: one numbered state of a network.
    pub struct Document {
        /// Its number: a node takes only a higher one than it knows.
        epoch: u64 = 1,
        /// The network's name, as in its certificates.
        network: String = String::new(),
        /// Names of the two locations at which the stores stand. No epoch changes them.
        stores: Vec<String> = Vec::new(),
        /// Shares of keys whose upper tier stands in the region of either store. None: alike.
        upper_weights: Option<Vec<f64>> = None,
        /// All locations. New ones come last; one that leaves stays in the list with weight 0.
        locations: Vec<Location> = Vec::new(),
    }
}

settings! {
    /// A list of locations to look over and sign: `littoral epoch sign`.
    pub struct List {
        /// Its number: one more than the epoch in force.
        epoch: u64 = 1,
        /// Names of the two locations at which the stores stand. No epoch changes them.
        stores: Vec<String> = Vec::new(),
        /// Shares of keys whose upper tier stands in the region of either store. None: alike.
        upper_weights: Option<Vec<f64>> = None,
        /// All locations.
        locations: Vec<Location> = Vec::new(),
    }
}

settings! {
    /// A place that answers users.
    pub struct Location {
        /// Its name, as `Cache-Status` shows it: lower-case letters, digits and dashes.
        name: String = "here".into(),
        /// The region it belongs to: locations of one region share a regional tier.
        region: String = "home".into(),
        /// Its share of keys, relative to others of its region; 0 takes none.
        weight: f64 = 1.0,
        /// Its own address. Without one it takes the next port after `listen`.
        listen: Option<SocketAddr> = None,
        /// Its nodes in a network of many machines: they share its keys, and each file lists them all.
        nodes: Vec<Node> = Vec::new(),
    }
}

settings! {
    /// A node of a location, as the others reach it.
    pub struct Node {
        /// Its name, as in its certificate.
        name: String = String::new(),
        /// Where other nodes reach it.
        address: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 9787)),
    }
}

settings! {
    /// Which node of a network of many machines this process is, and by what the others know it.
    /// Location and region are those of its certificate.
    pub struct Member {
        /// Where it listens for other nodes; without it, its address in `locations`.
        listen: Option<SocketAddr> = None,
        /// Folder with its certificate, its key and the authorities whose certificates are
        /// believed: node.pem, node.key and trusted.pem, as `littoral ca` writes them.
        certificates: PathBuf = "certificates".into(),
    }
}

settings! {
    /// What a store of the truth is kept in.
    pub struct Origin {
        /// "embedded", in the data directory, or "postgres".
        engine: Engine = Engine::Embedded,
        /// Where PostgreSQL is: "host=… port=… user=… dbname=…", or a postgresql:// address,
        /// without a password.
        url: String = String::new(),
        /// A file that holds nothing but the password.
        password_file: Option<PathBuf> = None,
        /// Connections to it, at most.
        connections: usize = 16,
    }
}

settings! {
    /// A token known by its hash, so that the file holds no secret.
    pub struct Token {
        /// What it is for, as `littoral token list` shows it.
        name: String = String::new(),
        /// What `littoral token hash` printed for it.
        hash: String = String::new(),
        /// What it may do in every namespace of the account: "read" or "write".
        access: Access = Access::Read,
    }
}

settings! {
    /// What is logged.
    pub struct Log {
        /// Which lines: a level (error, warn, info, debug, trace), or levels by module such as
        /// "info,littoral_tiers=debug".
        filter: String = "info".into(),
        /// How: "human" or "json".
        format: LogFormat = LogFormat::Human,
    }
}

settings! {
    /// Limits of one node.
    pub struct Limits {
        /// How often a store says how far its purge stream has come.
        heartbeat: TimeSpan = TimeSpan::seconds(1),
        /// Silence of a store after which a tier validates before it serves. At least two
        /// heartbeats.
        silence: TimeSpan = TimeSpan::seconds(5),
        /// A stamp further ahead of this node's clock than this is refused.
        max_skew: TimeSpan = TimeSpan::seconds(1),
        /// How long an edge keeps that a key is absent, where a namespace's policy does not say.
        absent: TimeSpan = TimeSpan::seconds(10),
        /// How long a held key may be served while no store can be asked, where a namespace's
        /// policy does not say.
        stale_if_error: TimeSpan = TimeSpan::hours(24),
        /// Versions remembered for entries that were evicted or written here.
        remembered_versions: usize = 1_000_000,
        /// How long a store keeps its purge stream for those who fell behind.
        purge_log: TimeSpan = TimeSpan::hours(24),
        /// How long a tombstone stays after both stores hold it.
        tombstone_grace: TimeSpan = TimeSpan::hours(24),
        /// Keys that the crawl compares in a second, where the first store stands. 0: nothing is
        /// crawled and no tombstone collected.
        crawl_rows_per_second: u64 = 20_000,
        /// Between the end of one crawl and the beginning of the next.
        crawl_pause: TimeSpan = TimeSpan::seconds(300),
        /// Writes that a node sends in a second to a store that has just come back: at first, and
        /// doubled each second up to the most.
        refill_per_second_first: u64 = 64,
        /// The same at most, at any time.
        refill_per_second_max: u64 = 8_192,
        /// Longest wait for one hop.
        hop_time: TimeSpan = TimeSpan::seconds(5),
        /// Longest wait of a request from beginning to end.
        request_time: TimeSpan = TimeSpan::seconds(30),
        /// Requests that may wait for the answer to one question; one more is refused.
        waiters_per_key: usize = 1_024,
        /// Memory for cached entries, shared by the locations of this process.
        memory: ByteCount = ByteCount::mib(512),
        /// Disk for cached entries, per location. The truth is not counted.
        disk: ByteCount = ByteCount::gib(4),
        /// Questions under way to one peer; one more is refused.
        questions_per_peer: usize = 4_096,
        /// Connections that a location keeps open.
        connections: usize = 16_384,
        /// Largest value.
        value: ByteCount = ByteCount::mib(25),
        /// Largest body of a bulk request.
        bulk_body: ByteCount = ByteCount::mib(100),
        /// Rows that one page of a list may look at before it is cut short.
        list_rows: usize = 10_000,
        /// Writes that may wait for a store's next commit; one more is refused.
        writes_waiting: usize = 4_096,
        /// Watchers of one location; one more is refused.
        watchers: usize = 1_024,
        /// How long requests under way may take to end when the process is told to stop.
        drain_time: TimeSpan = TimeSpan::seconds(10),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    Read,
    Write,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    Embedded,
    Postgres,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    Human,
    Json,
}

impl littoral_config::Setting for Access {}
impl littoral_config::Setting for Engine {}
impl littoral_config::Setting for LogFormat {}
