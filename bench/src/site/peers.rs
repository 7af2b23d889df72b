//! Who stands in front of the site: ours, nginx, Varnish and HAProxy, each told what makes it fast.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::plan::Plan;
use crate::program::{Program, free_address};
use crate::serving::{TOKEN, first_address};

/// One of them, running; its folder goes with it.
pub(crate) struct Front {
    pub(crate) program: Program,
    pub(crate) address: SocketAddr,
    #[expect(dead_code, reason = "held while it runs")]
    folder: tempfile::TempDir,
}

/// The site itself, on the processors of the load: it is no part of what is measured.
pub(crate) async fn upstream(plan: &Plan) -> Result<Front> {
    let mut command = plan.loading(std::env::current_exe()?);
    let address = free_address()?;
    command.args(["--upstream", &address.to_string()]);
    start(plan, "site", command, address, folder(plan, "site")?).await
}

/// The real binary, as a user starts it.
pub(crate) async fn littoral(plan: &Plan, site: SocketAddr) -> Result<Front> {
    littoral_by(plan, site, plan.tested(&plan.littoral)).await
}

async fn littoral_by(plan: &Plan, site: SocketAddr, mut command: Command) -> Result<Front> {
    let folder = folder(plan, "littoral")?;
    let ready = folder.path().join("ready.json");
    command
        .args(["reverse-proxy", "--ephemeral", "--from", "127.0.0.1:0", "--to"])
        .arg(format!("http://{site}"))
        .args(["--token", TOKEN, "--ready-file"])
        .arg(&ready)
        .env("TMPDIR", folder.path())
        .current_dir(folder.path());
    let log = folder.path().join("log");
    let mut program = Program::start("littoral reverse-proxy", &mut command, &log)?;
    let address = program.until(&plan.clock, || first_address(&ready)).await?;
    Ok(Front { program, address, folder })
}

/// nginx in the way that was fastest of those that were tried: it keeps files open, does not hold back
/// a packet that is not full (with `tcp_nopush`, large answers waited 40 ms for each other), and
/// writes no log. Its cache lies on the disk, from where it sends without copying.
pub(crate) async fn nginx(plan: &Plan, site: SocketAddr) -> Result<Front> {
    let folder = folder(plan, "nginx")?;
    let address = free_address()?;
    let config = folder.path().join("nginx.conf");
    fs::write(&config, nginx_config(plan, folder.path(), address, site))?;
    let mut command = plan.tested("nginx");
    command.arg("-c").arg(&config);
    start(plan, "nginx", command, address, folder).await
}

fn nginx_config(plan: &Plan, folder: &Path, address: SocketAddr, site: SocketAddr) -> String {
    let (folder, workers) = (folder.display(), plan.cores());
    format!(
        "daemon off; master_process on; worker_processes {workers}; user root;
         pid {folder}/pid; error_log {folder}/error.log warn;
         events {{ worker_connections 2048; }}
         http {{
           access_log off; sendfile on; tcp_nopush off; keepalive_requests 1000000000;
           open_file_cache max=1024 inactive=60s;
           client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
           fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
           scgi_temp_path {folder}/scgi;
           proxy_cache_path {folder}/cache keys_zone=all:64m max_size=1g inactive=1h use_temp_path=off;
           upstream site {{
             server {site}; keepalive 256; keepalive_requests 1000000000;
           }}
           server {{
             listen {address} backlog=4096;
             proxy_http_version 1.1; proxy_set_header Connection \"\";
             location / {{ proxy_pass http://site; proxy_cache all; proxy_cache_lock on; }}
             location /never/ {{ proxy_pass http://site; }}
           }}
         }}\n"
    )
}

/// Varnish that keeps in memory.
pub(crate) async fn varnish(plan: &Plan, site: SocketAddr) -> Result<Front> {
    let folder = folder(plan, "varnish")?;
    let address = free_address()?;
    let mut command = plan.tested("varnishd");
    command
        // Not as a user of its own, who could not read the folder.
        .args(["-F", "-j", "none", "-T", "none", "-a", &address.to_string()])
        .args(["-b", &site.to_string(), "-s", "malloc,512m", "-n"])
        .arg(folder.path().join("work"))
        .args(["-p", "thread_pools=1", "-p", "thread_pool_min=100"]);
    start(plan, "varnishd", command, address, folder).await
}

/// HAProxy that keeps nothing.
pub(crate) async fn haproxy(plan: &Plan, site: SocketAddr) -> Result<Front> {
    let folder = folder(plan, "haproxy")?;
    let address = free_address()?;
    let config = folder.path().join("haproxy.cfg");
    let threads = plan.cores();
    fs::write(
        &config,
        format!(
            "global\n  nbthread {threads}\n  maxconn 4096\ndefaults\n  mode http\n  \
             timeout client 60s\n  timeout server 60s\n  timeout connect 5s\n  \
             http-reuse always\n  option forwardfor\nfrontend all\n  bind {address}\n  \
             default_backend site\nbackend site\n  server site {site} pool-max-conn 256\n"
        ),
    )?;
    let mut command = plan.tested("haproxy");
    command.arg("-db").arg("-f").arg(&config);
    start(plan, "haproxy", command, address, folder).await
}

async fn start(
    plan: &Plan,
    name: &str,
    mut command: Command,
    address: SocketAddr,
    folder: tempfile::TempDir,
) -> Result<Front> {
    command.current_dir(folder.path());
    let log: PathBuf = folder.path().join("log");
    let mut program = Program::start(name, &mut command, &log)?;
    let listens = program.listens(&plan.clock, address).await;
    listens.with_context(|| fs::read_to_string(&log).unwrap_or_default())?;
    Ok(Front { program, address, folder })
}

/// A folder that those who give up root can look into.
fn folder(plan: &Plan, name: &str) -> Result<tempfile::TempDir> {
    let prefix = format!("site-{name}-");
    let folder = tempfile::Builder::new().prefix(&prefix).tempdir_in(&plan.folder)?;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
    Ok(folder)
}
