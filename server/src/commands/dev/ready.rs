//! The file that says: all locations answer.

use std::io::{ErrorKind, Write as _};
use std::path::Path;

use miette::Result;
use serde::Serialize;

use crate::failure::Failure;
use crate::files;
use crate::network::Location;

#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    region: &'a str,
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    zones: Option<String>,
}

/// Appears whole or not at all, for whoever waits for it reads it at once.
pub fn write(file: &Path, locations: &[Location]) -> Result<()> {
    let entries: Vec<_> = locations.iter().map(entry).collect();
    let text = serde_json::to_vec(&entries).expect("names and addresses are JSON");
    write_whole(file, &text).map_err(|source| cannot(file, source).into())
}

/// What an earlier network left there does not speak for this one.
pub fn clear(file: &Path) -> Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(cannot(file, error).into()),
        _ => Ok(()),
    }
}

fn cannot(file: &Path, source: std::io::Error) -> Failure {
    let what = format!("cannot write {}", file.display());
    let next = "choose a writable place with --ready-file";
    Failure::new("littoral::ready_file", what, next).because(source)
}

fn entry(location: &Location) -> Entry<'_> {
    Entry {
        name: &location.name,
        region: &location.region,
        address: location.address.to_string(),
        zones: location.zones.map(|zones| zones.to_string()),
    }
}

fn write_whole(file: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut draft = files::draft(file)?;
    draft.write_all(text)?;
    files::publish(draft, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_lists_locations_as_the_door_does() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("ready.json");
        let location = Location {
            name: "ams".into(),
            region: "eu".into(),
            address: "127.0.0.1:8787".parse().expect("an address"),
            zones: None,
        };
        write(&file, &[location]).expect("written");
        let text = std::fs::read_to_string(&file).expect("there");
        assert_eq!(text, r#"[{"name":"ams","region":"eu","address":"127.0.0.1:8787"}]"#);
        clear(&file).expect("removed");
        clear(&file).expect("nothing to remove");
        assert!(!file.exists());
        assert!(write(&folder.path().join("no/ready.json"), &[]).is_err());
    }
}
