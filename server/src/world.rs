//! The built-in map that `dev` models: cities, their regions, and trip times between them.

use std::time::Duration;

/// A city of the map.
pub struct City {
    /// Its airport's code: the location's name.
    pub name: &'static str,
    pub region: &'static str,
    latitude: f64,
    longitude: f64,
}

const fn city(name: &'static str, region: &'static str, latitude: f64, longitude: f64) -> City {
    City { name, region, latitude, longitude }
}

/// In the order in which `--locations` takes them: the first eight stand in four regions.
#[rustfmt::skip]
pub const CITIES: [City; 64] = [
    city("lhr", "europe", 51.5, -0.1), city("iad", "america-east", 38.9, -77.0),
    city("fra", "europe", 50.1, 8.7), city("nrt", "asia", 35.7, 139.7),
    city("sjc", "america-west", 37.3, -121.9), city("ams", "europe", 52.4, 4.9),
    city("ord", "america-east", 41.9, -87.6), city("sin", "asia", 1.3, 103.8),
    city("syd", "oceania", -33.9, 151.2), city("gru", "america-south", -23.5, -46.6),
    city("jnb", "africa", -26.2, 28.0), city("sea", "america-west", 47.6, -122.3),
    city("cdg", "europe", 48.9, 2.4), city("hkg", "asia", 22.3, 114.2),
    city("mia", "america-east", 25.8, -80.2), city("bom", "asia", 19.1, 72.9),
    city("mad", "europe", 40.4, -3.7), city("lax", "america-west", 34.1, -118.2),
    city("icn", "asia", 37.6, 127.0), city("ewr", "america-east", 40.7, -74.0),
    city("mel", "oceania", -37.8, 145.0), city("eze", "america-south", -34.6, -58.4),
    city("los", "africa", 6.5, 3.4), city("arn", "europe", 59.3, 18.1),
    city("dfw", "america-west", 32.8, -96.8), city("kix", "asia", 34.7, 135.5),
    city("yyz", "america-east", 43.7, -79.4), city("waw", "europe", 52.2, 21.0),
    city("del", "asia", 28.6, 77.2), city("akl", "oceania", -36.8, 174.8),
    city("scl", "america-south", -33.4, -70.7), city("cai", "africa", 30.0, 31.2),
    city("mxp", "europe", 45.5, 9.2), city("den", "america-west", 39.7, -105.0),
    city("tpe", "asia", 25.0, 121.5), city("atl", "america-east", 33.7, -84.4),
    city("dub", "europe", 53.3, -6.3), city("phx", "america-west", 33.4, -112.1),
    city("bkk", "asia", 13.8, 100.5), city("bog", "america-south", 4.7, -74.1),
    city("nbo", "africa", -1.3, 36.8), city("hel", "europe", 60.2, 24.9),
    city("bos", "america-east", 42.4, -71.1), city("per", "oceania", -31.9, 115.9),
    city("cgk", "asia", -6.2, 106.8), city("vie", "europe", 48.2, 16.4),
    city("yvr", "america-west", 49.3, -123.1), city("lim", "america-south", -12.0, -77.0),
    city("cpt", "africa", -33.9, 18.4), city("zrh", "europe", 47.4, 8.5),
    city("iah", "america-east", 29.8, -95.4), city("mnl", "asia", 14.6, 121.0),
    city("lis", "europe", 38.7, -9.1), city("bne", "oceania", -27.5, 153.0),
    city("yul", "america-east", 45.5, -73.6), city("otp", "europe", 44.4, 26.1),
    city("slc", "america-west", 40.8, -111.9), city("kul", "asia", 3.1, 101.7),
    city("gig", "america-south", -22.9, -43.2), city("ath", "europe", 38.0, 23.7),
    city("dxb", "asia", 25.2, 55.3), city("cph", "europe", 55.7, 12.6),
    city("qro", "america-south", 20.6, -100.4), city("ist", "europe", 41.0, 29.0),
];

/// Light in fibre covers about 200 km in a millisecond; routes are half as long again as the
/// great circle.
const KM_PER_MS: f64 = 200.0;
const DETOUR: f64 = 1.5;
/// Routers and last miles, even across the street.
const NEAR_MS: f64 = 0.25;

/// The one-way trip between two cities, times `scale`.
pub fn trip(a: &City, b: &City, scale: f64) -> Duration {
    if a.name == b.name {
        return Duration::ZERO;
    }
    let ms = NEAR_MS + distance_km(a, b) * DETOUR / KM_PER_MS;
    Duration::from_secs_f64(ms * scale / 1_000.0)
}

/// Great-circle distance by the haversine formula.
fn distance_km(a: &City, b: &City) -> f64 {
    const EARTH_KM: f64 = 6_371.0;
    let (lat_a, lat_b) = (a.latitude.to_radians(), b.latitude.to_radians());
    let half_lat = ((lat_b - lat_a) / 2.0).sin();
    let half_lon = ((b.longitude - a.longitude).to_radians() / 2.0).sin();
    let h = half_lat.powi(2) + lat_a.cos() * lat_b.cos() * half_lon.powi(2);
    2.0 * EARTH_KM * h.sqrt().asin()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_map_has_no_city_twice_and_its_first_eight_stand_in_four_regions() {
        let names: HashSet<_> = CITIES.iter().map(|city| city.name).collect();
        assert_eq!(names.len(), CITIES.len());
        let regions: HashSet<_> = CITIES[..8].iter().map(|city| city.region).collect();
        assert_eq!(regions.len(), 4);
        assert_ne!(CITIES[0].region, CITIES[1].region, "the stores stand in two regions");
    }

    #[test]
    fn london_to_new_york_takes_about_forty_milliseconds() {
        let find = |name| CITIES.iter().find(|city| city.name == name).expect("on the map");
        let one_way = trip(find("lhr"), find("ewr"), 1.0).as_millis();
        assert!((38..48).contains(&one_way), "{one_way}");
        assert_eq!(trip(find("lhr"), find("lhr"), 1.0), Duration::ZERO);
    }
}
