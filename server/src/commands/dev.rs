//! `littoral dev`: a network of locations in this process.

mod page;
pub(super) mod ready;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use littoral_config::settings;
use miette::Result;
use tempfile::TempDir;

use super::{Stop, serve_until_told};
use crate::args::Dev;
use crate::config::{Access, Limits, Log};
use crate::failure::Failure;
use crate::network::{self, BootstrapToken, Network, Places};
use crate::terminal;
use crate::zones::ZonesAt;

/// From the port of a location to that of its zones.
const ZONES_ABOVE: u16 = 100;

pub fn run(dev: Dev) -> Result<()> {
    check(&dev)?;
    if dev.dump_config {
        return Ok(terminal::say(littoral_config::dump(&effective(&dev)).trim_end())?);
    }
    let quiet = Log { filter: "warn".into(), ..Log::default() };
    crate::logs::install(&dev.log, &quiet)?;
    super::block_on(serve(dev))
}

/// Runs until told to stop.
async fn serve(dev: Dev) -> Result<()> {
    let stop = Stop::listen()?;
    if let Some(file) = &dev.ready_file {
        ready::clear(file)?;
    }
    let data = DataDir::make(dev.ephemeral, &dev.data_dir)?;
    let network = Network::with_zones(options(&dev, data.path()), Some(zones(&dev))).await?;
    if let Some(file) = &dev.ready_file {
        ready::write(file, network.locations())?;
    }
    // Serving goes on when nobody reads the page.
    let _ = terminal::say(&page::render(&dev, network.locations()));
    serve_until_told(network, stop).await
}

/// Unless told otherwise, a hundred ports above the locations' own.
fn zones(dev: &Dev) -> ZonesAt {
    if let Some(address) = dev.zones {
        return ZonesAt::Exactly(address);
    }
    let port = match dev.listen.port() {
        0 => 0,
        port => port.checked_add(ZONES_ABOVE).unwrap_or(0),
    };
    ZonesAt::Rather(SocketAddr::new(dev.listen.ip(), port))
}

/// What no single option can check.
fn check(dev: &Dev) -> Result<()> {
    let port = dev.listen.port();
    if port != 0 && port.checked_add(dev.locations - 1).is_none() {
        let what =
            format!("{} locations from port {port} on need ports above 65535", dev.locations);
        let next = "choose a lower port with --listen, fewer --locations, or port 0";
        return Err(Failure::new("littoral::ports", what, next).into());
    }
    Ok(())
}

fn options(dev: &Dev, data_dir: PathBuf) -> network::Options {
    let token = BootstrapToken {
        name: "dev".into(),
        hash: *blake3::hash(dev.token.as_bytes()).as_bytes(),
        access: Access::Write,
    };
    network::Options {
        data_dir,
        listen: dev.listen,
        places: Places::Modelled { count: dev.locations, trips: dev.trips },
        member: None,
        origins: Default::default(),
        access: network::Access { account: dev.account, tokens: vec![token] },
        limits: Limits::default(),
        watch: dev.watch.options(),
    }
}

/// The folder of the data; a temporary one goes when this is dropped.
pub(super) enum DataDir {
    Kept(PathBuf),
    Temporary(TempDir),
}

impl DataDir {
    pub(super) fn make(ephemeral: bool, dir: &Path) -> Result<Self> {
        if !ephemeral {
            return Ok(Self::Kept(dir.to_owned()));
        }
        let made = tempfile::Builder::new().prefix("littoral-").tempdir();
        Ok(Self::Temporary(made.map_err(|source| {
            let next = "make the temporary folder writable, or use --data-dir";
            Failure::new("littoral::data_dir", "cannot make a temporary folder", next)
                .because(source)
        })?))
    }

    pub(super) fn path(&self) -> PathBuf {
        match self {
            Self::Kept(path) => path.clone(),
            Self::Temporary(dir) => dir.path().to_owned(),
        }
    }
}

settings! {
    /// What `dev --dump-config` shows.
    struct Effective {
        /// Address of the first location (--listen); the others take the ports after it.
        listen: String = String::new(),
        /// Address at which the first location serves zones (--zones); the others take the ports
        /// after it.
        zones: String = String::new(),
        /// The account (--account).
        account: String = String::new(),
        /// The token that may do everything in the account (--token).
        token: String = String::new(),
        /// Where data is kept between runs (--data-dir).
        data_dir: PathBuf = PathBuf::new(),
        /// Whether a temporary folder is used instead and removed at the end (--ephemeral).
        ephemeral: bool = false,
        /// How many locations run (--locations).
        locations: u16 = 0,
        /// Factor for the modelled round trips (--trips).
        trips: f64 = 1.0,
        /// Written with the locations once all of them answer (--ready-file).
        ready_file: Option<PathBuf> = None,
        /// Bounds of every queue, cache and wait.
        limits: Limits = Limits::default(),
    }
}

fn effective(dev: &Dev) -> Effective {
    Effective {
        listen: dev.listen.to_string(),
        zones: zones(dev).of(0).map_or_else(String::new, |address| address.to_string()),
        account: format!("{:032x}", dev.account.0),
        token: dev.token.clone(),
        data_dir: dev.data_dir.clone(),
        ephemeral: dev.ephemeral,
        locations: dev.locations,
        trips: dev.trips,
        ready_file: dev.ready_file.clone(),
        limits: Limits::default(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Args, Command};

    fn dev(line: &str) -> Result<Dev, clap::Error> {
        let words = ["littoral", "dev"].into_iter().chain(line.split_whitespace());
        Args::try_parse_from(words).map(|args| match args.command {
            Command::Dev(dev) => *dev,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn the_network_never_runs_out_of_ports_halfway() {
        assert!(check(&dev("--listen 127.0.0.1:65528").expect("parses")).is_ok());
        assert!(check(&dev("--listen 127.0.0.1:65529").expect("parses")).is_err());
        assert!(check(&dev("--listen 127.0.0.1:0 --locations 64").expect("parses")).is_ok());
    }

    #[test]
    fn bad_values_are_refused_before_anything_starts() {
        for bad in [
            "--locations 0",
            "--locations 65",
            "--account xyz",
            "--listen nowhere",
            "--trips -1",
            "--ephemeral --data-dir here",
        ] {
            assert!(dev(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_dumped_reads_back() {
        let dev = dev("--locations 3 --ephemeral --trips 0.5").expect("parses");
        let text = littoral_config::dump(&effective(&dev));
        let again: Effective = littoral_config::parse("dumped", &text).expect("valid");
        assert_eq!(again, effective(&dev));
        assert_eq!((again.locations, again.trips), (3, 0.5));
    }
}
