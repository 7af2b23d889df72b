//! A flame graph of what a program does under load, where `perf` works.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::plan::Plan;
use crate::program::output;

/// A stack's frames below this one, and how often it was seen.
#[derive(Default)]
struct Frame {
    seen: u64,
    below: BTreeMap<String, Self>,
}

const WIDTH: f64 = 1_200.0;
const LINE: usize = 16;
/// Narrower ones are not drawn.
const NARROWEST: f64 = 0.4;

/// Samples `program` while `load` runs, and draws what was seen.
pub(crate) fn record(
    plan: &Plan,
    program: u32,
    name: &str,
    load: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let data = plan.folder.join(format!("{name}.perf"));
    let span = plan.span.as_secs().max(1).to_string();
    let mut command = Command::new("perf");
    command
        .args(["record", "-q", "-e", "cpu-clock", "-F", "997", "--call-graph", "dwarf,16384"])
        .args(["-p", &program.to_string(), "-o"])
        .arg(&data)
        .args(["--", "sleep", &span]);
    let started = command.stdout(std::process::Stdio::null()).spawn();
    let Ok(mut perf) = started else {
        eprintln!("perf is not here (on Debian: apt-get install linux-perf): no flame graph");
        return Ok(());
    };
    load()?;
    if !perf.wait()?.success() {
        eprintln!("perf does not work here: no flame graph");
        return Ok(());
    }
    let script = output(Command::new("perf").args(["script", "--no-inline", "-i"]).arg(&data))?;
    let root = fold(&script);
    let drawing = plan.folder.join(format!("{name}.svg"));
    std::fs::write(&drawing, draw(&root)).context("cannot write the flame graph")?;
    eprintln!("flame graph: {}", drawing.display());
    Ok(())
}

/// What `perf script` prints: a head, then frames from the innermost out, then an empty line.
fn fold(script: &str) -> Frame {
    let mut root = Frame::default();
    for sample in script.split("\n\n") {
        let frames: Vec<&str> = sample
            .lines()
            .filter(|line| line.starts_with(['\t', ' ']))
            .filter_map(symbol)
            .collect();
        if !frames.is_empty() {
            root.add(frames.iter().rev().copied());
        }
    }
    root
}

/// `  55d0 name+0x12 (/path)` → `name`
fn symbol(line: &str) -> Option<&str> {
    let (_, rest) = line.trim().split_once(' ')?;
    let name = rest.rsplit_once(" (").map_or(rest, |(name, _)| name);
    Some(name.rsplit_once("+0x").map_or(name, |(name, _)| name))
}

impl Frame {
    fn add<'a>(&mut self, mut stack: impl Iterator<Item = &'a str>) {
        self.seen += 1;
        if let Some(outer) = stack.next() {
            self.below.entry(outer.to_owned()).or_default().add(stack);
        }
    }

    fn depth(&self) -> usize {
        1 + self.below.values().map(Self::depth).max().unwrap_or(0)
    }
}

fn draw(root: &Frame) -> String {
    let height = root.depth() * LINE + LINE;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"monospace\" font-size=\"11\">\n"
    );
    let whole = root.seen.max(1);
    boxes(&mut svg, "all", root, whole, (0.0, height - 2 * LINE));
    svg.push_str("</svg>\n");
    svg
}

fn boxes(svg: &mut String, name: &str, frame: &Frame, whole: u64, at: (f64, usize)) {
    let width = frame.seen as f64 / whole as f64 * WIDTH;
    if width < NARROWEST {
        return;
    }
    let (x, y) = at;
    let share = frame.seen as f64 / whole as f64 * 100.0;
    let title = escape(name);
    let shown: String = name.chars().take((width / 7.0) as usize).collect();
    let hue =
        name.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % 50;
    let _ = writeln!(
        svg,
        "<g><title>{title} {share:.1} %</title><rect x=\"{x:.1}\" y=\"{y}\" width=\"{width:.1}\" \
         height=\"{LINE}\" fill=\"hsl({hue},80%,65%)\" stroke=\"white\"/>\
         <text x=\"{:.1}\" y=\"{}\">{}</text></g>",
        x + 2.0,
        y + LINE - 4,
        escape(&shown),
    );
    let mut x = x;
    for (name, below) in &frame.below {
        boxes(svg, name, below, whole, (x, y.saturating_sub(LINE)));
        x += below.seen as f64 / whole as f64 * WIDTH;
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_are_folded_from_the_outermost_in() {
        let script = "a 1 1.0: 1 cpu-clock:\n\t55 inner<T>+0x1 (/x)\n\t66 outer+0x2 (/x)\n\n\
                      a 1 1.1: 1 cpu-clock:\n\t77 other+0x3 (/x)\n\t66 outer+0x2 (/x)\n\n";
        let root = fold(script);
        assert_eq!((root.seen, root.below["outer"].seen), (2, 2));
        assert_eq!(root.below["outer"].below["inner<T>"].seen, 1);
        assert!(draw(&root).contains("inner&lt;T&gt; 50.0 %"));
    }
}
