//! A site that nobody here wrote, under a server that nobody here wrote, in a browser that nobody here
//! wrote, through the gateway.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use littoral_tests::{Proxy, run, slides, until};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(60);
const PAGE: &str = "/demo.html";

/// nginx, whose pages are fresh for an hour, as their owner would have it.
struct Nginx {
    child: Child,
    address: SocketAddr,
    folder: tempfile::TempDir,
}

impl Nginx {
    /// With a copy of the files.
    fn with(files: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let here = folder.path().display();
        run(Command::new("cp").arg("-r").arg(files).arg(folder.path().join("site")), b"").well();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        drop(listener);
        let config = format!(
            "daemon off; master_process off; pid {here}/pid; error_log {here}/error.log warn;
             events {{ worker_connections 256; }}
             http {{
               include /etc/nginx/mime.types; access_log {here}/access.log;
               client_body_temp_path {here}/body; proxy_temp_path {here}/proxy;
               fastcgi_temp_path {here}/fastcgi; uwsgi_temp_path {here}/uwsgi;
               scgi_temp_path {here}/scgi;
               server {{ listen {address}; root {here}/site; expires 1h; }}
             }}\n"
        );
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, config).expect("a file");
        let mut command = Command::new("nginx");
        command.arg("-c").arg(&file).stdin(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("nginx runs: cargo xtask install");
        let nginx = Self { child, address, folder };
        until("nginx listens", PATIENCE, || TcpStream::connect(address).ok());
        nginx
    }

    fn file(&self, path: &str) -> PathBuf {
        self.folder.path().join("site").join(path.trim_start_matches('/'))
    }

    /// What it was asked for, by its own log.
    fn asked(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.folder.path().join("access.log"));
        let log = log.expect("an access log");
        let target = |line: &str| Some(line.split('"').nth(1)?.split(' ').nth(1)?.to_owned());
        // Of what is not there nginx says not how long it is not there.
        log.lines().filter_map(target).filter(|target| target != "/favicon.ico").collect()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a browser that has never been there makes of a page, once its scripts have run.
fn seen(address: SocketAddr) -> String {
    let profile = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new("chromium");
    command
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        // The page names pictures elsewhere, which are nobody's business here.
        .args(["--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"])
        .args(["--virtual-time-budget=8000", "--dump-dom"])
        .arg(format!("http://{address}{PAGE}"))
        .env("HOME", profile.path())
        .current_dir(profile.path());
    run(&mut command, b"").well().text().replace(&address.to_string(), "HERE")
}

#[test]
fn a_browser_shows_a_real_site_through_the_gateway_as_it_does_without() {
    let nginx = Nginx::with(&slides());
    let gateway = Proxy::with(nginx.address, &[]);

    let without = seen(nginx.address);
    let asked_without = nginx.asked();
    assert!(asked_without.len() > 8, "{asked_without:?}");
    for made_by_scripts in ["class=\"present\"", "hljs-keyword", "slide-number"] {
        assert!(without.contains(made_by_scripts), "{made_by_scripts} is not in {without}");
    }

    assert_eq!(seen(gateway.address()), without);
    let asked = nginx.asked();
    assert_eq!(asked.len(), 2 * asked_without.len(), "each file was asked for once: {asked:?}");

    assert_eq!(seen(gateway.address()), without);
    assert_eq!(nginx.asked(), asked, "a second visitor costs the site nothing");

    let page = std::fs::read_to_string(nginx.file(PAGE)).expect("the page");
    let title = "<title>Another title</title>";
    let (before, rest) = page.split_once("<title>").expect("a title");
    let (_, after) = rest.split_once("</title>").expect("a title");
    std::fs::write(nginx.file(PAGE), format!("{before}{title}{after}")).expect("a file");
    assert_eq!(seen(gateway.address()), without, "the page is fresh for an hour");
    let url = format!("http://{}{PAGE}", gateway.address());
    gateway.purge(&json!({ "files": [url] })).expect(200);
    assert!(seen(gateway.address()).contains(title), "what is purged is asked for");
    assert_eq!(nginx.asked().len(), asked.len() + 1, "and nothing else is");
}
