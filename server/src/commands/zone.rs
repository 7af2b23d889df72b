//! `littoral zone`: versions of what hosts answer.

mod diff;
mod explain;
mod invalid;

use std::path::{Path, PathBuf};

use http::Method;
use http_body_util::BodyExt as _;
use littoral_zones::config::Config;
use miette::{IntoDiagnostic as _, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::{PurgeZone, Remote, Which, ZoneCommand};
use crate::client::{Call, Client, Error, encode, percent};
use crate::failure::Failure;
use crate::terminal;

/// A version, as the API shows it.
#[derive(Debug, Deserialize)]
struct Version {
    #[serde(default)]
    name: String,
    version: u32,
    at_ms: u64,
    #[serde(default)]
    note: String,
    of: Option<u32>,
}

pub async fn run(command: ZoneCommand) -> Result<()> {
    match command {
        ZoneCommand::Apply { file, note, remote } => apply(&file, &note, &remote).await,
        ZoneCommand::Diff { file, remote } => {
            let (text, config) = read(&file)?;
            let client = Client::new(&remote)?;
            let (version, before) = current(&client, &config.name).await?;
            show_changes(&config.name, version, &before, &text)
        }
        ZoneCommand::History { which, json, remote } => history(&which, json, &remote).await,
        ZoneCommand::Rollback { to, which, note, remote } => {
            let client = Client::new(&remote)?;
            let name = named(&client, &which).await?;
            let call = Call::new(Method::POST, path(&client, &name, "/rollback"));
            let call = call.json(&json!({ "version": to, "note": note }));
            let now: Version = client.result(call).await?;
            Ok(terminal::say(&format!("{name} is at version {}: what {to} was", now.version))?)
        }
        ZoneCommand::Show { which, of, remote } => {
            let client = Client::new(&remote)?;
            let name = named(&client, &which).await?;
            let rest = of.map(|version| format!("/versions/{version}")).unwrap_or_default();
            let text = text(&client, &path(&client, &name, &rest)).await?;
            Ok(terminal::write(text.as_bytes())?)
        }
        ZoneCommand::List { remote } => {
            let client = Client::new(&remote)?;
            for zone in all(&client).await? {
                terminal::say(&format!("{}\tversion {}", zone.name, zone.version))?;
            }
            Ok(())
        }
        ZoneCommand::Delete { name, remote } => {
            let client = Client::new(&remote)?;
            let call = Call::new(Method::DELETE, path(&client, &name, ""));
            let _: Value = client.result(call).await?;
            Ok(terminal::say(&format!("deleted {name}"))?)
        }
        ZoneCommand::Purge(options) => purge(options).await,
        ZoneCommand::Explain(options) => explain::run(options).await,
    }
}

fn path(client: &Client, name: &str, rest: &str) -> String {
    client.account_path(&format!("/zones/{}{rest}", percent(name)))
}

async fn apply(file: &Path, note: &str, remote: &Remote) -> Result<()> {
    let (text, config) = read(file)?;
    let client = Client::new(remote)?;
    let name = &config.name;
    let (version, before) = current(&client, name).await?;
    show_changes(name, version, &before, &text)?;
    let after = encode([("after", Some(version.to_string())), ("note", Some(note.to_owned()))]);
    let call = Call::new(Method::PUT, path(&client, name, &after)).body(text);
    let now: Version = client.result(call).await?;
    let said = match now.version == version {
        true => format!("{name} stays at version {version}"),
        false => format!("{name} is at version {}", now.version),
    };
    Ok(terminal::say(&said)?)
}

fn read(file: &Path) -> Result<(String, Config)> {
    let text = std::fs::read_to_string(file).map_err(|source| {
        let what = format!("cannot read {}", file.display());
        let next = "docs/guide/zones.md has a zone.toml to begin with";
        Failure::new("littoral::zone_unreadable", what, next).because(source)
    })?;
    match Config::parse(&text) {
        Ok(config) => Ok((text, config)),
        Err(problems) => Err(invalid::Invalid::new(file, text, problems).into()),
    }
}

/// The version that counts, and its text; 0 and nothing, if there is no such zone.
async fn current(client: &Client, name: &str) -> Result<(u32, String)> {
    let answer = match client.send(Call::get(path(client, name, ""))).await {
        Ok(answer) => answer,
        Err(Error::Refused { code: littoral_zones::code::UNKNOWN_ZONE, .. }) => {
            return Ok((0, String::new()));
        }
        Err(error) => return Err(error.into()),
    };
    let tag = answer.headers().get(http::header::ETAG).and_then(|tag| tag.to_str().ok());
    let version = tag.and_then(|tag| tag.trim_matches('"').parse().ok()).unwrap_or(0);
    let body = answer.into_body().collect().await.into_diagnostic()?.to_bytes();
    Ok((version, String::from_utf8_lossy(&body).into_owned()))
}

async fn text(client: &Client, target: &str) -> Result<String> {
    let answer = client.send(Call::get(target)).await?;
    let body = answer.into_body().collect().await.into_diagnostic()?.to_bytes();
    Ok(String::from_utf8_lossy(&body).into_owned())
}

fn show_changes(name: &str, version: u32, before: &str, after: &str) -> Result<()> {
    if version > 0 && before == after {
        return Ok(terminal::say(&format!("{name}: nothing differs from version {version}"))?);
    }
    let head = match version {
        0 => format!("{name} is new"),
        version => format!("{name}, against version {version}:"),
    };
    terminal::say(&head)?;
    for line in diff::lines(before, after) {
        terminal::say(&line)?;
    }
    Ok(())
}

async fn all(client: &Client) -> Result<Vec<Version>> {
    Ok(client.result(Call::get(client.account_path("/zones"))).await?)
}

/// The zone that is meant.
async fn named(client: &Client, which: &Which) -> Result<String> {
    if let Some(name) = &which.zone {
        return Ok(name.clone());
    }
    let here = PathBuf::from("zone.toml");
    if here.exists() {
        return Ok(read(&here)?.1.name);
    }
    let mut zones = all(client).await?;
    match zones.len() {
        1 => Ok(zones.remove(0).name),
        count => {
            let what = format!("there are {count} zones, and none is named");
            let next = "say which with --zone; `littoral zone list` shows them";
            Err(Failure::new("littoral::which_zone", what, next).into())
        }
    }
}

async fn purge(options: PurgeZone) -> Result<()> {
    let PurgeZone { urls, tags, prefixes, hosts, everything, soft, which, remote } = options;
    let named = urls.len() + tags.len() + prefixes.len() + hosts.len();
    if named == 0 && !everything {
        let next = "name URLs, --tag, --prefix or --host, or say --everything";
        return Err(Failure::new("littoral::purge", "nothing is named", next).into());
    }
    let client = Client::new(&remote)?;
    let name = self::named(&client, &which).await?;
    let path = format!("/client/v4/zones/{}/purge_cache", percent(&name));
    let call = Call::new(Method::POST, path).json(&json!({
        "files": urls, "tags": tags, "prefixes": prefixes, "hosts": hosts,
        "purge_everything": everything, "soft": soft,
    }));
    let _: Value = client.result(call).await?;
    let what = if everything { "everything".to_owned() } else { format!("{named} named") };
    let how = if soft { "made stale" } else { "purged" };
    Ok(terminal::say(&format!("{how} in {name}: {what}"))?)
}

async fn history(which: &Which, as_json: bool, remote: &Remote) -> Result<()> {
    let client = Client::new(remote)?;
    let name = named(&client, which).await?;
    let target = path(&client, &name, "/versions");
    if as_json {
        let versions: Vec<Value> = client.result(Call::get(target)).await?;
        return Ok(versions.iter().try_for_each(|one| terminal::say(&one.to_string()))?);
    }
    let versions: Vec<Version> = client.result(Call::get(target)).await?;
    for (at, one) in versions.iter().enumerate() {
        let counts = if at == 0 { "  counts" } else { "" };
        let of = one.of.map(|of| format!("  back to {of}")).unwrap_or_default();
        let note = if one.note.is_empty() { String::new() } else { format!("  {}", one.note) };
        let at = utc(one.at_ms);
        terminal::say(&format!("{:>4}  {at}{counts}{of}{note}", one.version))?;
    }
    Ok(())
}

/// `2026-01-31 23:59:59Z` (after Howard Hinnant's days-to-civil).
fn utc(ms: u64) -> String {
    let seconds = ms / 1_000;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = year + era * 400 + next;
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_as_a_calendar_does() {
        assert_eq!(utc(0), "1970-01-01 00:00:00Z");
        assert_eq!(utc(951_827_696_000), "2000-02-29 12:34:56Z");
        assert_eq!(utc(1_798_761_599_000), "2026-12-31 23:59:59Z");
    }
}
