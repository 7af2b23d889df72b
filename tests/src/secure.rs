//! TLS in tests: certificates in files, and programs of node that speak it.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A certificate that vouches for itself, and its key, in files.
#[derive(Debug)]
pub struct Pair {
    folder: tempfile::TempDir,
    certificate: PathBuf,
    key: PathBuf,
}

impl Pair {
    /// For this machine.
    #[track_caller]
    pub fn of_here() -> Self {
        Self::of(&["localhost", "127.0.0.1"])
    }

    /// For hosts.
    #[track_caller]
    pub fn of(names: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (certificate, key) = (folder.path().join("a.pem"), folder.path().join("a.key"));
        let pair = Self { folder, certificate, key };
        pair.renew(names);
        pair
    }

    /// Another certificate with another key, in the same files.
    #[track_caller]
    pub fn renew(&self, names: &[&str]) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        std::fs::write(&self.certificate, made.cert.pem()).expect("a file");
        std::fs::write(&self.key, made.signing_key.serialize_pem()).expect("a file");
    }

    /// Of both files, which are called `a.pem` and `a.key`.
    #[track_caller]
    pub fn folder(&self) -> &str {
        self.folder.path().to_str().expect("plain")
    }

    #[track_caller]
    pub fn certificate(&self) -> &str {
        self.certificate.to_str().expect("plain")
    }

    #[track_caller]
    pub fn key(&self) -> &str {
        self.key.to_str().expect("plain")
    }
}

/// A script of node, which says something and goes on.
#[derive(Debug)]
pub struct Script(Child, BufReader<std::process::ChildStdout>);

impl Script {
    #[track_caller]
    pub fn run(text: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new("node")
            .args(["-e", text, "--"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("node runs");
        let said = BufReader::new(child.stdout.take().expect("it is piped"));
        Self(child, said)
    }

    /// The next line.
    #[track_caller]
    pub fn says(&mut self) -> String {
        let mut line = String::new();
        self.1.read_line(&mut line).expect("it says something");
        line.trim_end().to_owned()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A site by TLS that answers what was spoken, and for which host, and counts.
pub const SECURE_SITE: &str = r#"
const fs = require('fs'), [cert, key, two] = process.argv.slice(1)
const options = { cert: fs.readFileSync(cert), key: fs.readFileSync(key), allowHTTP1: true }
const { createServer } = two ? { createServer: require('http2').createSecureServer } : require('https')
let count = 0
const server = createServer(options, (req, res) => {
  let sent = ''
  req.on('data', part => sent += part).on('end', () => {
    const host = req.headers[':authority'] || req.headers.host
    res.setHeader('Cache-Control', 'max-age=1000')
    res.end([req.httpVersion, req.method, host, sent, ++count].join(' '))
  })
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
"#;
