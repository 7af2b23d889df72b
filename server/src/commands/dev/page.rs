//! The start-up page: what runs where, and what to paste next.

use std::fmt::Write as _;

use crate::args::Dev;
use crate::network::Location;
use crate::terminal;

pub fn render(dev: &Dev, locations: &[Location]) -> String {
    let mut page = String::new();
    head(&mut page, dev, locations).expect("a string takes all");
    if let Some(first) = locations.first() {
        next_steps(&mut page, dev, first, locations).expect("a string takes all");
    }
    page
}

fn head(page: &mut String, dev: &Dev, locations: &[Location]) -> std::fmt::Result {
    let mut regions: Vec<_> = locations.iter().map(|location| &location.region).collect();
    regions.sort();
    regions.dedup();
    writeln!(
        page,
        "Littoral {} · {} in {} · {} · {}",
        env!("CARGO_PKG_VERSION"),
        count(locations.len(), "location"),
        count(regions.len(), "region"),
        match dev.trips {
            0.0 => "no modelled round trips".to_owned(),
            1.0 => "modelled round trips".to_owned(),
            factor => format!("modelled round trips × {factor}"),
        },
        match dev.ephemeral {
            true => "nothing is kept (--ephemeral)".to_owned(),
            false => format!("data in {} (--data-dir)", dev.data_dir.display()),
        },
    )?;
    let width =
        |of: fn(&Location) -> &str| locations.iter().map(|l| of(l).len()).max().unwrap_or(0);
    let name = width(|location| &location.name).max("location".len());
    let region = width(|location| &location.region).max("region".len());
    let zones = locations.iter().any(|location| location.zones.is_some());
    let zones = if zones { "                zones" } else { "" };
    writeln!(page, "\n  {:name$}  {:region$}  address{zones}", "location", "region")?;
    for location in locations {
        let Location { name: n, region: r, address, zones } = location;
        let zones = zones.map(|zones| format!("  http://{zones}")).unwrap_or_default();
        writeln!(page, "  {n:name$}  {r:region$}  http://{address}{zones}")?;
    }
    writeln!(page, "\n  account  {:032x}   (--account)", dev.account.0)?;
    writeln!(page, "  token    {}   (--token)", dev.token)
}

fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

fn next_steps(
    page: &mut String,
    dev: &Dev,
    first: &Location,
    locations: &[Location],
) -> std::fmt::Result {
    let program = terminal::program();
    let base = format!("http://{}", first.address);
    let account = format!("{:032x}", dev.account.0);
    let far = locations.last().unwrap_or(first);
    writeln!(page, "\nPaste these in another terminal.\n\nThe command line:")?;
    for line in environment(dev, &base) {
        writeln!(page, "  {line}")?;
    }
    writeln!(page, "  NS=$({program} kv namespace create demo --if-absent)")?;
    writeln!(page, "  {program} kv put greeting 'hello, coast' --namespace demo")?;
    writeln!(page, "  {program} kv get greeting --namespace demo")?;
    writeln!(page, "  {program} trace greeting --namespace demo --at {}", far.name)?;
    writeln!(page, "\ncurl, with $NS from above:")?;
    let value = format!("{base}/client/v4/accounts/{account}/storage/kv/namespaces/$NS/values/k");
    let authorization = format!("-H 'Authorization: Bearer {}'", dev.token);
    writeln!(page, "  curl -X PUT {value} {authorization} --data-binary 'v'")?;
    writeln!(page, "  curl -i {value} {authorization}")?;
    writeln!(page, "\nwrangler (--remote: without it wrangler stays on its own disk):")?;
    writeln!(page, "  export CLOUDFLARE_API_BASE_URL={base}/client/v4")?;
    writeln!(page, "  export CLOUDFLARE_API_TOKEN={}", dev.token)?;
    writeln!(page, "  export CLOUDFLARE_ACCOUNT_ID={account}")?;
    writeln!(page, "  npx wrangler kv key put k v --namespace-id $NS --remote")?;
    writeln!(page, "\nThe cloudflare SDKs of npm and PyPI:")?;
    writeln!(page, "  export CLOUDFLARE_BASE_URL={base}/client/v4")?;
    writeln!(page, "  export CLOUDFLARE_API_TOKEN={}", dev.token)?;
    writeln!(page, "\nA Worker's KV binding: point workerd at {} with the header", first.address)?;
    writeln!(page, "  Littoral-Namespace: $NS")?;
    writeln!(page, "\nMetrics at {base}/metrics · locations at {base}/dev/locations · stop: ctrl-c")
}

/// What the client commands must be told, where it differs from what they assume.
fn environment(dev: &Dev, base: &str) -> Vec<String> {
    use crate::args::{DEV_ACCOUNT, DEV_TOKEN, DEV_URL};
    let account = format!("{:032x}", dev.account.0);
    [
        ("LITTORAL_URL", base, DEV_URL),
        ("LITTORAL_TOKEN", &dev.token, DEV_TOKEN),
        ("LITTORAL_ACCOUNT", &account, DEV_ACCOUNT),
    ]
    .into_iter()
    .filter(|(_, value, assumed)| value != assumed)
    .map(|(name, value, _)| format!("export {name}={}", quoted(value)))
    .collect()
}

/// Safe to paste in a shell.
fn quoted(text: &str) -> String {
    if text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./:".contains(&b)) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Args, Command};

    fn page(line: &str) -> String {
        let words = ["littoral", "dev"].into_iter().chain(line.split_whitespace());
        let Command::Dev(dev) = Args::parse_from(words).command else { panic!("not dev") };
        let location = |name: &str, region: &str, port| Location {
            name: name.into(),
            region: region.into(),
            address: ([127, 0, 0, 1], port).into(),
            zones: Some(([127, 0, 0, 1], port + 100).into()),
        };
        render(&dev, &[location("ams", "europe", 8787), location("iad", "america", 8788)])
    }

    #[test]
    fn the_page_says_what_runs_where_and_with_which_defaults() {
        let page = page("");
        for part in [
            "2 locations in 2 regions",
            "ams       europe   http://127.0.0.1:8787  http://127.0.0.1:8887",
            "iad       america  http://127.0.0.1:8788  http://127.0.0.1:8888",
            "account  0123456789abcdef0123456789abcdef",
            "token    dev-token",
            "export CLOUDFLARE_API_BASE_URL=http://127.0.0.1:8787/client/v4",
            "trace greeting --namespace demo --at iad",
        ] {
            assert!(page.contains(part), "{part} is not in\n{page}");
        }
        assert!(!page.contains("export LITTORAL_"), "{page}");
    }

    #[test]
    fn commands_are_told_what_they_would_not_assume() {
        let page = page("--token it's");
        assert!(page.contains(r"export LITTORAL_TOKEN='it'\''s'"), "{page}");
    }
}
