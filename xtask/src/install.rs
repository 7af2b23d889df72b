//! What the tests need beyond Rust and git: the real clients, at the versions pinned in
//! `tests/clients`, and a site that nobody here wrote, at that of `tests/sites`, into `target/tools`;
//! PostgreSQL, nginx and a browser from the system. What is there already is left alone.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run;
use crate::workspace::Workspace;

/// The clients' npm packages; a newer node than the system's is one of them.
const NPM_FILES: &[&str] = &["package.json", "package-lock.json"];
const PYTHON_FILE: &str = "requirements.txt";
/// A program and the package that has it.
const PEERS: &[(&str, &str)] = &[
    ("nginx", "nginx-light"),
    ("redis-server", "redis-server"),
    ("redis-benchmark", "redis-tools"),
    ("taskset", "util-linux"),
    ("wrk", "wrk"),
];
/// A site's server, and who looks at the site.
const BROWSING: &[(&str, &str)] = &[("nginx", "nginx-light"), ("chromium", "chromium")];
/// What stands in front of a site, to compare ours with. Varnish compiles its configuration.
const PROXIES: &[(&str, &str)] = &[("varnishd", "varnish"), ("haproxy", "haproxy"), ("gcc", "gcc")];
/// Names the inputs of the last finished installation.
const STAMP: &str = "installed-from";

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    // The allocator is built with it.
    let make = || run::says_yes(&mut run::command("make --version"));
    system_package("make", &["make"], make)?;
    npm(workspace, "tests/clients", "npm").context("npm packages")?;
    npm(workspace, "tests/sites", "sites").context("the site's npm package")?;
    python(workspace).context("PyPI packages")?;
    let curl = || run::says_yes(&mut run::command("curl --version"));
    system_package("curl", &["curl"], curl)?;
    programs(BROWSING)?;
    postgresql()
}

/// Its servers, which tests start for themselves.
pub(crate) fn postgresql() -> Result<()> {
    let found = "command -v initdb || ls /usr/lib/postgresql/*/bin/initdb";
    system_package("PostgreSQL", &["postgresql"], || {
        run::says_yes(Command::new("sh").args(["-c", found]))
    })
}

/// What the bench compares ours with, and what loads both: from the system.
pub(crate) fn peers() -> Result<()> {
    programs(PEERS)
}

/// The same for a site.
pub(crate) fn proxies() -> Result<()> {
    programs(PROXIES)
}

fn programs(list: &[(&str, &str)]) -> Result<()> {
    for (program, package) in list {
        system_package(program, &[package], || {
            run::says_yes(Command::new("sh").args(["-c", "command -v \"$0\"", program]))
        })?;
    }
    Ok(())
}

/// `perf`, if it can be had: a bench without it draws no flame graph.
pub(crate) fn profiler() {
    let there = || run::says_yes(&mut run::command("perf --version"));
    if let Err(error) = system_package("perf", &["linux-perf"], there) {
        eprintln!("{error:#}");
    }
}

fn npm(workspace: &Workspace, from: &str, to: &str) -> Result<()> {
    let folder = workspace.tools().join(to);
    let wanted = inputs(workspace, from, NPM_FILES)?;
    if is_installed(&folder, &wanted) {
        return Ok(());
    }
    system_package("npm", &["nodejs", "npm"], || {
        run::says_yes(&mut run::command("npm --version"))
    })?;
    start_afresh(&folder)?;
    for file in NPM_FILES {
        std::fs::write(folder.join(file), workspace.read(Path::new(from).join(file))?)?;
    }
    // Not `ci`: it insists on the optional packages of platforms that a registry may not carry.
    run::run(
        run::command("npm install --ignore-scripts --omit=peer --no-audit --no-fund")
            .args(["--loglevel=error", "--omit-lockfile-registry-resolved"])
            .current_dir(&folder),
    )?;
    finish(&folder, &wanted)
}

fn python(workspace: &Workspace) -> Result<()> {
    let folder = workspace.tools().join("python");
    let wanted = inputs(workspace, "tests/clients", &[PYTHON_FILE])?;
    if is_installed(&folder, &wanted) {
        return Ok(());
    }
    // A Debian python may come without the module that makes environments.
    system_package("python3 with venv", &["python3", "python3-venv"], || {
        run::says_yes(Command::new("python3").args(["-c", "import venv, ensurepip"]))
    })?;
    start_afresh(&folder)?;
    run::run(run::command("python3 -m venv").arg(&folder))?;
    run::run(
        Command::new(folder.join("bin/python"))
            .args("-m pip install --quiet --disable-pip-version-check --no-deps -r".split(' '))
            .arg(workspace.root.join("tests/clients").join(PYTHON_FILE)),
    )?;
    finish(&folder, &wanted)
}

/// Makes sure of something from the system, through its package manager where we may use it.
fn system_package(what: &str, packages: &[&str], is_there: impl Fn() -> bool) -> Result<()> {
    if is_there() {
        return Ok(());
    }
    let root = run::prints(&mut run::command("id -u")).as_deref() == Some("0");
    if root && run::says_yes(&mut run::command("apt-get --version")) {
        run::run(&mut run::command("apt-get update -qq"))?;
        run::run(
            run::command("apt-get install -y -qq --no-install-recommends")
                .args(packages)
                .env("DEBIAN_FRONTEND", "noninteractive"),
        )?;
    }
    if !is_there() {
        bail!("{what} is missing: install it (on Debian: apt-get install {})", packages.join(" "));
    }
    Ok(())
}

fn inputs(workspace: &Workspace, from: &str, files: &[&str]) -> Result<String> {
    let folder = Path::new(from);
    files.iter().map(|file| workspace.read(folder.join(file))).collect()
}

fn is_installed(folder: &Path, wanted: &str) -> bool {
    std::fs::read_to_string(folder.join(STAMP)).is_ok_and(|found| found == wanted)
}

fn start_afresh(folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

/// Written last, so that an installation cut short is made again.
fn finish(folder: &Path, wanted: &str) -> Result<()> {
    std::fs::write(folder.join(STAMP), wanted).context("cannot note what was installed")
}
