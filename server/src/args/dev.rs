//! Options of `dev`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use littoral_types::Tenant;

use super::{LogArgs, WatchArgs, parse};

/// The account of `dev`, and of every client command that is not told another.
pub const DEV_ACCOUNT: &str = "0123456789abcdef0123456789abcdef";
/// The token of `dev`, and of every client command that is not told another.
pub const DEV_TOKEN: &str = "dev-token";

const EXAMPLES: &str = "\
Examples:
  Eight locations on ports 8787 to 8794, data kept in .littoral/dev:
      littoral dev
  Three locations on free ports, nothing kept, for a test:
      littoral dev --listen 127.0.0.1:0 --locations 3 --ephemeral --ready-file ready.json
  No modelled round trips:
      littoral dev --trips 0

Ready when GET /healthz on the first address answers 200; then --ready-file, if given, is written
as [{\"name\", \"region\", \"address\", \"zones\"}], the same as GET /dev/locations answers.
SIGTERM and ctrl-c drain what is under way and exit with 0.";

/// Run a network of locations in this process, to try things on.
///
/// Each location is a full edge with its own address; regions are apart by modelled round trips,
/// and two of them hold a store of the truth. The start-up page says what runs where and what to
/// paste next.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Dev {
    /// Address of the first location; the others take the ports after it. Port 0 gives each a
    /// free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8787")]
    pub listen: SocketAddr,

    /// Address at which the first location serves zones; the others take the ports after it. Without
    /// it, a hundred ports above their own, if these are free.
    #[arg(long, value_name = "ADDRESS")]
    pub zones: Option<SocketAddr>,

    /// The account: 32 hexadecimal digits.
    #[arg(long, value_name = "ID", default_value = DEV_ACCOUNT, value_parser = parse::account)]
    pub account: Tenant,

    /// The token that may do everything in the account.
    #[arg(long, value_name = "TEXT", default_value = DEV_TOKEN, value_parser = parse::token)]
    pub token: String,

    /// Where data is kept between runs.
    #[arg(long, value_name = "DIR", default_value = ".littoral/dev")]
    pub data_dir: PathBuf,

    /// Keep nothing: use a temporary folder and remove it at the end.
    #[arg(long, conflicts_with = "data_dir")]
    pub ephemeral: bool,

    /// How many locations run, 1 to 64.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub locations: u16,

    /// Factor for the modelled round trips between locations; 0 switches them off.
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = parse::trips)]
    pub trips: f64,

    /// Write names, regions and addresses of the locations here, once all of them answer.
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,

    /// Print the effective configuration as TOML, and exit.
    #[arg(long)]
    pub dump_config: bool,

    #[command(flatten)]
    pub watch: WatchArgs,

    #[command(flatten)]
    pub log: LogArgs,
}
