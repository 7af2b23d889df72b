//! `kill -9` at random moments under load: no acknowledged write lost, none torn, no delete undone.
//!
//! `cargo xtask kill --rounds N` runs more rounds of the same.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use littoral_tests::{Chance, Dev, Namespace, Options, Told, Writer, until, wall_ms};

const ROUNDS: u64 = 12;
const LOCATIONS: u16 = 5;
const WRITERS_PER_LOCATION: usize = 2;
/// At most so many writes are acknowledged before a kill.
const WRITES_MAX: u64 = 400;
const PATIENCE: Duration = Duration::from_secs(60);

fn start(data_dir: &Path) -> Dev {
    let more = ["--trips", "0"].map(str::to_owned).to_vec();
    let data_dir = Some(data_dir.to_path_buf());
    Dev::with(Options { locations: Some(LOCATIONS), data_dir, more, ..Options::default() })
}

fn setting(name: &str) -> Option<u64> {
    std::env::var_os(name)?.to_str()?.parse().ok()
}

/// Writes at every location until the process is killed; what was told.
fn round(dev: &mut Dev, namespace: &Namespace, chance: &mut Chance, numbers: &AtomicU64) -> Told {
    let done = AtomicU64::new(0);
    let writes = chance.below(WRITES_MAX);
    let addresses: Vec<_> = dev.locations().iter().map(|one| one.address).collect();
    std::thread::scope(|scope| {
        let start = |at| Writer {
            namespace: namespace.clone(),
            at,
            chance: Chance::new(chance.number()),
            numbers,
            done: &done,
        };
        let many = addresses.iter().flat_map(|&at| [at; WRITERS_PER_LOCATION]);
        let writers: Vec<_> = many.map(start).collect();
        let writers: Vec<_> = writers
            .into_iter()
            .map(|writer| scope.spawn(move || writer.write_until_cut()))
            .collect();
        until("enough is written", PATIENCE, || {
            (done.load(Ordering::Relaxed) >= writes).then_some(())
        });
        dev.kill();
        let mut told = Told::default();
        for writer in writers {
            told.merge(writer.join().expect("a writer ends"));
        }
        told
    })
}

/// Every complaint about what is found, at any location.
fn complaints(dev: &Dev, namespace: &Namespace, told: &Told) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut live = BTreeSet::new();
    for (n, key) in told.keys().enumerate() {
        let locations = dev.locations();
        let plain = namespace.at(locations[n % locations.len()].address);
        let answer = plain.send(&plain.value("GET", key));
        if answer.status == 200 {
            live.insert(key.to_owned());
        }
        complaints.extend(told.complaint(key, &answer));
        if let Some(newest) = told.newest(key) {
            let other = namespace.at(locations[(n + 1) % locations.len()].address);
            let shown = other.value("GET", key).header("Littoral-Min-Version", newest);
            complaints.extend(told.complaint(key, &other.send(&shown)));
        }
    }
    // A write that was cut off may be in one store only, until it was read.
    until("lists and reads agree", PATIENCE, || {
        let listed: BTreeSet<String> = namespace.names("").into_iter().collect();
        let differ: Vec<_> = listed.symmetric_difference(&live).cloned().collect();
        for key in &differ {
            match namespace.get(key) {
                Some(_) => live.insert(key.clone()),
                None => live.remove(key),
            };
        }
        differ.is_empty().then_some(())
    });
    complaints
}

#[test]
fn no_acknowledged_write_is_lost_torn_or_undone_by_kills_at_random_moments() {
    let rounds = setting("LITTORAL_KILL_ROUNDS").unwrap_or(ROUNDS);
    let now = u64::try_from(wall_ms()).unwrap_or_default();
    let seed = setting("LITTORAL_KILL_SEED").unwrap_or(now);
    println!("seed {seed}, {rounds} rounds");
    let folder = tempfile::tempdir().expect("a folder");
    let (mut chance, numbers) = (Chance::new(seed), AtomicU64::new(0));
    let mut dev = start(folder.path());
    let id = dev.namespace("survivors").id;
    let mut told = Told::default();
    for n in 1..=rounds {
        let namespace = dev.existing(&id);
        told.merge(round(&mut dev, &namespace, &mut chance, &numbers));
        dev = start(folder.path());
        let namespace = dev.existing(&id);
        let complaints = complaints(&dev, &namespace, &told);
        let acknowledged = told.acknowledged();
        assert!(
            complaints.is_empty(),
            "round {n} of seed {seed}, after {acknowledged} acknowledged writes:\n  {}",
            complaints.join("\n  ")
        );
        println!("round {n}: {acknowledged} acknowledged writes, all there");
    }
}
