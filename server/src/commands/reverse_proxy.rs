//! `littoral reverse-proxy`: a caching edge in front of a site, in one command.

use std::fmt::Write as _;
use std::path::PathBuf;

use littoral_gateway::{Trust, TrustError};
use littoral_http::{Tls, TlsError};
use littoral_types::Tenant;
use miette::Result;

use super::dev::{DataDir, ready};
use super::{Stop, serve_until_told};
use crate::args::ReverseProxy;
use crate::config::{Limits, Log};
use crate::failure::Failure;
use crate::gateway::{SiteOptions, zone};
use crate::network::{self, Location, Network, Place, Places, StoreSite};
use crate::terminal;

pub fn run(options: ReverseProxy) -> Result<()> {
    let own = options.from.to_string();
    if options.to.authority == own {
        let what = format!("{own} cannot be in front of itself");
        let next = "give --from and --to different addresses";
        return Err(Failure::new("littoral::circle", what, next).into());
    }
    let quiet = Log { filter: "warn".into(), ..Log::default() };
    crate::logs::install(&options.log, &quiet)?;
    super::block_on(serve(options))
}

/// Runs until told to stop.
async fn serve(options: ReverseProxy) -> Result<()> {
    let stop = Stop::listen()?;
    if let Some(file) = &options.ready_file {
        ready::clear(file)?;
    }
    let fresh = options.token.is_none();
    let token = options.token.clone().unwrap_or_else(littoral_control::new_token);
    let site = SiteOptions {
        site: options.to.authority.clone(),
        trust: trust(&options)?,
        tls: secured(&options)?,
        zone: zone(&options.to.authority),
        token: blake3::hash(token.as_bytes()),
        heuristics: options.heuristics,
    };
    let data = DataDir::make(options.ephemeral, &options.data_dir)?;
    let network = Network::before(network(&options, data.path()), Some(site.clone())).await?;
    if let Some(file) = &options.ready_file {
        ready::write(file, network.locations())?;
    }
    let shown = fresh.then_some(token.as_str());
    // Serving goes on when nobody reads the page.
    let _ = terminal::say(&page(&site, network.locations(), shown));
    serve_until_told(network, stop).await
}

/// What clients are spoken to with.
fn secured(options: &ReverseProxy) -> Result<Option<Tls>> {
    let (Some(certificate), Some(key)) = (&options.cert, &options.key) else { return Ok(None) };
    let next = "give the certificate with its chain by --cert and its key by --key, in PEM";
    let failed = |error: TlsError| Failure::new("littoral::tls", error.to_string(), next);
    Ok(Some(Tls::read(certificate, key).map_err(failed)?))
}

/// Who must vouch for the site.
fn trust(options: &ReverseProxy) -> Result<Option<Trust>> {
    if !options.to.secure {
        return Ok(None);
    }
    let trust = match &options.ca {
        Some(file) => Trust::file(file),
        None => Trust::system(),
    };
    let next = "give the certificate of the site's authority with --ca, in PEM";
    let failed = |error: TrustError| Failure::new("littoral::trust", error.to_string(), next);
    Ok(Some(trust.map_err(failed)?))
}

fn network(options: &ReverseProxy, data_dir: PathBuf) -> network::Options {
    let place = Place {
        name: "local".into(),
        region: "local".into(),
        weight: 1.0,
        listen: None,
        nodes: Vec::new(),
    };
    network::Options {
        data_dir,
        listen: options.from,
        places: Places::Listed {
            locations: vec![place],
            stores: [StoreSite { at: 0, weight: 1.0 }; 2],
            epoch: 1,
        },
        member: None,
        origins: Default::default(),
        access: network::Access { account: Tenant::default(), tokens: Vec::new() },
        limits: Limits::default(),
        watch: options.watch.options(),
    }
}

/// What is shown at the start. A token that somebody gave is not shown again.
fn page(site: &SiteOptions, locations: &[Location], token: Option<&str>) -> String {
    let mut page = String::new();
    let address = locations.first().map_or_else(String::new, |at| at.address.to_string());
    let token_line = token.unwrap_or("as given (--token)");
    let scheme = if site.tls.is_some() { "https" } else { "http" };
    let shown = token.unwrap_or("$LITTORAL_TOKEN");
    // A string takes all.
    let _ = write!(
        page,
        "Littoral {}\n\n  {scheme}://{address}  in front of  {}://{}\n  zone   {}\n  token  {token_line}\n\n\
         Purge a URL, or all that is labelled so:\n  \
         curl -X PURGE {scheme}://{address}/path -H 'Authorization: Bearer {shown}'\n  \
         curl {scheme}://{address}/client/v4/zones/{}/purge_cache -H 'Authorization: Bearer {shown}' \
         -d '{{\"tags\": [\"a\"]}}'\n\n\
         Cache-Status says what became of each request · stop: ctrl-c",
        env!("CARGO_PKG_VERSION"),
        if site.trust.is_some() { "https" } else { "http" },
        site.site,
        site.zone,
        site.zone,
    );
    page
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Args, Command};

    fn options(line: &str) -> Option<ReverseProxy> {
        let words = ["littoral", "reverse-proxy"].into_iter().chain(line.split_whitespace());
        match Args::try_parse_from(words).ok()?.command {
            Command::ReverseProxy(options) => Some(options),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_site_is_a_host_and_a_port() {
        let to = |url: &str| Some(options(&format!("--to {url}"))?.to.to_string());
        assert_eq!(to("http://127.0.0.1:8000").as_deref(), Some("http://127.0.0.1:8000"));
        assert_eq!(to("http://example.org/").as_deref(), Some("http://example.org:80"));
        assert_eq!(to("https://example.org").as_deref(), Some("https://example.org:443"));
        assert_eq!(to("http://[::1]:8000").as_deref(), Some("http://[::1]:8000"));
        for bad in ["ftp://example.org", "example.org", "http://a/b", "http://u@a", "http://"] {
            assert_eq!(to(bad), None, "{bad}");
        }
        assert!(options("").is_none(), "no site");
    }

    #[test]
    fn the_page_shows_zone_and_a_token_that_was_made_here() {
        let site = SiteOptions {
            site: "127.0.0.1:8000".into(),
            trust: None,
            tls: None,
            zone: zone("127.0.0.1:8000"),
            token: blake3::hash(b"t"),
            heuristics: false,
        };
        let at = Location {
            name: "local".into(),
            region: "local".into(),
            address: ([127, 0, 0, 1], 8080).into(),
            zones: None,
        };
        let shown = page(&site, std::slice::from_ref(&at), Some("secret"));
        assert!(shown.contains("zone   ") && shown.contains("token  secret"), "{shown}");
        assert!(!page(&site, &[at], None).contains("secret"));
    }
}
