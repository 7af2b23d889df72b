//! `littoral serve`: one process of a real deployment.

use littoral_types::{STORES, Tenant};
use miette::{IntoDiagnostic as _, Result};
use tokio::signal::unix::{SignalKind, signal};

use super::{Stop, drain};
use crate::args::{Serve, parse};
use crate::config::{Config, Engine, Location, Origin, Token};
use crate::failure::Failure;
use crate::network::{self, BootstrapToken, Network, Place, Places, StoreSite};
use crate::terminal;
use crate::zones::ZonesAt;

pub fn run(serve: &Serve) -> Result<()> {
    if serve.markdown {
        return Ok(terminal::write(crate::reference::page().as_bytes())?);
    }
    let config = match &serve.config {
        Some(file) => littoral_config::read(file)?,
        None => Config::default(),
    };
    if serve.dump_config {
        return Ok(terminal::say(littoral_config::dump(&config).trim_end())?);
    }
    let mut options = options(&config)?;
    let zones = config.zones_listen.map(ZonesAt::Exactly);
    options.watch = serve.watch.options();
    crate::logs::install(&serve.log, &config.log)?;
    super::block_on(run_network(options, zones))
}

async fn run_network(options: network::Options, zones: Option<ZonesAt>) -> Result<()> {
    let mut stop = Stop::listen()?;
    let mut reload = signal(SignalKind::hangup()).into_diagnostic()?;
    let network = Network::with_zones(options, zones).await?;
    for location in network.locations() {
        let network::Location { name, region, address, zones } = location;
        let zones = zones.map(|zones| zones.to_string());
        tracing::info!(%name, %region, %address, zones, "location is ready");
    }
    loop {
        tokio::select! {
            () = stop.told() => return drain(network, stop).await,
            _ = reload.recv() => network.reload(),
        }
    }
}

/// Checks what a type cannot say, and converts to plain values.
fn options(config: &Config) -> Result<network::Options> {
    let account = account(&config.account)?;
    let tokens = config.tokens.iter().map(token).collect::<Result<_>>()?;
    let places = places(config)?;
    Ok(network::Options {
        data_dir: config.data_dir.clone(),
        listen: config.listen,
        places,
        member: config.node.as_ref().map(|node| network::Member {
            listen: node.listen,
            certificates: node.certificates.clone(),
        }),
        origins: origins(config)?,
        access: network::Access { account, tokens },
        limits: config.limits.clone(),
        watch: crate::watch::Options::default(),
    })
}

fn account(text: &str) -> Result<Tenant> {
    parse::account(text).map_err(|why| invalid(format!("account = \"{text}\": {why}")))
}

fn token(token: &Token) -> Result<BootstrapToken> {
    let Token { name, hash, access } = token;
    if name.is_empty() {
        return Err(invalid("a token under [[tokens]] has no name"));
    }
    let hash = blake3::Hash::from_hex(hash).map_err(|_| {
        invalid(format!("the hash of token \"{name}\" is not what `littoral token hash` prints"))
    })?;
    Ok(BootstrapToken { name: name.clone(), hash: *hash.as_bytes(), access: *access })
}

pub fn places(config: &Config) -> Result<Places> {
    let (locations, stores) =
        listed(&config.locations, &config.stores, config.upper_weights.as_deref())?;
    Ok(Places::Listed { locations, stores, epoch: config.epoch })
}

/// The places of a list, and at which of them the stores stand. Without `weights` both weigh the same.
///
/// # Errors
/// When names repeat, point nowhere, or are none; when a weight is none.
pub fn listed(
    list: &[Location],
    stores: &[String],
    weights: Option<&[f64]>,
) -> Result<(Vec<Place>, [StoreSite; STORES])> {
    let mut locations: Vec<Place> = Vec::new();
    for location in list {
        let place = place(location)?;
        if locations.iter().any(|other| other.name == place.name) {
            return Err(invalid(format!("two locations are called \"{}\"", place.name)));
        }
        locations.push(place);
    }
    let [first, second] = stores else {
        return Err(invalid("stores names exactly two locations"));
    };
    let index = |name: &String| {
        let found = locations.iter().position(|location| location.name == *name);
        found.ok_or_else(|| invalid(format!("stores: no location is called \"{name}\"")))
    };
    let weights = match weights {
        None => [1.0; STORES],
        Some([first, second]) => [*first, *second],
        Some(_) => {
            return Err(invalid("upper-weights are none, or one for each of the two stores"));
        }
    };
    let weighs = |weight: &f64| weight.is_finite() && *weight >= 0.0;
    if !weights.iter().all(weighs) || weights == [0.0; STORES] {
        let what = "upper-weights are numbers of at least 0, one of them more than 0";
        return Err(invalid(what));
    }
    let [first, second] = [index(first)?, index(second)?];
    let site = |at, store: usize| StoreSite { at, weight: weights[store] };
    Ok((locations, [site(first, 0), site(second, 1)]))
}

/// What each store is kept in.
pub fn origins(config: &Config) -> Result<[network::Origin; STORES]> {
    let origins: Vec<_> = config.origins.iter().map(origin).collect::<Result<_>>()?;
    if origins.is_empty() {
        return Ok(Default::default());
    }
    origins.try_into().map_err(|_| invalid("origins are none, or one for each of the two stores"))
}

fn origin(origin: &Origin) -> Result<network::Origin> {
    let Origin { engine, url, password_file, connections } = origin;
    if *engine == Engine::Embedded {
        return Ok(network::Origin::Embedded);
    }
    let address: littoral_postgres::Address = url
        .parse()
        .map_err(|error: littoral_postgres::AddressError| invalid(format!("origins: {error}")))?;
    let address = match password_file {
        None => address,
        Some(file) => {
            let password = std::fs::read_to_string(file).map_err(|error| {
                invalid(format!("origins: cannot read {}: {error}", file.display()))
            })?;
            address.with_password(password.trim_end())
        }
    };
    Ok(network::Origin::Postgres { address: Box::new(address), connections: *connections })
}

fn place(location: &Location) -> Result<Place> {
    let Location { name, region, weight, listen, nodes } = location.clone();
    let spelled = |text: &str| {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        !text.is_empty() && text.bytes().all(plain)
    };
    if !spelled(&name) || !spelled(&region) {
        let what = format!("location \"{name}\" in region \"{region}\"");
        return Err(invalid(format!("{what}: both are lower-case letters, digits and dashes")));
    }
    if !weight.is_finite() || weight < 0.0 {
        return Err(invalid(format!("location \"{name}\": a weight is a number of at least 0")));
    }
    let nodes = nodes.into_iter().map(|node| (node.name, node.address)).collect();
    Ok(Place { name, region, weight, listen, nodes })
}

fn invalid(what: impl Into<String>) -> miette::Report {
    let next = "`littoral serve --dump-config` prints every key with its meaning";
    Failure::new("littoral::config_invalid", what, next).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options_of(text: &str) -> Result<network::Options> {
        options(&littoral_config::parse("test.toml", text)?)
    }

    #[test]
    fn the_example_is_valid_and_shows_a_network_of_two_regions() {
        let options = options_of(include_str!("../../../examples/serve.toml")).expect("valid");
        let Places::Listed { locations, stores, .. } = options.places else { panic!("listed") };
        assert_eq!(locations.len(), 3);
        let region = |store: StoreSite| locations[store.at].region.as_str();
        assert_eq!(stores.map(region), ["europe", "america"]);
        assert_eq!(stores.map(|store| store.weight), [1.0, 1.0]);
        assert_eq!(options.access.tokens.len(), 1);
    }

    #[test]
    fn the_defaults_are_valid_and_read_back() {
        let config = Config::default();
        let text = littoral_config::dump(&config);
        assert_eq!(littoral_config::parse::<Config>("dumped", &text).expect("valid"), config);
        assert!(options(&config).is_ok());
    }

    #[test]
    fn what_makes_no_network_is_refused() {
        for bad in [
            "account = \"1\"",
            "stores = [\"here\"]",
            "stores = [\"here\", \"there\"]",
            "[[locations]]\nweight = -1.0",
            "[[locations]]\nname = \"a\"\nregion = \"home\"\n[[locations]]\nname = \"a\"\nregion = \"home\"",
            "[[locations]]\nname = \"A b\"",
            "locations = []",
            "upper-weights = [1.0]",
            "upper-weights = [-1.0, 1.0]",
            "upper-weights = [0.0, 0.0]",
            "[[tokens]]\nname = \"ci\"\nhash = \"plain-text\"",
        ] {
            assert!(options_of(bad).is_err(), "{bad}");
        }
    }
}
