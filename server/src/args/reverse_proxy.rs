//! Options of `reverse-proxy`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::{LogArgs, WatchArgs, parse};

const EXAMPLES: &str = "\
Examples:
  A cache in front of what listens on port 8000:
      littoral reverse-proxy --from 127.0.0.1:8080 --to http://127.0.0.1:8000
  Nothing kept on disk, on a free port, for a test:
      littoral reverse-proxy --from 127.0.0.1:0 --to http://127.0.0.1:8000 --ephemeral
          --ready-file ready.json
  Make one URL old, with the token that was printed at the start:
      curl -X PURGE http://127.0.0.1:8080/page -H 'Authorization: Bearer TOKEN'

SIGTERM and ctrl-c drain what is under way and exit with 0.";

/// Run a caching edge in front of a site.
///
/// What the site says of caching is followed to the letter (RFC 9111): where it gives no freshness,
/// none is invented. Every method is passed on; `Cache-Status` says what became of each request.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct ReverseProxy {
    /// Where it listens. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub from: SocketAddr,

    /// The site: http://HOST or https://HOST, either with :PORT.
    #[arg(long, value_name = "URL", value_parser = parse::site)]
    pub to: parse::SiteUrl,

    /// Who must vouch for a site that is reached by https://, in PEM; without it, whom the system trusts.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,

    /// Speak TLS to clients, and HTTP/2 to those that ask for it, with this certificate and its chain, in
    /// PEM. Without it, HTTP/1.1, and HTTP/2 to clients that begin with that.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub cert: Option<PathBuf>,

    /// The certificate's key, in PEM.
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,

    /// The token that may purge; without it, a fresh one is made and printed.
    #[arg(long, value_name = "TEXT", value_parser = parse::token, env = "LITTORAL_TOKEN")]
    pub token: Option<String>,

    /// Guess how long answers are fresh of which the site only says when they were last changed.
    #[arg(long)]
    pub heuristics: bool,

    /// Where what is cached is kept between runs.
    #[arg(long, value_name = "DIR", default_value = ".littoral/reverse-proxy")]
    pub data_dir: PathBuf,

    /// Keep nothing: use a temporary folder and remove it at the end.
    #[arg(long, conflicts_with = "data_dir")]
    pub ephemeral: bool,

    /// Write name, region and address here, once it answers.
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,

    #[command(flatten)]
    pub watch: WatchArgs,

    #[command(flatten)]
    pub log: LogArgs,
}
