//! What a write costs in purges does not grow with locations, only with regions.

use littoral_sim::{PurgeOptions, Purges, purges};

const STREAMS: u16 = 2;
const REGIONS: u16 = 3;
const READERS: u16 = 4;

fn of(locations: u16, regions: u16) -> Purges {
    purges(PurgeOptions { seed: 7, locations, regions, writes: 60, readers: READERS })
}

#[test]
fn purge_traffic_of_a_write_is_the_same_at_eight_and_at_sixty_locations() {
    let (few, many) = (of(8, REGIONS), of(60, REGIONS));
    for (few, many) in few.sent.iter().zip(many.sent) {
        assert!((few - 3.0).abs() < 0.3, "one for each region: {few}");
        assert!((many / few - 1.0).abs() <= 0.1, "{few} a write at 8, {many} at 60");
    }
    // A tier that hears both streams tells those that it filled twice: readers, and tiers below it.
    let most = f64::from(STREAMS * (READERS + REGIONS));
    for counted in [few, many] {
        assert!(counted.pushed > 0.0 && counted.pushed <= most, "{counted:?}");
    }
}

#[test]
fn more_regions_cost_a_record_each() {
    let (three, six) = (of(24, 3), of(24, 6));
    for (three, six) in three.sent.iter().zip(six.sent) {
        assert!((six / three - 2.0).abs() <= 0.1, "{three} with three regions, {six} with six");
    }
}
