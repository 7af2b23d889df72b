//! The measured round trips as a square of cells, the longer the darker.

use std::fmt::Write as _;
use std::time::Duration;

use super::{PAD, label, rect};
use crate::commands::topology::matrix::{Matrix, cell};

const CELL_WIDTH: usize = 56;
const CELL_HEIGHT: usize = 30;
/// Room for a name of a row, a letter of it.
const LETTER: usize = 8;
const SIDE_MIN: usize = 64;
/// Title and names of columns.
const HEAD: usize = 64;

fn side(matrix: &Matrix) -> usize {
    let longest = matrix.names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    (longest * LETTER + PAD).max(SIDE_MIN)
}

/// Width and height.
pub(super) fn size(matrix: &Matrix) -> (usize, usize) {
    let count = matrix.names.len();
    (side(matrix) + count * CELL_WIDTH + 2 * PAD, HEAD + count * CELL_HEIGHT + PAD)
}

pub(super) fn draw(text: &mut String, matrix: &Matrix, (left, top): (usize, usize)) {
    rect(text, (left, top), size(matrix), "panel", 14);
    label(text, (left + PAD, top + 28), "region", "Measured round trips, ms: a row asks");
    let (first, longest) = (left + PAD + side(matrix), matrix.longest());
    for (at, name) in matrix.names.iter().enumerate() {
        let middle = first + at * CELL_WIDTH + CELL_WIDTH / 2;
        label(text, (middle, top + HEAD - 8), "axis", &short(name));
        let line = top + HEAD + at * CELL_HEIGHT;
        label(text, (first - 10, line + 20), "side", name);
        for (to, trip) in matrix.trips[at].iter().enumerate() {
            one(text, (first + to * CELL_WIDTH, line), *trip, longest);
        }
    }
}

/// A column's name, as far as there is room.
fn short(name: &str) -> String {
    let most = CELL_WIDTH / LETTER;
    if name.chars().count() <= most {
        return name.into();
    }
    name.chars().take(most - 1).chain(['…']).collect()
}

fn one(text: &mut String, (x, y): (usize, usize), trip: Option<Duration>, longest: Duration) {
    // By its root: short ones differ visibly, beside one that crosses the world.
    let part = trip.map(|trip| (trip.as_secs_f64() / longest.as_secs_f64().max(1e-9)).sqrt());
    let (fill, class) = match part {
        None => ("#e4edf0".to_owned(), "trip"),
        Some(part) => (shade(part), if part > 0.6 { "light" } else { "trip" }),
    };
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "<rect class=\"cell\" x=\"{x}\" y=\"{y}\" width=\"{CELL_WIDTH}\" height=\"{CELL_HEIGHT}\" \
         rx=\"5\" fill=\"{fill}\"/>"
    );
    let words = trip.map_or("–".into(), cell);
    label(text, (x + CELL_WIDTH / 2, y + 20), class, &words);
}

/// From a light blue to the dark one of upper tiers.
fn shade(part: f64) -> String {
    const LIGHT: [f64; 3] = [222.0, 240.0, 244.0];
    const DARK: [f64; 3] = [11.0, 85.0, 102.0];
    let channel = |at: usize| (LIGHT[at] + (DARK[at] - LIGHT[at]) * part.clamp(0.0, 1.0)) as u8;
    format!("#{:02x}{:02x}{:02x}", channel(0), channel(1), channel(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_has_its_cell_and_the_longest_is_the_darkest() {
        let ms = |ms| Some(Duration::from_millis(ms));
        let matrix = Matrix {
            names: vec!["lhr".into(), "a-very-long-name".into()],
            trips: vec![vec![None, ms(80)], vec![ms(20), None]],
        };
        let mut text = String::new();
        draw(&mut text, &matrix, (0, 0));
        assert_eq!(text.matches("class=\"cell\"").count(), 4);
        assert!(text.contains(">80.0</text>") && text.contains(&shade(1.0)));
        assert!(text.contains(&shade(0.5)), "a quarter of the trip is half as dark");
        assert!(text.contains(">a-very…</text>") && text.contains(">a-very-long-name</text>"));
    }
}
