//! `littoral reverse-proxy` in front of a site of the test's own.

use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::site::Site;
use crate::wait::until;
use crate::wire::{Request, Response};

/// The token that may purge.
pub const ZONE_TOKEN: &str = "black-box-zone-token";

const PATIENCE: Duration = Duration::from_secs(60);

/// A running gateway; killed when dropped.
#[derive(Debug)]
pub struct Proxy {
    child: Child,
    address: SocketAddr,
    folder: tempfile::TempDir,
}

impl Proxy {
    /// Ready when this returns.
    #[track_caller]
    pub fn before(site: &Site) -> Self {
        Self::with(site.address(), &[])
    }

    /// In front of a URL, with more options.
    #[track_caller]
    pub fn to(url: &str, more: &[&str]) -> Self {
        Self::start(url, more)
    }

    /// In front of an address, with more options.
    #[track_caller]
    pub fn with(site: SocketAddr, more: &[&str]) -> Self {
        Self::start(&format!("http://{site}"), more)
    }

    #[track_caller]
    fn start(to: &str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let ready = folder.path().join("ready.json");
        let log = |name| std::fs::File::create(folder.path().join(name)).expect("a log file");
        let mut child = crate::littoral()
            .args(["reverse-proxy", "--from", "127.0.0.1:0", "--ephemeral", "--to"])
            .arg(to)
            .args(["--token", ZONE_TOKEN, "--ready-file"])
            .arg(&ready)
            .args(more)
            .current_dir(folder.path())
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(log("stdout.log"))
            .stderr(log("stderr.log"))
            .spawn()
            .expect("the binary runs");
        let address = until("the ready file is written", PATIENCE, || {
            if let Ok(Some(status)) = child.try_wait() {
                let said = std::fs::read_to_string(folder.path().join("stderr.log"));
                panic!("it ended before it was ready: {status}\n{}", said.unwrap_or_default());
            }
            let listing: Value = serde_json::from_slice(&std::fs::read(&ready).ok()?).ok()?;
            listing[0]["address"].as_str()?.parse().ok()
        });
        Self { child, address, folder }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    #[track_caller]
    pub fn get(&self, target: &str) -> Response {
        self.send(&Request::new("GET", target))
    }

    #[track_caller]
    pub fn send(&self, request: &Request) -> Response {
        request.send(self.address)
    }

    /// Asks for a purge, as purge clients do.
    #[track_caller]
    pub fn purge(&self, what: &Value) -> Response {
        let zones = Request::new("GET", "/client/v4/zones");
        let zones = self.send(&zones.header("Authorization", bearer(ZONE_TOKEN))).expect(200);
        let zone = zones.json()["result"][0]["id"].as_str().expect("a zone").to_owned();
        let purge = Request::new("POST", format!("/client/v4/zones/{zone}/purge_cache")).json(what);
        self.send(&purge.header("Authorization", bearer(ZONE_TOKEN)))
    }

    /// What it logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("stderr.log")).unwrap_or_default()
    }

    /// What it printed when it started.
    pub fn page(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("stdout.log")).unwrap_or_default()
    }
}

/// The header that shows a token.
fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
