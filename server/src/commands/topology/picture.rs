//! A network as a picture: a panel for each region, a card for each location.

mod trips;

use std::fmt::Write as _;

use super::draw::percent;
use super::view::{Place, Region, View};

/// Panels beside each other.
const COLUMNS: usize = 3;
const MARGIN: usize = 32;
const PANEL_WIDTH: usize = 300;
const GAP: usize = 24;
const HEAD: usize = 84;
const PANEL_HEAD: usize = 48;
const CARD_HEIGHT: usize = 92;
const CARD_GAP: usize = 12;
const PAD: usize = 14;
const FOOT: usize = 44;

const STYLE: &str = "\
text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#16323f}\
.title{font-size:22px;font-weight:650}.note{font-size:13px;fill:#557380}\
.region{font-size:15px;font-weight:600;fill:#0b5566}.name{font-size:17px;font-weight:650}\
.panel{fill:#eef5f7;stroke:#c9dde3}.card{fill:#ffffff;stroke:#bfd3da}\
.leaving{fill:#fbf3f0;stroke:#c2573a;stroke-dasharray:6 4}.track{fill:#dfeaee}.bar{fill:#1f8a9e}\
.cell{stroke:#ffffff;stroke-width:2}.trip{font-size:12px;text-anchor:middle}\
.light{font-size:12px;text-anchor:middle;fill:#ffffff}.axis{font-size:12px;text-anchor:middle;fill:#557380}\
.side{font-size:12px;text-anchor:end;fill:#557380}\
.upper{fill:#0b5566}.store{fill:#0b5566}.chip{font-size:12px;font-weight:600;fill:#ffffff;text-anchor:middle}";

pub fn svg(view: &View) -> String {
    let rows: Vec<&[Region]> = view.regions.chunks(COLUMNS).collect();
    let columns = view.regions.len().clamp(1, COLUMNS);
    let mut width = 2 * MARGIN + columns * PANEL_WIDTH + (columns - 1) * GAP;
    let mut panels = String::new();
    let mut top = HEAD;
    for row in rows {
        let tallest = row.iter().map(panel_height).max().unwrap_or(0);
        for (at, region) in row.iter().enumerate() {
            let left = MARGIN + at * (PANEL_WIDTH + GAP);
            panel(&mut panels, view, region, (left, top), tallest);
        }
        top += tallest + GAP;
    }
    if let Some(matrix) = &view.matrix {
        let size = trips::size(matrix);
        width = width.max(2 * MARGIN + size.0);
        trips::draw(&mut panels, matrix, (MARGIN, top));
        top += size.1 + GAP;
    }
    let height = top + FOOT;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"The network's places\">\n\
         <style>{STYLE}</style>\n<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    let places = view.places().count();
    let nodes: usize = view.places().map(|place| place.nodes.len().max(1)).sum();
    label(&mut text, (MARGIN, 40), "title", "Littoral network");
    let counts = format!(
        "epoch {} · {} · {} · {}",
        view.epoch,
        counted(view.regions.len(), "region"),
        counted(places, "location"),
        counted(nodes, "node"),
    );
    label(&mut text, (MARGIN, 64), "note", &counts);
    text.push_str(&panels);
    let legend = "Bar: share of all keys held for its region; dark, as their upper tier.";
    label(&mut text, (MARGIN, height - 36), "note", legend);
    if let Some(at) = &view.seen_from {
        let seen = format!("Round trips as {at} sees them.");
        label(&mut text, (MARGIN, height - 16), "note", &seen);
    }
    text.push_str("</svg>\n");
    text
}

fn panel_height(region: &Region) -> usize {
    PANEL_HEAD + region.places.len() * (CARD_HEIGHT + CARD_GAP)
}

fn panel(
    text: &mut String,
    view: &View,
    region: &Region,
    (left, top): (usize, usize),
    height: usize,
) {
    rect(text, (left, top), (PANEL_WIDTH, height), "panel", 14);
    label(text, (left + PAD, top + 30), "region", &region.name);
    for (at, place) in region.places.iter().enumerate() {
        let top = top + PANEL_HEAD + at * (CARD_HEIGHT + CARD_GAP);
        card(text, view, place, (left + CARD_GAP, top));
    }
}

fn card(text: &mut String, view: &View, place: &Place, (left, top): (usize, usize)) {
    let width = PANEL_WIDTH - 2 * CARD_GAP;
    let leaving = view.leaving.as_ref().filter(|left| left.name == place.name);
    let class = if leaving.is_some() { "leaving" } else { "card" };
    rect(text, (left, top), (width, CARD_HEIGHT), class, 10);
    label(text, (left + PAD, top + 28), "name", &place.name);
    let mut right = left + width - PAD;
    for store in place.stores.iter().rev() {
        right -= 62;
        rect(text, (right, top + 12), (62, 22), "store", 11);
        label(text, (right + 31, top + 27), "chip", &format!("store {store}"));
        right -= 6;
    }
    let bar = width - 2 * PAD;
    let part = |share: f64| (share.clamp(0.0, 1.0) * bar as f64).round() as usize;
    rect(text, (left + PAD, top + 42), (bar, 8), "track", 4);
    rect(text, (left + PAD, top + 42), (part(place.share.regional), 8), "bar", 4);
    rect(text, (left + PAD, top + 42), (part(place.share.upper), 8), "upper", 4);
    let mut words = vec![format!("{} of keys", percent(place.share.regional))];
    if place.weight != 1.0 {
        words.push(format!("weight {}", place.weight));
    }
    if place.nodes.len() > 1 {
        words.push(counted(place.nodes.len(), "node"));
    }
    if let Some(trip) = place.trip {
        words.push(format!("{:.1} ms", trip.as_secs_f64() * 1e3));
    }
    if leaving.is_some() {
        words.push("leaves".into());
    } else if let Some((_, more)) =
        view.leaving.iter().flat_map(|left| &left.to).find(|(name, _)| *name == place.name)
    {
        words.push(format!("takes {}", percent(*more)));
    }
    label(text, (left + PAD, top + 74), "note", &words.join(" · "));
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn rect(
    text: &mut String,
    (x, y): (usize, usize),
    (width, height): (usize, usize),
    class: &str,
    round: usize,
) {
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{round}\"/>"
    );
}

fn label(text: &mut String, (x, y): (usize, usize), class: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(text, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{words}</text>");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::known;
    use crate::commands::topology::view::Trips;
    use crate::config::Config;

    #[test]
    fn every_location_has_its_card_and_no_name_breaks_the_picture() {
        let text = include_str!("../../../../examples/serve.toml");
        let config: Config = littoral_config::parse("serve.toml", text).expect("valid");
        let (topology, places) = known::places(&config).expect("places");
        let mut view = View::new(&config, &topology, &places, None, Trips::default());
        view.regions[0].places[0].name = "<a&b>".into();
        let picture = svg(&view);
        assert!(picture.contains("&lt;a&amp;b&gt;") && !picture.contains("<a&b>"));
        for place in view.places().skip(1) {
            assert!(picture.contains(&format!(">{}</text>", place.name)), "{}", place.name);
        }
        assert_eq!(picture.matches("store 0").count(), 1);
    }
}
