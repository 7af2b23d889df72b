//! `littoral ca`: the certificates by which nodes know each other.

use std::fs;
use std::path::Path;

use littoral_clock::Clock;
use littoral_link::ca::{Error, Folder};
use littoral_link::{Files, Identity, inspect_file};
use miette::Result;

use crate::args::CaCommand;
use crate::failure::Failure;
use crate::terminal;

pub fn run(command: CaCommand) -> Result<()> {
    let now = Clock::system().wall();
    match command {
        CaCommand::Init { dir, network } => {
            Folder::new(&dir).create(&network, now).map_err(failed)?;
            terminal::note(&format!("network {network} has an authority in {}", dir.display()));
            terminal::note(
                "its key belongs on no node; make each a certificate: littoral ca issue",
            );
        }
        CaCommand::Issue { dir, identity, out, days } => {
            issue(&Folder::new(&dir), &identity, &out, days)?;
            terminal::note(&format!("{identity}: {} (holds {days} days)", out.display()));
        }
        CaCommand::Prepare { dir } => {
            Folder::new(&dir).prepare(now).map_err(failed)?;
            terminal::note(
                "copy trusted.pem to every node and reload it, then: littoral ca promote",
            );
        }
        CaCommand::Promote { dir } => {
            Folder::new(&dir).promote().map_err(failed)?;
            terminal::note(
                "issue every node a new certificate and reload it, then: littoral ca retire",
            );
        }
        CaCommand::Retire { dir } => {
            Folder::new(&dir).retire().map_err(failed)?;
            terminal::note("copy trusted.pem to every node and reload it");
        }
        CaCommand::Show { file } => return show(&file),
    }
    Ok(())
}

/// A node's folder: its key, its certificate, and whom it trusts.
pub fn issue(authority: &Folder, identity: &Identity, out: &Path, days: u32) -> Result<()> {
    let now = Clock::system().wall();
    let issued = authority.authority().and_then(|ca| ca.issue(identity, days, now));
    let issued = issued.map_err(failed)?;
    let io = |source| {
        Failure::new(
            "littoral::ca",
            format!("cannot write {}", out.display()),
            "choose another folder",
        )
        .because(source)
    };
    fs::create_dir_all(out).map_err(io)?;
    let files = Files::within(out);
    issued.save(&files.certificate, &files.key).map_err(failed)?;
    fs::copy(authority.trusted(), &files.trusted).map_err(io)?;
    Ok(())
}

fn show(file: &Path) -> Result<()> {
    let unreadable = |error: littoral_link::ReadError| {
        let what = format!("{} holds no certificate", file.display());
        Failure::new("littoral::ca", what, "name a file in PEM, as `littoral ca issue` writes it")
            .because(error)
    };
    for shown in inspect_file(file).map_err(unreadable)? {
        let whom = shown.identity.map_or(shown.subject, |identity| identity.to_string());
        let (from, until) = (date(shown.not_before.seconds()), date(shown.not_after.seconds()));
        terminal::say(&format!("{whom}  from {from} until {until}"))?;
    }
    Ok(())
}

/// The day of a time in UTC, by the civil calendar (H. Hinnant, "chrono-compatible low-level date
/// algorithms").
fn date(seconds: u64) -> String {
    let days = seconds / 86_400 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

fn failed(error: Error) -> miette::Report {
    let next = match &error {
        Error::Exists(_) => "choose another folder, or go on with the authority that is there",
        Error::NoNext(_) => "littoral ca prepare",
        _ => "`littoral ca --help` says what goes where",
    };
    Failure::new("littoral::ca", error.to_string(), next).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        let shown = [0, 951_782_400, 1_709_164_800, 1_795_478_400].map(date);
        assert_eq!(shown, ["1970-01-01", "2000-02-29", "2024-02-29", "2026-11-24"]);
    }

    #[test]
    fn a_node_gets_what_it_needs_and_its_certificate_says_whom_it_names() {
        let home = tempfile::tempdir().expect("a folder");
        let dir = home.path().join("ca");
        run(CaCommand::Init { dir: dir.clone(), network: "test".into() }).expect("made");
        let again = run(CaCommand::Init { dir: dir.clone(), network: "test".into() });
        assert!(again.is_err(), "an authority is not overwritten");
        let out = home.path().join("node");
        let identity: Identity = "littoral://test/europe/lhr/lhr-1".parse().expect("sound");
        issue(&Folder::new(&dir), &identity, &out, 7).expect("issued");
        let files = Files::within(&out);
        let shown = inspect_file(&files.certificate).expect("read");
        assert_eq!(shown[0].identity, Some(identity));
        assert!(files.trusted.exists() && files.key.exists());
        let foreign = "littoral://other/europe/lhr/lhr-1".parse().expect("sound");
        assert!(issue(&Folder::new(&dir), &foreign, &out, 7).is_err());
    }
}
