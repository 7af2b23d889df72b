//! A network that serves zones: the real binary, and what it is told by its command line and its API.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::plan::Plan;
use crate::program::{Program, output};
use crate::serving::{ACCOUNT, TOKEN};
use crate::wire::{Wire, request};

/// Until a zone that was applied is served everywhere.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

pub(crate) struct Zoned {
    pub(crate) program: Program,
    /// `[{name, region, address, zones}]`
    locations: Vec<Value>,
    folder: tempfile::TempDir,
}

impl Zoned {
    /// So many locations of `dev`'s map, its trips times `trips`.
    pub(crate) async fn start(
        plan: &Plan,
        mut command: Command,
        locations: u16,
        trips: f64,
    ) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("zoned-").tempdir_in(&plan.folder)?;
        let ready = folder.path().join("ready.json");
        command
            .args(["dev", "--ephemeral", "--listen", "127.0.0.1:0", "--zones", "127.0.0.1:0"])
            .args(["--locations", &locations.to_string(), "--trips", &trips.to_string()])
            .args(["--account", ACCOUNT, "--token", TOKEN, "--ready-file"])
            .arg(&ready)
            .env("TMPDIR", folder.path())
            .current_dir(folder.path());
        let mut program = Program::start("littoral dev", &mut command, &folder.path().join("log"))?;
        let locations = program.until(&plan.clock, || listed(&ready)).await?;
        Ok(Self { program, locations, folder })
    }

    /// Where a location serves zones.
    pub(crate) fn edge(&self, name: &str) -> Result<SocketAddr> {
        self.door(name, "zones")
    }

    /// Where a location has its API.
    pub(crate) fn api(&self, name: &str) -> Result<SocketAddr> {
        self.door(name, "address")
    }

    fn door(&self, name: &str, door: &str) -> Result<SocketAddr> {
        let one = self.locations.iter().find(|one| one["name"] == name);
        let one = one.and_then(|one| one[door].as_str());
        Ok(one.with_context(|| format!("{name} has no {door}"))?.parse()?)
    }

    /// Every location's name.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.locations.iter().filter_map(|one| one["name"].as_str())
    }

    /// A new namespace with these keys and values; its path at any location.
    pub(crate) fn namespace(&self, title: &str, keys: &[(String, String)]) -> Result<String> {
        let namespaces = format!("/client/v4/accounts/{ACCOUNT}/storage/kv/namespaces");
        let made = self.call("POST", &namespaces, &json!({ "title": title }))?;
        let id = made["result"]["id"].as_str().context("a namespace has an id")?;
        let path = format!("{namespaces}/{id}");
        let all = keys.iter().map(|(key, value)| json!({ "key": key, "value": value }));
        let all: Vec<Value> = all.collect();
        self.call("PUT", &format!("{path}/bulk"), &json!(all))?;
        Ok(path)
    }

    /// A call to the first location's API.
    pub(crate) fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let first = self.names().next().context("a network has a location")?;
        let mut wire = Wire::open(self.api(first)?)?;
        let answer = wire.send(&request(method, path, TOKEN, body.to_string().as_bytes()))?;
        let said = String::from_utf8_lossy(answer.body).into_owned();
        ensure!(answer.status == 200, "{method} {path}: {} {said}", answer.status);
        Ok(serde_json::from_str(&said)?)
    }

    /// Applies a zone by the command line, and waits until every location answers for its host with
    /// something else than that there is no such zone.
    pub(crate) async fn apply(&self, plan: &Plan, host: &str, zone: &str) -> Result<()> {
        let file = self.folder.path().join(format!("{host}.toml"));
        fs::write(&file, zone)?;
        let first = self.names().next().context("a network has a location")?;
        let mut command = Command::new(&plan.littoral);
        command
            .args(["zone", "apply", "--account", ACCOUNT, "--token", TOKEN, "--url"])
            .arg(format!("http://{}", self.api(first)?))
            .arg(&file);
        output(&mut command)?;
        let deadline = plan.clock.after(PATIENCE);
        for name in self.names() {
            let edge = self.edge(name)?;
            while Wire::open(edge)?.send(&get(host, ALIVE))?.status != 200 {
                ensure!(plan.clock.mono() < deadline, "{name} does not serve {host}");
                plan.clock.sleep(LOOK_AGAIN).await;
            }
        }
        Ok(())
    }
}

/// A route of every zone here, which answers once the zone is served.
const ALIVE: &str = "/alive";

/// What every zone here has first.
pub(crate) fn zone(name: &str, host: &str, more: &str) -> String {
    format!(
        "name = \"{name}\"\nhosts = [\"{host}\"]\n[[routes]]\npath = \"{ALIVE}\"\n\
         answer = {{ body = \"yes\" }}\n{more}"
    )
}

pub(crate) fn get(host: &str, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n").into_bytes()
}

fn listed(ready: &Path) -> Option<Vec<Value>> {
    serde_json::from_slice(&fs::read(ready).ok()?).ok()
}
