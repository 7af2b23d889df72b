//! Real PostgreSQL servers for tests: made in a folder, reached over loopback, killed and started
//! again like a machine.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::address::Address;

/// A server of a test's own. Dropping it ends it.
pub struct Server {
    dir: PathBuf,
    bin: PathBuf,
    port: u16,
    settings: Vec<String>,
    /// Whom it runs as when we are root, which it refuses.
    user: Option<(u32, u32)>,
    running: Option<Child>,
}

/// Who owns the database, and with what password.
pub const USER: &str = "littoral";
pub const PASSWORD: &str = "hush-hush";

const STARTS_MAX: usize = 20;
/// In the order in which they are looked for, after the path.
const FOLDERS: &str = "/usr/lib/postgresql";
const TESTED: &str = "15";

impl Server {
    /// Makes a server in a new folder below `dir` and starts it. `settings`: `name=value`, besides
    /// those that make it small.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    pub fn start(dir: &Path, settings: &[&str]) -> Self {
        let dir = dir.join("postgres");
        fs::create_dir_all(&dir).expect("a folder for a server");
        let settings = settings.iter().map(|one| (*one).to_owned()).collect();
        let (bin, user) = (binaries(), unprivileged(&dir));
        let mut server = Self { dir, bin, port: 0, settings, user, running: None };
        server.own(&server.dir);
        server.init();
        for _ in 0..STARTS_MAX {
            server.port = free_port();
            // Somebody may have taken the port meanwhile.
            if server.try_start() {
                return server;
            }
        }
        panic!("PostgreSQL does not start: {}", server.log());
    }

    /// `user@127.0.0.1:port/postgres`, with the password.
    pub fn address(&self) -> Address {
        self.address_through(self.port)
    }

    /// The same by way of a relay on another port.
    pub fn address_through(&self, port: u16) -> Address {
        self.url(port).parse().expect("an address")
    }

    /// What [`Self::address`] is made of, for a configuration file.
    pub fn url(&self, port: u16) -> String {
        format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{port}/postgres")
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The programs of this PostgreSQL: `psql`, `pgbench`, `pg_dump`.
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// Kills every process of it, as a lost machine would.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        if let Some(mut child) = self.running.take() {
            drop(child.wait());
        }
    }

    /// Stops every process of it where it stands; it goes on after [`Self::thaw`].
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Starts it again on its port, after a kill.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        for _ in 0..STARTS_MAX {
            if self.running.is_some() || self.try_start() {
                return;
            }
            std::thread::park_timeout(std::time::Duration::from_millis(100));
        }
        panic!("PostgreSQL does not start again: {}", self.log());
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    fn init(&self) {
        let password = self.dir.join("password");
        fs::write(&password, PASSWORD).expect("a password file");
        self.own(&password);
        let made = self
            .command("initdb")
            .args(["--auth=scram-sha-256", "--encoding=UTF8", "--no-sync", "--no-instructions"])
            .args(["--locale=C", "-U", USER, "--pwfile"])
            .arg(&password)
            .arg("-D")
            .arg(self.dir.join("data"))
            .stdin(Stdio::null())
            .output()
            .expect("initdb runs");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
    }

    /// Starts the server and waits until it takes connections; false when it ended instead.
    fn try_start(&mut self) -> bool {
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.dir.join("data"));
        let port = format!("port={}", self.port);
        let socket = format!("unix_socket_directories={}", self.dir.display());
        let small = ["listen_addresses=127.0.0.1", "shared_buffers=32MB", "max_connections=100"];
        for setting in [port.as_str(), socket.as_str()].into_iter().chain(small) {
            command.args(["-c", setting]);
        }
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("postgres runs");
        let said = child.stderr.take().expect("its output is piped");
        let mut log = fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(self.dir.join("log"))
            .expect("a log file");
        let mut lines = BufReader::new(said).lines().map_while(Result::ok);
        let ready = lines.by_ref().any(|line| {
            drop(writeln!(log, "{line}"));
            line.contains("database system is ready to accept connections")
        });
        if !ready {
            drop(child.wait());
            return false;
        }
        // What it says later must be read, or it waits to say it.
        std::thread::spawn(move || lines.for_each(|line| drop(writeln!(log, "{line}"))));
        self.running = Some(child);
        true
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command.current_dir(&self.dir).env("LC_ALL", "C");
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }

    /// Gives a file to whom the server runs as: a key, for one.
    pub fn own(&self, path: &Path) {
        if let Some((user, group)) = self.user {
            chown(path, Some(user), Some(group)).expect("root may give a folder away");
        }
    }

    /// To the server and all its processes.
    fn signal(&self, signal: Signal) {
        let Some(child) = &self.running else { return };
        let server = child.id();
        let all = [server].into_iter().chain(children(server));
        for pid in all.collect::<Vec<_>>() {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                // One that ended meanwhile is as good.
                let _ = kill_process(pid, signal);
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Where the programs are: on the path, or where Debian has them, the tested version first.
fn binaries() -> PathBuf {
    let path = Command::new("sh").args(["-c", "command -v initdb"]).output();
    let found = path.ok().map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    // What is on the path may be a link to it, without the rest.
    if let Some(initdb) = found.and_then(|initdb| fs::canonicalize(initdb).ok())
        && let Some(bin) = initdb.parent().filter(|bin| bin.join("postgres").exists())
    {
        return bin.to_owned();
    }
    let mut versions: Vec<_> = fs::read_dir(FOLDERS)
        .map(|entries| entries.filter_map(Result::ok).map(|entry| entry.path()).collect())
        .unwrap_or_default();
    versions.sort();
    versions.sort_by_key(|version: &PathBuf| version.ends_with(TESTED));
    let bin = versions.pop().map(|version| version.join("bin"));
    bin.expect("PostgreSQL is installed: `cargo xtask install` does, or apt-get install postgresql")
}

/// Whom a server runs as when `dir` belongs to root: `postgres`, or nobody. The folders above are
/// opened for it to pass.
fn unprivileged(dir: &Path) -> Option<(u32, u32)> {
    if fs::metadata(dir).is_ok_and(|dir| dir.uid() != 0) {
        return None;
    }
    let mut above = dir.parent();
    while let Some(folder) = above {
        let Ok(found) = fs::metadata(folder) else { break };
        let mode = found.permissions().mode();
        if mode & 0o1 == 0 {
            drop(fs::set_permissions(folder, fs::Permissions::from_mode(mode | 0o1)));
        }
        above = folder.parent().filter(|folder| folder.starts_with(std::env::temp_dir()));
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let user = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut ids = line.split(':').skip(2).map_while(|id| id.parse().ok());
        ids.next().zip(ids.next())
    };
    user("postgres").or_else(|| user("nobody"))
}

/// Processes whose parent is this one.
fn children(of: u32) -> Vec<u32> {
    let parent = |pid: u32| -> Option<u32> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
    };
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| parent(*pid) == Some(of)).collect()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a port");
    listener.local_addr().expect("a bound port").port()
}
