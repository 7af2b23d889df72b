//! A network that runs: `littoral dev` on free ports, with a folder of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::namespace::Namespace;
use crate::wait::until;
use crate::wire::{Request, Response};

pub const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";
pub const TOKEN: &str = "black-box-token";

/// Starting, stopping and draining on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);
const LOG_LINES_SHOWN: usize = 60;

#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The program's own default when `None`.
    pub locations: Option<u16>,
    /// Nothing is kept when `None`.
    pub data_dir: Option<PathBuf>,
    /// Free ports when `None`.
    pub listen: Option<SocketAddr>,
    pub more: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    pub name: String,
    pub region: String,
    pub address: SocketAddr,
    /// Where it serves zones.
    pub zones: Option<SocketAddr>,
}

/// A running network; killed when dropped.
#[derive(Debug)]
pub struct Dev {
    child: Child,
    folder: tempfile::TempDir,
    locations: Vec<Location>,
}

impl Dev {
    /// As it comes, and nothing kept.
    #[track_caller]
    pub fn start() -> Self {
        Self::with(Options::default())
    }

    /// With so many locations, and nothing kept.
    #[track_caller]
    pub fn of(locations: u16) -> Self {
        Self::with(Options { locations: Some(locations), ..Options::default() })
    }

    /// Ready when this returns.
    #[track_caller]
    pub fn with(options: Options) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let ready = folder.path().join("ready.json");
        let child = spawn(&options, folder.path(), &ready);
        let mut dev = Self { child, folder, locations: Vec::new() };
        dev.locations = until("the ready file is written", PATIENCE, || {
            if let Ok(Some(status)) = dev.child.try_wait() {
                panic!("littoral dev ended before it was ready: {status}\n{}", dev.log());
            }
            parse_locations(&serde_json::from_slice(&std::fs::read(&ready).ok()?).ok()?)
        });
        Request::new("GET", "/healthz").send(dev.address()).expect(200);
        dev
    }

    /// Of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn locations(&self) -> &[Location] {
        &self.locations
    }

    /// The first location's.
    pub fn address(&self) -> SocketAddr {
        self.locations[0].address
    }

    /// What REST clients take as their base: `http://…/client/v4`.
    pub fn base_url(&self) -> String {
        format!("http://{}/client/v4", self.address())
    }

    /// Where the ready file was written.
    pub fn ready_file(&self) -> PathBuf {
        self.folder.path().join("ready.json")
    }

    /// A new namespace, seen from the first location.
    #[track_caller]
    pub fn namespace(&self, title: &str) -> Namespace {
        let request =
            self.request("POST", "/storage/kv/namespaces").json(&json!({ "title": title }));
        let answer = request.send(self.address()).expect(200).json();
        let id = answer["result"]["id"].as_str().expect("a new namespace has an id");
        Namespace::new(self.address(), id)
    }

    /// A namespace made before, seen from the first location.
    pub fn existing(&self, id: &str) -> Namespace {
        Namespace::new(self.address(), id)
    }

    /// A request below the account, with the token.
    pub fn request(&self, method: &str, tail: &str) -> Request {
        Request::new(method, format!("/client/v4/accounts/{ACCOUNT}{tail}"))
            .header("Authorization", format!("Bearer {TOKEN}"))
    }

    /// Moves every location's clock.
    #[track_caller]
    pub fn advance(&self, by: Duration) -> Response {
        let by = json!({ "advance_ms": u64::try_from(by.as_millis()).expect("a short time") });
        Request::new("PUT", "/dev/clock").json(&by).send(self.address()).expect(200)
    }

    /// All it has said, on either stream.
    pub fn log(&self) -> String {
        let read =
            |name| std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        read("stdout.log") + &read("stderr.log")
    }

    /// Asks it to end, and waits until it has.
    #[track_caller]
    pub fn stop(mut self) -> ExitStatus {
        self.signal("TERM");
        self.ended()
    }

    /// Sends a signal by its name.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let kill = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &id]).status();
        assert!(kill.is_ok_and(|status| status.success()), "cannot send SIG{name}");
    }

    /// Waits for its end.
    #[track_caller]
    pub fn ended(&mut self) -> ExitStatus {
        until("littoral dev has ended", PATIENCE, || self.child.try_wait().ok()?)
    }

    /// Takes it away in the middle of whatever it does.
    pub fn kill(&mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let shown = &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..];
            std::io::Write::write_all(&mut std::io::stderr(), shown.join("\n").as_bytes())
                .expect("there is a standard error");
        }
    }
}

fn spawn(options: &Options, folder: &Path, ready: &Path) -> Child {
    let log = |name| std::fs::File::create(folder.join(name)).expect("a log file");
    let listen = options.listen.map_or("127.0.0.1:0".to_owned(), |address| address.to_string());
    let mut command = crate::littoral();
    command
        .args(["dev", "--listen", &listen, "--account", ACCOUNT, "--token", TOKEN, "--ready-file"])
        .arg(ready)
        .args(&options.more)
        .current_dir(folder)
        // What it keeps for a while goes when the folder goes.
        .env("TMPDIR", folder)
        .stdin(Stdio::null())
        .stdout(log("stdout.log"))
        .stderr(log("stderr.log"));
    match &options.data_dir {
        Some(dir) => command.arg("--data-dir").arg(dir),
        None => command.arg("--ephemeral"),
    };
    if let Some(locations) = options.locations {
        command.args(["--locations", &locations.to_string()]);
    }
    command.spawn().expect("the binary runs")
}

/// `[{name, region, address, zones}]`
fn parse_locations(listing: &Value) -> Option<Vec<Location>> {
    let parse = |one: &Value| {
        Some(Location {
            name: one["name"].as_str()?.to_owned(),
            region: one["region"].as_str()?.to_owned(),
            address: one["address"].as_str()?.parse().ok()?,
            zones: one["zones"].as_str().and_then(|zones| zones.parse().ok()),
        })
    };
    listing.as_array()?.iter().map(parse).collect()
}
