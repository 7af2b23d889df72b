//! The locations of a `dev` network, as it names them itself.

use miette::Result;
use serde::Deserialize;

use crate::client::{Call, Client, Error};
use crate::failure::Failure;

#[derive(Clone, Debug, Deserialize)]
pub struct Place {
    pub name: String,
    pub region: String,
    pub address: String,
}

/// Empty where nobody says: a node that is not of `dev`.
#[derive(Clone, Debug, Default)]
pub struct Places(Vec<Place>);

impl Places {
    pub async fn ask(client: &Client) -> Result<Self, Error> {
        match client.plain_json(Call::get("/dev/locations")).await {
            Ok(places) => Ok(Self(places)),
            // It answers, but not to this.
            Err(Error::Refused { .. } | Error::Strange { .. }) => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// The address of a location.
    pub fn url_of(&self, name: &str) -> Result<String> {
        if let Some(place) = self.0.iter().find(|place| place.name == name) {
            return Ok(format!("http://{}", place.address));
        }
        let names: Vec<_> = self.0.iter().map(|place| place.name.as_str()).collect();
        let next = match names.is_empty() {
            true => "only `littoral dev` names its locations; give an address with --url".into(),
            false => format!("there are {}", names.join(", ")),
        };
        Err(Failure::new("littoral::location", format!("no location is called `{name}`"), next)
            .into())
    }

    pub fn region_of(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|place| place.name == name).map(|place| place.region.as_str())
    }

    /// What stands at `base`, for people.
    pub fn describe(&self, base: &str) -> String {
        let here = self.0.iter().find(|place| base.strip_prefix("http://") == Some(&place.address));
        match here {
            Some(Place { name, region, .. }) => format!("{name} ({region}, {base})"),
            None => base.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_found_by_name_and_by_address() {
        let places = r#"[{"name":"ams","region":"europe","address":"127.0.0.1:1"}]"#;
        let places = Places(serde_json::from_str(places).expect("places"));
        assert_eq!(places.url_of("ams").expect("known"), "http://127.0.0.1:1");
        assert_eq!(places.describe("http://127.0.0.1:1"), "ams (europe, http://127.0.0.1:1)");
        assert_eq!(places.describe("http://h:2"), "http://h:2");
        assert!(places.url_of("iad").is_err() && Places::default().url_of("ams").is_err());
    }
}
