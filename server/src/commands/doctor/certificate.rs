//! The node's certificate, its key, and whether they make it a node of the places.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use littoral_clock::Clock;
use littoral_link::{Certificates, Files, Identity, inspect_file};

use super::report::Report;
use crate::config::Config;
use crate::network::Place;

/// A certificate with less than this left is to be replaced.
const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// Bits of a mode that let others than the owner read.
const OTHERS: u32 = 0o077;

/// This node among others.
pub(super) struct Own {
    pub(super) identity: Identity,
    pub(super) certificates: Arc<Certificates>,
}

pub(super) fn look(
    config: &Config,
    places: &[Place],
    clock: &Clock,
    report: &mut Report,
) -> Option<Own> {
    let files = Files::within(&config.node.as_ref()?.certificates);
    secret("key-open", &files.key, report);
    let certificates = match Certificates::load(files.clone(), clock.clone()) {
        Ok(certificates) => certificates,
        Err(error) => {
            report.error(
                "certificate",
                format!("the certificate is of no use: {error}"),
                "without it no other node answers this one, and it does not start",
                format!(
                    "littoral ca issue AUTHORITY littoral://NETWORK/REGION/LOCATION/NODE --out {}",
                    config.node.as_ref()?.certificates.display()
                ),
            );
            return None;
        }
    };
    let identity = certificates.identity();
    validity(&certificates, clock, report);
    authorities(&files.trusted, clock, report);
    member(&identity, places, report);
    Some(Own { identity, certificates })
}

/// A file that only its owner may read.
pub(super) fn secret(check: &'static str, file: &Path, report: &mut Report) {
    let Ok(meta) = std::fs::metadata(file) else { return };
    let mode = meta.permissions().mode() & 0o777;
    if mode & OTHERS == 0 {
        report.well(format!("{} is for its owner only", file.display()));
        return;
    }
    report.error(
        check,
        format!("{} can be read by others: mode {mode:03o}", file.display()),
        "whoever reads it can act as this node",
        format!("chmod 600 {}", file.display()),
    );
}

fn validity(certificates: &Certificates, clock: &Clock, report: &mut Report) {
    let (shown, now) = (certificates.inspected(), clock.wall());
    let identity = certificates.identity();
    let again = format!(
        "littoral ca issue AUTHORITY {identity} --out {}, then SIGHUP to the node",
        certificates.files().certificate.parent().unwrap_or(Path::new(".")).display()
    );
    let left = shown.left(now);
    if now < shown.not_before {
        report.error(
            "certificate-early",
            format!("the certificate of {identity} does not hold yet"),
            "other nodes refuse it",
            "is this machine's clock behind? otherwise wait",
        );
    } else if left.is_zero() {
        let why = "other nodes refuse it: this one serves what it holds, and nothing else";
        report.error(
            "certificate-expired",
            format!("the certificate of {identity} has expired"),
            why,
            again,
        );
    } else if left < SOON {
        let what = format!("the certificate of {identity} expires in {}", days(left));
        report.warning("certificate-soon", what, "from then on other nodes refuse this one", again);
    } else {
        report.well(format!("the certificate of {identity} holds {} more", days(left)));
    }
}

fn authorities(file: &Path, clock: &Clock, report: &mut Report) {
    let Ok(list) = inspect_file(file) else { return };
    let longest = list.iter().map(|shown| shown.left(clock.wall())).max().unwrap_or_default();
    if longest < SOON {
        report.error(
            "authority-soon",
            format!("the network's authority expires in {}", days(longest)),
            "every certificate ends with it",
            "littoral ca prepare, promote and retire: `littoral ca --help` says how",
        );
    }
}

fn member(identity: &Identity, places: &[Place], report: &mut Report) {
    let place = places.iter().find(|place| place.name == identity.location);
    let why = "the node does not start: its certificate says where it is";
    let next = "issue a certificate for a listed node, or list this one under [[locations]]";
    match place {
        None => {
            let what =
                format!("no location is called {}, as the certificate says", identity.location);
            report.error("not-a-member", what, why, next);
        }
        Some(place) if place.region != identity.region => {
            let what = format!(
                "{} lies in {}, and the certificate says {}",
                place.name, place.region, identity.region
            );
            report.error("not-a-member", what, why, next);
        }
        Some(place) if place.nodes.iter().all(|(name, _)| *name != identity.node) => {
            let what = format!("{} lists no node called {}", place.name, identity.node);
            report.error("not-a-member", what, why, next);
        }
        Some(_) => report.well(format!("{identity} is a node of the places")),
    }
}

fn days(time: Duration) -> String {
    match time.as_secs() / 86_400 {
        0 => format!("{} hours", time.as_secs() / 3_600),
        1 => "1 day".into(),
        days => format!("{days} days"),
    }
}

#[cfg(test)]
mod tests {
    use littoral_link::ca::Folder;

    use super::*;
    use crate::commands::ca;
    use crate::config::Member;

    /// What is found with a certificate for `named` that holds for `days`.
    fn found(named: &str, days: u32, spoil: impl Fn(&Files)) -> Vec<&'static str> {
        let home = tempfile::tempdir().expect("a folder");
        let clock = Clock::system();
        let authority = Folder::new(home.path().join("authority"));
        authority.create("test", clock.wall()).expect("made");
        let out = home.path().join("certificates");
        ca::issue(&authority, &named.parse().expect("sound"), &out, days).expect("issued");
        spoil(&Files::within(&out));
        let member = Member { listen: None, certificates: out };
        let config = Config { node: Some(member), ..Config::default() };
        let address = "127.0.0.1:1".parse().expect("sound");
        let places = [Place {
            name: "lhr".into(),
            region: "europe".into(),
            weight: 1.0,
            listen: None,
            nodes: vec![("lhr-1".into(), address)],
        }];
        let mut report = Report::default();
        look(&config, &places, &clock, &mut report);
        report.checks()
    }

    const OWN: &str = "littoral://test/europe/lhr/lhr-1";

    #[test]
    fn a_good_certificate_is_well() {
        assert_eq!(found(OWN, 90, |_| {}), Vec::<&str>::new());
    }

    #[test]
    fn one_that_ends_soon_is_told() {
        assert_eq!(found(OWN, 7, |_| {}), ["certificate-soon"]);
    }

    #[test]
    fn one_of_another_place_is_told() {
        for other in ["europe/ams/lhr-1", "asia/lhr/lhr-1", "europe/lhr/lhr-2"] {
            assert_eq!(found(&format!("littoral://test/{other}"), 90, |_| {}), ["not-a-member"]);
        }
    }

    #[test]
    fn a_key_that_others_read_is_told_and_a_missing_file_too() {
        let open = |files: &Files| {
            let open = std::fs::Permissions::from_mode(0o644);
            std::fs::set_permissions(&files.key, open).expect("set");
        };
        assert_eq!(found(OWN, 90, open), ["key-open"]);
        let lost = |files: &Files| std::fs::remove_file(&files.trusted).expect("removed");
        assert_eq!(found(OWN, 90, lost), ["certificate"]);
    }
}
