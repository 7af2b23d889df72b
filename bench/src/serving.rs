//! The servers under test: ours, and those it is compared with, each with the same bytes.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::plan::Plan;
use crate::program::{Program, free_address};
use crate::wire::{Wire, request};

pub(crate) const TOKEN: &str = "bench-token";
pub(crate) const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";

/// Bytes of a value, everywhere but where something else is said.
pub(crate) const VALUE_BYTES: usize = 1_024;

/// A value that no compression shortens.
pub(crate) fn value(bytes: usize) -> Vec<u8> {
    let mut chance = littoral_clock::Chance::seeded(1);
    (0..bytes).map(|_| chance.u64() as u8).collect()
}

/// A network that runs: the real binary.
pub(crate) struct Littoral {
    pub(crate) program: Program,
    pub(crate) address: SocketAddr,
    folder: PathBuf,
}

impl Littoral {
    /// Without modelled trips, on free ports, its data in a folder of its own.
    pub(crate) async fn start(plan: &Plan, locations: u16) -> Result<Self> {
        Self::run(plan, plan.tested(&plan.littoral), locations).await
    }

    /// The same on all processors: nothing loads it.
    pub(crate) async fn unloaded(plan: &Plan, locations: u16) -> Result<Self> {
        Self::run(plan, Command::new(&plan.littoral), locations).await
    }

    async fn run(plan: &Plan, mut command: Command, locations: u16) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("dev-").tempdir_in(&plan.folder)?.keep();
        let ready = folder.join("ready.json");
        command
            .args(["dev", "--ephemeral", "--listen", "127.0.0.1:0", "--trips", "0"])
            .args(["--locations", &locations.to_string(), "--token", TOKEN])
            .args(["--account", ACCOUNT, "--ready-file"])
            .arg(&ready)
            .env("TMPDIR", &folder)
            .current_dir(&folder);
        let mut program = Program::start("littoral dev", &mut command, &folder.join("log"))?;
        let address = program.until(&plan.clock, || first_address(&ready)).await?;
        Ok(Self { program, address, folder })
    }

    /// A new namespace's path.
    pub(crate) fn namespace(&self) -> Result<String> {
        let namespaces = format!("/client/v4/accounts/{ACCOUNT}/storage/kv/namespaces");
        let mut wire = Wire::open(self.address)?;
        let answer = wire.send(&request("POST", &namespaces, TOKEN, b"{\"title\":\"bench\"}"))?;
        ensure!(answer.status == 200, "no namespace: {}", String::from_utf8_lossy(answer.body));
        let made: Value = serde_json::from_slice(answer.body)?;
        let id = made["result"]["id"].as_str().context("a namespace has an id")?;
        Ok(format!("{namespaces}/{id}"))
    }

    /// Writes one value, and reads it so that it is held.
    pub(crate) fn put(&self, path: &str, value: &[u8]) -> Result<()> {
        let mut wire = Wire::open(self.address)?;
        let status = wire.send(&request("PUT", path, TOKEN, value))?.status;
        ensure!(status == 200, "a write was answered {status}");
        let answer = wire.send(&request("GET", path, TOKEN, b""))?;
        ensure!(answer.body == value, "a read was answered {}", answer.status);
        Ok(())
    }
}

impl Drop for Littoral {
    fn drop(&mut self) {
        // Killed, it leaves its folder; what stays is replaced with the build's folder.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

pub(crate) fn first_address(ready: &Path) -> Option<SocketAddr> {
    let list: Value = serde_json::from_slice(&fs::read(ready).ok()?).ok()?;
    list[0]["address"].as_str()?.parse().ok()
}

/// nginx with a file: as it comes, but for what would slow it down or close connections.
pub(crate) async fn nginx(
    plan: &Plan,
    value: &[u8],
    open_files: bool,
) -> Result<(Program, SocketAddr)> {
    let folder = plan.folder.join(if open_files { "nginx-open-files" } else { "nginx" });
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("value"), value)?;
    let address = free_address()?;
    let config = folder.join("nginx.conf");
    fs::write(&config, nginx_config(plan, &folder, address, open_files))?;
    let mut command = plan.tested("nginx");
    command.arg("-c").arg(&config);
    let mut program = Program::start("nginx", &mut command, &folder.join("log"))?;
    program.listens(&plan.clock, address).await?;
    Ok((program, address))
}

fn nginx_config(plan: &Plan, folder: &Path, address: SocketAddr, open_files: bool) -> String {
    let (folder, workers) = (folder.display(), plan.cores());
    let cache = if open_files { "open_file_cache max=1024 inactive=60s;" } else { "" };
    format!(
        "daemon off; master_process on; worker_processes {workers}; user root;
         pid {folder}/pid; error_log {folder}/error.log warn;
         events {{ worker_connections 1024; }}
         http {{
           access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; {cache}
           client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
           fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
           scgi_temp_path {folder}/scgi;
           server {{ listen {address}; root {folder}; }}
         }}\n"
    )
}

/// A bare hyper, which is this program again.
pub(crate) async fn hyper(plan: &Plan) -> Result<(Program, SocketAddr)> {
    let address = free_address()?;
    let mut command = plan.tested(std::env::current_exe()?);
    command.args(["--bare", &address.to_string()]);
    let mut program = Program::start("bare hyper", &mut command, &plan.folder.join("hyper.log"))?;
    program.listens(&plan.clock, address).await?;
    Ok((program, address))
}

/// Redis that keeps nothing on disk.
pub(crate) async fn redis(plan: &Plan) -> Result<(Program, SocketAddr)> {
    let address = free_address()?;
    let mut command = plan.tested("redis-server");
    command
        .args(["--port", &address.port().to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no"])
        .current_dir(&plan.folder);
    let mut program = Program::start("redis-server", &mut command, &plan.folder.join("redis.log"))?;
    program.listens(&plan.clock, address).await?;
    Ok((program, address))
}
