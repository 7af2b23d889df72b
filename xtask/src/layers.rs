//! The arrows between crates: what Cargo.toml files say against the table in ARCHITECTURE.md, and
//! the dependencies that `deny.toml` keeps in one place.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};

use crate::workspace::{Crate, Workspace};

/// Crate → what it may use, both without the product's prefix.
type Table = BTreeMap<String, BTreeSet<String>>;

const TABLE_HEAD: &str = "| crate | may use |";
const PREFIX: &str = "littoral-";
/// From the bottom up; an arrow never points to the right.
const LAYERS: &[&str] = &[
    "crates/base",
    "crates/data",
    "crates/path",
    "crates/serve",
    "server",
    "fuzz",
    "sim",
    "tests",
    "bench",
    "xtask",
];

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let complaints = complaints(workspace)?;
    if complaints.is_empty() {
        return Ok(());
    }
    bail!("{} arrow(s) against the plan:\n  {}", complaints.len(), complaints.join("\n  "))
}

fn complaints(workspace: &Workspace) -> Result<Vec<String>> {
    let crates = workspace.crates()?;
    let table = parse_table(&workspace.read("ARCHITECTURE.md")?)?;
    let kept_in = parse_wrappers(&workspace.read("deny.toml")?)?;
    let mut complaints = against_table(&crates, &table);
    complaints.extend(against_layers(&crates));
    complaints.extend(against_wrappers(&crates, &kept_in));
    Ok(complaints)
}

/// The rows under the table's head: the names in backticks of either column.
fn parse_table(text: &str) -> Result<Table> {
    let mut lines = text.lines().skip_while(|line| line.trim() != TABLE_HEAD);
    lines.next().with_context(|| format!("ARCHITECTURE.md has no table headed {TABLE_HEAD}"))?;
    let mut table = Table::new();
    for line in lines.skip(1).take_while(|line| line.starts_with('|')) {
        let (left, right) = line
            .trim_matches('|')
            .split_once('|')
            .with_context(|| format!("a row has two columns: {line}"))?;
        let [name] = names(left)[..] else { bail!("a row names one crate: {line}") };
        let uses = names(right).into_iter().map(str::to_owned).collect();
        if table.insert(name.to_owned(), uses).is_some() {
            bail!("two rows for {name}");
        }
    }
    Ok(table)
}

/// What stands in backticks.
fn names(column: &str) -> Vec<&str> {
    column.split('`').skip(1).step_by(2).collect()
}

/// Dependency → the packages that may name it, from `[[bans.deny]]` entries with `wrappers`.
fn parse_wrappers(text: &str) -> Result<Table> {
    let deny: toml::Table = text.parse().context("deny.toml")?;
    let bans = deny.get("bans").and_then(|bans| bans.get("deny")?.as_array());
    let mut kept_in = Table::new();
    for ban in bans.into_iter().flatten() {
        let name =
            ban.get("crate").and_then(|name| name.as_str()).context("a ban names a crate")?;
        let wrappers = ban.get("wrappers").and_then(|list| list.as_array());
        let wrappers = wrappers.into_iter().flatten().filter_map(|one| one.as_str());
        kept_in.insert(name.to_owned(), wrappers.map(str::to_owned).collect());
    }
    Ok(kept_in)
}

fn short(package: &str) -> &str {
    package.strip_prefix(PREFIX).unwrap_or(package)
}

fn ours<'a>(crates: &'a [Crate], package: &str) -> Option<&'a Crate> {
    crates.iter().find(|one| one.package == package)
}

fn against_table(crates: &[Crate], table: &Table) -> Vec<String> {
    let mut complaints = Vec::new();
    for one in crates {
        let name = short(&one.package);
        let Some(allowed) = table.get(name) else {
            complaints.push(format!("`{name}` has no row in ARCHITECTURE.md"));
            continue;
        };
        for used in one.uses.iter().filter(|used| ours(crates, used).is_some()) {
            // Itself: its own tests ask for a feature.
            if *used != one.package && !allowed.contains(short(used)) {
                complaints
                    .push(format!("`{name}` uses `{}`, which its row does not list", short(used)));
            }
        }
    }
    let known: BTreeSet<&str> = crates.iter().map(|one| short(&one.package)).collect();
    for (name, allowed) in table {
        for named in allowed.iter().chain([name]).filter(|named| !known.contains(named.as_str())) {
            complaints.push(format!("the row of `{name}` names `{named}`, which is no crate"));
        }
    }
    complaints
}

fn against_layers(crates: &[Crate]) -> Vec<String> {
    let layer = |one: &Crate| LAYERS.iter().position(|layer| one.folder.starts_with(layer));
    let mut complaints = Vec::new();
    for one in crates {
        if layer(one).is_none() {
            complaints.push(format!("{} lies in no layer", one.folder.display()));
        }
        for used in one.uses.iter().filter_map(|used| ours(crates, used)) {
            if layer(used) > layer(one) {
                complaints.push(format!("`{}` points up, to `{}`", one.package, used.package));
            }
        }
    }
    complaints
}

fn against_wrappers(crates: &[Crate], kept_in: &Table) -> Vec<String> {
    let mut complaints = Vec::new();
    for one in crates {
        for used in &one.uses {
            if kept_in.get(used).is_some_and(|wrappers| !wrappers.contains(&one.package)) {
                complaints.push(format!(
                    "`{}` uses {used}, which deny.toml keeps elsewhere",
                    one.package
                ));
            }
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(package: &str, folder: &str, uses: &[&str]) -> Crate {
        let uses = uses.iter().map(ToString::to_string).collect();
        Crate { package: package.to_owned(), folder: folder.into(), uses }
    }

    const TEXT: &str = "\
# Map
| crate | may use |
|---|---|
| `clock` | `types` |
| `types` | nothing |
| `tiers` | `clock`, `types` |

| other | table |
| `x` | `y` |
";

    fn check(crates: &[Crate]) -> Vec<String> {
        against_table(crates, &parse_table(TEXT).unwrap())
    }

    #[test]
    fn every_arrow_of_this_workspace_is_in_the_table() {
        let complaints = complaints(&Workspace::find().unwrap()).unwrap();
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    }

    #[test]
    fn an_arrow_that_is_not_listed_is_named() {
        let crates = [
            one("littoral-types", "crates/base/types", &[]),
            one("littoral-clock", "crates/base/clock", &["littoral-types", "tokio"]),
            one("littoral-tiers", "crates/path/tiers", &["littoral-clock", "littoral-types"]),
        ];
        assert!(check(&crates).is_empty());
        let mut crates = crates;
        crates[0].uses.push("littoral-clock".into());
        assert_eq!(check(&crates), ["`types` uses `clock`, which its row does not list"]);
    }

    #[test]
    fn a_crate_without_a_row_and_a_row_without_a_crate_are_named() {
        let crates = [
            one("littoral-types", "crates/base/types", &[]),
            one("littoral-clock", "crates/base/clock", &[]),
            one("littoral-disk", "crates/data/disk", &[]),
        ];
        let complaints = check(&crates);
        assert_eq!(complaints[0], "`disk` has no row in ARCHITECTURE.md");
        assert_eq!(complaints[1], "the row of `tiers` names `tiers`, which is no crate");
        assert_eq!(complaints.len(), 2);
    }

    #[test]
    fn an_arrow_up_is_refused_even_if_listed() {
        let crates = [
            one("littoral-types", "crates/base/types", &["littoral-store"]),
            one("littoral-store", "crates/data/store", &[]),
        ];
        assert_eq!(against_layers(&crates), ["`littoral-types` points up, to `littoral-store`"]);
    }

    #[test]
    fn a_dependency_kept_in_one_place_is_refused_elsewhere() {
        let deny = "[[bans.deny]]\ncrate = \"fjall\"\nwrappers = [\"littoral-store\"]\n";
        let crates = [
            one("littoral-store", "crates/data/store", &["fjall"]),
            one("littoral-kv", "crates/serve/kv", &["fjall"]),
        ];
        let complaints = against_wrappers(&crates, &parse_wrappers(deny).unwrap());
        assert_eq!(complaints, ["`littoral-kv` uses fjall, which deny.toml keeps elsewhere"]);
    }
}
