//! A network as a table.

use super::shares::{Departure, SAMPLE};
use super::view::{Place, View};

const HEAD: [&str; 8] =
    ["region", "location", "weight", "nodes", "stores", "regional", "upper", "round trip"];

pub fn table(view: &View) -> String {
    let mut rows = vec![HEAD.map(str::to_owned)];
    for region in &view.regions {
        let name = |at| if at == 0 { region.name.clone() } else { String::new() };
        rows.extend(region.places.iter().enumerate().map(|(at, place)| row(name(at), place)));
    }
    let mut widths = [0; HEAD.len()];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &[String; HEAD.len()]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines: Vec<String> = rows.iter().map(line).collect();
    lines.push(String::new());
    lines.extend(view.stores.iter().map(|store| {
        let (number, location, engine) = (store.number, &store.location, store.engine);
        let share = percent(store.upper);
        format!("store {number} at {location} ({engine}); its region has the upper tier of {share}")
    }));
    lines.push(format!(
        "epoch {}; shares of all keys, by {SAMPLE} of them{}",
        view.epoch,
        view.seen_from
            .as_ref()
            .map_or(String::new(), |at| format!("; round trips as {at} sees them"))
    ));
    if let Some(matrix) = &view.matrix {
        lines.push(String::new());
        lines.push(matrix.table());
    }
    if let Some(left) = &view.leaving {
        lines.push(String::new());
        lines.extend(departure(left));
    }
    lines.join("\n")
}

fn row(region: String, place: &Place) -> [String; HEAD.len()] {
    let nodes: Vec<_> = place.nodes.iter().map(|(name, _)| name.as_str()).collect();
    let stores: Vec<_> = place.stores.iter().map(u8::to_string).collect();
    [
        region,
        place.name.clone(),
        place.weight.to_string(),
        if nodes.is_empty() { "-".into() } else { nodes.join(" ") },
        stores.join(" "),
        percent(place.share.regional),
        percent(place.share.upper),
        place.trip.map_or(String::new(), |trip| format!("{:.1} ms", trip.as_secs_f64() * 1e3)),
    ]
}

fn departure(left: &Departure) -> Vec<String> {
    let Departure { name, regional, upper, to, others, region_ends } = left;
    let mut lines = vec![format!(
        "without {name}: {} of keys move in its region, {} change their upper tier; {} of others' keys move",
        percent(*regional),
        percent(*upper),
        percent(*others),
    )];
    lines.extend(to.iter().map(|(name, share)| format!("  to {name:<12} {}", percent(*share))));
    if *region_ends {
        lines.push("  nobody is left in its region: its readers ask other regions' tiers".into());
    }
    lines.push("  each moved key costs one miss; no other key is touched".into());
    lines
}

pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
